/** When an answer was true: no later than the moment it was asked for, by the forge's clock, which our own may be far from. */
import type { GitHubClient } from './client.ts';

export interface Asked<T> {
  answer: T;
  /** ISO 8601. */
  askedAt: string;
}

/** The forge's clock is known once it has answered, so the time that the answer took is taken off again. */
export async function noteTime<T>(client: Pick<GitHubClient, 'now'>, ask: () => Promise<T>): Promise<Asked<T>> {
  const start = performance.now();
  const answer = await ask();
  return { answer, askedAt: new Date(client.now.getTime() - (performance.now() - start)).toISOString() };
}
