/** Models of OpenAI with tools, and of others that speak its streamed Chat Completions API, such as DeepSeek. */
import OpenAI from 'openai';
import { foldUsage } from '../../gateway/usage.ts';
import { explainOpenAi } from '../../models/openai.ts';
import type { TokenUsage } from '../report.ts';
import { type ChatAccess, type ChatAnswer, type ChatModel, type ChatRequest, readArguments, TornAnswer, toToolName } from './chat-model.ts';
import type { Turn } from './conversation.ts';

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;
type Chunk = OpenAI.Chat.Completions.ChatCompletionChunk;
/** DeepSeek's thinking models say it beside the answer, and want it back while they call tools. */
type Delta = Chunk['choices'][number]['delta'] & { reasoning_content?: string | null };

interface Draft {
  id: string;
  tool: string;
  json: string;
}

/** @param provider DeepSeek knows the older name of the limit only */
export function openOpenAiChat(provider: 'openai' | 'deepseek', { model, url, pass }: ChatAccess): ChatModel {
  const client = new OpenAI({ apiKey: pass, baseURL: url, organization: null, project: null, maxRetries: 0, logLevel: 'off' });
  let asked = 0;
  return {
    ask: async (request) => {
      asked++;
      const limit = provider === 'openai' ? { max_completion_tokens: request.maxOutputTokens } : { max_tokens: request.maxOutputTokens };
      const messages: Message[] = [{ role: 'system', content: request.system }, ...request.turns.flatMap(toMessages)];
      const tools = request.tools.map(({ name, description, input }) => ({
        type: 'function' as const,
        function: { name, description, parameters: input },
      }));
      const body = { model, messages, tools, ...limit, stream: true as const, stream_options: { include_usage: true } };
      return read(await client.chat.completions.create(body, { signal: request.signal }), request.onPiece, `call-${asked}`);
    },
    explain: explainOpenAi,
  };
}

function toMessages(turn: Turn): Message[] {
  switch (turn.role) {
    case 'user':
      return [{ role: 'user', content: turn.text }];
    case 'tools':
      return turn.results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text }));
    case 'model': {
      const calls = turn.calls.map(({ id, tool, input }) => ({
        id,
        type: 'function' as const,
        function: { name: tool, arguments: JSON.stringify(input) },
      }));
      const reasoning = typeof turn.kept === 'string' ? { reasoning_content: turn.kept } : {};
      // Some refuse a turn that says nothing and asks for nothing.
      const content = turn.text.trim() === '' && calls.length === 0 ? '(no answer)' : turn.text;
      return [{ role: 'assistant', content, ...(calls.length > 0 && { tool_calls: calls }), ...reasoning }];
    }
  }
}

/** @param name for calls that come without one */
async function read(chunks: AsyncIterable<Chunk>, onPiece: ChatRequest['onPiece'], name: string): Promise<ChatAnswer> {
  const drafts = new Map<number, Draft>();
  let usage: TokenUsage | undefined;
  let finish: string | null | undefined;
  let text = '';
  let reasoning = '';
  let refused = false;
  for await (const chunk of chunks) {
    onPiece();
    usage = foldUsage('openai', usage, chunk as unknown as Record<string, unknown>);
    const choice = chunk.choices?.[0];
    if (!choice) continue;
    const delta: Delta = choice.delta;
    text += delta.content ?? '';
    reasoning += delta.reasoning_content ?? '';
    refused ||= typeof delta.refusal === 'string' && delta.refusal !== '';
    for (const part of delta.tool_calls ?? []) extend(drafts, part);
    finish = choice.finish_reason ?? finish;
  }
  if (finish === undefined || finish === null) throw new TornAnswer();
  return {
    text,
    calls: [...drafts.values()].map(({ id, tool, json }, index) => ({
      id: id || `${name}-${index + 1}`,
      tool: toToolName(tool),
      ...readArguments(json),
    })),
    ...(reasoning !== '' && { kept: reasoning }),
    ...(usage && { usage }),
    end: refused || finish === 'content_filter' ? 'refused' : finish === 'length' ? 'cut' : 'complete',
  };
}

function extend(drafts: Map<number, Draft>, part: NonNullable<Delta['tool_calls']>[number]): void {
  const draft = drafts.get(part.index) ?? { id: '', tool: '', json: '' };
  draft.id ||= part.id ?? '';
  draft.tool ||= part.function?.name ?? '';
  draft.json += part.function?.arguments ?? '';
  drafts.set(part.index, draft);
}
