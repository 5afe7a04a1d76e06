/** What ends a running attempt early: a signal to this process, a request for this task, or the kill switch. */
import { readIfThere } from '../../core/atomic-file.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest, type TaskRequest } from '../../core/requests.ts';

const LOOK_MS = 1000;

export interface StopWatch {
  readonly signal: AbortSignal;
  /** The request for this task, when there is one. */
  request(): TaskRequest | undefined;
  end(): void;
}

export function watchStop(ports: Ports, task: string): StopWatch {
  const stop = new AbortController();
  const abort = () => stop.abort();
  if (ports.signal.aborted) abort();
  ports.signal.addEventListener('abort', abort);
  const timer = setInterval(() => {
    if (readRequest(ports.paths.requests, task) || isPausedNow(ports)) abort();
  }, LOOK_MS);
  return {
    signal: stop.signal,
    request: () => readRequest(ports.paths.requests, task),
    end: () => {
      clearInterval(timer);
      ports.signal.removeEventListener('abort', abort);
    },
  };
}

/** `agentos pause --now` writes the word into the switch; a plain pause lets running agents finish. */
function isPausedNow(ports: Ports): boolean {
  try {
    return (readIfThere(ports.paths.paused) ?? '').startsWith('now');
  } catch {
    return true; // a switch that cannot be read counts as thrown
  }
}
