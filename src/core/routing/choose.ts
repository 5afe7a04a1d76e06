/** Which agent of a chain takes the next attempt, with the reason for each that does not. Pure. */
import { type Breaker, isResting } from './breaker.ts';

/** One agent of the chain, in the order of its turn. */
export interface Candidate {
  name: string;
  /** Why it cannot run on this machine; absent when it can. */
  missing?: string;
  breaker?: Breaker | undefined;
}

/**
 * `run`: this one. `wait`: some only rest, the first of them until `until`.
 * `none`: nobody of the chain can run here at all.
 */
export type Choice =
  | { kind: 'run'; name: string; passedOver: string[] }
  | { kind: 'wait'; until: Date; reason: string }
  | { kind: 'none'; reason: string };

export function decideAgent(candidates: readonly Candidate[], now: Date): Choice {
  const passedOver: string[] = [];
  let until: number | undefined;
  for (const { name, missing, breaker } of candidates) {
    if (missing !== undefined) {
      passedOver.push(`${name}: ${missing}`);
    } else if (isResting(breaker, now)) {
      passedOver.push(`${name} rests until ${breaker.until} (${breaker.reason})`);
      until = Math.min(until ?? Number.POSITIVE_INFINITY, Date.parse(breaker.until));
    } else {
      return { kind: 'run', name, passedOver };
    }
  }
  if (until === undefined) return { kind: 'none', reason: `no agent of the chain can run: ${passedOver.join('; ')}` };
  return { kind: 'wait', until: new Date(until), reason: `no agent of the chain is free: ${passedOver.join('; ')}` };
}
