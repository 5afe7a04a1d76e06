/** Which agent of a chain takes the next attempt, with the reason for each that does not. Pure. */
import { type Breaker, isResting } from './breaker.ts';

/** One agent of the chain, in the order of its turn. */
export interface Candidate {
  name: string;
  /** Why it cannot run on this machine; absent when it can. */
  missing?: string;
  breaker?: Breaker | undefined;
  /** Another run tries it after its rest. */
  tried?: boolean;
  /** Why its budget does not allow a run; `until` where waiting helps. */
  refused?: { reason: string; until?: Date | undefined } | undefined;
}

/**
 * `run`: this one; `afterRest`: it is the one run that tries it. `wait`: some only rest, or wait for their budget, the first of them until `until`.
 * `spent`: the budget of the task allows no run any more. `none`: nobody of the chain can run here at all.
 */
export type Choice =
  | { kind: 'run'; name: string; passedOver: string[]; afterRest: boolean }
  | { kind: 'wait'; until: Date; reason: string }
  | { kind: 'spent' | 'none'; reason: string };

/** A run that tries an agent may take as long as it likes; so soon is looked again. */
const TRIED_MS = 60_000;

export function decideAgent(candidates: readonly Candidate[], now: Date): Choice {
  const passedOver: string[] = [];
  let until: number | undefined;
  let spent = false;
  const wait = (at: number) => {
    until = Math.min(until ?? Number.POSITIVE_INFINITY, at);
  };
  for (const { name, missing, breaker, tried, refused } of candidates) {
    const why = breaker?.reason;
    if (missing !== undefined) {
      passedOver.push(`${name}: ${missing}`);
    } else if (refused) {
      passedOver.push(`${name}: ${refused.reason}`);
      if (refused.until) wait(refused.until.getTime());
      else spent = true;
    } else if (isResting(breaker, now)) {
      passedOver.push(`${name} rests until ${breaker.until} (${breaker.reason})`);
      wait(Date.parse(breaker.until));
    } else if (tried) {
      passedOver.push(`${name} is tried by another run after its rest (${why})`);
      wait(now.getTime() + TRIED_MS);
    } else {
      return { kind: 'run', name, passedOver, afterRest: breaker !== undefined };
    }
  }
  if (until !== undefined)
    return { kind: 'wait', until: new Date(until), reason: `no agent of the chain is free: ${passedOver.join('; ')}` };
  if (spent) return { kind: 'spent', reason: `the budget allows no further attempt: ${passedOver.join('; ')}` };
  return { kind: 'none', reason: `no agent of the chain can run: ${passedOver.join('; ')}` };
}
