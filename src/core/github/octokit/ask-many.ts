/**
 * Asking for many things at once: when the answer was true, by the forge's
 * clock, and what to do when it was too much to ask.
 */
import { uptime } from '../../clock.ts';
import { AgentOsError } from '../../errors.ts';
import type { GitHubClient } from './client/client.ts';

export interface Asked<T> {
  answer: T;
  /** No later than the moment the answer was true. ISO 8601. */
  askedAt: string;
}

/** The forge's clock, which ours may be far from, is known once it has answered; the time that the answer took is taken off again. */
export async function noteTime<T>(client: Pick<GitHubClient, 'now'>, ask: () => Promise<T>): Promise<Asked<T>> {
  const start = uptime();
  const answer = await ask();
  return { answer, askedAt: new Date(client.now.getTime() - (uptime() - start)).toISOString() };
}

/**
 * GitHub gives up on a query after ten seconds, and answers with an error of its own.
 * @param many whether less could be asked for
 * @returns `undefined` where it is worth asking for less
 */
export async function unlessTooMuch<T>(many: boolean, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (many && error instanceof AgentOsError && (error.code === 'unavailable' || error.code === 'timeout')) return undefined;
    throw error;
  }
}
