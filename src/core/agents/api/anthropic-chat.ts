/** Models of Anthropic with tools, over the streamed Messages API. */
import Anthropic from '@anthropic-ai/sdk';
import { foldUsage } from '../../gateway/usage.ts';
import { explainAnthropic } from '../../models/anthropic.ts';
import type { TokenUsage } from '../report.ts';
import { type ChatAccess, type ChatAnswer, type ChatModel, type ChatRequest, readArguments, TornAnswer, toToolName } from './chat-model.ts';
import type { Turn } from './conversation.ts';

type Event = Anthropic.RawMessageStreamEvent;
type Thought = Anthropic.ThinkingBlockParam | Anthropic.RedactedThinkingBlockParam;

/** A block of the answer while it arrives; `json` is the input of a call. */
type Draft = { block: Anthropic.ContentBlock; text: string; json: string; signature: string };

/** Lets the provider keep what it has read up to here. */
const CACHED = { cache_control: { type: 'ephemeral' } } as const;

export function openAnthropicChat({ model, url, pass }: ChatAccess): ChatModel {
  const client = new Anthropic({ apiKey: pass, authToken: null, baseURL: url, maxRetries: 0, logLevel: 'off' });
  return {
    ask: async (request) => {
      const body = {
        model,
        system: [{ type: 'text' as const, text: request.system, ...CACHED }],
        messages: toMessages(request.turns),
        tools: request.tools.map(({ name, description, input }) => ({
          name,
          description,
          input_schema: { ...input, type: 'object' as const },
        })),
        max_tokens: request.maxOutputTokens,
      };
      return read(await client.messages.create({ ...body, stream: true }, { signal: request.signal }), request.onPiece);
    },
    explain: explainAnthropic,
  };
}

function toMessages(turns: readonly Turn[]): Anthropic.MessageParam[] {
  const messages = turns.map(toMessage);
  const last = messages.at(-1)?.content.at(-1);
  if (last && typeof last === 'object' && (last.type === 'text' || last.type === 'tool_result')) Object.assign(last, CACHED);
  return messages;
}

function toMessage(turn: Turn): { role: 'user' | 'assistant'; content: Anthropic.ContentBlockParam[] } {
  switch (turn.role) {
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: turn.text }] };
    case 'tools':
      return {
        role: 'user',
        content: turn.results.map(({ id, text, failed }) => ({ type: 'tool_result', tool_use_id: id, content: text, is_error: failed })),
      };
    case 'model': {
      const calls = turn.calls.map(({ id, tool, input }) => ({ type: 'tool_use' as const, id, name: tool, input }));
      const said = turn.text.trim() !== '' ? [{ type: 'text' as const, text: turn.text }] : [];
      const content = [...((turn.kept as Thought[] | undefined) ?? []), ...said, ...calls];
      // An empty answer is none that may be sent back.
      return { role: 'assistant', content: said.length + calls.length > 0 ? content : [...content, { type: 'text', text: '(no answer)' }] };
    }
  }
}

async function read(events: AsyncIterable<Event>, onPiece: ChatRequest['onPiece']): Promise<ChatAnswer> {
  const drafts = new Map<number, Draft>();
  let usage: TokenUsage | undefined;
  let stop: string | null | undefined;
  let whole = false;
  for await (const event of events) {
    onPiece();
    usage = foldUsage('anthropic', usage, event as unknown as Record<string, unknown>);
    if (event.type === 'content_block_start') drafts.set(event.index, { block: event.content_block, text: '', json: '', signature: '' });
    else if (event.type === 'content_block_delta') extend(drafts.get(event.index), event.delta);
    else if (event.type === 'message_delta') stop = event.delta.stop_reason;
    else if (event.type === 'message_stop') whole = true;
  }
  if (!whole) throw new TornAnswer();
  const blocks = [...drafts.values()];
  const thoughts = blocks.flatMap(toThought);
  return {
    text: blocks.map(({ block, text }) => (block.type === 'text' ? block.text + text : '')).join(''),
    calls: blocks.flatMap(({ block, json }) =>
      block.type === 'tool_use'
        ? [{ id: block.id, tool: toToolName(block.name), ...(json === '' ? { input: block.input } : readArguments(json)) }]
        : [],
    ),
    ...(thoughts.length > 0 && { kept: thoughts }),
    ...(usage && { usage }),
    end: stop === 'refusal' ? 'refused' : stop === 'max_tokens' ? 'cut' : 'complete',
  };
}

function extend(draft: Draft | undefined, delta: Anthropic.RawContentBlockDelta): void {
  if (!draft) return;
  if (delta.type === 'text_delta') draft.text += delta.text;
  else if (delta.type === 'input_json_delta') draft.json += delta.partial_json;
  else if (delta.type === 'thinking_delta') draft.text += delta.thinking;
  else if (delta.type === 'signature_delta') draft.signature += delta.signature;
}

function toThought({ block, text, signature }: Draft): Thought[] {
  if (block.type === 'thinking') return [{ type: 'thinking', thinking: block.thinking + text, signature: block.signature + signature }];
  return block.type === 'redacted_thinking' ? [{ type: 'redacted_thinking', data: block.data }] : [];
}
