/** Which agent of a task's chain comes next, and when the chain is spent (docs/contracts.md, "State directory"). Pure. */
import { type Attempt, countedAttempts, infrastructureStreak, outageTries, type Task } from '../mailbox/task.ts';

export interface Limits {
  max_attempts: number;
  max_infrastructure: number;
}

/** With rests of up to 64 minutes that is a day and a half: whatever lasts longer, a person should know of. */
const MOST_OUTAGE_TRIES = 40;

/**
 * The chain from the agent whose turn it is, each agent once: the first that
 * can run now takes the attempt. An attempt that did not count leaves the turn
 * where it was; the chain wraps round.
 */
export function turnOrder(task: Task): string[] {
  const forgiven = task.attempts_forgiven ?? 0;
  const last = task.attempts.findLast((attempt) => attempt.n > forgiven && isSpent(attempt));
  const turn = last ? (task.agents.indexOf(last.agent) + 1) % task.agents.length : 0;
  return [...task.agents.slice(turn), ...task.agents.slice(0, turn)];
}

/** Why the task must not be tried again, for people; `undefined` while it may. */
export function whySpent(task: Task, limits: Limits): string | undefined {
  const streak = infrastructureStreak(task);
  if (streak >= limits.max_infrastructure) return `${streak} infrastructure failures in a row: ${lastWords(task.attempts.at(-1))}`;
  const tries = outageTries(task);
  if (tries >= MOST_OUTAGE_TRIES)
    return `${tries} tries of its agents after a rest failed for their providers: ${lastWords(task.attempts.at(-1))}`;
  // A fix is outside the allowance: the pull request that it mends was the success.
  if (task.attempts.at(-1)?.kind === 'fix') return undefined;
  const counted = countedAttempts(task);
  if (counted.length >= limits.max_attempts)
    return `${counted.length} attempts, the allowance, without success: ${lastWords(counted.at(-1))}`;
  const last = counted.at(-1);
  const before = counted.slice(0, -1).findLast((attempt) => attempt.agent === last?.agent);
  if (last && before && before.code === last.code && before.tree === last.tree) {
    return `agent ${last.agent} came to the same end twice (${last.code}): ${lastWords(last)}`;
  }
  return undefined;
}

function isSpent(attempt: Attempt): boolean {
  return attempt.outcome === 'complete' || attempt.outcome === 'failed';
}

function lastWords(attempt: Attempt | undefined): string {
  return attempt?.summary || attempt?.code || 'no reason was recorded';
}
