/**
 * One issue, pull request or agent that cannot be read must not cost the others their
 * turn: a loop gathers through this, and reports the error as that item's own.
 */
import { AgentOsError, type ErrorCode } from './errors.ts';

/** These concern every item: asking for the next one would fail in the same way. */
const OF_ALL: ReadonlySet<ErrorCode> = new Set(['io', 'auth', 'config', 'rate_limit', 'cancelled']);

/**
 * What was read, or why this one thing could not be.
 * @param too codes that the caller takes care of although they concern every item.
 * @throws AgentOsError what concerns every item; our own bugs.
 */
export async function tryRead<T>(read: () => Promise<T>, too: readonly ErrorCode[] = []): Promise<T | AgentOsError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AgentOsError && (!OF_ALL.has(error.code) || too.includes(error.code))) return error;
    throw error;
  }
}
