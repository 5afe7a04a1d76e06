/**
 * The pace of our writes, over all processes of this state directory: a slot is
 * reserved under the lock of the limits, then waited for. A slot that is too
 * far away is not taken: the tick ends and a later one writes.
 */
import type { Clock } from '../../../clock.ts';
import { AgentOsError } from '../../../errors.ts';
import { HOUR, type LimitState, type Limits } from './limits.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface PaceOptions {
  limits: Limits;
  clock: Clock;
  signal: AbortSignal;
  writes: { per_minute: number; per_hour: number };
  /** Longest wait for a slot; default 20 s. */
  maxWaitMs?: number | undefined;
  sleep?: Sleep | undefined;
}

/**
 * Resolves when a write may be sent: evenly spread over a minute (GitHub asks for a second between two writes: 60 a minute), and
 * at most `per_hour` that make content.
 * @throws AgentOsError `rate_limit` when that is too far away, `cancelled` when the signal ends the wait.
 */
export async function awaitSlot(creates: boolean, options: PaceOptions): Promise<void> {
  const { limits, clock, writes, maxWaitMs = 20_000 } = options;
  const at = limits.update((state) => reserve(state, creates, { now: clock.now().getTime(), writes, maxWaitMs }));
  const wait = at - clock.now().getTime();
  if (wait > 0) await (options.sleep ?? sleepFor)(wait, options.signal);
}

interface Terms {
  now: number;
  writes: PaceOptions['writes'];
  maxWaitMs: number;
}

function reserve(state: LimitState, creates: boolean, { now, writes, maxWaitMs }: Terms): number {
  const oldest = state.created.at(-writes.per_hour);
  const free = creates && oldest !== undefined ? oldest + HOUR : 0;
  const at = Math.max(now, state.nextWriteAt, free);
  if (at - now > maxWaitMs) {
    const reason = free === at ? `${writes.per_hour} writes an hour are used up` : 'too many writes are waiting';
    throw new AgentOsError('rate_limit', `${reason}; the next may be sent at ${new Date(at).toISOString()}`, {
      retryAt: new Date(at),
      ...(free === at && {
        hint: 'Wait; or raise `forge.writes.per_hour`: github.com allows 500, a server of your own what its settings say.',
      }),
    });
  }
  state.nextWriteAt = at + Math.ceil(60_000 / writes.per_minute);
  if (creates) state.created.push(at);
  return at;
}

/** @throws AgentOsError `cancelled` when the signal ends it. */
export function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new AgentOsError('cancelled', 'stopped while waiting for GitHub'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
