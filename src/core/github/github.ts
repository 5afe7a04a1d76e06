import type { AgentOsError } from '../errors.ts';

/**
 * The port of the forge, in the words of GitHub. Adapters own pagination,
 * throttling and error mapping: an incomplete read is an error, never a shorter
 * list; empty input makes no request. Every write is one try, and is called
 * through the effects journal only (`core/effects`). Instants are ISO 8601 by
 * the forge's clock. A repository is `owner/name`.
 */

/** A person or program; the numeric id is what identifies, logins are renamed and reused. */
export interface Actor {
  id: number;
  login: string;
}

export type Permission = 'none' | 'read' | 'triage' | 'write' | 'admin';

export interface Issue {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed';
  stateReason?: 'completed' | 'not_planned';
  labels: string[];
  author: Actor;
  assignees: string[];
  pinned: boolean;
  createdAt: string;
  updatedAt: string;
  closedAt?: string;
}

interface EventBase {
  /** Unique in the repository; on GitHub the node id. */
  id: string;
  at: string;
  /** Absent where the account is gone. */
  actor?: Actor;
}

/** One entry of an issue's (or pull request's) timeline, oldest first in lists. */
export type IssueEvent =
  | (EventBase & {
      kind: 'labeled' | 'unlabeled';
      label: string;
      /** Which `ready` this is, where the forge does not list the earlier ones: grows with time. */
      n?: number;
    })
  | (EventBase & { kind: 'edited' }) // the body
  | (EventBase & { kind: 'renamed'; from: string; to: string })
  | (EventBase & { kind: 'closed'; reason?: 'completed' | 'not_planned' })
  | (EventBase & { kind: 'reopened' });

/** An issue and its whole timeline, read in one go: what a decision about the text and its approval rests on. */
export interface IssueView {
  issue: Issue;
  /** Oldest first. */
  events: IssueEvent[];
}

/** The issues of one repository that dispatch must look at. */
export interface IssueQuery {
  repo: string;
  /** Issues in any state that carry at least one of these, whatever the case. */
  labels: string[];
  /** And these, whatever they carry; numbers that name no issue are left out of the answer. */
  also: number[];
}

/** An issue that another one waits for. */
export interface Dependency {
  repo: string;
  issue: number;
  state: 'open' | 'closed';
}

export interface Comment {
  id: number;
  author: Actor;
  body: string;
  createdAt: string;
  updatedAt: string;
}

export interface PullRequest {
  number: number;
  title: string;
  body: string;
  state: 'open' | 'closed' | 'merged';
  author: Actor;
  /** Branch names, without `refs/heads/`. */
  base: string;
  head: string;
  headSha: string;
  draft: boolean;
  labels: string[];
  /** `undefined` while the forge has not computed it. */
  mergeable?: boolean;
  /** Paths that conflict, where the forge tells. */
  conflicts?: string[];
  mergeSha?: string;
  /** Who closed it without a merge. */
  closedBy?: Actor;
  createdAt: string;
  updatedAt: string;
}

export interface Review {
  author: Actor;
  state: 'approved' | 'changes_requested' | 'commented';
  /** The head that was reviewed. */
  sha: string;
  body: string;
  at: string;
}

export interface CheckRun {
  name: string;
  sha: string;
  state: 'pending' | 'success' | 'failure' | 'neutral';
  /** What the check printed, cut to its end; untrusted. */
  output?: string;
}

export interface Repository {
  name: string;
  defaultBranch: string;
  mergeMethods: ('squash' | 'merge' | 'rebase')[];
  archived: boolean;
}

/** Where git fetches from and pushes to. */
export interface GitRemote {
  /** A URL or an absolute path; holds no secret. */
  url: string;
  /** The password that goes with it over HTTP, for the user `x-access-token`; asked for at the moment git needs it, never kept. */
  password?(): Promise<string>;
}

/** What the adapter has asked of the forge's service in this process. */
export interface Spent {
  requests: number;
  /** GraphQL points. */
  points: number;
}

export interface IssueFilter {
  state: 'open' | 'closed' | 'all';
  /** Only issues that carry at least one label for which this is true. */
  anyLabel?: (label: string) => boolean;
}

/** A single-select field of a project of the repository's owner. */
export interface BoardField {
  project: number;
  field: string;
}

/** A project that shows where tasks stand; what is not given is not written. */
export interface Board extends BoardField {
  queued?: string | undefined;
  running?: string | undefined;
  review?: string | undefined;
  needs_human?: string | undefined;
  done?: string | undefined;
  /** Whether an issue that is not in the project is put into it. */
  add: boolean;
}

/** Where an issue stands in a project. */
export interface BoardStatus {
  onBoard: boolean;
  /** The value of the field, where it has one. */
  value?: string;
}

export interface GitHub {
  /** Where tasks of this repository are shown besides on its issues; absent where nowhere. */
  boardOf?(repo: string): Board | undefined;
  /** Whether a write can be read back at once; where false, an effect of unknown outcome waits longer before it is tried again. */
  readonly consistentReads: boolean;
  readonly spent: Readonly<Spent>;

  /** Who our writes are made as. `shared`: a person uses the same account. */
  getIdentity(): Promise<Actor & { shared: boolean }>;
  /** The permission this very account has now; `none` when id and login do not belong together any more. */
  getPermission(repo: string, actor: Actor): Promise<Permission>;
  getRepository(repo: string): Promise<Repository>;
  getRemote(repo: string, access: 'read' | 'write'): Promise<GitRemote>;
  /** Tip of a branch. */
  findBranch(repo: string, branch: string): Promise<string | undefined>;

  /**
   * What concerns dispatch in many repositories, for as few requests as the forge allows: views that have not changed
   * may come from memory. Oldest first. A repository that cannot be read has its error for an answer.
   */
  findIssues(queries: readonly IssueQuery[]): Promise<Map<string, IssueView[] | AgentOsError>>;
  /** Read now. */
  viewIssue(repo: string, issue: number): Promise<IssueView>;
  /** By number, what the forge itself knows of the issues that these wait for, where there is any; lines of their texts are not looked at. */
  listDependencies(repo: string, issues: readonly number[]): Promise<Map<number, Dependency[]>>;
  /** Oldest first; pull requests are not in it. */
  listIssues(repo: string, filter: IssueFilter): Promise<Issue[]>;
  getIssue(repo: string, issue: number): Promise<Issue>;
  listIssueEvents(repo: string, issue: number): Promise<IssueEvent[]>;
  /** Of an issue or a pull request, oldest first. */
  listComments(repo: string, number: number): Promise<Comment[]>;
  listPullRequests(repo: string, filter: { state: 'open' | 'closed' | 'merged' | 'all'; head?: string }): Promise<PullRequest[]>;
  getPullRequest(repo: string, number: number): Promise<PullRequest>;
  /**
   * A cheap look at many pull requests and the issues they belong to, by `owner/name#N` of the pull request: as long as
   * the stamp stays the same, nothing that the PR monitor decides on has changed. What has no stamp must be looked at.
   */
  stampPullRequests(asked: readonly { repo: string; pull: number; issue: number }[]): Promise<Map<string, string>>;
  listReviews(repo: string, number: number): Promise<Review[]>;
  /** The newest run of every check; what the rules of `base` require and nobody has reported is `pending`. */
  listCheckRuns(repo: string, sha: string, base: string): Promise<CheckRun[]>;

  /** @throws `refused` when there is no such project, or no such field in it. */
  findBoardStatus(repo: string, issue: number, at: BoardField): Promise<BoardStatus>;
  /**
   * @returns false when the issue is not in the project and may not be added.
   * @throws `refused` when there is no such project, field or value; it names those that there are.
   */
  setBoardStatus(repo: string, issue: number, to: BoardField & { value: string; add: boolean }): Promise<boolean>;

  createIssue(repo: string, issue: { title: string; body: string; labels: string[] }): Promise<{ number: number }>;
  /** @returns the timeline event, or `undefined` when the label was there already. */
  addLabel(repo: string, number: number, label: string): Promise<{ eventId: string } | undefined>;
  /** Nothing happens when the label is not there. */
  removeLabel(repo: string, number: number, label: string): Promise<void>;
  /** `issue` waits for `blockedBy`, both of this repository; nothing happens when it does already. */
  addDependency(repo: string, issue: number, blockedBy: number): Promise<void>;
  /** `child` becomes a part of `parent`; nothing happens when it is one already. */
  addSubIssue(repo: string, parent: number, child: number): Promise<void>;
  createComment(repo: string, number: number, body: string): Promise<{ id: number }>;
  updateComment(repo: string, number: number, comment: number, body: string): Promise<void>;
  closeIssue(repo: string, issue: number, reason: 'completed' | 'not_planned'): Promise<void>;
  reopenIssue(repo: string, issue: number): Promise<void>;
  /** @throws `conflict` when an open pull request of that head exists, `refused` when there is nothing to merge. */
  createPullRequest(repo: string, pull: { title: string; body: string; head: string; base: string }): Promise<{ number: number }>;
  closePullRequest(repo: string, number: number): Promise<void>;
  /** Merges the base into the head, as a commit by us. @throws `conflict` when the head is not the expected one or they conflict. */
  updateBranch(repo: string, number: number, expectedHeadSha: string): Promise<{ sha: string }>;
  /**
   * `enqueued`: the forge's merge queue has it and merges it when its turn comes.
   * @throws `conflict` when the head moved or there are merge conflicts, `refused` when a rule of the forge forbids it.
   */
  mergePullRequest(
    repo: string,
    number: number,
    merge: { method: 'squash' | 'merge' | 'rebase'; expectedHeadSha: string; title: string; message: string },
  ): Promise<{ sha: string } | { enqueued: true }>;
  /** Whether the forge's merge queue has it now; absent where there are no such queues. */
  isEnqueued?(repo: string, number: number): Promise<boolean>;
  /** Deletes a branch whose tip is the expected one; nothing happens when it is gone or has moved. */
  deleteBranch(repo: string, branch: string, expectedSha: string): Promise<void>;
}
