/** Which claims go back because their owner is gone, and what their history then says. Pure. */
import type { Letter } from './mailbox.ts';
import { infrastructureStreak, type Task } from './task.ts';

/** A letter in `processing`. One without a readable owner counts as not alive. */
export interface Claim {
  letter: Letter;
  alive: boolean;
}

export interface Reclaim {
  letter: Letter;
  /** The attempt that was cut off is ended as an infrastructure failure; what was not begun leaves no trace. */
  task: Task;
  to: 'inbox' | 'escalated';
  reason: string;
}

/** @param limits `now` as an ISO instant; `maxInfrastructure` as `queue.max_infrastructure`. */
export function decideReclaims(claims: readonly Claim[], limits: { now: string; maxInfrastructure: number }): Reclaim[] {
  return claims.filter((claim) => !claim.alive).map(({ letter }) => decideReclaim(letter, limits));
}

function decideReclaim(letter: Letter, limits: { now: string; maxInfrastructure: number }): Reclaim {
  const last = letter.task.attempts.at(-1);
  if (!last || last.ended_at !== undefined) {
    return { letter, task: letter.task, to: 'inbox', reason: 'its owner is gone, and no attempt was running' };
  }
  const ended = {
    ...last,
    ended_at: limits.now,
    outcome: 'infrastructure' as const,
    code: 'infrastructure',
    summary: 'the process that ran it is gone',
  };
  const task = { ...letter.task, attempts: [...letter.task.attempts.slice(0, -1), ended] };
  const streak = infrastructureStreak(task);
  return streak >= limits.maxInfrastructure
    ? { letter, task, to: 'escalated', reason: `attempt ${last.n} was cut off: infrastructure failed ${streak} times in a row` }
    : { letter, task, to: 'inbox', reason: `attempt ${last.n} was cut off: its owner is gone` };
}
