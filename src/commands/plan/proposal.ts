/**
 * Which issues come next: as many as there is capacity for, best score first.
 * What is not ready to be worked on is deferred with its reason. Pure.
 */
import { parseDependencies } from '../../core/github/dependencies.ts';
import type { Issue } from '../../core/github/github.ts';
import { HOLD, OWN_PREFIX } from '../../core/github/labels.ts';
import { hasLabel } from '../../core/github/readiness.ts';
import type { Tray } from '../../core/mailbox/mailbox.ts';
import { plural } from '../../core/text.ts';
import type { SprintReview } from './review.ts';
import type { Scored } from './score.ts';

export interface Capacity {
  /** `plan.size`. */
  size: number;
  /** What the last sprint's throughput allows; absent when it is not known. */
  throughput?: number;
  /** Issues that are Ready or in work now. */
  inWork: number;
  /** Issues that may be selected. */
  free: number;
}

export interface Deferred {
  number?: number;
  title: string;
  /** Absent where it was not scored. */
  score?: number;
  reason: string;
}

export interface Proposal {
  selected: Scored[];
  /** Selected, but Agent OS may not make them Ready. */
  needsPerson: { scored: Scored; why: string }[];
  deferred: Deferred[];
}

/** A task of the repository, in whatever tray. */
export interface PlannedTask {
  id: string;
  issue: number;
  tray: Tray;
}

/** May we make this issue Ready? */
export interface LabelVerdict {
  may: boolean;
  why: string;
}

/** A sprint that finished all it started may be full again; one that did not gets at most one issue more than it finished. */
export function decideCapacity(size: number, inWork: number, review: SprintReview): Capacity {
  const known = review.started > 0 && review.finished < review.started;
  const throughput = known ? Math.min(size, review.finished + 1) : undefined;
  return { size, inWork, free: Math.max(0, (throughput ?? size) - inWork), ...(throughput !== undefined && { throughput }) };
}

/** Open issues that are Ready or have a task that is not over. */
export function listInWork(issues: readonly Issue[], tasks: readonly PlannedTask[], readyLabel: string): Set<number> {
  const ready = issues.filter((issue) => issue.state === 'open' && hasLabel(issue.labels, readyLabel));
  const active = tasks.filter((task) => task.tray !== 'done' && task.tray !== 'failed');
  return new Set([...ready.map((issue) => issue.number), ...active.map((task) => task.issue)]);
}

/** Why an open issue is no candidate now; `undefined` when it is one. @param known every issue of the repository. */
export function whyNot(
  issue: Issue,
  known: ReadonlyMap<number, Issue>,
  tasks: readonly PlannedTask[],
  readyLabel: string,
): string | undefined {
  const task = tasks.find((one) => one.issue === issue.number && one.tray !== 'done');
  if (hasLabel(issue.labels, HOLD)) return `on hold (label \`${HOLD}\`)`;
  if (task && task.tray !== 'failed') return `in work: task \`${task.id}\` is in \`${task.tray}\``;
  if (hasLabel(issue.labels, readyLabel)) return 'is Ready already';
  const own = issue.labels.find((label) => label.startsWith(OWN_PREFIX));
  if (own !== undefined) return `carries \`${own}\``;
  if (task) return `task \`${task.id}\` was withdrawn, cancelled or superseded; a person makes it Ready again`;
  const groomed = issue.labels.find((label) => /^groom:(?:stale|duplicate)/i.test(label));
  if (groomed !== undefined) return `carries \`${groomed}\`; take the label off to have it planned`;
  if (issue.assignees.length > 0) return `assigned to ${issue.assignees.join(', ')}`;
  const waits = parseDependencies(issue.body).filter((number) => known.get(number)?.state !== 'closed');
  if (waits.length === 0) return undefined;
  return `waits for ${waits.map((number) => (known.has(number) ? `#${number}` : `#${number}, which is no issue here`)).join(', ')}`;
}

/** Open issues by the issue they wait for. */
export function mapUnblocks(issues: readonly Issue[]): Map<number, number[]> {
  const waiting = new Map<number, number[]>();
  for (const issue of issues) {
    if (issue.state !== 'open') continue;
    for (const number of parseDependencies(issue.body)) waiting.set(number, [...(waiting.get(number) ?? []), issue.number]);
  }
  return waiting;
}

/**
 * @param ranked best first.
 * @param verdicts `undefined`: nothing is made Ready, everything selected is a
 *   proposal. Otherwise by issue number; what is not filed yet is ours.
 */
export function propose(ranked: readonly Scored[], capacity: Capacity, verdicts: ReadonlyMap<number, LabelVerdict> | undefined): Proposal {
  const proposal: Proposal = { selected: [], needsPerson: [], deferred: [] };
  for (const scored of ranked) {
    const { number, title } = scored.candidate;
    const verdict = verdicts && number !== undefined ? verdicts.get(number) : { may: true, why: '' };
    if (proposal.selected.length >= capacity.free || !verdict) {
      const reason = capacity.free === 0 ? 'no capacity' : `below the ${plural(capacity.free, 'issue')} there is capacity for`;
      proposal.deferred.push({ title, score: scored.score, reason, ...(number !== undefined && { number }) });
    } else if (verdict.may) proposal.selected.push(scored);
    else proposal.needsPerson.push({ scored, why: verdict.why });
  }
  return proposal;
}
