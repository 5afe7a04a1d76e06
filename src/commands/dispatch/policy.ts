/**
 * Which issues become tasks now, which tasks are withdrawn, and why everything
 * else is left alone: exactly one action for every issue that carries `ready`
 * or a label of ours, or has a task. Pure.
 */

import type { AgentOsError } from '../../core/errors.ts';
import type { Issue } from '../../core/github/github.ts';
import { HOLD } from '../../core/github/labels.ts';
import { hasLabel, type Readiness } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import type { Tray } from '../../core/mailbox/mailbox.ts';
import { plural } from '../../core/text.ts';
import type { Action } from '../run-command.ts';

/** A task file takes 128 kB of text; headings are added to it. */
const TEXT_LIMIT_BYTES = 120 * 1024;

/** A task of the issue, as far as dispatch needs it. */
export interface TaskFacts {
  id: string;
  tray: Tray;
  pullRequest?: number;
  /** It waits for a model, or its parts are being filed. */
  preparing?: boolean;
}

export interface IssueFacts {
  repo: string;
  issue: Issue;
  readyLabel: string;
  /** Absent for issues that are closed or carry no `ready`: nothing had to be asked. */
  readiness?: Readiness;
  /** The one task of this issue outside `done` and `failed`. */
  active?: TaskFacts;
  /** The task that the newest `ready` names, when it has ended. */
  ended?: TaskFacts;
  /** Dependencies that are not closed, with what is known of them. */
  waitsFor: { issue: number; state: 'open' | 'missing'; repo?: string }[];
  /** A circle of dependencies, from this issue to itself. */
  circle?: number[];
}

export interface DispatchSnapshot {
  repos: {
    repo: string;
    paused: boolean;
    issues: IssueFacts[];
    /** What could not be read: one issue, or the whole list. */
    unreadable?: { subject: string; issue: number; error: AgentOsError }[];
  }[];
  /** Models: whether any is configured. Waiting: tasks that one is still to be asked about, or whose parts are being filed. */
  refine?: { models: boolean; waiting: number };
}

/** Of one issue. */
export type IssueAction = Action & { repo: string; issue: number } & (
    | { kind: 'submit-task'; id: string; of: Issue; by: Readiness & { ready: true } }
    | { kind: 'withdraw'; id: string; request: 'cancel' | 'supersede'; running: boolean; tray: Tray; pullRequest?: number }
    | { kind: 'ask-again'; by: string }
    | { kind: 'unreadable'; error: AgentOsError }
    | { kind: 'skip' | 'hold' | 'wait' }
  );

/** The tasks that wait for a model, those of this pass too. */
export type DispatchAction = IssueAction | (Action & { kind: 'refine-tasks' });

export function decideDispatch(snapshot: DispatchSnapshot): DispatchAction[] {
  const actions = decideIssues(snapshot);
  const { models = false, waiting = 0 } = snapshot.refine ?? {};
  const fresh = models ? actions.filter((action) => action.kind === 'submit-task').length : 0;
  if (waiting + fresh === 0) return actions;
  const reason = `${plural(waiting + fresh, 'task')} to prepare${models ? '' : ', without a model'}`;
  return [...actions, { kind: 'refine-tasks', subject: 'inbox', reason }];
}

function decideIssues(snapshot: DispatchSnapshot): IssueAction[] {
  return snapshot.repos.flatMap(({ repo, paused, issues, unreadable = [] }) => [
    ...issues.map((facts) => {
      const base = { repo, issue: facts.issue.number, subject: `${repo}#${facts.issue.number}` };
      return paused ? { ...base, kind: 'skip' as const, reason: `${repo} is paused` } : { ...base, ...decideIssue(facts) };
    }),
    ...unreadable.map(({ subject, issue, error }) => ({ kind: 'unreadable' as const, repo, issue, subject, reason: error.message, error })),
  ]);
}

type Verdict = IssueAction extends infer A ? (A extends IssueAction ? Omit<A, 'repo' | 'issue' | 'subject'> : never) : never;

function decideIssue(facts: IssueFacts): Verdict {
  if (facts.active) return decideActive(facts, facts.active);
  const { issue, readiness } = facts;
  if (issue.state === 'closed') return { kind: 'skip', reason: 'the issue is closed' };
  if (hasLabel(issue.labels, HOLD)) return { kind: 'hold', reason: `label \`${HOLD}\`; take it off to go on` };
  if (!readiness) return { kind: 'skip', reason: `no label \`${facts.readyLabel}\`` };
  if (!readiness.ready) {
    if (readiness.why === 'edited' && readiness.by) return { kind: 'ask-again', reason: readiness.reason, by: readiness.by.login };
    return { kind: 'skip', reason: readiness.reason };
  }
  if (facts.ended) return { kind: 'skip', reason: describeEnded(facts.ended, facts.readyLabel) };
  if (facts.circle) return { kind: 'hold', reason: `depends on itself: ${facts.circle.map((n) => `#${n}`).join(' → ')}` };
  const missing = facts.waitsFor.find((dependency) => dependency.state === 'missing');
  if (missing) return { kind: 'hold', reason: `depends on #${missing.issue}, which does not exist` };
  if (facts.waitsFor.length > 0)
    return { kind: 'wait', reason: `waits for ${facts.waitsFor.map((one) => `${one.repo ?? ''}#${one.issue}`).join(', ')}` };
  if (bytesOf(issue.body) > TEXT_LIMIT_BYTES) {
    return {
      kind: 'hold',
      reason: `its text is larger than ${TEXT_LIMIT_BYTES / 1024} kB; shorten it, link to what it quotes, and put the label on again`,
    };
  }
  return {
    kind: 'submit-task',
    id: taskId(facts.repo, issue.number, readiness.n),
    of: issue,
    by: readiness,
    reason: `\`${facts.readyLabel}\` by ${readiness.by.login}`,
  };
}

/** The issue has a task under way: a person may have taken it back, or made it ready anew. */
function decideActive(facts: IssueFacts, active: TaskFacts): Verdict {
  const { issue, readiness, readyLabel } = facts;
  const pull = active.pullRequest === undefined ? {} : { pullRequest: active.pullRequest };
  const withdraw = { kind: 'withdraw' as const, id: active.id, tray: active.tray, running: active.tray === 'processing', ...pull };
  const unready = !hasLabel(issue.labels, readyLabel);
  if (issue.state === 'closed' || unready) {
    const reason = issue.state === 'closed' ? 'the issue was closed' : `the label \`${readyLabel}\` was taken off`;
    // The queue acts on what runs, the PR monitor on what is in review (docs/contracts.md, "State directory").
    // What is escalated with a pull request is the PR monitor's too: a merge by hand closes the issue, and takes nothing back.
    if (active.tray === 'inbox' || (active.tray === 'escalated' && active.pullRequest === undefined))
      return { ...withdraw, request: 'cancel', reason };
    return { kind: 'skip', reason: `${reason}; task ${active.id} in ${active.tray} is withdrawn by its own loop` };
  }
  if (readiness?.ready && taskId(facts.repo, issue.number, readiness.n) !== active.id) {
    return { ...withdraw, request: 'supersede', reason: `\`${readyLabel}\` was put on anew by ${readiness.by.login}` };
  }
  if (readiness && !readiness.ready && readiness.why === 'edited' && readiness.by && active.tray === 'inbox') {
    return { kind: 'ask-again', reason: `task ${active.id} is held: ${readiness.reason}`, by: readiness.by.login };
  }
  return { kind: 'skip', reason: `task ${active.id} is in ${active.tray}` };
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function describeEnded(ended: TaskFacts, label: string): string {
  if (ended.tray === 'done') return `task ${ended.id} is done`;
  return `task ${ended.id} has ended in ${ended.tray}; put \`${label}\` on again, or run \`agentos retry ${ended.id}\``;
}
