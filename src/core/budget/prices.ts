/**
 * What models cost, as data: US dollars for a million tokens. Providers change
 * their prices; each list says when it was read, and `prices` of the
 * configuration wins over it. Pure.
 */
import type { TokenUsage } from '../agents/report.ts';

/** For a million tokens: what is asked anew, read from a cache, written to one, and answered. */
interface Price {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
}

interface PriceList {
  /** Where the provider publishes them. */
  source: string;
  /** The month they were read in. */
  asOf: string;
  /** `[input, cache read, cache write, output]` by model, without date and `-latest`. */
  models: Readonly<Record<string, readonly [number, number, number, number]>>;
}

const PRICE_LISTS: readonly PriceList[] = [
  {
    source: 'https://docs.claude.com/en/docs/about-claude/pricing',
    asOf: '2025-11',
    models: {
      'claude-opus-4-5': [5, 0.5, 6.25, 25],
      'claude-opus-4-1': [15, 1.5, 18.75, 75],
      'claude-opus-4': [15, 1.5, 18.75, 75],
      'claude-sonnet-4-5': [3, 0.3, 3.75, 15],
      'claude-sonnet-4': [3, 0.3, 3.75, 15],
      'claude-haiku-4-5': [1, 0.1, 1.25, 5],
      'claude-3-5-haiku': [0.8, 0.08, 1, 4],
    },
  },
  {
    source: 'https://platform.openai.com/docs/pricing',
    asOf: '2025-11',
    models: {
      'gpt-5': [1.25, 0.125, 1.25, 10],
      'gpt-5.1': [1.25, 0.125, 1.25, 10],
      'gpt-5-codex': [1.25, 0.125, 1.25, 10],
      'gpt-5.1-codex': [1.25, 0.125, 1.25, 10],
      'gpt-5-mini': [0.25, 0.025, 0.25, 2],
      'gpt-5-nano': [0.05, 0.005, 0.05, 0.4],
      'gpt-4.1': [2, 0.5, 2, 8],
      'gpt-4.1-mini': [0.4, 0.1, 0.4, 1.6],
      'o4-mini': [1.1, 0.275, 1.1, 4.4],
    },
  },
  {
    source: 'https://ai.google.dev/gemini-api/docs/pricing',
    asOf: '2025-11',
    // The prices of long prompts (above 200,000 tokens), where there are two: rather too much than too little.
    models: {
      'gemini-2.5-pro': [2.5, 0.25, 2.5, 15],
      'gemini-2.5-flash': [0.3, 0.03, 0.3, 2.5],
      'gemini-2.5-flash-lite': [0.1, 0.01, 0.1, 0.4],
    },
  },
  {
    source: 'https://api-docs.deepseek.com/quick_start/pricing',
    asOf: '2025-11',
    models: {
      'deepseek-chat': [0.28, 0.028, 0.28, 0.42],
      'deepseek-reasoner': [0.28, 0.028, 0.28, 0.42],
    },
  },
];

/** Prices that a user set, by model, as the configuration has them. */
export type OwnPrices = Readonly<
  Record<string, { input: number; cache_read?: number | undefined; cache_write?: number | undefined; output: number }>
>;

const KNOWN = new Map(
  PRICE_LISTS.flatMap(({ models }) =>
    Object.entries(models).map(
      ([model, [input, cacheRead, cacheWrite, output]]) => [model, { input, cacheRead, cacheWrite, output }] as const,
    ),
  ),
);

/** The price of a model under the name that a configuration or an answer gives it; `undefined` when nobody knows. */
export function findPrice(model: string, own: OwnPrices = {}): Price | undefined {
  const bare = model.replace(/^models\//, '');
  const plain = bare.replace(/-(20\d{6}|20\d\d-\d\d-\d\d|latest|preview(-\d\d-\d\d)?)$/, '');
  for (const name of [model, bare, plain]) {
    const set = Object.hasOwn(own, name) ? own[name] : undefined;
    if (set)
      return { input: set.input, cacheRead: set.cache_read ?? set.input, cacheWrite: set.cache_write ?? set.input, output: set.output };
  }
  return KNOWN.get(bare) ?? KNOWN.get(plain);
}

/** US dollars. */
export function toCostUsd(usage: TokenUsage, price: Price): number {
  const micro =
    usage.input * price.input + usage.cacheRead * price.cacheRead + usage.cacheWrite * price.cacheWrite + usage.output * price.output;
  return micro / 1_000_000;
}
