/** Pull requests and their reviews. */
import { mayTriage } from '../access.ts';
import {
  authorOf,
  type Call,
  checkLengths,
  invalid,
  notFound,
  paged,
  READ_PULLS,
  REVIEW,
  Refusal,
  type Reply,
  type Route,
  repoOf,
  text,
  viewerOf,
} from '../call.ts';
import { branchTip, listCommits } from '../git-store.ts';
import * as change from '../issue-changes.ts';
import { findOpenPull, forkPoint, openPull } from '../pulls.ts';
import type { Issue, Pull, Repository, Review } from '../records.ts';
import { listFiles, renderCommit, renderFile, renderPull, renderReview, renderWholePull } from '../render/pulls.ts';
import { same } from '../store.ts';

/** A pull request of the path. */
export function pullOf(call: Call, repo: Repository): { issue: Issue; pull: Pull } {
  const issue = call.store.issue(repo, Number(call.params['pull_number']));
  if (!issue?.pull) throw notFound();
  return { issue, pull: issue.pull };
}

function listPulls(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  const { query, store } = call;
  const state = query.get('state') ?? 'open';
  const base = query.get('base');
  // GitHub ignores a head without an owner.
  const [owner = '', head] = (query.get('head') ?? '').split(/:(.*)/s);
  const wrongOwner = head !== undefined && !same(owner, store.user(repo.ownerId).login);
  const kept = store.pulls(repo).filter(({ state: own, pull }) => {
    const fits = (state === 'all' || own === state) && (base === null || pull?.baseRef === base);
    return fits && !wrongOwner && (head === undefined || pull?.headRef === head);
  });
  const field = query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt';
  const ascending = (query.get('direction') ?? (query.get('sort') === 'updated' ? 'asc' : 'desc')) === 'asc';
  kept.sort((a, b) => (ascending ? 1 : -1) * (Date.parse(a[field]) - Date.parse(b[field]) || a.number - b.number));
  return paged(call, kept, (issue) => renderPull(call, repo, issue, call.viewer));
}

function createPull(call: Call): Reply {
  const repo = repoOf(call, REVIEW);
  const base = text(call, 'base') ?? '';
  const given = text(call, 'head') ?? '';
  const head = given.includes(':') ? given.slice(given.indexOf(':') + 1) : given;
  const title = text(call, 'title') ?? '';
  const body = text(call, 'body') ?? '';
  checkLengths('PullRequest', { title, body });
  const wrong = (field: string) => invalid({ resource: 'PullRequest', field, code: 'invalid' });
  const baseSha = branchTip(call.store, repo, base);
  const headSha = branchTip(call.store, repo, head);
  if (baseSha === undefined) throw wrong('base');
  if (headSha === undefined) throw wrong('head');
  const refused = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message });
  if (findOpenPull(call.store, repo, head, base))
    throw refused(`A pull request already exists for ${call.store.user(repo.ownerId).login}:${head}.`);
  if (listCommits(repo, [`${baseSha}..${headSha}`]).length === 0) throw refused(`No commits between ${base} and ${head}`);
  const issue = openPull(call.store, repo, authorOf(call), { title, body, head, base, draft: call.body['draft'] === true });
  return { status: 201, body: renderWholePull(call, repo, issue, call.viewer) };
}

function editPull(call: Call): Reply {
  const repo = repoOf(call, REVIEW);
  const { issue, pull } = pullOf(call, repo);
  const viewer = viewerOf(call);
  if (issue.authorId !== viewer.userId && !mayTriage(viewer, repo)) throw new Refusal(403, 'Must have admin rights to Repository.');
  checkLengths('PullRequest', { title: text(call, 'title'), body: text(call, 'body') });
  const { title, base, state } = call.body;
  if (title !== undefined) change.renameIssue(call.store, issue, viewer.userId, String(title));
  if (call.body['body'] !== undefined) change.editBody(call.store, issue, viewer.userId, text(call, 'body') ?? '');
  if (base !== undefined) {
    const tip = branchTip(call.store, repo, String(base));
    if (tip === undefined) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    Object.assign(pull, { baseRef: String(base), baseSha: tip });
    change.addEvent(call.store, issue, viewer.userId, 'base_ref_changed');
  }
  if (state === 'closed') change.closeIssue(call.store, issue, viewer.userId, null);
  if (state === 'open' && issue.state === 'closed') {
    const wrong = (message: string) => invalid({ resource: 'PullRequest', field: 'state', code: 'custom', message });
    if (pull.mergedAt !== undefined) throw wrong('state cannot be changed. The pull request cannot be reopened.');
    const tip = branchTip(call.store, repo, pull.headRef);
    if (tip === undefined) throw wrong(`state cannot be changed. The ${pull.headRef} branch has been deleted.`);
    pull.headSha = tip;
    change.reopenIssue(call.store, issue, viewer.userId);
  }
  return { status: 200, body: renderWholePull(call, repo, issue, call.viewer) };
}

function listPullFiles(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  const { pull } = pullOf(call, repo);
  const files = listFiles(repo, forkPoint(repo, pull), pull.headSha, true);
  return paged(call, files.slice(0, 3000), (file) => renderFile(call, repo, pull.headSha, file));
}

function listPullCommits(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  const { pull } = pullOf(call, repo);
  const commits = listCommits(repo, [`${pull.baseSha}..${pull.headSha}`]);
  return paged(call, commits.slice(0, 250), (commit) => renderCommit(call, repo, commit));
}

function listReviews(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  const { issue, pull } = pullOf(call, repo);
  return paged(call, pull.reviews, (review) => renderReview(call, repo, issue, review));
}

const STATES: Record<string, Review['state']> = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' };

function createReview(call: Call): Reply {
  const repo = repoOf(call, REVIEW);
  const { issue, pull } = pullOf(call, repo);
  const { userId } = viewerOf(call);
  const state = STATES[text(call, 'event') ?? ''];
  const refused = (message: string) => new Refusal(422, 'Unprocessable Entity', [message]);
  if (!state) throw refused('the test GitHub keeps no pending reviews');
  if (userId === issue.authorId && state === 'APPROVED') throw refused('Review Can not approve your own pull request');
  if (userId === issue.authorId && state === 'CHANGES_REQUESTED') throw refused('Review Can not request changes on your own pull request');
  const commitSha = text(call, 'commit_id') ?? pull.headSha;
  const body = text(call, 'body') ?? '';
  if (body === '' && state !== 'APPROVED') throw refused('Review Body is required');
  const review: Review = { ...call.store.newIds('PRR'), authorId: userId, state, body, commitSha, submittedAt: call.store.stamp() };
  pull.reviews.push(review);
  change.touch(call.store, issue);
  return { status: 200, body: renderReview(call, repo, issue, review) };
}

function requestReviewers(call: Call): Reply {
  const repo = repoOf(call, REVIEW);
  const { issue, pull } = pullOf(call, repo);
  const { userId } = viewerOf(call);
  for (const login of (call.body['reviewers'] ?? []) as string[]) {
    const user = call.store.findUser(login);
    if (!user || (user.id !== repo.ownerId && !repo.collaborators.has(user.id)) || user.id === issue.authorId)
      throw new Refusal(
        422,
        `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${call.store.fullName(repo)} repository.`,
      );
    if (pull.requestedReviewerIds.includes(user.id)) continue;
    pull.requestedReviewerIds.push(user.id);
    change.addEvent(call.store, issue, userId, 'review_requested', { reviewerId: user.id });
  }
  return { status: 201, body: renderPull(call, repo, issue, call.viewer) };
}

function getPull(call: Call): Reply {
  const repo = repoOf(call, READ_PULLS);
  return { status: 200, body: renderWholePull(call, repo, pullOf(call, repo).issue, call.viewer) };
}

const PULLS = '/repos/{owner}/{repo}/pulls';
const PULL = `${PULLS}/{pull_number}`;
export const pullRoutes: Route[] = [
  { method: 'GET', path: PULLS, run: listPulls },
  { method: 'POST', path: PULLS, run: createPull },
  { method: 'GET', path: PULL, run: getPull },
  { method: 'PATCH', path: PULL, run: editPull },
  { method: 'GET', path: `${PULL}/files`, run: listPullFiles },
  { method: 'GET', path: `${PULL}/commits`, run: listPullCommits },
  { method: 'GET', path: `${PULL}/reviews`, run: listReviews },
  { method: 'POST', path: `${PULL}/reviews`, run: createReview },
  { method: 'POST', path: `${PULL}/requested_reviewers`, run: requestReviewers },
];
