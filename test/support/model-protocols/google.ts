/** Google's `generateContent`, https://ai.google.dev/api/generate-content. */
import type { FaultName, Protocol } from './protocol.ts';

const FAULTS: Record<FaultName, [status: number, name: string, message: string]> = {
  auth: [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'],
  credit: [402, 'FAILED_PRECONDITION', 'Billing is not enabled.'],
  rate_limit: [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current rate limit.'],
  server_error: [500, 'INTERNAL', 'An internal error has occurred.'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded.'],
  refused: [400, 'INVALID_ARGUMENT', 'The input token count exceeds the maximum.'],
};

const ENDS = { complete: 'STOP', cut: 'MAX_TOKENS', refused: 'SAFETY' } as const;

type Parts = { role?: string; parts: { text: string }[] };
const textOf = ({ parts }: Parts) => parts.map((part) => part.text).join('');

export const google: Protocol = {
  name: 'google',
  owns: (path) => path.endsWith(':generateContent'),
  read: (body, path, headers) => ({
    protocol: 'google',
    model: /models\/([^:]+):/.exec(path)?.[1] ?? '',
    key: String(headers['x-goog-api-key'] ?? ''),
    system: textOf(body.systemInstruction),
    turns: body.contents.map((content: Parts) => ({ role: content.role === 'model' ? 'assistant' : 'user', text: textOf(content) })),
    maxOutputTokens: body.generationConfig.maxOutputTokens,
  }),
  say: (model, { text, end, inputTokens, outputTokens }) => ({
    candidates: [{ index: 0, finishReason: ENDS[end], ...(end !== 'refused' && { content: { role: 'model', parts: [{ text }] } }) }],
    usageMetadata: { promptTokenCount: inputTokens, candidatesTokenCount: outputTokens, totalTokenCount: inputTokens + outputTokens },
    modelVersion: model,
    responseId: 'r1',
  }),
  fail: (fault, retryAfter) => {
    const [code, status, message] = FAULTS[fault];
    const details = retryAfter === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfter}s` }];
    return { status: code, body: { error: { code, status, message, details } }, headers: {} };
  },
};
