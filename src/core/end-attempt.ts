/**
 * A task that leaves the inbox without another claim may have an attempt open:
 * one that ended well and waits to be published. It is closed on the task file
 * by what its evidence says.
 */
import { runPath, type StatePaths } from './config/paths.ts';
import { readEvidence } from './evidence.ts';
import type { Task } from './mailbox/task.ts';

/** The task with its open attempt ended; the same task where none is open. */
export function endOpenAttempt(paths: StatePaths, task: Task, now: Date): Task {
  const last = task.attempts.at(-1);
  if (!last || last.ended_at !== undefined) return task;
  const evidence = readEvidence(runPath(paths, task.id, last.n));
  const { outcome, code, summary } = evidence ?? { outcome: 'stopped' as const, code: 'cancelled', summary: 'stopped before it ended' };
  const ended = {
    ...last,
    ended_at: now.toISOString(),
    outcome,
    code,
    summary,
    ...(evidence && { base: evidence.base }),
    ...(evidence?.tree !== undefined && { tree: evidence.tree }),
    ...(evidence?.commit !== undefined && { commit: evidence.commit }),
  };
  return { ...task, attempts: [...task.attempts.slice(0, -1), ended] };
}
