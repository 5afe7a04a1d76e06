/**
 * Writes on pull requests that do not merge anything: open, close, edit, review,
 * and bringing the files up to date with what happened in git.
 */
import { AgentOsError } from '../../errors.ts';
import type { PullRequest, Review } from '../github.ts';
import { listNumbers, readPull } from './files.ts';
import { isAhead, updateBranchRef } from './git.ts';
import { checkBody, checkTitle, editThread, requireOn, type ThreadEdit } from './issues.ts';
import { finishMerge } from './merge.ts';
import type { PullRecord } from './records.ts';
import { readBranch, readDefaultBranch } from './refs.ts';
import type { Transaction } from './transaction.ts';
import { currentPull } from './view.ts';

/** The record up to date; what git says differently is saved: merged by a process that died, or closed because the branch is gone. */
export async function settledPull(tx: Transaction, number: number): Promise<PullRecord> {
  const record = await tx.pull(number);
  const now = await currentPull(tx.files, record);
  if (now.state === record.state) return now;
  if (now.state === 'merged') return finishMerge(tx, record);
  record.closedAt = tx.record(record, { kind: 'closed' }).at;
  record.state = 'closed';
  tx.save(record);
  return record;
}

/** @throws `conflict` when an open pull request of that head exists, `refused` when there is nothing to merge. */
export async function createPullRequest(
  tx: Transaction,
  pull: Pick<PullRequest, 'title' | 'body' | 'head' | 'base'>,
): Promise<{ number: number }> {
  tx.require('write', 'open a pull request');
  const title = checkTitle(pull.title);
  const body = checkBody(pull.body);
  const headSha = tipOf(tx, pull.head);
  const baseSha = tipOf(tx, pull.base);
  for (const number of listNumbers(`${tx.files.dir}/pulls`)) {
    const other = await settledPull(tx, number);
    if (other.state !== 'open' || other.head !== pull.head) continue;
    throw new AgentOsError('conflict', `${tx.files.repo}#${number} is open for \`${pull.head}\` already`);
  }
  if (headSha === baseSha || !isAhead(tx.files.gitDir, baseSha, headSha)) {
    throw new AgentOsError('refused', `there are no commits between \`${pull.base}\` and \`${pull.head}\` in ${tx.files.repo}`);
  }
  const number = tx.newNumber();
  const at = tx.stamp();
  tx.create({
    kind: 'pull',
    number,
    title,
    body,
    state: 'open',
    base: pull.base,
    head: pull.head,
    headSha,
    draft: false,
    author: tx.actor,
    labels: [],
    assignees: [],
    createdAt: at,
    updatedAt: at,
    events: [],
    comments: [],
    reviews: [],
  });
  return { number };
}

function tipOf(tx: Transaction, branch: string): string {
  const tip = readBranch(tx.files.gitDir, branch);
  if (tip === undefined) throw new AgentOsError('refused', `${tx.files.repo} has no branch \`${branch}\``);
  return tip;
}

/** Nothing happens when it is closed already. @throws `refused` when it is merged. */
export async function closePullRequest(tx: Transaction, number: number): Promise<void> {
  const pull = await settledPull(tx, number);
  requireOn(tx, pull, 'triage', 'close pull requests');
  if (pull.state === 'merged') throw new AgentOsError('refused', `${tx.files.repo}#${number} is merged`);
  if (pull.state === 'closed') return;
  closeNow(tx, pull);
}

function closeNow(tx: Transaction, pull: PullRecord): void {
  const { at } = tx.record(pull, { kind: 'closed' });
  Object.assign(pull, { state: 'closed', closedBy: tx.actor, closedAt: at });
  tx.save(pull);
}

export async function editPull(tx: Transaction, number: number, edit: ThreadEdit): Promise<void> {
  await editThread(tx, await settledPull(tx, number), edit);
}

/** Whoever may read may review; whose approval counts is the judgement of who merges. Nobody reviews their own work, as on GitHub. */
export async function reviewPull(tx: Transaction, number: number, review: Pick<Review, 'state' | 'body'>): Promise<void> {
  tx.require('read', 'review');
  const body = checkBody(review.body);
  const pull = await settledPull(tx, number);
  if (pull.state !== 'open') throw new AgentOsError('refused', `${tx.files.repo}#${number} is ${pull.state}`);
  if (pull.author.id === tx.user.id && review.state !== 'commented') {
    throw new AgentOsError('refused', `\`${tx.user.login}\` opened ${tx.files.repo}#${number} and cannot approve it or ask for changes`);
  }
  if (review.state !== 'approved' && body.trim() === '') {
    throw new AgentOsError('refused', 'a review that does not approve needs a text', { hint: 'Say what to change with `--body`.' });
  }
  const at = tx.stamp();
  pull.reviews.push({ author: tx.actor, state: review.state, sha: pull.headSha, body, at });
  pull.updatedAt = at;
  tx.save(pull);
}

/** Open pull requests of the branch are closed, as on GitHub. */
export async function deleteBranch(tx: Transaction, branch: string, expectedSha: string): Promise<void> {
  tx.require('write', 'delete a branch');
  if (branch === readDefaultBranch(tx.files.gitDir)) {
    throw new AgentOsError('refused', `\`${branch}\` is the default branch of ${tx.files.repo}`);
  }
  if (readBranch(tx.files.gitDir, branch) !== expectedSha) return;
  const pulls: PullRecord[] = [];
  for (const number of listNumbers(`${tx.files.dir}/pulls`)) {
    const pull = await readPull(tx.files, number);
    if (pull?.state === 'open' && pull.head === branch) pulls.push(await settledPull(tx, number));
  }
  if (!updateBranchRef(tx.files.gitDir, branch, undefined, expectedSha)) return;
  for (const pull of pulls) if (pull.state === 'open') closeNow(tx, pull);
}
