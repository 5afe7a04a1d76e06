/** May this waiting task start now? Trust and snapshot are checked again, whatever dispatch saw. Pure. */
import type { Issue, PullRequest } from '../../core/github/github.ts';
import { HOLD } from '../../core/github/labels.ts';
import { hasLabel, type Readiness } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import type { Task } from '../../core/mailbox/task.ts';

export interface StartFacts {
  task: Task;
  issue: Issue;
  readiness: Readiness;
  /** Of the issue as it reads now. */
  snapshotSha: string;
  pullRequest?: PullRequest;
}

/**
 * `skip`: taken back or replaced by a person, as `request` says. `withdraw`: taken back by closing our pull request.
 * `hand-over`: our pull request is merged, and the PR monitor finishes the task.
 */
export type StartVerdict =
  | { kind: 'start' }
  | { kind: 'skip'; request: 'cancel' | 'supersede'; reason: string }
  | { kind: 'hold' | 'escalate' | 'withdraw' | 'hand-over'; reason: string };

export function decideStart(facts: StartFacts): StartVerdict {
  const { task, issue, readiness, pullRequest } = facts;
  // The merge may have closed the issue: nothing was taken back.
  if (pullRequest?.state === 'merged') return { kind: 'hand-over', reason: `pull request #${pullRequest.number} is merged` };
  const back = whyWithdrawn(issue, readiness);
  if (back) return { kind: 'skip', request: 'cancel', reason: back };
  if (hasLabel(issue.labels, HOLD)) return { kind: 'hold', reason: `label \`${HOLD}\` on #${issue.number}; take it off to go on` };
  if (!readiness.ready) return { kind: 'hold', reason: readiness.reason };
  if (taskId(task.repo, task.issue, readiness.n) !== task.id) {
    return { kind: 'skip', request: 'supersede', reason: `\`ready\` was put on anew by ${readiness.by.login}` };
  }
  if (facts.snapshotSha !== task.snapshot.sha256)
    return { kind: 'hold', reason: 'the issue no longer reads as it did when it was made ready' };
  if (pullRequest && hasLabel(pullRequest.labels, HOLD)) return { kind: 'hold', reason: `label \`${HOLD}\` on #${pullRequest.number}` };
  if (pullRequest && pullRequest.state !== 'open') {
    const reason = `pull request #${pullRequest.number} was closed${pullRequest.closedBy ? ` by ${pullRequest.closedBy.login}` : ''}`;
    if (task.fix) return { kind: 'withdraw', reason };
    return {
      kind: 'escalate',
      reason: `${reason}; reopen it and run \`agentos retry ${task.id}\`, or put \`ready\` on again for a new one`,
    };
  }
  return { kind: 'start' };
}

/** Why a person took the issue back, `undefined` when nobody did. */
function whyWithdrawn(issue: Issue, readiness: Readiness): string | undefined {
  if (issue.state === 'closed') return 'the issue was closed';
  return !readiness.ready && readiness.why === 'no_label' ? `the issue has ${readiness.reason}` : undefined;
}
