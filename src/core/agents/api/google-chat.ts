/** Models of Google with tools, over streamed `generateContent`. */
import {
  type Content,
  type EnhancedGenerateContentResponse,
  type FunctionDeclaration,
  GoogleGenerativeAI,
  type Part,
} from '@google/generative-ai';
import { errorInStream, type FailedAnswer } from '../../gateway/classify.ts';
import { foldUsage } from '../../gateway/usage.ts';
import { endOfGoogle, explainGoogle } from '../../models/google.ts';
import type { TokenUsage } from '../report.ts';
import { type ChatAccess, type ChatAnswer, type ChatModel, type ChatRequest, type ToolForm, TornAnswer, toToolName } from './chat-model.ts';
import type { ToolCall, Turn } from './conversation.ts';

/** Newer than the SDK: a signature that must come back with its call, and parts that are thought only. */
type AnyPart = Part & { thoughtSignature?: string; thought?: boolean };
/** Signatures, by the id of the call. */
type Kept = Record<string, string>;

/** An error that came as an event of a stream which began well. */
class ErrorEvent extends Error {
  override readonly name = 'ErrorEvent';
  readonly found: { error: unknown; status?: number };
  constructor(found: { error: unknown; status?: number }) {
    super('the provider ended the answer with an error');
    this.found = found;
  }
}

export function openGoogleChat({ model, url, pass }: ChatAccess): ChatModel {
  const client = new GoogleGenerativeAI(pass);
  let asked = 0;
  return {
    ask: async ({ system, turns, tools, maxOutputTokens, signal, onPiece }) => {
      asked++;
      const generative = client.getGenerativeModel(
        {
          model,
          systemInstruction: system,
          tools: [{ functionDeclarations: tools.map(toDeclaration) }],
          generationConfig: { maxOutputTokens },
        },
        { baseUrl: url },
      );
      const { stream, response } = await generative.generateContentStream({ contents: turns.map(toContent) }, { signal });
      // The SDK reads the stream twice; what goes wrong is seen on ours.
      response.catch(() => undefined);
      return read(stream, onPiece, `call-${asked}`);
    },
    explain,
  };
}

/** Google knows a part of JSON Schema. */
function toDeclaration({ name, description, input }: ToolForm): FunctionDeclaration {
  const properties = Object.fromEntries(
    Object.entries(input['properties'] as Record<string, Record<string, unknown>>).map(([key, { type, description: words }]) => [
      key,
      { type, description: words },
    ]),
  );
  return {
    name,
    description,
    parameters: { type: 'object', properties, required: input['required'] ?? [] },
  } as unknown as FunctionDeclaration;
}

function toContent(turn: Turn): Content {
  switch (turn.role) {
    case 'user':
      return { role: 'user', parts: [{ text: turn.text }] };
    case 'tools':
      return {
        role: 'user',
        parts: turn.results.map(({ tool, text, failed }) => ({
          functionResponse: { name: tool, response: failed ? { error: text } : { output: text } },
        })),
      };
    case 'model': {
      const kept = (turn.kept as Kept | undefined) ?? {};
      const calls = turn.calls.map(({ id, tool, input }) => {
        const signature = kept[id];
        return { functionCall: { name: tool, args: input as object }, ...(signature !== undefined && { thoughtSignature: signature }) };
      });
      const said = turn.text !== '' || calls.length === 0 ? [{ text: turn.text === '' ? '(no answer)' : turn.text }] : [];
      return { role: 'model', parts: [...said, ...calls] };
    }
  }
}

async function read(
  stream: AsyncIterable<EnhancedGenerateContentResponse>,
  onPiece: ChatRequest['onPiece'],
  name: string,
): Promise<ChatAnswer> {
  const calls: ToolCall[] = [];
  const kept: Kept = {};
  let usage: TokenUsage | undefined;
  let finish: string | undefined;
  let text = '';
  for await (const chunk of stream) {
    onPiece();
    const event = chunk as unknown as Record<string, unknown>;
    const problem = errorInStream(event);
    if (problem) throw new ErrorEvent(problem);
    usage = foldUsage('google', usage, event);
    const candidate = chunk.candidates?.[0];
    for (const part of (candidate?.content?.parts ?? []) as AnyPart[]) {
      if (part.functionCall) {
        const id = `${name}-${calls.length + 1}`;
        calls.push({ id, tool: toToolName(part.functionCall.name), input: part.functionCall.args ?? {} });
        if (part.thoughtSignature !== undefined) kept[id] = part.thoughtSignature;
      } else if (part.thought !== true) text += part.text ?? '';
    }
    finish = candidate?.finishReason ?? (chunk.promptFeedback?.blockReason === undefined ? finish : 'SAFETY');
  }
  if (finish === undefined) throw new TornAnswer();
  return { text, calls, ...(Object.keys(kept).length > 0 && { kept }), ...(usage && { usage }), end: endOfGoogle(finish) };
}

function explain(error: unknown): FailedAnswer | undefined {
  return error instanceof ErrorEvent ? { ...error.found, headers: {}, text: error.message } : explainGoogle(error);
}
