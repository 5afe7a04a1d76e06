/**
 * What to do about an effect, given its record and what the forge showed
 * (docs/reliability.md, "Effects on the forge"; docs/adr/0005-effects.md). Pure.
 */
import type { ErrorCode } from '../errors.ts';
import type { Effect, EffectRecord, Recorded } from './effects.ts';

/** How long, and how often, an effect of unknown outcome is looked for in vain before it is tried again. */
const UNKNOWN_WAIT_MS = 60_000;
const UNKNOWN_PROBES = 3;

export type FirstStep =
  | { kind: 'return'; result: Recorded }
  /** Somebody else is at it. */
  | { kind: 'locked' }
  /** Ask the forge first; write nothing if it is so already. */
  | { kind: 'probe' }
  /** Make the intent durable, then ask. `unknown`: an earlier try may have come through. */
  | { kind: 'intend'; unknown: boolean };

/** @param held whether the record's owner is alive and at it. */
export function decideFirst(nature: Effect<Recorded>['nature'], record: EffectRecord | undefined, held: boolean): FirstStep {
  if (nature === 'once' && record?.state === 'done') return { kind: 'return', result: record.result ?? null };
  const open = record?.state === 'intent';
  if (nature === 'state' && (!open || held)) return { kind: 'probe' };
  if (open && held) return { kind: 'locked' };
  return { kind: 'intend', unknown: open };
}

export type NextStep =
  | { kind: 'act' }
  /** The earlier try may still turn up. */
  | { kind: 'wait'; retryAt: string };

/**
 * After a probe that found nothing.
 * @param unknown whether an earlier try may have come through.
 * @param emptyProbes of this intent, with the one just made.
 */
export function decideAfterEmptyProbe(facts: {
  unknown: boolean;
  consistentReads: boolean;
  emptyProbes: number;
  intendedAt: string;
  now: string;
}): NextStep {
  if (!facts.unknown || facts.consistentReads) return { kind: 'act' };
  const ripe = Date.parse(facts.intendedAt) + UNKNOWN_WAIT_MS;
  if (facts.emptyProbes >= UNKNOWN_PROBES && Date.parse(facts.now) >= ripe) return { kind: 'act' };
  return { kind: 'wait', retryAt: new Date(Math.max(ripe, Date.parse(facts.now))).toISOString() };
}

/** The forge answered, and the answer is no; or the request never left. Any other failure leaves the outcome unknown. */
const DEFINITE: ReadonlySet<ErrorCode> = new Set(['refused', 'conflict', 'not_found', 'auth', 'usage', 'config', 'rate_limit', 'locked']);

/** @param code of the `AgentOsError` that the request ended with; `undefined` for any other failure. */
export function isDefinite(code: ErrorCode | undefined): boolean {
  return code !== undefined && DEFINITE.has(code);
}
