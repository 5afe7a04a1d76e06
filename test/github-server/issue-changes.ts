/**
 * Every way an issue or pull request changes, with the timeline event and the
 * `updatedAt` that GitHub gives it. A finished check changes no issue and so is
 * not here. Callers have checked who may; a change that changes nothing leaves
 * no event.
 */
import type { Comment, Issue, Label, Repository, TimelineEvent } from './records.ts';
import { type Store, same } from './store.ts';

/** Who does it; through an App where there is one. */
export interface Author {
  userId: number;
  appId?: number | undefined;
}

export interface NewIssue {
  title: string;
  body: string;
  labels: string[];
  assigneeIds?: number[];
}

export function touch(store: Store, issue: Issue): void {
  issue.updatedAt = store.stamp();
}

export function addEvent(store: Store, issue: Issue, actorId: number, event: string, more: Partial<TimelineEvent> = {}): TimelineEvent {
  const added: TimelineEvent = { ...store.newIds(EVENT_PREFIX[event] ?? 'EV'), event, actorId, createdAt: store.stamp(), ...more };
  issue.events.push(added);
  touch(store, issue);
  return added;
}
const EVENT_PREFIX: Record<string, string> = {
  labeled: 'LE',
  unlabeled: 'UNLE',
  closed: 'CE',
  reopened: 'REE',
  renamed: 'RTE',
  merged: 'ME',
};

export function createIssue(store: Store, repo: Repository, by: Author, wanted: NewIssue, kind: 'issue' | 'pull' = 'issue'): Issue {
  const at = store.stamp();
  const issue: Issue = {
    ...store.newIds(kind === 'issue' ? 'I' : 'PR'),
    ...{ repoId: repo.id, number: repo.nextNumber++, title: wanted.title, body: wanted.body, authorId: by.userId },
    ...{ state: 'open', stateReason: null, labelIds: [], assigneeIds: [...(wanted.assigneeIds ?? [])], pinned: false },
    ...{ createdAt: at, updatedAt: at, edits: [], events: [], comments: [], subIssueIds: [], blockedByIds: [], deleted: false },
  };
  if (by.appId !== undefined) issue.appId = by.appId;
  repo.issues.set(issue.number, issue);
  addLabels(store, repo, issue, by.userId, wanted.labels);
  return issue;
}

/** Makes the label of the repository when it is its first use. */
export function ensureLabel(store: Store, repo: Repository, name: string, color = 'ededed', description: string | null = null): Label {
  const known = store.findLabel(repo, name);
  if (known) return known;
  const label: Label = { ...store.newIds('LA'), name, color, description };
  repo.labels.push(label);
  return label;
}

/** @returns the events of those that were not there. */
export function addLabels(store: Store, repo: Repository, issue: Issue, actorId: number, names: string[]): TimelineEvent[] {
  return names.flatMap((name) => {
    const label = ensureLabel(store, repo, name);
    if (issue.labelIds.includes(label.id)) return [];
    issue.labelIds.push(label.id);
    return addEvent(store, issue, actorId, 'labeled', { label: { name: label.name, color: label.color } });
  });
}

/** @returns whether it was there. */
export function removeLabel(store: Store, repo: Repository, issue: Issue, actorId: number, name: string): boolean {
  const label = store.findLabel(repo, name);
  if (!label || !issue.labelIds.includes(label.id)) return false;
  issue.labelIds = issue.labelIds.filter((id) => id !== label.id);
  addEvent(store, issue, actorId, 'unlabeled', { label: { name: label.name, color: label.color } });
  return true;
}

export function setLabels(store: Store, repo: Repository, issue: Issue, actorId: number, names: string[]): void {
  for (const label of store.labels(repo, issue))
    if (!names.some((name) => same(name, label.name))) removeLabel(store, repo, issue, actorId, label.name);
  addLabels(store, repo, issue, actorId, names);
}

export function renameIssue(store: Store, issue: Issue, actorId: number, title: string): void {
  if (title === issue.title) return;
  const from = issue.title;
  issue.title = title;
  addEvent(store, issue, actorId, 'renamed', { rename: { from, to: title } });
}

/** An edit of the body leaves no event in REST's timeline, only `lastEditedAt` and the edits of GraphQL. */
export function editBody(store: Store, issue: Issue, actorId: number, body: string): void {
  if (body === issue.body) return;
  issue.edits.push({ id: store.newIds('UCE').id, at: store.stamp(), editorId: actorId, before: issue.body });
  issue.body = body;
  issue.lastEditedAt = store.stamp();
  touch(store, issue);
}

type CloseReason = 'completed' | 'not_planned' | 'duplicate';

export function closeIssue(store: Store, issue: Issue, actorId: number, reason: CloseReason | null, commitSha?: string): void {
  if (issue.state === 'closed') {
    if (reason !== null && !issue.pull) issue.stateReason = reason;
    return;
  }
  issue.state = 'closed';
  issue.stateReason = issue.pull ? null : (reason ?? 'completed');
  issue.closedAt = store.stamp();
  issue.closedById = actorId;
  delete issue.pull?.queuedAt;
  addEvent(store, issue, actorId, 'closed', {
    stateReason: issue.stateReason as CloseReason | null,
    ...(commitSha !== undefined && { commitSha }),
  });
}

export function reopenIssue(store: Store, issue: Issue, actorId: number): void {
  if (issue.state === 'open') return;
  issue.state = 'open';
  issue.stateReason = issue.pull ? null : 'reopened';
  delete issue.closedAt;
  delete issue.closedById;
  addEvent(store, issue, actorId, 'reopened');
}

export function setAssignees(store: Store, issue: Issue, actorId: number, ids: number[]): void {
  for (const id of issue.assigneeIds.filter((one) => !ids.includes(one))) addEvent(store, issue, actorId, 'unassigned', { assigneeId: id });
  for (const id of ids.filter((one) => !issue.assigneeIds.includes(one))) addEvent(store, issue, actorId, 'assigned', { assigneeId: id });
  issue.assigneeIds = [...new Set(ids)];
}

export function addComment(store: Store, issue: Issue, by: Author, body: string): Comment {
  const at = store.stamp();
  const comment: Comment = { ...store.newIds('IC'), authorId: by.userId, body, createdAt: at, updatedAt: at };
  if (by.appId !== undefined) comment.appId = by.appId;
  issue.comments.push(comment);
  touch(store, issue);
  return comment;
}

export function editComment(store: Store, issue: Issue, comment: Comment, body: string): void {
  comment.body = body;
  comment.updatedAt = store.stamp();
  touch(store, issue);
}

/** @returns false where it is one already. */
export function addSubIssue(store: Store, parent: Issue, child: Issue): boolean {
  if (child.parentId === parent.id) return false;
  const former = child.parentId === undefined ? undefined : store.issueById(child.parentId);
  if (former) former.subIssueIds = former.subIssueIds.filter((id) => id !== child.id);
  child.parentId = parent.id;
  parent.subIssueIds.push(child.id);
  touch(store, parent);
  touch(store, child);
  return true;
}

/** @returns false where it waits for it already. */
export function addDependency(store: Store, issue: Issue, blocker: Issue): boolean {
  if (issue.blockedByIds.includes(blocker.id)) return false;
  issue.blockedByIds.push(blocker.id);
  touch(store, issue);
  return true;
}
