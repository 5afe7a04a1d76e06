/** What an answer used, in the words of each protocol (shapes: the providers' API references). Pure. */
import type { TokenUsage } from '../agents/report.ts';
import { at, numberAt, textAt } from '../untrusted.ts';
import type { Protocol } from './gateway.ts';

/** No answer of today's models comes near; what is larger is not believed. */
const MOST_TOKENS = 100_000_000;

/**
 * The usage after one more JSON object of the same answer. Streams repeat their
 * counts, each time for all of the answer so far: what comes last counts.
 */
export function foldUsage(
  protocol: Protocol,
  before: TokenUsage | undefined,
  event: Readonly<Record<string, unknown>>,
): TokenUsage | undefined {
  const found = READERS[protocol](event);
  if (!found) return before;
  const keep = (name: keyof TokenUsage) => bounded(found[name]) ?? before?.[name] ?? 0;
  return { input: keep('input'), cacheRead: keep('cacheRead'), cacheWrite: keep('cacheWrite'), output: keep('output') };
}

export function addUsage(a: TokenUsage | undefined, b: TokenUsage | undefined): TokenUsage | undefined {
  if (!a || !b) return a ?? b;
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
  };
}

/** Whether the usage of this event is for the whole answer: no more of it is to come. */
export function isFinalUsage(protocol: Protocol, event: Readonly<Record<string, unknown>>): boolean {
  switch (protocol) {
    case 'anthropic':
      // `message_start` names what was asked alone.
      return at(event, 'usage') !== undefined;
    case 'openai':
      return READERS.openai(event) !== undefined;
    case 'google': {
      const stopped = textAt(event, 'candidates', '0', 'finishReason') !== '' || at(event, 'promptFeedback', 'blockReason') !== undefined;
      return stopped && READERS.google(event) !== undefined;
    }
  }
}

/** The model that an answer names as its own; `undefined` in an event that names none. */
export function modelOf(event: Readonly<Record<string, unknown>>): string | undefined {
  const named = [['model'], ['message', 'model'], ['response', 'model'], ['modelVersion']].map((path) => textAt(event, ...path));
  return named.find((name) => name !== '' && name.length <= 200);
}

function bounded(count: number | undefined): number | undefined {
  return count !== undefined && count >= 0 && count <= MOST_TOKENS ? Math.round(count) : undefined;
}

/** What is kept for an hour costs 2 of input, where five minutes, to which prices refer, cost 1.25: it counts for more. */
function cacheWriteOf(usage: unknown): number | undefined {
  const all = numberAt(usage, 'cache_creation_input_tokens');
  const hour = numberAt(usage, 'cache_creation', 'ephemeral_1h_input_tokens') ?? 0;
  return all === undefined ? undefined : all + 0.6 * Math.min(all, hour);
}

type Found = Partial<Record<keyof TokenUsage, number | undefined>>;

const READERS: Record<Protocol, (event: Readonly<Record<string, unknown>>) => Found | undefined> = {
  anthropic(event) {
    const usage = at(event, 'usage') ?? at(event, 'message', 'usage');
    return usage === undefined
      ? undefined
      : {
          input: numberAt(usage, 'input_tokens'),
          cacheRead: numberAt(usage, 'cache_read_input_tokens'),
          cacheWrite: cacheWriteOf(usage),
          output: numberAt(usage, 'output_tokens'),
        };
  },
  openai(event) {
    const usage = at(event, 'usage') ?? at(event, 'response', 'usage');
    if (usage === undefined || usage === null) return undefined;
    const all = numberAt(usage, 'input_tokens') ?? numberAt(usage, 'prompt_tokens');
    const cached =
      numberAt(usage, 'input_tokens_details', 'cached_tokens') ??
      numberAt(usage, 'prompt_tokens_details', 'cached_tokens') ??
      // DeepSeek's word for it.
      numberAt(usage, 'prompt_cache_hit_tokens') ??
      0;
    return {
      input: all === undefined ? undefined : Math.max(0, all - cached),
      cacheRead: cached,
      output: numberAt(usage, 'output_tokens') ?? numberAt(usage, 'completion_tokens'),
    };
  },
  google(event) {
    const usage = at(event, 'usageMetadata');
    if (usage === undefined) return undefined;
    const cached = numberAt(usage, 'cachedContentTokenCount') ?? 0;
    const asked = (numberAt(usage, 'promptTokenCount') ?? 0) + (numberAt(usage, 'toolUsePromptTokenCount') ?? 0);
    return {
      input: Math.max(0, asked - cached),
      cacheRead: cached,
      output: (numberAt(usage, 'candidatesTokenCount') ?? 0) + (numberAt(usage, 'thoughtsTokenCount') ?? 0),
    };
  },
};
