/**
 * Pull requests between the store and git: opening one, following its branches,
 * the lazily computed `mergeable`, and real merges. What rules allow is in
 * `rules.ts`.
 */
import { startChecks } from './checks.ts';
import {
  branchTip,
  commitTree,
  deleteRef,
  isAncestor,
  listCommits,
  mergeBase,
  mergeTree,
  moveRef,
  type Person,
  rebase,
  tryGit,
} from './git-store.ts';
import { type Author, addEvent, closeIssue, createIssue, touch } from './issue-changes.ts';
import type { Issue, Pull, Repository } from './records.ts';
import type { Store } from './store.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase';
export interface NewPull {
  title: string;
  body: string;
  /** Branch names of this repository. */
  head: string;
  base: string;
  draft: boolean;
}

export function openPull(store: Store, repo: Repository, by: Author, wanted: NewPull): Issue {
  const headSha = branchTip(store, repo, wanted.head) ?? '';
  const issue = createIssue(store, repo, by, { title: wanted.title, body: wanted.body, labels: [] }, 'pull');
  issue.pull = {
    ...{ id: store.newIds('').id, nodeId: issue.nodeId, headRepoId: repo.id, headRef: wanted.head, headSha, baseRef: wanted.base },
    ...{ baseSha: branchTip(store, repo, wanted.base) ?? '', draft: wanted.draft, reviews: [], requestedReviewerIds: [] },
    mergeability: { headSha: '', baseSha: '', clean: false, readsLeft: 0 },
  };
  publish(repo, issue.number, headSha);
  startChecks(store, repo, issue, issue.pull);
  return issue;
}

export function findOpenPull(store: Store, repo: Repository, head: string, base: string): Issue | undefined {
  return store.pulls(repo).find((issue) => issue.state === 'open' && issue.pull?.headRef === head && issue.pull.baseRef === base);
}

/** Brings pull requests up to date with the branches: call it whenever a branch may have moved. */
export function followBranches(store: Store, repo: Repository, actorId: number): void {
  repo.pushedAt = store.stamp();
  for (const issue of store.pulls(repo)) {
    const pull = issue.pull as Pull;
    if (issue.state !== 'open' || pull.headRepoId !== repo.id) continue;
    const tip = branchTip(store, repo, pull.headRef);
    if (tip === undefined) {
      closeIssue(store, issue, actorId, null);
      addEvent(store, issue, actorId, 'head_ref_deleted');
    } else if (tip !== pull.headSha) {
      const forced = !isAncestor(repo, pull.headSha, tip);
      pull.headSha = tip;
      pull.baseSha = branchTip(store, repo, pull.baseRef) ?? pull.baseSha;
      delete pull.queuedAt;
      if (forced) addEvent(store, issue, actorId, 'head_ref_force_pushed', { commitSha: tip });
      touch(store, issue);
      publish(repo, issue.number, tip);
      startChecks(store, repo, issue, pull);
    }
  }
}

function publish(repo: Repository, number: number, sha: string): void {
  tryGit(repo.gitDir, ['update-ref', `refs/pull/${number}/head`, sha]);
}

/**
 * Whether head and base merge cleanly: `null` for the first reads after either moved. Only a read of the single pull
 * request computes it (`compute`: how many such reads still see `null`); lists tell what is known.
 */
export function readMergeable(store: Store, repo: Repository, pull: Pull, compute?: number): boolean | null {
  const baseSha = branchTip(store, repo, pull.baseRef) ?? '';
  const known = pull.mergeability;
  if (known.headSha !== pull.headSha || known.baseSha !== baseSha) {
    if (compute === undefined) return null;
    const clean = mergeTree(repo, baseSha, pull.headSha) !== undefined;
    pull.mergeability = { headSha: pull.headSha, baseSha, clean, readsLeft: compute };
  }
  if (pull.mergeability.readsLeft > 0) {
    if (compute !== undefined) pull.mergeability.readsLeft--;
    return null;
  }
  return pull.mergeability.clean;
}

export interface MergeWish {
  method: MergeMethod;
  by: { userId: number; person: Person };
  title?: string | undefined;
  body?: string | undefined;
}

/** Merges now, whatever the rules say. @returns the new tip of the base, or `undefined` when it conflicts. */
export function mergeNow(store: Store, repo: Repository, issue: Issue, wish: MergeWish): string | undefined {
  const pull = issue.pull as Pull;
  const base = branchTip(store, repo, pull.baseRef);
  if (base === undefined) return undefined;
  const sha = buildMerge(store, repo, issue, base, wish);
  if (sha === undefined || !moveRef(repo, `refs/heads/${pull.baseRef}`, sha, base)) return undefined;
  pull.mergedAt = store.stamp();
  pull.mergedById = wish.by.userId;
  pull.mergeSha = sha;
  pull.baseSha = base;
  addEvent(store, issue, wish.by.userId, 'merged', { commitSha: sha });
  closeIssue(store, issue, wish.by.userId, null);
  closeMentioned(store, repo, issue, wish, sha);
  followBranches(store, repo, wish.by.userId);
  if (repo.deleteBranchOnMerge && branchTip(store, repo, pull.headRef) === pull.headSha) {
    deleteRef(repo, `refs/heads/${pull.headRef}`);
    addEvent(store, issue, wish.by.userId, 'head_ref_deleted');
  }
  return sha;
}

/** The commit a merge would make; nothing moves. */
function buildMerge(store: Store, repo: Repository, issue: Issue, base: string, wish: MergeWish): string | undefined {
  const pull = issue.pull as Pull;
  if (wish.method === 'rebase') return rebase(repo, base, pull.headSha, store.stamp());
  const tree = mergeTree(repo, base, pull.headSha);
  if (tree === undefined) return undefined;
  const message = mergeMessage(store, repo, issue, base, wish);
  const parents = wish.method === 'squash' ? [base] : [base, pull.headSha];
  return commitTree(repo, tree, parents, message, wish.by.person, store.stamp());
}

/** GitHub's own words where the caller gives none. */
function mergeMessage(store: Store, repo: Repository, issue: Issue, base: string, wish: MergeWish): string {
  const pull = issue.pull as Pull;
  let title = `Merge pull request #${issue.number} from ${store.user(repo.ownerId).login}/${pull.headRef}`;
  let body = issue.title;
  if (wish.method === 'squash') {
    const commits = listCommits(repo, [`${base}..${pull.headSha}`]);
    const [first = '', ...rest] = (commits[0]?.message ?? issue.title).split('\n');
    title = `${commits.length === 1 ? first : issue.title} (#${issue.number})`;
    body = commits.length === 1 ? rest.join('\n').trim() : commits.map((commit) => `* ${commit.message}`).join('\n\n');
  }
  return [wish.title ?? title, wish.body ?? body].filter(Boolean).join('\n\n');
}

const CLOSING = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b/gi;

/** Issues of this repository that a text promises to close. */
export function closingReferences(text: string): number[] {
  return [...new Set([...text.matchAll(CLOSING)].map((match) => Number(match[1])))];
}

/** Closing keywords count only for a merge into the default branch. */
function closeMentioned(store: Store, repo: Repository, issue: Issue, wish: MergeWish, sha: string): void {
  if (issue.pull?.baseRef !== repo.defaultBranch) return;
  // The message that a merge is given counts as well; a rebase takes none.
  const message = wish.method === 'rebase' ? '' : `${wish.title ?? ''}\n${wish.body ?? ''}`;
  for (const number of closingReferences(`${issue.body}\n${message}`)) {
    const target = store.issue(repo, number);
    if (target && !target.pull) closeIssue(store, target, wish.by.userId, 'completed', sha);
  }
}

/** Merges the base into the head. @returns the new head; the same one when it has the base already; `undefined` on a conflict. */
export function updateHead(store: Store, repo: Repository, issue: Issue, by: { userId: number; person: Person }): string | undefined {
  const pull = issue.pull as Pull;
  const base = branchTip(store, repo, pull.baseRef) ?? '';
  if (isAncestor(repo, base, pull.headSha)) return pull.headSha;
  const tree = mergeTree(repo, pull.headSha, base);
  if (tree === undefined) return undefined;
  const message = `Merge branch '${pull.baseRef}' into ${pull.headRef}`;
  const sha = commitTree(repo, tree, [pull.headSha, base], message, by.person, store.stamp());
  if (!moveRef(repo, `refs/heads/${pull.headRef}`, sha, pull.headSha)) return undefined;
  followBranches(store, repo, by.userId);
  return sha;
}

export function behindBy(store: Store, repo: Repository, pull: Pull): number {
  const base = branchTip(store, repo, pull.baseRef) ?? '';
  return isAncestor(repo, base, pull.headSha) ? 0 : listCommits(repo, [`${pull.headSha}..${base}`]).length;
}

export function forkPoint(repo: Repository, pull: Pull): string {
  return mergeBase(repo, pull.baseSha, pull.headSha) ?? pull.baseSha;
}
