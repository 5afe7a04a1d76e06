/**
 * What a run may spend and what its requests cost. What nobody counted is
 * estimated, and rather too high: a request whose answer broke off was paid for
 * all the same. Pure.
 */
import type { TokenUsage } from '../agents/report.ts';

export interface Purse {
  /** All that the run may spend, in US dollars; absent where nothing limits it. */
  mostUsd?: number;
  /** The model that the agent is configured with. */
  model: string;
  /** What this usage of a model costs in US dollars; `undefined` when nobody knows. */
  toCost(model: string, usage: TokenUsage): number | undefined;
}

/** What is known of a request when it is sent. */
export interface Need {
  /** As asked for; empty where it names none. */
  model: string;
  /** Of its body. */
  bytes: number;
  stream: boolean;
  /** Most tokens of its answer; absent where the request names none. */
  maxOutput?: number;
}

/** What an answer told; filled in as it passes by. */
export interface Used {
  usage?: TokenUsage | undefined;
  /** Whether `usage` is for the whole answer. */
  final?: boolean;
  /** The model that answered, by its own words. */
  model?: string | undefined;
  /** A head with status 2xx came. */
  begun?: boolean;
  /** Of the answer's body so far. */
  bytes?: number;
}

/** Tokens that the longest answers of today's models have: what a request that names no limit may come to. */
const LONGEST_ANSWER = 128_000;
/** English and code have three to four bytes in a token. */
const BYTES_A_TOKEN = 3;

/** Why this model may not be asked within a limit of money; `undefined` where it may. */
export function refuseModel({ mostUsd, model, toCost }: Purse, asked: string): string | undefined {
  const isPriced = (name: string) => toCost(name, NOTHING) !== undefined;
  if (mostUsd === undefined || asked === '' || asked === model || !isPriced(model) || isPriced(asked)) return undefined;
  if (isAlias(model, asked) || isSideModel(asked)) return undefined;
  return `the model \`${asked.replace(/[^\w.:/-]/g, '?').slice(0, 100)}\` is not allowed: its price is not known, and the run has a limit of money`;
}

const NOTHING: TokenUsage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

/** `sonnet` is configured, and `claude-sonnet-4-5` asked for. */
function isAlias(configured: string, asked: string): boolean {
  return /^[a-z]+$/.test(configured) && asked.startsWith('claude-') && asked.split('-').includes(configured);
}

/** Claude asks a haiku for titles and summaries; it costs no more than the model beside which it is asked. */
function isSideModel(asked: string): boolean {
  return /^claude-([\d-]+-)?haiku(-|$)/.test(asked);
}

/**
 * US dollars. The name that the answer gives counts, and that which was asked
 * for where it is dearer; an answer under a name that nobody knows costs as what
 * was asked for or the configured one, whichever is dearer.
 */
export function costOf({ model, toCost }: Purse, asked: string, answered: string | undefined, usage: TokenUsage): number | undefined {
  const price = (name: string | undefined) => (name === undefined || name === '' ? undefined : toCost(name, usage));
  const said = price(answered);
  const known = [price(asked), said ?? price(model)].filter((cost) => cost !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The most that a request is expected to cost, in US dollars; 0 where its price is not known. */
export function holdOf(purse: Purse, need: Need): number {
  const tokens = Math.ceil(need.bytes / BYTES_A_TOKEN);
  const output = need.maxOutput ?? LONGEST_ANSWER;
  const asNew = costOf(purse, need.model, undefined, { ...NOTHING, input: tokens, output });
  const asCached = costOf(purse, need.model, undefined, { ...NOTHING, cacheWrite: tokens, output });
  return Math.max(asNew ?? 0, asCached ?? 0);
}

/** What a request used: as it was counted, or as it is estimated where the count did not come. */
export function usedBy(need: Need, used: Used): { usage: TokenUsage; estimated: boolean } {
  if (used.usage && used.final) return { usage: used.usage, estimated: false };
  const counted = used.usage ?? NOTHING;
  const isInputKnown = counted.input + counted.cacheRead + counted.cacheWrite > 0;
  const input = isInputKnown ? counted.input : Math.ceil(need.bytes / BYTES_A_TOKEN);
  return { usage: { ...counted, input, output: Math.max(counted.output, outputOf(need, used)) }, estimated: true };
}

function outputOf({ stream, maxOutput = LONGEST_ANSWER }: Need, { begun, bytes = 0 }: Used): number {
  if (bytes > 0) return Math.min(maxOutput, Math.ceil(bytes / BYTES_A_TOKEN));
  // A stream begins with its head; an answer in one piece may have been made in full before it.
  return stream && !begun ? 0 : maxOutput;
}
