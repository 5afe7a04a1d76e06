/**
 * Merges on the local forge: real git merges, guarded by the head that was
 * judged and by the base they were made on. The commit is named in the pull
 * request's file before it goes on the base, so a process that dies in between
 * leaves a merge that the next one recognises and finishes.
 */
import { crashPoint } from '../../crash-point.ts';
import { AgentOsError } from '../../errors.ts';
import type { Actor } from '../github.ts';
import { readIssue } from './files.ts';
import {
  type CommitInfo,
  commitMessage,
  commitTree,
  isAncestor,
  listCommits,
  mergeTree,
  type Signature,
  treeOf,
  updateBranchRef,
} from './git.ts';
import { markClosed } from './issues.ts';
import type { PullRecord } from './records.ts';
import { readBranch, readDefaultBranch } from './refs.ts';
import type { Transaction } from './transaction.ts';

export interface MergeRequest {
  method: 'squash' | 'merge' | 'rebase';
  expectedHeadSha: string;
  title: string;
  message: string;
}

const KEYWORD = /(?<![\w-])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+\/[\w.-]+))?#([1-9]\d{0,8})\b/gi;

/** Issues of this repository that a text closes when it reaches the default branch ("Linking a pull request to an issue", GitHub docs). Pure. */
export function closingReferences(repo: string, text: string): number[] {
  const numbers = Array.from(text.matchAll(KEYWORD))
    .filter(([, other]) => other === undefined || other.toLowerCase() === repo.toLowerCase())
    .map(([, , number]) => Number(number));
  return [...new Set(numbers)];
}

/** @throws `conflict` when the head moved, the base moved meanwhile or they conflict; `refused` when it is not open or a rule forbids it. */
export async function mergePullRequest(tx: Transaction, pull: PullRecord, merge: MergeRequest): Promise<{ sha: string }> {
  tx.require('write', 'merge');
  checkMergeable(tx, pull, merge);
  const { gitDir } = tx.files;
  const base = readBranch(gitDir, pull.base);
  if (base === undefined) throw new AgentOsError('refused', `${tx.files.repo} has no branch \`${pull.base}\``);
  if (isAncestor(gitDir, pull.headSha, base))
    throw new AgentOsError('refused', `\`${pull.base}\` has everything of ${nameOf(tx, pull)} already`);
  const sha = makeCommits(tx, pull, base, merge);
  pull.mergingSha = sha;
  pull.updatedAt = tx.stamp();
  tx.save(pull);
  crashPoint('local-forge:before-merge');
  if (!updateBranchRef(gitDir, pull.base, sha, base)) {
    delete pull.mergingSha;
    tx.save(pull);
    throw new AgentOsError('conflict', `\`${pull.base}\` of ${tx.files.repo} moved during the merge`);
  }
  crashPoint('local-forge:after-merge');
  await finishMerge(tx, pull);
  return { sha };
}

function checkMergeable(tx: Transaction, pull: PullRecord, merge: MergeRequest): void {
  const name = nameOf(tx, pull);
  if (pull.state !== 'open') throw new AgentOsError('refused', `${name} is ${pull.state}`);
  if (pull.draft) throw new AgentOsError('refused', `${name} is a draft`);
  if (!tx.settings.mergeMethods.includes(merge.method)) {
    throw new AgentOsError('refused', `${tx.files.repo} does not allow the merge method \`${merge.method}\``);
  }
  checkHead(tx, pull, merge.expectedHeadSha);
}

function checkHead(tx: Transaction, pull: PullRecord, expected: string): void {
  if (pull.headSha === expected) return;
  throw new AgentOsError('conflict', `the head of ${nameOf(tx, pull)} is ${pull.headSha}, not ${expected}`);
}

function makeCommits(tx: Transaction, pull: PullRecord, base: string, merge: MergeRequest): string {
  if (merge.method === 'rebase') return rebase(tx, pull, base);
  const tree = cleanTree(tx, pull, base, pull.headSha);
  const message = `${merge.title}\n\n${merge.message}`.trimEnd();
  const committer = signature(tx.actor);
  // The newest commit that is somebody's work: the head itself may be our merge of the base.
  const author = merge.method === 'squash' ? listCommits(tx.files.gitDir, base, pull.headSha, 1)[0]?.author : undefined;
  return commitTree(tx.files.gitDir, {
    tree,
    parents: merge.method === 'squash' ? [base] : [base, pull.headSha],
    message: `${message}\n`,
    author: author ? { name: author.name, email: author.email } : committer,
    committer,
  });
}

/** Each commit on top of the one before, authorship kept; merges are left out, and so is what changes nothing any more. */
function rebase(tx: Transaction, pull: PullRecord, base: string): string {
  const { gitDir } = tx.files;
  let tip = base;
  for (const commit of listCommits(gitDir, base, pull.headSha)) {
    const tree = pick(tx, pull, commit, tip);
    if (tree === treeOf(gitDir, tip)) continue;
    tip = commitTree(gitDir, { tree, parents: [tip], message: commit.message, author: commit.author, committer: signature(tx.actor) });
  }
  if (tip === base) throw new AgentOsError('refused', `\`${pull.base}\` has everything of ${nameOf(tx, pull)} already`);
  return tip;
}

/** Cherry-picks on paper: a stand-in commit with the tip's tree and the picked commit's parent makes that parent the merge base. */
function pick(tx: Transaction, pull: PullRecord, commit: CommitInfo, tip: string): string {
  const { gitDir } = tx.files;
  const standIn = commitTree(gitDir, {
    tree: treeOf(gitDir, tip),
    parents: commit.parents,
    message: 'stand-in\n',
    author: signature(tx.actor),
    committer: signature(tx.actor),
  });
  return cleanTree(tx, pull, standIn, commit.sha);
}

function cleanTree(tx: Transaction, pull: PullRecord, ours: string, theirs: string): string {
  const { tree, conflicts } = mergeTree(tx.files.gitDir, ours, theirs);
  if (tree !== undefined) return tree;
  const where = conflicts.length === 0 ? 'the histories have nothing in common' : conflicts.join(', ');
  throw new AgentOsError('conflict', `${nameOf(tx, pull)} conflicts with \`${pull.base}\`: ${where}`);
}

/** Closes what the merge closes, then marks the pull request merged. Repeatable: the mark is the last thing written. */
export async function finishMerge(tx: Transaction, pull: PullRecord): Promise<PullRecord> {
  const sha = pull.mergingSha;
  if (sha === undefined) return pull;
  if (pull.base === readDefaultBranch(tx.files.gitDir)) {
    const text = `${pull.body}\n\n${commitMessage(tx.files.gitDir, sha)}`;
    for (const number of closingReferences(tx.files.repo, text)) await closeByMerge(tx, number);
  }
  crashPoint('local-forge:closed-issues');
  const { at } = tx.record(pull, { kind: 'closed' });
  delete pull.mergingSha;
  Object.assign(pull, { state: 'merged', mergeSha: sha, closedAt: at });
  tx.save(pull);
  return pull;
}

async function closeByMerge(tx: Transaction, number: number): Promise<void> {
  const issue = await readIssue(tx.files, number);
  if (issue?.state !== 'open') return;
  markClosed(tx, issue, 'completed');
  tx.save(issue);
}

/** Merges the base into the head. @returns the head as it is when it holds the base already. */
export async function updateBranch(tx: Transaction, pull: PullRecord, expectedHeadSha: string): Promise<{ sha: string }> {
  tx.require('write', 'update a branch');
  const { gitDir } = tx.files;
  if (pull.state !== 'open') throw new AgentOsError('refused', `${nameOf(tx, pull)} is ${pull.state}`);
  checkHead(tx, pull, expectedHeadSha);
  const base = readBranch(gitDir, pull.base);
  if (base === undefined) throw new AgentOsError('refused', `${tx.files.repo} has no branch \`${pull.base}\``);
  if (isAncestor(gitDir, base, expectedHeadSha)) return { sha: expectedHeadSha };
  const tree = cleanTree(tx, pull, expectedHeadSha, base);
  const committer = signature(tx.actor);
  const message = `Merge branch '${pull.base}' into ${pull.head}\n`;
  const sha = commitTree(gitDir, { tree, parents: [expectedHeadSha, base], message, author: committer, committer });
  crashPoint('local-forge:before-update');
  if (!updateBranchRef(gitDir, pull.head, sha, expectedHeadSha)) {
    throw new AgentOsError('conflict', `the head of ${nameOf(tx, pull)} moved during the update`);
  }
  pull.headSha = sha;
  pull.updatedAt = tx.stamp();
  tx.save(pull);
  return { sha };
}

function nameOf(tx: Transaction, pull: PullRecord): string {
  return `${tx.files.repo}#${pull.number}`;
}

function signature(actor: Actor): Signature {
  return { name: actor.login, email: `${actor.login}@users.noreply.localhost` };
}
