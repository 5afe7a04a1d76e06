/**
 * One circuit breaker per agent: after a failure of its provider the agent
 * rests until the provider said it may be asked, or longer with every failure
 * in a row; every other ending closes it. A wait costs a task nothing: the
 * next agent of its chain goes first. Pure.
 */
import { cleanLine } from '../text.ts';

export interface Breaker {
  /** Failures of the provider in a row. */
  failures: number;
  /** No run starts before this instant (ISO 8601). */
  until: string;
  code: string;
  reason: string;
}

/** How a run ended, as far as a breaker cares. */
export interface RunEnding {
  outcome: 'complete' | 'failed' | 'infrastructure' | 'stopped';
  code: string;
  summary: string;
  /** When the provider said it may be asked again. */
  retryAt?: Date | undefined;
}

/** The first rest; it doubles with every failure in a row. */
const FIRST_REST_MS = 60_000;
/** A refused key mends itself seldom: the first rest is longer. */
const FIRST_AUTH_REST_MS = 10 * 60_000;
/** Longest rest of our own; what a provider names may be longer, up to a month: quotas are monthly. */
const LONGEST_REST_MS = 64 * 60_000;
const LONGEST_NAMED_MS = 31 * 24 * 3_600_000;

/** The breaker after a run; `undefined`: closed. A run that was stopped says nothing about its provider. */
export function afterRun(before: Breaker | undefined, ending: RunEnding, now: Date): Breaker | undefined {
  if (ending.outcome === 'stopped') return before;
  if (ending.outcome !== 'infrastructure') return undefined;
  if (!ending.code.startsWith('provider_')) return before;
  const failures = (before?.failures ?? 0) + 1;
  const first = ending.code === 'provider_auth' ? FIRST_AUTH_REST_MS : FIRST_REST_MS;
  const own = Math.min(first * 2 ** Math.min(failures - 1, 10), LONGEST_REST_MS);
  const named = ending.retryAt === undefined ? undefined : ending.retryAt.getTime() - now.getTime();
  const rest = named !== undefined && named > 0 ? Math.min(named, LONGEST_NAMED_MS) : own;
  return { failures, until: new Date(now.getTime() + rest).toISOString(), code: ending.code, reason: cleanLine(ending.summary, 300) };
}

/** True while the agent must not start. */
export function isResting(breaker: Breaker | undefined, now: Date): breaker is Breaker {
  return breaker !== undefined && Date.parse(breaker.until) > now.getTime();
}
