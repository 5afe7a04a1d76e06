/**
 * One circuit breaker per agent: after a failure of its provider the agent
 * rests until the provider said it may be asked, or longer with every failure
 * in a row. After the rest one run at a time tries it; every ending but a
 * provider's failure closes it. A wait costs a task nothing: the next agent of
 * its chain goes first. Pure.
 */
import { cleanLine } from '../text.ts';

export interface Breaker {
  /** Failures of the provider in a row. */
  failures: number;
  /** No run starts before this instant (ISO 8601). */
  until: string;
  code: string;
  reason: string;
  /** When the provider failed last (ISO 8601): how a run ends that began before says nothing of the time since. */
  since?: string | undefined;
  /** The run that tries the agent after its rest, and the process that it belongs to (`renderOwner`). */
  probe?: { run: string; owner: string } | undefined;
}

/** How a run ended, as far as a breaker cares. */
export interface RunEnding {
  /** `<task>.<attempt>`. */
  run: string;
  startedAt: Date;
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

/** The breaker after a run; `undefined`: closed; the very one before where nothing changes. A run that was stopped says nothing about its provider. */
export function afterRun(before: Breaker | undefined, ending: RunEnding, now: Date): Breaker | undefined {
  if (ending.outcome === 'stopped') return afterProbe(before, ending.run);
  if (ending.outcome !== 'infrastructure') return isOlder(ending, before?.since) ? afterProbe(before, ending.run) : undefined;
  return ending.code.startsWith('provider_') ? afterFailure(before, ending, now) : afterProbe(before, ending.run);
}

/** The breaker when a run is over that may have been its probe: the next one may try. */
export function afterProbe(before: Breaker | undefined, run: string): Breaker | undefined {
  if (before?.probe?.run !== run) return before;
  const { probe: _, ...rest } = before;
  return rest;
}

/** Of runs side by side one failure counts, and no reset time that one was told is forgotten for another. */
function afterFailure(before: Breaker | undefined, ending: RunEnding, now: Date): Breaker {
  const { code, startedAt, retryAt } = ending;
  const failures = before && startedAt.getTime() < Date.parse(before.until) ? before.failures : (before?.failures ?? 0) + 1;
  const first = code === 'provider_auth' ? FIRST_AUTH_REST_MS : FIRST_REST_MS;
  const own = Math.min(first * 2 ** Math.min(failures - 1, 10), LONGEST_REST_MS);
  const named = retryAt === undefined ? undefined : retryAt.getTime() - now.getTime();
  const rest = named !== undefined && named > 0 ? Math.min(named, LONGEST_NAMED_MS) : own;
  const until = new Date(now.getTime() + rest).toISOString();
  const since = now.toISOString();
  const left = afterProbe(before, ending.run);
  if (left && Date.parse(left.until) > Date.parse(until)) return { ...left, failures, since };
  return { ...left, failures, until, since, code, reason: cleanLine(ending.summary, 300) };
}

function isOlder({ startedAt }: RunEnding, since: string | undefined): boolean {
  return since !== undefined && startedAt.getTime() < Date.parse(since);
}

/** True while the agent must not start. */
export function isResting(breaker: Breaker | undefined, now: Date): breaker is Breaker {
  return breaker !== undefined && Date.parse(breaker.until) > now.getTime();
}
