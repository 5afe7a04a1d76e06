/**
 * What to do about each of our pull requests: ordered rules, the first that
 * matches wins, one action each, at most one merge per base branch and pass.
 * What is unknown is never green. Pure. (docs/commands/pr-monitor.md)
 */

import type { AgentOsError } from '../../core/errors.ts';
import type { CheckRun, Issue, PullRequest } from '../../core/github/github.ts';
import { HOLD } from '../../core/github/labels.ts';
import { hasLabel, type Readiness } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import type { Task } from '../../core/mailbox/task.ts';
import { cleanLine } from '../../core/text.ts';
import type { Action } from '../run-command.ts';
import { blockingReview, type ReviewFacts } from './reviews.ts';

/** So many paths or checks are named in a reason. */
const SOME = 10;

/** What needs git, asked for only where everything cheaper is in order. */
export interface TreeFacts {
  baseTip: string;
  /** The head contains the tip of its base. */
  upToDate: boolean;
  headTree: string;
  /** The head's tree passed `verify` on a fresh checkout. */
  verified: boolean;
  /** Protected paths that the pull request changes. */
  protected: string[];
  /** Why the tree may not be merged at all. */
  refused: string[];
}

export interface PullFacts {
  task: Task;
  tray: 'review' | 'escalated';
  automation: 'dispatch_only' | 'supervised' | 'full';
  readyLabel: string;
  hasVerify: boolean;
  issue: Issue;
  /** Who made it ready, asked again; absent where nothing could be merged anyway. */
  readiness?: Readiness;
  /** What somebody asked of the task while it ran, too late for its run. */
  request?: string;
  /** The issue's text is still the one that was made ready. */
  sameText: boolean;
  pull: PullRequest;
  /** Every commit on the head is ours: what we pushed, or our own merge of the base. */
  ours: boolean;
  checks: CheckRun[];
  /** It has no check so far, and there is reason to expect one. */
  checksMayCome?: boolean;
  reviews: ReviewFacts;
  tree?: TreeFacts;
  /** Why the forge refused a moment ago to merge this head, or to bring it up to date. */
  refusedMerge?: string | undefined;
  refusedUpdate?: string | undefined;
  /** We gave this head to the forge's merge queue; whether it is still there. */
  queue?: 'in' | 'out';
  /** What the verdict rests on, in one word; absent where the forge gives no stamps. */
  key?: string;
}

export interface PrMonitorSnapshot {
  pulls: PullFacts[];
  /** Tasks that were not looked at, with the reason; an error where looking failed. */
  left?: { id: string; issue: number; subject: string; reason: string; error?: AgentOsError }[];
  /** Verdicts of an earlier pass that still hold: nothing has happened since. */
  unchanged?: { id: string; subject: string; kind: 'wait' | 'hold' | 'skip'; reason: string }[];
}

export type PrMonitorAction = Action & { id: string } & (
    | { kind: 'finalize' | 'withdraw' | 'update-branch' | 'verify-head' | 'merge' | 'escalate'; expectedHeadSha: string }
    | { kind: 'queue-fix'; expectedHeadSha: string; fix: 'checks' | 'conflict' }
    | { kind: 'unreadable'; error: AgentOsError }
    | { kind: 'hold' | 'wait' | 'skip' }
  );

type Verdict = PrMonitorAction extends infer A
  ? A extends PrMonitorAction
    ? Omit<A, 'id' | 'subject' | 'expectedHeadSha'>
    : never
  : never;

export function decidePrMonitor(snapshot: PrMonitorSnapshot): PrMonitorAction[] {
  const judged = snapshot.pulls
    .map((facts) => ({ facts, verdict: decidePull(facts) }))
    .sort((a, b) => a.facts.pull.number - b.facts.pull.number);
  const first = firstOfLanes(judged);
  const looked = judged.map((one) => {
    const { task, pull } = one.facts;
    const leader = first.get(laneOf(one.facts));
    const comes = leader?.verdict.kind === 'merge' ? 'is merged into' : 'is brought up to date with';
    const waits = moves(one.verdict) && leader !== one;
    const verdict = waits ? { kind: 'wait', reason: `another pull request ${comes} ${pull.base} first` } : one.verdict;
    return { id: task.id, subject: `${task.repo}#${pull.number}`, expectedHeadSha: pull.headSha, ...verdict } as PrMonitorAction;
  });
  return [...looked, ...(snapshot.unchanged ?? []), ...(snapshot.left ?? []).map(toLeft)];
}

interface Judged {
  facts: PullFacts;
  verdict: Verdict;
}

/**
 * Of each base branch the one pull request that a pass merges, or else brings up
 * to date: for the others the base moves by it, and their checks would run in vain.
 */
function firstOfLanes(judged: readonly Judged[]): Map<string, Judged> {
  const first = new Map<string, Judged>();
  for (const one of judged) {
    if (!moves(one.verdict)) continue;
    const lane = laneOf(one.facts);
    const before = first.get(lane);
    if (!before || (before.verdict.kind !== 'merge' && one.verdict.kind === 'merge')) first.set(lane, one);
  }
  return first;
}

function moves({ kind }: Verdict): boolean {
  return kind === 'merge' || kind === 'update-branch';
}

function laneOf({ task, pull }: PullFacts): string {
  return `${task.repo} ${pull.base}`;
}

function toLeft({ id, subject, reason, error }: NonNullable<PrMonitorSnapshot['left']>[number]): PrMonitorAction {
  return error ? { kind: 'unreadable', id, subject, reason, error } : { kind: 'hold', id, subject, reason };
}

/** The verdict on one, whatever happens to the others. */
export function decidePull(facts: PullFacts): Verdict {
  return decideEnd(facts) ?? decideStop(facts) ?? decideChecks(facts) ?? decideMerge(facts);
}

/** Merged, closed, or taken back by a person. */
function decideEnd(facts: PullFacts): Verdict | undefined {
  const { pull, issue, readyLabel } = facts;
  const told = facts.tray === 'escalated' && facts.task.merged !== undefined && facts.task.merged === pull.mergeSha;
  if (pull.state === 'merged' && !told) return { kind: 'finalize', reason: 'merged' };
  if (facts.request !== undefined) return { kind: 'withdraw', reason: facts.request };
  if (pull.state === 'closed') {
    return { kind: 'withdraw', reason: `the pull request was closed${pull.closedBy ? ` by ${pull.closedBy.login}` : ''}` };
  }
  if (issue.state === 'closed') return { kind: 'withdraw', reason: `issue #${issue.number} was closed` };
  if (!hasLabel(issue.labels, readyLabel))
    return { kind: 'withdraw', reason: `the label \`${readyLabel}\` was taken off #${issue.number}` };
  if (facts.tray === 'escalated') return { kind: 'skip', reason: `task ${facts.task.id} waits for a person` };
  return undefined;
}

/** A person must act first. */
function decideStop(facts: PullFacts): Verdict | undefined {
  const { pull, issue, task } = facts;
  for (const held of [issue, pull]) {
    if (hasLabel(held.labels, HOLD)) return { kind: 'hold', reason: `label \`${HOLD}\` on #${held.number}` };
  }
  if (pull.draft) return { kind: 'hold', reason: 'it is a draft' };
  if (pull.base !== task.base) return { kind: 'hold', reason: `its base was changed from ${task.base} to ${pull.base}` };
  if (!facts.ours) return { kind: 'hold', reason: 'somebody else pushed to its branch; merge it by hand, or take those commits off' };
  const { readiness } = facts;
  if (readiness && !readiness.ready && readiness.why !== 'edited') return { kind: 'hold', reason: readiness.reason };
  if (readiness?.ready && taskId(task.repo, task.issue, readiness.n) !== task.id) {
    return { kind: 'wait', reason: `\`${facts.readyLabel}\` was put on anew by ${readiness.by.login}; dispatch replaces task ${task.id}` };
  }
  if (!facts.sameText)
    return {
      kind: 'hold',
      reason: `issue #${issue.number} no longer reads as it did when it was made ready; put the label on again, or merge by hand`,
    };
  const review = blockingReview(facts.reviews);
  return review === undefined ? undefined : { kind: 'hold', reason: review };
}

function decideChecks(facts: PullFacts): Verdict | undefined {
  const { pull, checks, task } = facts;
  if (pull.mergeable === undefined) return { kind: 'wait', reason: 'the forge has not computed whether it merges' };
  if (!pull.mergeable) {
    const paths = pull.conflicts && some(pull.conflicts);
    return fixOnce(task, 'conflict', `conflicts with ${pull.base}${paths ? `: ${paths}` : ''}`);
  }
  const failed = checks.filter((check) => check.state === 'failure');
  const pending = checks.filter((check) => check.state === 'pending');
  if (pending.length > 0) return { kind: 'wait', reason: `checks run: ${names(pending)}` };
  if (failed.length > 0) return fixOnce(task, 'checks', `checks failed: ${names(failed)}`);
  if (facts.checksMayCome) return { kind: 'wait', reason: `no check has begun on it yet, and ${pull.base} has some` };
  const proof = checks.some((check) => check.state === 'success');
  if (!proof && !facts.hasVerify) {
    return {
      kind: 'hold',
      reason: 'nothing proves it: the forge has no checks and `verify` is not configured; merge it by hand, or configure one',
    };
  }
  return undefined;
}

/** Green and mergeable: is it what was judged, and may it merge without a person? */
function decideMerge(facts: PullFacts): Verdict {
  const { pull, tree, checks } = facts;
  // Its own merge of the base is what the queue tests: another head would only lose the place in it.
  if (facts.queue === 'in') return { kind: 'wait', reason: `the merge queue of ${facts.task.repo} has it` };
  if (facts.queue === 'out')
    return { kind: 'hold', reason: 'the merge queue gave it back; look there why, and put it into the queue again or merge it by hand' };
  if (!tree) return { kind: 'wait', reason: 'its tree could not be read; the next pass looks again' };
  if (tree.refused.length > 0) return { kind: 'hold', reason: `its change is refused by policy: ${some(tree.refused, '; ')}` };
  if (facts.automation === 'dispatch_only')
    return { kind: 'hold', reason: 'green; `automation: dispatch_only` leaves the merge to a person' };
  const approved = facts.reviews.approvedShas.includes(pull.headSha);
  const how = `approve it, or run \`agentos approve ${facts.task.repo}#${pull.number} --sha ${pull.headSha}\``;
  if (!approved && tree.protected.length > 0) {
    return { kind: 'hold', reason: `changes protected paths (${some(tree.protected)}); ${how}` };
  }
  if (!approved && facts.automation === 'supervised') return { kind: 'hold', reason: `green; ${how}` };
  if (!tree.upToDate && facts.refusedUpdate !== undefined) return refused(facts, 'update of its branch', facts.refusedUpdate);
  if (!tree.upToDate) return { kind: 'update-branch', reason: `${pull.base} has moved on` };
  const checked = checks.some((check) => check.state === 'success');
  if (!checked && !tree.verified) return { kind: 'verify-head', reason: 'the forge has no checks: `verify` runs on this head' };
  if (facts.refusedMerge !== undefined) return refused(facts, 'merge', facts.refusedMerge);
  const why = approved ? 'approved' : '`automation: full`';
  return { kind: 'merge', reason: `${checked ? `green (${names(checks)})` : 'verified'}, up to date with ${pull.base}, ${why}` };
}

/** Not asked for in every pass; meanwhile the others with its base have their turn. */
function refused({ task }: PullFacts, what: string, words: string): Verdict {
  return { kind: 'hold', reason: `${task.repo} refused the ${what}: ${words.replace(/\.$/, '')}; it is tried again every ten minutes` };
}

/** One fix a pull request; what is red after it needs a person. A fix that is still asked for never left `review`: its move was cut off. */
export function fixOnce(task: Task, fix: 'checks' | 'conflict', reason: string): Verdict {
  if ((task.fixes ?? 0) > 0 && task.fix === undefined) return { kind: 'escalate', reason: `${reason}, after one fix` };
  return { kind: 'queue-fix', fix, reason };
}

/** The first few of a list from outside, on one line. */
function some(items: readonly string[], between = ', '): string {
  const more = items.length > SOME ? [`and ${items.length - SOME} more`] : [];
  return [...items.slice(0, SOME).map((item) => cleanLine(item, 200)), ...more].join(between);
}

function names(checks: readonly CheckRun[]): string {
  return some(checks.map((check) => `\`${cleanLine(check.name, 80)}\``));
}
