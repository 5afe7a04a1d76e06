/** Sub-issues and dependencies between issues; they may cross repositories. */
import { isAllowed } from '../access.ts';
import { type Call, invalid, issueOf, notFound, paged, READ_ISSUES, type Reply, type Route, repoOf, TRIAGE, viewerOf } from '../call.ts';
import { addDependency, addSubIssue, touch } from '../issue-changes.ts';
import type { Issue } from '../records.ts';
import { renderIssue } from '../render/issues.ts';

const render = (call: Call, issue: Issue) => renderIssue(call, call.store.repo(issue.repoId), issue);

/** The issues of a list of ids that the viewer may see. */
function visible(call: Call, ids: number[]): Issue[] {
  return ids
    .flatMap((id) => call.store.issueById(id) ?? [])
    .filter((issue) => isAllowed(call.viewer, call.store.repo(issue.repoId), READ_ISSUES));
}

/** The issue that a request's body names by id. */
function named(call: Call, field: string): Issue {
  const [issue] = visible(call, [Number(call.body[field])]);
  if (!issue || issue.pull) throw notFound();
  return issue;
}

function listSubIssues(call: Call): Reply {
  return paged(call, visible(call, issueOf(call, repoOf(call, READ_ISSUES)).subIssueIds), (issue) => render(call, issue));
}

function createSubIssue(call: Call): Reply {
  const parent = issueOf(call, repoOf(call, TRIAGE));
  const child = named(call, 'sub_issue_id');
  const wrong = (message: string) => invalid({ resource: 'SubIssue', field: 'sub_issue_id', code: 'custom', message });
  if (child.id === parent.id) throw wrong('An issue cannot be its own sub-issue');
  if (child.parentId === parent.id) throw wrong('Issue may not contain duplicate sub-issues');
  if (child.parentId !== undefined && call.body['replace_parent'] !== true) throw wrong('Sub issue may only have one parent');
  addSubIssue(call.store, parent, child);
  return { status: 201, body: render(call, parent) };
}

function getParent(call: Call): Reply {
  const issue = issueOf(call, repoOf(call, READ_ISSUES));
  const [parent] = visible(call, issue.parentId === undefined ? [] : [issue.parentId]);
  if (!parent) throw notFound();
  return { status: 200, body: render(call, parent) };
}

function listBlockers(call: Call): Reply {
  return paged(call, visible(call, issueOf(call, repoOf(call, READ_ISSUES)).blockedByIds), (issue) => render(call, issue));
}

function createDependency(call: Call): Reply {
  const issue = issueOf(call, repoOf(call, TRIAGE));
  const blocker = named(call, 'issue_id');
  const wrong = (message: string) => invalid({ resource: 'IssueDependency', field: 'issue_id', code: 'custom', message });
  if (blocker.id === issue.id) throw wrong('An issue cannot be blocked by itself');
  if (blocker.blockedByIds.includes(issue.id)) throw wrong('Circular dependencies are not allowed');
  if (!addDependency(call.store, issue, blocker)) throw wrong('Target issue has already been taken');
  return { status: 201, body: render(call, blocker) };
}

function removeDependency(call: Call): Reply {
  const issue = issueOf(call, repoOf(call, TRIAGE));
  viewerOf(call);
  const id = Number(call.params['issue_id']);
  const [blocker] = visible(call, [id]);
  if (!blocker || !issue.blockedByIds.includes(id)) throw notFound();
  issue.blockedByIds = issue.blockedByIds.filter((one) => one !== id);
  touch(call.store, issue);
  return { status: 200, body: render(call, blocker) };
}

const ISSUE = '/repos/{owner}/{repo}/issues/{issue_number}';
export const relationRoutes: Route[] = [
  { method: 'GET', path: `${ISSUE}/sub_issues`, run: listSubIssues },
  { method: 'POST', path: `${ISSUE}/sub_issues`, run: createSubIssue },
  { method: 'GET', path: `${ISSUE}/parent`, run: getParent },
  { method: 'GET', path: `${ISSUE}/dependencies/blocked_by`, run: listBlockers },
  { method: 'POST', path: `${ISSUE}/dependencies/blocked_by`, run: createDependency },
  { method: 'DELETE', path: `${ISSUE}/dependencies/blocked_by/{issue_id}`, run: removeDependency },
];
