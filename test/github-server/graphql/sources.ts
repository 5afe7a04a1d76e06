/**
 * What resolvers hand to each other: a record of the store together with the
 * name of its GraphQL type, and what a request carries with it.
 */
import type { GraphQLResolveInfo } from 'graphql';
import { isAllowed, refusal } from '../access.ts';
import type { User, Viewer } from '../accounts.ts';
import type {
  CheckRun,
  CheckSuite,
  CommitStatus,
  Issue,
  Label,
  Project,
  ProjectField,
  ProjectItem,
  Pull,
  Repository,
  Review,
} from '../records.ts';
import type { Store } from '../store.ts';
import type { QueryCost } from './cost.ts';
import { Refusal } from './refusal.ts';

/** Points of the primary limit of GraphQL, as `rateLimit` and the `x-ratelimit-*` headers show them. */
export interface Budget {
  limit: number;
  remaining: number;
  used: number;
  /** ISO 8601. */
  resetAt: string;
}

export interface Context {
  store: Store;
  viewer: Viewer;
  /** Of the web site, without a slash at its end. */
  url: string;
  cost: QueryCost;
  /** After this query was paid for. */
  budget: Budget;
  /** How many queries of a pull request whose branches moved still see `UNKNOWN`. */
  mergeableReads: number;
  /** What this query has read of it, by the pull request's id. */
  mergeable: Map<number, boolean | null>;
}

export interface ActorSource {
  __typename: 'User' | 'Bot' | 'Organization';
  user: User;
  /** `viewer` is a `User` whatever it is, and keeps the `[bot]` of its login. */
  asViewer?: boolean;
}
export type RepositorySource = { __typename: 'Repository'; repo: Repository };
export type LabelSource = { __typename: 'Label'; repo: Repository; label: Label };
export type IssueSource = { __typename: 'Issue'; repo: Repository; issue: Issue };
export type PullSource = { __typename: 'PullRequest'; repo: Repository; issue: Issue; pull: Pull };
export type ThreadSource = IssueSource | PullSource;
export type CommitSource = { __typename: 'Commit'; repo: Repository; sha: string };
/** By its full name, `refs/heads/main`. */
export type RefSource = { __typename: 'Ref'; repo: Repository; ref: string; sha: string };
export type ReviewSource = { __typename: 'PullRequestReview'; on: PullSource; review: Review };
export type CheckRunSource = { __typename: 'CheckRun'; repo: Repository; run: CheckRun };
export type CheckSuiteSource = { __typename: 'CheckSuite'; repo: Repository; suite: CheckSuite };
export type StatusSource = { __typename: 'StatusContext'; repo: Repository; status: CommitStatus };
export type ProjectSource = { __typename: 'ProjectV2'; project: Project };
export type ItemSource = { __typename: 'ProjectV2Item'; project: Project; item: ProjectItem };
export type FieldSource = { __typename: 'ProjectV2SingleSelectField' | 'ProjectV2Field'; project: Project; field: ProjectField };

/** One field of a GraphQL type. Every file of resolvers says which types of source and arguments it expects. */
export type Field<Source> = (source: Source, args: never, context: Context, info: GraphQLResolveInfo) => unknown;
export type Resolvers = Record<string, Field<never>>;

export function define<Source>(fields: Record<string, Field<Source>>): Resolvers {
  return fields;
}

export function repositorySource(repo: Repository): RepositorySource {
  return { __typename: 'Repository', repo };
}

export function threadSource(repo: Repository, issue: Issue): ThreadSource {
  return issue.pull ? { __typename: 'PullRequest', repo, issue, pull: issue.pull } : { __typename: 'Issue', repo, issue };
}

export function actorSource(user: User): ActorSource {
  return { __typename: user.type, user };
}

/** `null` for an account that is gone. */
export function actorById(store: Store, id: number | undefined): ActorSource | null {
  const user = id === undefined ? undefined : store.state.users.get(id);
  return user ? actorSource(user) : null;
}

export function fieldSource(project: Project, field: ProjectField): FieldSource {
  return { __typename: field.dataType === 'SINGLE_SELECT' ? 'ProjectV2SingleSelectField' : 'ProjectV2Field', project, field };
}

/** On the web site. */
export function urlOf({ store, url }: Context, repo: Repository, rest = ''): string {
  return url + pathOf(store, repo, rest);
}

export function pathOf(store: Store, repo: Repository, rest = ''): string {
  return `/${store.fullName(repo)}${rest}`;
}

/** @throws FORBIDDEN where the token lacks a permission that reading this takes. */
export function refuseUnreadable({ viewer }: Context, repo: Repository, resource: string): void {
  if (!isAllowed(viewer, repo, { role: 'read', resource, level: 'read' })) throw new Refusal('FORBIDDEN', refusal(viewer));
}
