/** Lists of issues and pull requests of one repository, filtered and ordered as GitHub's arguments say. */
import type { Issue, Repository } from '../records.ts';
import type { Place } from './paging.ts';
import type { Context, IssueSource, PullSource } from './sources.ts';

export interface Order {
  field: 'CREATED_AT' | 'UPDATED_AT' | 'COMMENTS';
  direction: 'ASC' | 'DESC';
}

export interface PullFilter {
  states?: ('OPEN' | 'CLOSED' | 'MERGED')[] | null;
  /** One of them suffices, whatever the case. */
  labels?: string[] | null;
  /** Exact names. */
  headRefName?: string | null;
  baseRefName?: string | null;
  orderBy?: Order | null;
}

export interface IssueFilter {
  states?: ('OPEN' | 'CLOSED')[] | null;
  labels?: string[] | null;
  filterBy?: Record<string, unknown> | null;
  orderBy?: Order | null;
}

export function pullState({ issue, pull }: PullSource): 'OPEN' | 'CLOSED' | 'MERGED' {
  return pull.mergedAt !== undefined ? 'MERGED' : issue.state === 'open' ? 'OPEN' : 'CLOSED';
}

export function listPulls({ store }: Context, repo: Repository, filter: PullFilter): PullSource[] {
  const all = store
    .pulls(repo)
    .flatMap((issue): PullSource[] => (issue.pull ? [{ __typename: 'PullRequest', repo, issue, pull: issue.pull }] : []));
  return ordered(
    all.filter(
      (one) =>
        (filter.states == null || filter.states.includes(pullState(one))) &&
        (filter.headRefName == null || filter.headRefName === one.pull.headRef) &&
        (filter.baseRefName == null || filter.baseRefName === one.pull.baseRef) &&
        hasOneOf(store.labels(repo, one.issue), filter.labels),
    ),
    filter.orderBy,
  );
}

export function listIssues({ store }: Context, repo: Repository, filter: IssueFilter): IssueSource[] {
  const by = readFilterBy(filter.filterBy ?? {});
  const states = filter.states ?? by.states;
  const all = [...repo.issues.values()].filter((issue) => !issue.pull && !issue.deleted);
  const wanted = all.filter(
    (issue) =>
      (states == null || states.includes(issue.state === 'open' ? 'OPEN' : 'CLOSED')) &&
      hasOneOf(store.labels(repo, issue), filter.labels) &&
      hasOneOf(store.labels(repo, issue), by.labels) &&
      (by.since == null || issue.updatedAt >= by.since) &&
      (by.createdBy == null || store.user(issue.authorId).login.toLowerCase() === by.createdBy.toLowerCase()),
  );
  return ordered(
    wanted.map((issue) => ({ __typename: 'Issue', repo, issue })),
    filter.orderBy,
  );
}

interface FilterBy {
  states?: ('OPEN' | 'CLOSED')[] | null;
  labels?: string[] | null;
  since?: string | null;
  createdBy?: string | null;
}

function readFilterBy(given: Record<string, unknown>): FilterBy {
  const { states, labels, since, createdBy, viewerSubscribed, ...unknown } = given;
  const names = Object.keys(unknown);
  if (viewerSubscribed === true) names.push('viewerSubscribed');
  // Whether one or all of several labels must be there is nowhere documented for this argument.
  if (Array.isArray(labels) && labels.length > 1) names.push('several labels');
  if (names.length > 0) throw new Error(`the test server does not know filterBy with ${names.join(', ')}`);
  return { states, labels, since, createdBy } as FilterBy;
}

function hasOneOf(labels: { name: string }[], wanted: string[] | null | undefined): boolean {
  if (wanted == null) return true;
  if (wanted.length === 0) throw new Error('what an empty list of labels asks for is nowhere documented');
  return labels.some(({ name }) => wanted.some((one) => one.toLowerCase() === name.toLowerCase()));
}

/** Oldest first without an order. */
function ordered<T extends { issue: Issue }>(all: T[], order: Order | null | undefined): T[] {
  const sign = order?.direction === 'DESC' ? -1 : 1;
  const place = placeIn(order);
  return all.sort((a, b) => {
    const [x, y] = [place(a), place(b)];
    const at = x.findIndex((part, index) => part !== y[index]);
    return at < 0 ? 0 : (x[at] ?? 0) < (y[at] ?? 0) ? -sign : sign;
  });
}

/** Where an entry stands in such an order. */
export function placeIn(order: Order | null | undefined): (one: { issue: Issue }) => Place {
  return ({ issue }) => {
    if (order?.field === 'UPDATED_AT') return [issue.updatedAt, issue.number];
    if (order?.field === 'COMMENTS') return [issue.comments.length, issue.number];
    return [issue.createdAt, issue.number];
  };
}
