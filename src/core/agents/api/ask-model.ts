/** One question to the model with all that can go wrong on the way: stalls, errors that pass, errors that stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { classifyFailure } from '../../gateway/classify.ts';
import { cleanLine } from '../../text.ts';
import type { AgentFailure } from '../report.ts';
import type { ChatAnswer, ChatModel, ChatRequest } from './chat-model.ts';

/** The model gave no answer, and asking again now is of no use. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure';
  readonly failure: AgentFailure;
  constructor(failure: AgentFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface Asking {
  model: ChatModel;
  /** Longest time without a piece of the answer, its head included. */
  stallMs: number;
  /** Waits before the second and third try, where the provider names none. */
  waitsMs: readonly number[];
  /** What stands for the key: never in a message. */
  pass: string;
  now: () => Date;
  onRetry: (failure: AgentFailure, waitMs: number) => void;
}

/** Longest wait within a run; beyond it the run ends, and the host waits. */
const LONGEST_WAIT_MS = 60_000;

/** @throws ModelFailure; whatever `signal` aborted with */
export async function askModel(
  asking: Asking,
  question: Omit<ChatRequest, 'signal' | 'onPiece'>,
  signal: AbortSignal,
): Promise<ChatAnswer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await untilStall(asking.stallMs, signal, (ends, onPiece) => asking.model.ask({ ...question, signal: ends, onPiece }));
    } catch (error) {
      signal.throwIfAborted();
      const failure = toFailure(error, asking);
      const wait = decideWait(failure, asking.waitsMs[attempt], asking.now());
      if (wait === undefined) throw new ModelFailure(failure);
      asking.onRetry(failure, wait);
      await sleep(wait, undefined, { signal });
    }
  }
}

/** @param usual wait of this try; `undefined` when there were enough */
function decideWait({ kind, retryAt }: AgentFailure, usual: number | undefined, now: Date): number | undefined {
  if (usual === undefined || (kind !== 'rate_limit' && kind !== 'overloaded')) return undefined;
  const wait = retryAt === undefined ? usual : Math.max(0, retryAt.getTime() - now.getTime());
  return wait > LONGEST_WAIT_MS ? undefined : wait;
}

class Stalled extends Error {}

/** Ends `work` when it shows no piece for too long: no timeout of an SDK looks at a stream that has begun. */
async function untilStall<T>(
  idleMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal, onPiece: () => void) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ends = new AbortController();
  const stalled = new Stalled(`the model said nothing for ${Math.round(idleMs / 1000)} s`);
  const timer = setTimeout(() => ends.abort(stalled), idleMs);
  const stop = () => ends.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  // An SDK may end quietly, or not at all, when its signal is aborted.
  const aborted = new Promise<never>((_, reject) =>
    ends.signal.addEventListener('abort', () => reject(ends.signal.reason), { once: true }),
  );
  try {
    return await Promise.race([work(ends.signal, () => timer.refresh()), aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function toFailure(error: unknown, { model, pass, now }: Asking): AgentFailure {
  if (error instanceof Stalled) return { kind: 'stalled', message: error.message };
  const said = model.explain(error);
  if (said) return classifyFailure(said, now(), pass);
  // Torn connections come as errors of many kinds.
  const words = error instanceof Error ? error.message : 'unknown';
  return { kind: 'overloaded', message: cleanLine(`the answer broke off: ${words.replaceAll(pass, '***')}`) };
}
