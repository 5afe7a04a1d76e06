/** What follows a write that GitHub has taken: waiting for what it does, and reading how it went. */
import { setTimeout } from 'node:timers/promises';
import { AgentOsError, messageOf } from '../../errors.ts';

/** @throws AgentOsError `cancelled` */
export type Wait = (ms: number) => Promise<void>;

export function waitUnless(signal: AbortSignal): Wait {
  return async (ms) => {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      throw new AgentOsError('cancelled', 'cancelled while waiting for GitHub', { cause: error });
    }
  };
}

/**
 * A read that fails here must not make the write look refused: every failure becomes `unknown_outcome`.
 * @param what was written
 */
export async function afterWrite<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AgentOsError && (error.code === 'unknown_outcome' || error.code === 'cancelled')) throw error;
    throw new AgentOsError('unknown_outcome', `nobody knows how ${what} went: ${messageOf(error)}`, { cause: error });
  }
}
