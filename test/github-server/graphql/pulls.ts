/**
 * Pull requests and their reviews. `mergeable` is computed when it is asked
 * for, as in REST: the first queries after a branch moved see `UNKNOWN`. There
 * are no review threads on this server, so the list of them is empty.
 */

import { listCommits } from '../git-store.ts';
import { closingReferences, forkPoint, readMergeable } from '../pulls.ts';
import type { Repository, Review } from '../records.ts';
import { mergeableState, rulesFor } from '../rules.ts';
import { rollupOf } from './checks.ts';
import { branchRef, commitSource } from './commits.ts';
import { thread } from './issues.ts';
import { pullState } from './lists.ts';
import { connect, type PageArgs } from './paging.ts';
import {
  actorById,
  type CommitSource,
  type Context,
  define,
  type PullSource,
  type Resolvers,
  type ReviewSource,
  refuseUnreadable,
  repositorySource,
  threadSource,
  urlOf,
} from './sources.ts';

interface PullCommitSource {
  __typename: 'PullRequestCommit';
  on: PullSource;
  commit: CommitSource;
}

/** Once per pull request and query: reading it is what makes GitHub compute it. */
function mergeableOf({ repo, issue, pull }: PullSource, context: Context): boolean | null {
  if (issue.state !== 'open') return null;
  const known = context.mergeable.get(pull.id);
  if (known !== undefined) return known;
  const mergeable = readMergeable(context.store, repo, pull, context.mergeableReads);
  context.mergeable.set(pull.id, mergeable);
  return mergeable;
}

function opinions(repo: Repository, reviews: Review[]): Map<number, Review> {
  const last = new Map<number, Review>();
  for (const review of reviews) if (review.state !== 'COMMENTED') last.set(review.authorId, review);
  const mayWrite = (id: number) => id === repo.ownerId || ['write', 'maintain', 'admin'].includes(repo.collaborators.get(id) ?? '');
  return new Map([...last].filter(([id]) => mayWrite(id)));
}

/** `null` where no review is asked for and none was given. */
function reviewDecision({ repo, pull }: PullSource): string | null {
  const ruled = rulesFor(repo, pull.baseRef).map(({ rule }) => Number(rule.parameters?.['required_approving_review_count'] ?? 0));
  const wanted = Math.max(0, repo.protections.get(pull.baseRef)?.requiredReviews ?? 0, ...ruled);
  const states = [...opinions(repo, pull.reviews).values()].map(({ state }) => state);
  const approvals = states.filter((state) => state === 'APPROVED').length;
  if (states.includes('CHANGES_REQUESTED')) return 'CHANGES_REQUESTED';
  if (approvals > 0 && approvals >= wanted) return 'APPROVED';
  return wanted > 0 ? 'REVIEW_REQUIRED' : null;
}

function reviewSources(on: PullSource, reviews: Iterable<Review>): ReviewSource[] {
  return [...reviews].map((review) => ({ __typename: 'PullRequestReview', on, review }));
}

const lists = define<PullSource>({
  reviews: (on, args: PageArgs & { states?: string[] | null; author?: string | null }, { store }, info) => {
    const wanted = on.pull.reviews.filter(
      ({ state, authorId }) =>
        (args.states == null || args.states.includes(state)) && (args.author == null || store.user(authorId).login === args.author),
    );
    return connect(reviewSources(on, wanted), args, info, { placeOf: ({ review }) => [review.id] });
  },
  latestOpinionatedReviews: (on, args: PageArgs & { writersOnly: boolean }, _, info) => {
    if (!args.writersOnly) throw new Error('the test server knows latestOpinionatedReviews with writersOnly alone');
    return connect(reviewSources(on, opinions(on.repo, on.pull.reviews).values()), args, info);
  },
  reviewThreads: (_, args: PageArgs, __, info) => connect([], args, info),
  reviewRequests: ({ pull }, args: PageArgs, { store }, info) => {
    const requests = pull.requestedReviewerIds.map((id) => ({
      __typename: 'ReviewRequest',
      id: `RR_${pull.id}_${id}`,
      requestedReviewer: actorById(store, id),
    }));
    return connect(requests, args, info);
  },
  commits: (on, args: PageArgs, _, info) => {
    const { repo, pull } = on;
    const commits = listCommits(repo, [`${forkPoint(repo, pull)}..${pull.headSha}`]);
    return connect(
      commits.map(({ sha }): PullCommitSource => ({ __typename: 'PullRequestCommit', on, commit: commitSource(repo, sha) })),
      args,
      info,
    );
  },
  closingIssuesReferences: ({ repo, issue, pull }, args: PageArgs, { store }, info) => {
    const numbers = pull.baseRef === repo.defaultBranch ? closingReferences(issue.body) : [];
    const issues = numbers.flatMap((number) => store.issue(repo, number) ?? []).filter((one) => !one.pull);
    return connect(
      issues.map((one) => threadSource(repo, one)),
      args,
      info,
    );
  },
});

const refs = define<PullSource>({
  headRefName: ({ pull }) => pull.headRef,
  headRefOid: ({ pull }) => pull.headSha,
  headRef: (on, _: never, context) => {
    const head = headRepository(on, context);
    return head && branchRef(context, head, on.pull.headRef);
  },
  headRepository: (on, _: never, context) => {
    const head = headRepository(on, context);
    return head && repositorySource(head);
  },
  headRepositoryOwner: (on, _: never, context) => {
    const head = headRepository(on, context);
    return head && actorById(context.store, head.ownerId);
  },
  isCrossRepository: ({ repo, pull }) => pull.headRepoId !== repo.id,
  baseRefName: ({ pull }) => pull.baseRef,
  baseRefOid: ({ pull }) => pull.baseSha,
  baseRef: ({ repo, pull }, _: never, context) => branchRef(context, repo, pull.baseRef),
  baseRepository: ({ repo }) => repositorySource(repo),
});

/** `null` for a fork that is gone. */
function headRepository({ pull }: PullSource, { store }: Context): Repository | null {
  return (pull.headRepoId === null ? undefined : store.state.repositories.get(pull.headRepoId)) ?? null;
}

const merging = define<PullSource>({
  mergeable: (on, _: never, context) => {
    const mergeable = mergeableOf(on, context);
    return mergeable === null ? 'UNKNOWN' : mergeable ? 'MERGEABLE' : 'CONFLICTING';
  },
  mergeStateStatus: (on, _: never, context) => mergeableState(context.store, on.repo, on.issue, mergeableOf(on, context)).toUpperCase(),
  merged: ({ pull }) => pull.mergedAt !== undefined,
  mergedAt: ({ pull }) => pull.mergedAt ?? null,
  mergedBy: ({ pull }, _: never, { store }) => actorById(store, pull.mergedById),
  mergeCommit: ({ repo, pull }) => (pull.mergeSha === undefined ? null : commitSource(repo, pull.mergeSha)),
  isInMergeQueue: ({ pull }) => pull.queuedAt !== undefined,
  autoMergeRequest: () => null,
});

export const pullResolvers: Record<string, Resolvers> = {
  PullRequest: {
    ...thread,
    ...lists,
    ...refs,
    ...merging,
    ...define<PullSource>({
      id: ({ pull }) => pull.nodeId,
      databaseId: ({ pull }) => pull.id,
      fullDatabaseId: ({ pull }) => String(pull.id),
      state: pullState,
      isDraft: ({ pull }) => pull.draft,
      reviewDecision,
      statusCheckRollup: ({ repo, pull }, _: never, context) => {
        refuseUnreadable(context, repo, 'checks');
        return rollupOf(commitSource(repo, pull.headSha));
      },
    }),
  },
  PullRequestCommit: define<PullCommitSource>({
    id: ({ on, commit }) => `PURC_${Buffer.from(`${on.pull.id}:${commit.sha}`).toString('base64url')}`,
    commit: ({ commit }) => commit,
    pullRequest: ({ on }) => on,
  }),
  PullRequestReview: define<ReviewSource>({
    id: ({ review }) => review.nodeId,
    databaseId: ({ review }) => review.id,
    fullDatabaseId: ({ review }) => String(review.id),
    state: ({ review }) => review.state,
    body: ({ review }) => review.body,
    bodyText: ({ review }) => review.body,
    createdAt: ({ review }) => review.submittedAt,
    updatedAt: ({ review }) => review.submittedAt,
    submittedAt: ({ review }) => review.submittedAt,
    author: ({ review }, _: never, { store }) => actorById(store, review.authorId),
    commit: ({ on, review }) => commitSource(on.repo, review.commitSha),
    pullRequest: ({ on }) => on,
    url: ({ on, review }, _: never, context) => urlOf(context, on.repo, `/pull/${on.issue.number}#pullrequestreview-${review.id}`),
  }),
};
