/** Issues, their labels, comments and timeline. Pull requests are issues here too. */
import { mayTriage } from '../access.ts';
import {
  authorOf,
  type Call,
  checkLengths,
  invalid,
  issueOf,
  notFound,
  paged,
  READ_ISSUES,
  Refusal,
  type Reply,
  type Route,
  repoOf,
  TALK,
  TRIAGE,
  text,
  viewerOf,
} from '../call.ts';
import * as change from '../issue-changes.ts';
import type { Comment, Issue, Repository } from '../records.ts';
import { renderComment, renderIssue, renderTimeline } from '../render/issues.ts';
import { renderLabel } from '../render/repositories.ts';
import { same } from '../store.ts';

function listIssues(call: Call): Reply {
  const repo = repoOf(call, READ_ISSUES);
  const { query, store } = call;
  const state = query.get('state') ?? 'open';
  const labels = (query.get('labels') ?? '').split(',').filter(Boolean);
  const since = query.get('since');
  const creator = query.get('creator');
  const field = query.get('sort') === 'updated' ? 'updatedAt' : 'createdAt';
  const sign = query.get('direction') === 'asc' ? 1 : -1;
  const kept = [...repo.issues.values()].filter((issue) => {
    const own = store.labels(repo, issue).map((label) => label.name);
    return (
      !issue.deleted &&
      (state === 'all' || issue.state === state) &&
      labels.every((wanted) => own.some((name) => same(name, wanted))) &&
      (since === null || Date.parse(issue.updatedAt) >= Date.parse(since)) &&
      (creator === null || same(store.user(issue.authorId).login, creator))
    );
  });
  kept.sort((a, b) => sign * (Date.parse(a[field]) - Date.parse(b[field]) || a.number - b.number));
  return paged(call, kept, (issue) => renderIssue(call, repo, issue));
}

/** Names in a `labels` field, which may hold objects too. */
function namesIn(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [];
  return list.map((one) => (typeof one === 'string' ? one : String((one as { name?: unknown }).name ?? '')));
}

function peopleIn(call: Call, value: unknown): number[] {
  return namesIn(value).flatMap((login) => call.store.findUser(login)?.id ?? []);
}

function createIssue(call: Call): Reply {
  const repo = repoOf(call, TALK);
  const viewer = viewerOf(call);
  const title = String(call.body['title'] ?? '');
  const body = text(call, 'body') ?? '';
  const labels = namesIn(call.body['labels']);
  checkLengths('Issue', { title, body, labels });
  // Whoever may not label has the labels dropped without a word.
  const kept = mayTriage(viewer, repo);
  const assigneeIds = kept ? peopleIn(call, call.body['assignees']) : [];
  const issue = change.createIssue(call.store, repo, authorOf(call), { title, body, labels: kept ? labels : [], assigneeIds });
  return { status: 201, body: renderIssue(call, repo, issue) };
}

function editIssue(call: Call): Reply {
  const repo = repoOf(call, TALK);
  const issue = issueOf(call, repo);
  const { userId } = viewerOf(call);
  const writer = mayTriage(viewerOf(call), repo);
  if (!writer && issue.authorId !== userId) throw new Refusal(403, 'Must have admin rights to Repository.');
  const { title, labels, assignees, state } = call.body;
  checkLengths('Issue', { title: title as string | undefined, body: text(call, 'body'), labels: namesIn(labels) });
  if (title !== undefined) change.renameIssue(call.store, issue, userId, String(title));
  if (call.body['body'] !== undefined) change.editBody(call.store, issue, userId, text(call, 'body') ?? '');
  if (labels !== undefined && writer) change.setLabels(call.store, repo, issue, userId, namesIn(labels));
  if (assignees !== undefined && writer) change.setAssignees(call.store, issue, userId, peopleIn(call, assignees));
  const reason = text(call, 'state_reason') as 'completed' | 'not_planned' | 'duplicate' | undefined;
  if (state === 'closed') change.closeIssue(call.store, issue, userId, reason ?? null);
  if (state === 'open') change.reopenIssue(call.store, issue, userId);
  return { status: 200, body: renderIssue(call, repo, issue) };
}

const labelsOf = (call: Call, repo: Repository, issue: Issue) =>
  call.store.labels(repo, issue).map((label) => renderLabel(call, repo, label));

function changeLabels(set: boolean): (call: Call) => Reply {
  return (call) => {
    const repo = repoOf(call, TRIAGE);
    const issue = issueOf(call, repo);
    const names = namesIn(call.body['labels']);
    checkLengths('Label', { labels: names });
    const { userId } = viewerOf(call);
    if (set) change.setLabels(call.store, repo, issue, userId, names);
    else change.addLabels(call.store, repo, issue, userId, names);
    return { status: 200, body: labelsOf(call, repo, issue) };
  };
}

function removeLabel(call: Call): Reply {
  const repo = repoOf(call, TRIAGE);
  const issue = issueOf(call, repo);
  const removed = change.removeLabel(call.store, repo, issue, viewerOf(call).userId, call.params['name'] ?? '');
  if (!removed) throw new Refusal(404, 'Label does not exist');
  return { status: 200, body: labelsOf(call, repo, issue) };
}

function createLabel(call: Call): Reply {
  const repo = repoOf(call, { role: 'write', resource: 'issues', level: 'write' });
  const name = text(call, 'name') ?? '';
  checkLengths('Label', { labels: [name] });
  if (call.store.findLabel(repo, name)) throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  const label = change.ensureLabel(call.store, repo, name, text(call, 'color') ?? 'ededed', text(call, 'description') ?? null);
  return { status: 201, body: renderLabel(call, repo, label) };
}

function getLabel(call: Call): Reply {
  const repo = repoOf(call, READ_ISSUES);
  const label = call.store.findLabel(repo, call.params['name'] ?? '');
  if (!label) throw notFound();
  return { status: 200, body: renderLabel(call, repo, label) };
}

function listComments(call: Call): Reply {
  const repo = repoOf(call, READ_ISSUES);
  const issue = issueOf(call, repo);
  const since = Date.parse(call.query.get('since') ?? '1970-01-01');
  const kept = issue.comments.filter((comment) => Date.parse(comment.updatedAt) >= since);
  return paged(call, kept, (comment) => renderComment(call, repo, issue, comment));
}

function createComment(call: Call): Reply {
  const repo = repoOf(call, TALK);
  const issue = issueOf(call, repo);
  const body = text(call, 'body') ?? '';
  if (body.trim() === '') throw invalid({ resource: 'IssueComment', field: 'body', code: 'missing_field' });
  checkLengths('IssueComment', { body });
  return { status: 201, body: renderComment(call, repo, issue, change.addComment(call.store, issue, authorOf(call), body)) };
}

function findComment(call: Call, repo: Repository): { issue: Issue; comment: Comment } {
  for (const issue of repo.issues.values()) {
    const comment = issue.comments.find((one) => one.id === Number(call.params['comment_id']));
    if (comment && !issue.deleted) return { issue, comment };
  }
  throw notFound();
}

function getComment(call: Call): Reply {
  const repo = repoOf(call, READ_ISSUES);
  const { issue, comment } = findComment(call, repo);
  return { status: 200, body: renderComment(call, repo, issue, comment) };
}

function editComment(call: Call): Reply {
  const repo = repoOf(call, TALK);
  const { issue, comment } = findComment(call, repo);
  const viewer = viewerOf(call);
  if (comment.authorId !== viewer.userId && !mayTriage(viewer, repo)) throw new Refusal(403, 'Must have admin rights to Repository.');
  const body = text(call, 'body') ?? '';
  checkLengths('IssueComment', { body });
  change.editComment(call.store, issue, comment, body);
  return { status: 200, body: renderComment(call, repo, issue, comment) };
}

function addAssignees(call: Call): Reply {
  const repo = repoOf(call, TRIAGE);
  const issue = issueOf(call, repo);
  change.setAssignees(call.store, issue, viewerOf(call).userId, [...issue.assigneeIds, ...peopleIn(call, call.body['assignees'])]);
  return { status: 201, body: renderIssue(call, repo, issue) };
}

/** An endpoint that reads one issue. */
function reading(answer: (call: Call, repo: Repository, issue: Issue) => Reply): (call: Call) => Reply {
  return (call) => {
    const repo = repoOf(call, READ_ISSUES);
    return answer(call, repo, issueOf(call, repo));
  };
}

const REPO = '/repos/{owner}/{repo}';
const ISSUE = `${REPO}/issues/{issue_number}`;
export const issueRoutes: Route[] = [
  { method: 'GET', path: `${REPO}/issues`, run: listIssues },
  { method: 'POST', path: `${REPO}/issues`, run: createIssue },
  { method: 'GET', path: ISSUE, run: reading((call, repo, issue) => ({ status: 200, body: renderIssue(call, repo, issue) })) },
  { method: 'PATCH', path: ISSUE, run: editIssue },
  { method: 'GET', path: `${ISSUE}/labels`, run: reading((call, repo, issue) => paged(call, labelsOf(call, repo, issue), (one) => one)) },
  { method: 'POST', path: `${ISSUE}/labels`, run: changeLabels(false) },
  { method: 'PUT', path: `${ISSUE}/labels`, run: changeLabels(true) },
  { method: 'DELETE', path: `${ISSUE}/labels/{name}`, run: removeLabel },
  { method: 'POST', path: `${ISSUE}/assignees`, run: addAssignees },
  {
    method: 'GET',
    path: `${REPO}/labels`,
    run: (call) => paged(call, repoOf(call, READ_ISSUES).labels, (one) => renderLabel(call, repoOf(call), one)),
  },
  { method: 'POST', path: `${REPO}/labels`, run: createLabel },
  { method: 'GET', path: `${REPO}/labels/{name}`, run: getLabel },
  { method: 'GET', path: `${ISSUE}/comments`, run: listComments },
  { method: 'POST', path: `${ISSUE}/comments`, run: createComment },
  { method: 'GET', path: `${REPO}/issues/comments/{comment_id}`, run: getComment },
  { method: 'PATCH', path: `${REPO}/issues/comments/{comment_id}`, run: editComment },
  {
    method: 'GET',
    path: `${ISSUE}/timeline`,
    run: reading((call, repo, issue) => paged(call, renderTimeline(call, repo, issue), (one) => one)),
  },
];
