/** The figures of a sprint, from events; intervals say how little a few issues prove. Pure. */
import type { Event } from '../../core/events/event.ts';
import { type Interval, mean, quantile, wilson } from '../../core/statistics.ts';

export interface SprintReview {
  /** ISO 8601. */
  from: string;
  to: string;
  /** Of the issues selected for it: each counts once. */
  selected: number;
  merged: number;
  escalated: number;
  open: number;
  /** Wilson's 95 % interval of merged / selected; absent when none was selected. */
  mergedShare?: Interval;
  /** Issues, selected or not, whose work was queued, and whose work was merged. */
  started: number;
  finished: number;
  /** Of everything merged; absent when nothing was. */
  medianLeadMs?: number;
  attemptsPerMerge?: number;
}

/** @param events of one repository, from `from` to `to`, oldest first. @param planned issues selected for the sprint, as far as remembered. */
export function reviewSprint(events: readonly Event[], planned: readonly number[], from: Date, to: Date): SprintReview {
  const issuesOf = (...names: string[]) =>
    new Set(events.flatMap((event) => (names.includes(event.event) && event.issue !== undefined ? [event.issue] : [])));
  const selected = new Set([...planned, ...issuesOf('plan.issue.selected')]);
  const finished = issuesOf('pr-monitor.task.finished');
  const escalated = issuesOf('queue.task.escalated', 'pr-monitor.task.escalated');
  const started = new Set([...issuesOf('dispatch.task.submitted'), ...finished, ...escalated]);
  const merges = events.filter((event) => event.event === 'pr-monitor.task.finished');
  const merged = [...selected].filter((issue) => finished.has(issue)).length;
  const stuck = [...selected].filter((issue) => escalated.has(issue) && !finished.has(issue)).length;
  const median = quantile(defined(merges.map((event) => event.lead_ms)), 0.5);
  const attempts = mean(defined(merges.map((event) => event.attempts)));
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    selected: selected.size,
    merged,
    escalated: stuck,
    open: selected.size - merged - stuck,
    ...(selected.size > 0 && { mergedShare: wilson(merged, selected.size) }),
    started: started.size,
    finished: finished.size,
    ...(median !== undefined && { medianLeadMs: median }),
    ...(attempts !== undefined && { attemptsPerMerge: attempts }),
  };
}

function defined(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}
