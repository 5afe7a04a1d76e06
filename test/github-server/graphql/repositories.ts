/** A repository and what it lists: issues, pull requests, refs, labels. */
import { roleOf } from '../access.ts';
import { branchRef, findObject, findRef, refsUnder } from './commits.ts';
import { type IssueFilter, listIssues, listPulls, type PullFilter, placeIn } from './lists.ts';
import { connect, type PageArgs } from './paging.ts';
import { findProject } from './projects.ts';
import { notFound } from './refusal.ts';
import {
  actorSource,
  type Context,
  define,
  type IssueSource,
  type LabelSource,
  type PullSource,
  type RepositorySource,
  type Resolvers,
  refuseUnreadable,
  repositorySource,
  type ThreadSource,
  threadSource,
  urlOf,
} from './sources.ts';

function findThread(context: Context, { repo }: RepositorySource, number: number): ThreadSource | undefined {
  const issue = context.store.issue(repo, number);
  if (issue) refuseUnreadable(context, repo, issue.pull ? 'pull_requests' : 'issues');
  return issue && threadSource(repo, issue);
}

function findIssue(context: Context, source: RepositorySource, number: number): IssueSource {
  const found = findThread(context, source, number);
  if (found?.__typename === 'Issue') return found;
  throw notFound(`an Issue with the number of ${number}`);
}

function findPull(context: Context, source: RepositorySource, number: number): PullSource {
  const found = findThread(context, source, number);
  if (found?.__typename === 'PullRequest') return found;
  throw notFound(`a PullRequest with the number of ${number}`);
}

const lists = define<RepositorySource>({
  issues: ({ repo }, args: PageArgs & IssueFilter, context, info) => {
    refuseUnreadable(context, repo, 'issues');
    const backwards = args.orderBy?.direction === 'DESC';
    return connect(listIssues(context, repo, args), args, info, { placeOf: placeIn(args.orderBy), backwards });
  },
  pullRequests: ({ repo }, args: PageArgs & PullFilter, context, info) => {
    refuseUnreadable(context, repo, 'pull_requests');
    const backwards = args.orderBy?.direction === 'DESC';
    return connect(listPulls(context, repo, args), args, info, { placeOf: placeIn(args.orderBy), backwards });
  },
  pinnedIssues: ({ repo }, args: PageArgs, context, info) => {
    refuseUnreadable(context, repo, 'issues');
    const pinned = listIssues(context, repo, {}).filter(({ issue }) => issue.pinned);
    const sources = pinned.map((issue) => ({
      __typename: 'PinnedIssue',
      id: `PI_${issue.issue.id}`,
      issue,
      repository: repositorySource(repo),
    }));
    return connect(sources, args, info);
  },
  labels: ({ repo }, args: PageArgs & { query?: string | null }, _, info) => {
    const query = args.query?.toLowerCase() ?? '';
    const labels = repo.labels.filter(({ name }) => name.toLowerCase().includes(query));
    return connect(
      labels.map((label): LabelSource => ({ __typename: 'Label', repo, label })),
      args,
      info,
      { placeOf: ({ label }) => [label.id] },
    );
  },
  refs: ({ repo }, args: PageArgs & { refPrefix: string; query?: string | null }, context, info) => {
    const refs = refsUnder(context, repo, args.refPrefix).filter(({ ref }) => ref.includes(args.query ?? ''));
    return connect(refs, args, info, { placeOf: ({ ref }) => [ref] });
  },
});

export const repositoryResolvers: Record<string, Resolvers> = {
  Repository: {
    ...lists,
    ...define<RepositorySource>({
      id: ({ repo }) => repo.nodeId,
      databaseId: ({ repo }) => repo.id,
      name: ({ repo }) => repo.name,
      nameWithOwner: ({ repo }, _: never, { store }) => store.fullName(repo),
      owner: ({ repo }, _: never, { store }) => actorSource(store.user(repo.ownerId)),
      isArchived: ({ repo }) => repo.archived,
      isPrivate: ({ repo }) => repo.private,
      visibility: ({ repo }) => (repo.private ? 'PRIVATE' : 'PUBLIC'),
      createdAt: ({ repo }) => repo.createdAt,
      pushedAt: ({ repo }) => repo.pushedAt,
      url: ({ repo }, _: never, context) => urlOf(context, repo),
      mergeCommitAllowed: ({ repo }) => repo.mergeMethods.merge,
      squashMergeAllowed: ({ repo }) => repo.mergeMethods.squash,
      rebaseMergeAllowed: ({ repo }) => repo.mergeMethods.rebase,
      deleteBranchOnMerge: ({ repo }) => repo.deleteBranchOnMerge,
      viewerPermission: ({ repo }, _: never, { viewer }) =>
        viewer.token.kind === 'installation' ? null : (roleOf(viewer.userId, repo)?.toUpperCase() ?? null),
      defaultBranchRef: ({ repo }, _: never, context) => branchRef(context, repo, repo.defaultBranch),
      ref: ({ repo }, { qualifiedName }: { qualifiedName: string }, context) => findRef(context, repo, qualifiedName),
      object: ({ repo }, args: { oid?: string | null; expression?: string | null }, context) => findObject(context, repo, args),
      issue: (source, { number }: { number: number }, context) => findIssue(context, source, number),
      pullRequest: (source, { number }: { number: number }, context) => findPull(context, source, number),
      issueOrPullRequest: (source, { number }: { number: number }, context) => {
        const found = findThread(context, source, number);
        if (found) return found;
        throw notFound(`an issue or pull request with the number of ${number}`);
      },
      label: ({ repo }, { name }: { name: string }, { store }): LabelSource | null => {
        const label = store.findLabel(repo, name);
        return label ? { __typename: 'Label', repo, label } : null;
      },
      projectV2: ({ repo }, { number }: { number: number }, context) => findProject(context, repo.ownerId, number),
    }),
  },
};
