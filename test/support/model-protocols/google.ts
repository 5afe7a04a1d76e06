/** Google's `generateContent` and `streamGenerateContent`, https://ai.google.dev/api/generate-content. */
import {
  type Asked,
  type Body,
  event,
  type FaultName,
  type HttpReply,
  json,
  type PastCall,
  type Protocol,
  parts,
  plainText,
  type Said,
  sse,
  type ToolResult,
} from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, name: string, message: string]> = {
  auth: [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'],
  unauthenticated: [401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  forbidden: [403, 'PERMISSION_DENIED', 'The caller does not have permission.'],
  credit: [402, 'FAILED_PRECONDITION', 'Billing is not enabled.'],
  quota: [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'],
  rate_limit: [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current rate limit.'],
  server_error: [500, 'INTERNAL', 'An internal error has occurred.'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded.'],
  unavailable: [503, 'UNAVAILABLE', 'The service is currently unavailable.'],
  context_too_long: [400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'],
  refused: [400, 'INVALID_ARGUMENT', 'The input token count exceeds the maximum.'],
};

const TYPE = 'type.googleapis.com/google.rpc.';
/** What tells "nothing left today" from "a moment". */
const PER_DAY = {
  '@type': `${TYPE}QuotaFailure`,
  violations: [
    {
      quotaMetric: 'generativelanguage.googleapis.com/generate_content_free_tier_requests',
      quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
      quotaValue: '250',
    },
  ],
};

const ENDS = { complete: 'STOP', cut: 'MAX_TOKENS', refused: 'SAFETY' } as const;

export const google: Protocol = {
  name: 'google',
  owns: (path) => /:(?:g|streamG)enerateContent$/.test(path),
  read: (body, url) => {
    const all: Body[] = body.contents.flatMap((content: Body) => content.parts ?? []);
    const calls = all.filter((part) => part.functionCall).map(({ functionCall }, index) => toCall(functionCall, index));
    return {
      protocol: 'google',
      model: /models\/([^:]+):/.exec(url.pathname)?.[1] ?? '',
      system: plainText(body.systemInstruction?.parts),
      turns: body.contents.map((content: Body) => ({
        role: content.role === 'model' ? 'assistant' : 'user',
        text: (content.parts ?? [])
          .map((part: Body) => (part.functionResponse ? resultText(part.functionResponse) : (part.text ?? '')))
          .join(''),
      })),
      maxOutputTokens: body.generationConfig?.maxOutputTokens,
      stream: url.pathname.endsWith(':streamGenerateContent'),
      wantsJson: /json/.test(body.generationConfig?.responseMimeType ?? ''),
      tools: (body.tools ?? []).flatMap(({ functionDeclarations }: Body) => (functionDeclarations ?? []).map(({ name }: Body) => name)),
      calls,
      results: toResults(
        all.flatMap(({ functionResponse }) => functionResponse ?? []),
        calls,
      ),
    };
  },
  say: (asked, said) => (asked.stream ? sse(stream(asked, said)) : json(toAnswer(asked, said, partsOf(said)))),
  fail: (fault) => {
    const [code, status, message] = FAULTS[fault];
    return { status: code, body: { error: { code, status, message, details: fault === 'quota' ? [PER_DAY] : [] } } };
  },
  failInStream: (fault) => event(google.fail(fault).body),
  complain: (message) => ({ status: 400, body: { error: { code: 400, status: 'INVALID_ARGUMENT', message, details: [] } } }),
  wait: (reply: HttpReply, seconds) => {
    const { error } = reply.body as { error: { details: unknown[] } };
    const details = [...error.details, { '@type': `${TYPE}RetryInfo`, retryDelay: `${seconds}s` }];
    return { ...reply, body: { error: { ...error, details } } };
  },
};

/** Ids are optional here; without them calls and results go together by their order. */
function toCall({ id, name, args }: Body, index: number): PastCall {
  return { id: id ?? `call-${index}`, name, input: args ?? {} };
}

function toResults(found: readonly Body[], calls: readonly PastCall[]): ToolResult[] {
  const open = [...calls];
  return found.map(({ id, name, response }) => {
    const at = open.findIndex((call) => (id === undefined ? call.name === name : call.id === id));
    const [call] = at < 0 ? [] : open.splice(at, 1);
    return { id: call?.id ?? '', name, text: resultText({ response }), failed: response?.error !== undefined };
  });
}

function resultText({ response }: Body): string {
  const said = response?.output ?? response?.error ?? response;
  return typeof said === 'string' ? said : JSON.stringify(said ?? '');
}

function partsOf({ text, calls, end }: Said): Body[] {
  if (end === 'refused') return [];
  const said = text === '' && calls.length > 0 ? [] : [{ text }];
  return [...said, ...calls.map(({ name, input }) => ({ functionCall: { name, args: input } }))];
}

function toAnswer(asked: Asked, said: Said, content: Body[], last = true) {
  const promptTokenCount = said.inputTokens + said.cacheRead + said.cacheWrite;
  return {
    candidates: [
      {
        index: 0,
        ...(last && { finishReason: ENDS[said.end] }),
        ...((content.length > 0 || said.end !== 'refused') && { content: { role: 'model', parts: content } }),
      },
    ],
    usageMetadata: {
      promptTokenCount,
      candidatesTokenCount: said.outputTokens,
      totalTokenCount: promptTokenCount + said.outputTokens,
      ...(said.cacheRead > 0 && { cachedContentTokenCount: said.cacheRead }),
    },
    modelVersion: asked.model,
    responseId: `r${asked.number}`,
  };
}

/** Text comes in parts; a call comes whole. The last piece says why it ended. */
function stream(asked: Asked, said: Said): string[] {
  const pieces = partsOf(said).flatMap((part) => (part.text ? parts(part.text).map((text) => [{ text }]) : [[part]]));
  const all = pieces.length > 0 ? pieces : [[]];
  return all.map((content, index) => event(toAnswer(asked, said, content, index === all.length - 1)));
}
