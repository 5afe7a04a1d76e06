/**
 * What the test GitHub remembers: plain records without behaviour, so that the
 * whole state can be cloned (a stale read is a read of such a clone). Records
 * point to each other by numeric id, never by reference. Instants are ISO 8601
 * with seconds, as GitHub writes them. Every `id` is unique over all kinds.
 */

import type { Role } from './accounts.ts';

export interface Label {
  id: number;
  nodeId: string;
  name: string;
  /** Six hex digits. */
  color: string;
  description: string | null;
}

export interface TimelineEvent {
  id: number;
  nodeId: string;
  /** GitHub's REST name: labeled, unlabeled, renamed, closed, reopened, merged, assigned, unassigned, head_ref_deleted, review_requested, added_to_merge_queue, … */
  event: string;
  actorId: number;
  createdAt: string;
  /** A copy: an event keeps the name its label had. */
  label?: { name: string; color: string };
  rename?: { from: string; to: string };
  stateReason?: 'completed' | 'not_planned' | 'duplicate' | null;
  commitSha?: string;
  assigneeId?: number;
  reviewerId?: number;
}

export interface Comment {
  id: number;
  nodeId: string;
  authorId: number;
  appId?: number;
  body: string;
  createdAt: string;
  updatedAt: string;
}

export interface Review {
  id: number;
  nodeId: string;
  authorId: number;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
  body: string;
  commitSha: string;
  submittedAt: string;
}

/** The part of an issue record that makes it a pull request. */
export interface Pull {
  id: number;
  nodeId: string;
  headRepoId: number | null;
  /** Branch names, without `refs/heads/`. */
  headRef: string;
  headSha: string;
  baseRef: string;
  /** Tip of the base when the pull request was opened or its head last moved. */
  baseSha: string;
  draft: boolean;
  mergedAt?: string;
  mergedById?: number;
  mergeSha?: string;
  reviews: Review[];
  requestedReviewerIds: number[];
  /** For which head and base tips the answer was computed, and how many reads of one pull request still see `null`. */
  mergeability: { headSha: string; baseSha: string; clean: boolean; readsLeft: number };
  /** When it entered the merge queue. */
  queuedAt?: string;
}

/** An issue or a pull request: both take numbers from one sequence. */
export interface Issue {
  id: number;
  nodeId: string;
  repoId: number;
  number: number;
  title: string;
  body: string;
  authorId: number;
  appId?: number;
  state: 'open' | 'closed';
  stateReason: 'completed' | 'not_planned' | 'duplicate' | 'reopened' | null;
  /** In the order they were added. */
  labelIds: number[];
  assigneeIds: number[];
  pinned: boolean;
  createdAt: string;
  updatedAt: string;
  closedAt?: string;
  closedById?: number;
  /** Edits of the body, oldest first; `lastEditedAt` of GraphQL is the last one's instant. */
  edits: { id: number; at: string; editorId: number; before: string }[];
  lastEditedAt?: string;
  events: TimelineEvent[];
  comments: Comment[];
  /** Ids of issues. */
  parentId?: number;
  subIssueIds: number[];
  blockedByIds: number[];
  deleted: boolean;
  pull?: Pull;
}

export interface CheckSuite {
  id: number;
  nodeId: string;
  appId: number;
  headSha: string;
  headBranch: string;
  /** The pull requests' event that started it; undefined for a suite made by an App. */
  event?: 'pull_request' | 'push' | 'merge_group';
  /** Id of the Actions workflow run, for a suite of Actions. */
  workflowRunId?: number;
  runAttempt: number;
  /** What Actions checks out: the merge of head and base when the suite began, also on a rerun. */
  testSha?: string;
  createdAt: string;
  updatedAt: string;
}

type CheckStatus = 'queued' | 'in_progress' | 'completed';
export type CheckConclusion = 'success' | 'failure' | 'neutral' | 'cancelled' | 'skipped' | 'timed_out' | 'action_required' | 'stale';

export interface CheckRun {
  /** Also the id of the Actions job. */
  id: number;
  nodeId: string;
  suiteId: number;
  appId: number;
  name: string;
  headSha: string;
  status: CheckStatus;
  conclusion: CheckConclusion | null;
  startedAt: string | null;
  completedAt: string | null;
  detailsUrl: string | null;
  externalId: string;
  output: { title: string | null; summary: string | null; text: string | null };
  /** What a job of Actions printed. */
  log?: string;
}

export interface CommitStatus {
  id: number;
  nodeId: string;
  sha: string;
  state: 'error' | 'failure' | 'pending' | 'success';
  context: string;
  description: string | null;
  targetUrl: string | null;
  creatorId: number;
  createdAt: string;
}

/** In GitHub's REST shape: `required_status_checks`, `pull_request`, `merge_queue`, `non_fast_forward`, … */
export interface Rule {
  type: string;
  parameters?: Record<string, unknown>;
}

export interface Ruleset {
  id: number;
  nodeId: string;
  name: string;
  enforcement: 'active' | 'evaluate' | 'disabled';
  /** `~DEFAULT_BRANCH`, `~ALL` or `refs/heads/…` with `*`. */
  include: string[];
  exclude: string[];
  rules: Rule[];
  createdAt: string;
  updatedAt: string;
}

/** Classic protection of one branch. */
export interface Protection {
  requiredChecks: { context: string; appId: number | null }[];
  strict: boolean;
  /** 0: no review is asked for. */
  requiredReviews: number;
  enforceAdmins: boolean;
}

/** What Actions would run; see `checks.ts`. */
export interface CheckPlan {
  name: string;
  /** A shell line, or one of `pass`, `fail`, `hold`. */
  run: string;
}

export interface MergeRequest {
  uuid: string;
  number: number;
  state: 'pending' | 'merged' | 'enqueued' | 'failed';
  message: string | null;
  requesterId: number;
  method: 'merge' | 'squash' | 'rebase';
  headSha: string;
  title?: string;
  body?: string;
  action: 'default' | 'direct_merge' | 'merge_queue';
  /** Reads that still see it pending. */
  pollsLeft: number;
  sha?: string;
  createdAt: string;
}

export interface Repository {
  id: number;
  nodeId: string;
  ownerId: number;
  name: string;
  /** Former `owner/name`s, which redirect here. */
  formerNames: string[];
  private: boolean;
  archived: boolean;
  defaultBranch: string;
  /** Absolute path of the bare repository; the truth about branches. */
  gitDir: string;
  mergeMethods: { merge: boolean; squash: boolean; rebase: boolean };
  deleteBranchOnMerge: boolean;
  /** By user id. The owner is admin without an entry. */
  collaborators: Map<number, Role>;
  labels: Label[];
  nextNumber: number;
  /** By number, pull requests among them. */
  issues: Map<number, Issue>;
  checkSuites: CheckSuite[];
  checkRuns: CheckRun[];
  statuses: CommitStatus[];
  rulesets: Ruleset[];
  /** By branch. */
  protections: Map<string, Protection>;
  checks: CheckPlan[];
  mergeRequests: MergeRequest[];
  createdAt: string;
  pushedAt: string;
}

export interface ProjectField {
  id: number;
  nodeId: string;
  name: string;
  dataType: 'SINGLE_SELECT' | 'TEXT' | 'NUMBER' | 'DATE' | 'TITLE';
  /** Of a single-select field. `id` is eight hex digits. */
  options: { id: string; name: string; color: string; description: string }[];
}

export interface ProjectItem {
  id: number;
  nodeId: string;
  /** The issue or pull request. */
  issueId: number;
  archived: boolean;
  creatorId: number;
  createdAt: string;
  updatedAt: string;
  values: { fieldId: number; optionId?: string; text?: string; creatorId: number; createdAt: string; updatedAt: string }[];
}

/** A Projects v2 board. */
export interface Project {
  id: number;
  nodeId: string;
  ownerId: number;
  number: number;
  title: string;
  closed: boolean;
  public: boolean;
  fields: ProjectField[];
  items: ProjectItem[];
  createdAt: string;
  updatedAt: string;
}
