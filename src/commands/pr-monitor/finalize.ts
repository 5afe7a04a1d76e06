/**
 * After a merge: is what landed what was judged? Then the issue is closed, the
 * branch deleted, the memory kept, and the task done. A merge that cannot be
 * verified reopens the issue and goes to a person. Every step can be repeated.
 */

import { verifyTree } from '../../core/checkout/verify-tree.ts';
import { runPath } from '../../core/config/paths.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError } from '../../core/errors.ts';
import { readEvidence } from '../../core/evidence.ts';
import type { Git, HostRepository } from '../../core/git/git.ts';
import type { PullRequest } from '../../core/github/github.ts';
import { type Projector, projectLetter, removeLabel } from '../../core/github/projection.ts';
import { countReady, hasLabel } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Task } from '../../core/mailbox/task.ts';
import { countedAttempts } from '../../core/mailbox/task.ts';
import { openMemory } from '../../core/memory/store.ts';
import type { Ports } from '../../core/ports.ts';
import { tryRead } from '../../core/try-read.ts';
import type { Applied } from '../run-command.ts';
import { settleEscalated } from './settle.ts';

export async function finalize(ports: Ports, repo: RepoConfig, letter: Letter, pull: PullRequest): Promise<Applied> {
  const { task } = letter;
  const to: Projector = { forge: await ports.forge(), effects: await ports.effects() };
  const mergeSha = pull.mergeSha;
  if (mergeSha === undefined) throw new AgentOsError('unavailable', `the forge does not tell the merge commit of #${pull.number} yet`);
  const wrong = await verifyMerge(ports, repo, task, pull, mergeSha);
  if (wrong !== undefined) {
    await reopenIssue(to, task);
    const escalated = await settleEscalated(
      ports,
      letter,
      `#${pull.number} was merged as ${mergeSha.slice(0, 12)}, but ${wrong}`,
      mergeSha,
    );
    return { outcome: 'applied', reason: escalated.task.note ?? wrong };
  }
  crashPoint('pr-monitor:merge-verified');
  await closeIssue(to, task);
  await remember(ports, task, pull, mergeSha);
  await deleteBranch(to, task, pull);
  const done = await settleDone(ports, letter, mergeSha);
  crashPoint('pr-monitor:settled');
  const { issue, events } = await to.forge.viewIssue(task.repo, task.issue);
  await projectLetter(to, done, issue.labels);
  // One that was put on anew asks for another task.
  const isOurs = taskId(task.repo, task.issue, countReady(events, repo.ready.label)) === task.id;
  if (isOurs && hasLabel(issue.labels, repo.ready.label)) await removeLabel(to, task.repo, task.issue, repo.ready.label);
  return {
    outcome: 'applied',
    reason: `#${pull.number} is merged as ${mergeSha.slice(0, 12)} and verified; issue #${task.issue} is closed`,
    detail: { task: task.id, sha: mergeSha },
  };
}

/** Why the merged tree is not the one that was judged; `undefined` when it is, or passed `verify` itself. */
async function verifyMerge(ports: Ports, repo: RepoConfig, task: Task, pull: PullRequest, mergeSha: string): Promise<string | undefined> {
  const git = await ports.git();
  const host = await git.openHost(task.repo);
  const tip = await fetchMerge(ports, host, task, pull);
  if (tip === undefined || (await git.findCommit(host.preserved, mergeSha)) === undefined || !(await git.isAncestor(host, mergeSha, tip))) {
    return `that commit is not on \`${pull.base}\` any more`;
  }
  const mergedTree = await git.treeOf(host, mergeSha);
  const how = await compare(git, host, pull, mergeSha, mergedTree);
  if (how === 'head') return undefined;
  if (how === 'other merge') return 'its tree is not the merge of its base and its head';
  if (repo.verify.length === 0) {
    // A person who merges by hand on a base that has moved took what git makes of the two: there is nothing more to prove it by.
    if (how === 'clean merge' && !(await isOurMerge(ports, task, pull))) return undefined;
    return 'the base had moved, so its tree is not the one that was checked, and `verify` is not configured';
  }
  const sandbox = await ports.sandbox();
  const verified = await verifyTree(
    { paths: ports.paths, config: ports.config, git, sandbox },
    { host, repo, task: task.id, label: `merge-${pull.number}`, commit: mergeSha, tree: mergedTree },
    ports.signal,
  );
  return verified.ok ? undefined : `the merged tree fails \`verify\`: ${verified.reason}`;
}

/** Brings base and head; the head's branch may be gone, and a head that we did not make with it. @returns the tip of the base. */
async function fetchMerge(ports: Ports, host: HostRepository, task: Task, pull: PullRequest): Promise<string | undefined> {
  const git = await ports.git();
  const forge = await ports.forge();
  const remote = await forge.getRemote(task.repo, 'read');
  const tip = await forge.findBranch(task.repo, pull.base);
  if (tip === undefined) return undefined;
  await git.fetch(host, remote, [{ branch: pull.base, sha: tip }]);
  const missing = (await git.findCommit(host.preserved, pull.headSha)) === undefined;
  if (missing && (await forge.findBranch(task.repo, pull.head)) === pull.headSha)
    await git.fetch(host, remote, [{ branch: pull.head, sha: pull.headSha }]);
  return tip;
}

/** What the merged tree is, seen from the head that was judged. */
async function compare(
  git: Git,
  host: HostRepository,
  pull: PullRequest,
  mergeSha: string,
  mergedTree: string,
): Promise<'head' | 'clean merge' | 'other merge' | 'unknown'> {
  if ((await git.findCommit(host.preserved, pull.headSha)) === undefined) return 'unknown';
  if (mergedTree === (await git.treeOf(host, pull.headSha))) return 'head';
  const before = await git.findCommit(host.preserved, `${mergeSha}^1`);
  if (before === undefined || pull.headSha === before) return 'unknown';
  const expected = await git.mergeTree(host, before, pull.headSha);
  if (expected.tree === mergedTree && expected.conflicts.length === 0) return 'clean merge';
  return (await git.findCommit(host.preserved, `${mergeSha}^2`)) === undefined ? 'unknown' : 'other merge';
}

async function isOurMerge(ports: Ports, task: Task, pull: PullRequest): Promise<boolean> {
  const effect = { repo: task.repo, subject: `#${pull.number}`, kind: 'merge-pull-request', key: pull.headSha };
  return (await (await ports.effects()).find(effect)) !== undefined;
}

async function closeIssue(to: Projector, task: Task): Promise<void> {
  await to.effects.ensure({
    repo: task.repo,
    subject: `#${task.issue}`,
    kind: 'close-issue',
    key: task.id,
    nature: 'state',
    // The merge may have closed it, and a person opened it again: that is not undone.
    probe: async () => {
      const { issue, events } = await to.forge.viewIssue(task.repo, task.issue);
      const last = events.findLast((event) => event.kind === 'closed' || event.kind === 'reopened');
      const isOpenAgain = last?.kind === 'reopened' && last.at > task.snapshot.ready_at;
      return issue.state === 'closed' || isOpenAgain ? true : undefined;
    },
    act: async () => {
      await to.forge.closeIssue(task.repo, task.issue, 'completed');
      return true;
    },
  });
}

async function reopenIssue(to: Projector, task: Task): Promise<void> {
  await to.effects.ensure({
    repo: task.repo,
    subject: `#${task.issue}`,
    kind: 'reopen-issue',
    key: task.id,
    nature: 'state',
    probe: async () => ((await to.forge.getIssue(task.repo, task.issue)).state === 'open' ? true : undefined),
    act: async () => {
      await to.forge.reopenIssue(task.repo, task.issue);
      return true;
    },
  });
}

async function deleteBranch(to: Projector, task: Task, pull: PullRequest): Promise<void> {
  await to.effects.ensure({
    repo: task.repo,
    subject: pull.head,
    kind: 'delete-branch',
    key: pull.headSha,
    nature: 'state',
    // Another pull request may stand on it, and would be closed with the branch; where nobody can tell, the branch stays.
    probe: async () => {
      if ((await to.forge.findBranch(task.repo, pull.head)) !== pull.headSha) return true;
      const open = await tryRead(() => to.forge.listPullRequests(task.repo, { state: 'open' }));
      if (open instanceof AgentOsError && open.temporary) throw open;
      return open instanceof AgentOsError || open.some((other) => other.base === pull.head) ? true : undefined;
    },
    act: async () => {
      await to.forge.deleteBranch(task.repo, pull.head, pull.headSha);
      return true;
    },
  });
}

/** What the merged work teaches about the repository. */
async function remember(ports: Ports, task: Task, pull: PullRequest, mergeSha: string): Promise<void> {
  const git = await ports.git();
  const host = await git.openHost(task.repo);
  const before = await git.findCommit(host.mirror, `${mergeSha}^1`);
  const changes = before === undefined ? [] : await git.diff(host, before, mergeSha);
  const last = task.attempts.findLast((attempt) => attempt.outcome === 'complete');
  const said = last ? readEvidence(runPath(ports.paths, task.id, last.n))?.result : undefined;
  await openMemory(ports.paths.memory).add(task.repo, {
    issue: task.issue,
    title: task.title,
    pullRequest: pull.number,
    mergedAt: ports.clock.now().toISOString(),
    paths: changes.map((change) => change.path),
    summary: said?.summary ?? last?.summary ?? '',
    decisions: said?.decisions ?? [],
    risks: said?.risks ?? [],
  });
}

async function settleDone(ports: Ports, letter: Letter, mergeSha: string): Promise<Letter> {
  const now = ports.clock.now();
  const { note: _, ...task } = letter.task;
  const done: Task = { ...task, merged: mergeSha, settled_at: now.toISOString() };
  await ports.log.write({
    event: 'pr-monitor.task.finished',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    type: task.type,
    outcome: 'done',
    reason: `merged as ${mergeSha}`,
    attempts: Math.max(1, countedAttempts(task).length),
    lead_ms: now.getTime() - Date.parse(task.snapshot.ready_at),
    ...(task.pull_request !== undefined && { pr: task.pull_request }),
    ...(task.attempts.at(-1) && { agent: task.attempts.findLast((attempt) => attempt.outcome === 'complete')?.agent ?? '' }),
  });
  return (await ports.mailbox()).move(letter, 'done', done);
}
