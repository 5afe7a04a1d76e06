/** Merging a pull request, at once or in the background, and bringing its head up to date. */
import { randomUUID } from 'node:crypto';
import { type Call, invalid, notFound, PUSH, READ_PULLS, Refusal, type Reply, type Route, repoOf, text, viewerOf } from '../call.ts';
import type { Person } from '../git-store.ts';
import { addEvent } from '../issue-changes.ts';
import { type MergeMethod, mergeNow, updateHead } from '../pulls.ts';
import type { Issue, MergeRequest, Pull, Repository } from '../records.ts';
import { repoUrl } from '../render/repositories.ts';
import { blockers, hasMergeQueue } from '../rules.ts';
import type { Store } from '../store.ts';
import { pullOf } from './pulls.ts';

const METHODS: Record<MergeMethod, string> = { merge: 'Merge commits', squash: 'Squash merges', rebase: 'Rebase merges' };

/** The name and address GitHub writes into commits of an account. */
export function personOf(store: Store, userId: number): { userId: number; person: Person } {
  const { id, login } = store.user(userId);
  return { userId, person: { name: login, email: `${id}+${login}@users.noreply.github.com` } };
}

interface Wish {
  method: MergeMethod;
  sha: string | undefined;
  title: string | undefined;
  body: string | undefined;
}
function wishOf(call: Call): Wish {
  const method = (text(call, 'merge_method') ?? 'merge') as MergeMethod;
  return { method, sha: text(call, 'sha'), title: text(call, 'commit_title'), body: text(call, 'commit_message') };
}

/** Merges if everything allows it. @throws a `Refusal` in GitHub's words. */
function tryMerge(store: Store, repo: Repository, issue: Issue, userId: number, wish: Wish): string {
  const pull = issue.pull as Pull;
  const refuse = (message: string) => new Refusal(405, message);
  if (issue.state === 'closed') throw refuse('Pull Request is not mergeable');
  if (pull.draft) throw refuse('Pull Request is still a draft');
  if (wish.sha !== undefined && wish.sha !== pull.headSha)
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  if (!repo.mergeMethods[wish.method]) throw refuse(`${METHODS[wish.method]} are not allowed on this repository.`);
  if (hasMergeQueue(repo, pull.baseRef)) throw refuse('Repository rule violations found\n\nChanges must be made through the merge queue');
  const problems = blockers(store, repo, issue);
  if (problems.length > 0) {
    const classic = repo.protections.has(pull.baseRef);
    throw refuse(classic ? problems.join(' ') : `Repository rule violations found\n\n${problems.join('\n\n')}\n\n`);
  }
  const by = personOf(store, userId);
  const sha = mergeNow(store, repo, issue, { method: wish.method, by, title: wish.title, body: wish.body });
  if (sha === undefined) throw refuse('Pull Request is not mergeable');
  return sha;
}

function merge(call: Call): Reply {
  const repo = repoOf(call, PUSH);
  const { issue } = pullOf(call, repo);
  const sha = tryMerge(call.store, repo, issue, viewerOf(call).userId, wishOf(call));
  return { status: 200, body: { sha, merged: true, message: 'Pull Request successfully merged' } };
}

function mergeAsync(call: Call): Reply {
  if (!call.settings.mergeAsync) throw notFound();
  const repo = repoOf(call, PUSH);
  const { issue, pull } = pullOf(call, repo);
  const answer = (status: number, state: string, details: Record<string, unknown>): Reply => ({ status, body: { status: state, details } });
  if (pull.mergedAt !== undefined) return answer(200, 'merged', { message: 'Pull request is already merged.', sha: pull.mergeSha });
  if (issue.state === 'closed') return answer(400, 'failed', { message: 'Pull request is closed.' });
  if (pull.draft) return answer(400, 'failed', { message: 'Pull request is a draft.' });
  if (pull.queuedAt !== undefined) return answer(200, 'enqueued', { message: 'Pull request is already in the merge queue.' });
  const existing = repo.mergeRequests.find((one) => one.number === issue.number && one.state === 'pending');
  if (existing) return answer(409, 'pending', pendingDetails(existing, 'A merge request already exists for this pull request.'));
  const wish = wishOf(call);
  const wanted = (text(call, 'merge_action') ?? 'default') as MergeRequest['action'];
  if (wanted === 'merge_queue' && !hasMergeQueue(repo, pull.baseRef))
    throw invalid({ resource: 'PullRequest', field: 'merge_action', code: 'invalid', message: 'the branch has no merge queue' });
  const request: MergeRequest = {
    ...{ uuid: randomUUID(), number: issue.number, state: 'pending', message: null, requesterId: viewerOf(call).userId },
    ...{ method: wish.method, headSha: wish.sha ?? pull.headSha, action: wanted, createdAt: call.store.stamp() },
    ...(wish.title !== undefined && { title: wish.title }),
    ...(wish.body !== undefined && { body: wish.body }),
    pollsLeft: call.settings.asyncPolls,
  };
  repo.mergeRequests.push(request);
  return answer(202, 'pending', pendingDetails(request, 'Merge request enqueued.'));
}

function pendingDetails(request: MergeRequest, message: string): Record<string, unknown> {
  return { message, uuid: request.uuid, merge_method: request.method, merge_action: request.action, expected_head_sha: request.headSha };
}

/** Rules are looked at now, not when it was asked for. */
function settle(store: Store, repo: Repository, request: MergeRequest): void {
  const issue = store.issue(repo, request.number) as Issue;
  const pull = issue.pull as Pull;
  try {
    if (request.headSha !== pull.headSha) throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
    if (hasMergeQueue(repo, pull.baseRef) && request.action !== 'direct_merge') {
      pull.queuedAt = store.stamp();
      addEvent(store, issue, request.requesterId, 'added_to_merge_queue');
      Object.assign(request, { state: 'enqueued', message: 'Pull request is in the merge queue.' });
      return;
    }
    const { method, headSha: sha, title, body } = request;
    request.sha = tryMerge(store, repo, issue, request.requesterId, { method, sha, title, body });
    Object.assign(request, { state: 'merged', message: 'Pull request was merged.' });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    Object.assign(request, { state: 'failed', message: error.message });
  }
}

function getMergeResult(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  pullOf(call, repo);
  const request = repo.mergeRequests.find((one) => one.uuid === call.params['uuid']);
  if (!request || call.store.millis() - Date.parse(request.createdAt) > 86_400_000) throw notFound();
  if (request.state === 'pending' && --request.pollsLeft < 0) settle(call.store, repo, request);
  const { state, message, sha } = request;
  if (state === 'pending')
    return { status: 200, body: { status: state, details: pendingDetails(request, 'Merge request is in progress.') } };
  return { status: 200, body: { status: state, details: { message, ...(sha !== undefined && { sha }) } } };
}

/** Merges what waits in the merge queue and satisfies the rules. @returns the numbers. */
export function runMergeQueue(store: Store, repo: Repository, method: MergeMethod): number[] {
  const waiting = store.pulls(repo).filter((issue) => issue.pull?.queuedAt !== undefined && issue.state === 'open');
  waiting.sort((a, b) => (a.pull?.queuedAt ?? '').localeCompare(b.pull?.queuedAt ?? '') || a.number - b.number);
  return waiting.flatMap((issue) => {
    const pull = issue.pull as Pull;
    if (blockers(store, repo, issue).length === 0 && mergeNow(store, repo, issue, { method, by: personOf(store, repo.ownerId) }))
      return issue.number;
    delete pull.queuedAt;
    addEvent(store, issue, repo.ownerId, 'removed_from_merge_queue');
    return [];
  });
}

function updateBranch(call: Call): Reply {
  const repo = repoOf(call, PUSH);
  const { issue, pull } = pullOf(call, repo);
  const expected = text(call, 'expected_head_sha');
  const refused = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message });
  if (issue.state === 'closed') throw refused('pull request is not open');
  if (expected !== undefined && expected !== pull.headSha)
    throw invalid({
      resource: 'PullRequest',
      field: 'expected_head_sha',
      code: 'custom',
      message: `expected head sha didn’t match current head ref.`,
    });
  const before = pull.headSha;
  const sha = updateHead(call.store, repo, issue, personOf(call.store, viewerOf(call).userId));
  if (sha === undefined) throw refused('merge conflict between base and head');
  if (sha === before) throw refused('There are no new commits on the base branch.');
  return { status: 202, body: { message: 'Updating pull request branch.', url: `${repoUrl(call, repo)}/pulls/${issue.number}` } };
}

const PULL = '/repos/{owner}/{repo}/pulls/{pull_number}';
export const mergeRoutes: Route[] = [
  { method: 'PUT', path: `${PULL}/merge`, run: merge },
  { method: 'PUT', path: `${PULL}/merge-async`, run: mergeAsync },
  { method: 'GET', path: `${PULL}/merge-async/{uuid}`, run: getMergeResult },
  { method: 'PUT', path: `${PULL}/update-branch`, run: updateBranch },
];
