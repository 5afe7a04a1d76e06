/**
 * Issues: lists and single ones, comments, what an issue waits for. What a
 * decision about a text rests on is read by GraphQL in one go (`read-views.ts`);
 * this is the rest of the reading, and the writes. A write about state looks
 * first, so that what a person did already is left as it is.
 */

import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { Comment, Dependency, Issue, IssueFilter, IssueView } from '../github.ts';
import { parseAnswer, number as positive } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName, sameRepo } from './client/request-names.ts';
import { readPinned } from './pinned.ts';
import { readViews } from './read-views.ts';
import { checkBody, checkComment, checkLabel, checkTitle } from './text-limits.ts';
import { type RestIssue, toComment, toDependency, toRestIssue } from './to-issue.ts';
import { findUnblocked } from './unblocked.ts';

/** Issues and pull requests are in one list; twenty thousand of them. */
const MAX_LIST_PAGES = 200;

/** @throws AgentOsError `not_found`; a pull request is no issue. */
export async function viewIssue(client: GitHubClient, repo: string, issue: number): Promise<IssueView> {
  ownerAndName(repo);
  const views = (await readViews(client, [{ repo, numbers: [issue] }])).get(repo);
  if (views instanceof AgentOsError) throw views;
  const view = views?.get(issue);
  if (!view) throw noIssue(repo, issue);
  return view;
}

export async function listIssues(client: GitHubClient, repo: string, { state, anyLabel }: IssueFilter): Promise<Issue[]> {
  const parameters = { ...ownerAndName(repo), state, sort: 'created', direction: 'asc' } as const;
  const answers = await client.readAll('GET /repos/{owner}/{repo}/issues', parameters, { maxPages: MAX_LIST_PAGES });
  const pinned = await readPinned(client, repo);
  return answers
    .map((answer) => toRestIssue(answer, `an issue of ${repo}`, pinned))
    .filter(({ isPull, issue }) => !isPull && (!anyLabel || issue.labels.some((label) => anyLabel(label))))
    .map(({ issue }) => issue)
    .sort((a, b) => a.number - b.number);
}

/**
 * The issue, or the pull request, of this number by REST.
 * @throws AgentOsError `not_found` when there is none, or it was moved to another repository
 */
export async function readThread(client: GitHubClient, repo: string, issue_number: number): Promise<RestIssue> {
  const name = `${repo}#${issue_number}`;
  const parameters = { ...ownerAndName(repo), issue_number };
  const { data } = await client.read('GET /repos/{owner}/{repo}/issues/{issue_number}', parameters);
  const thread = toRestIssue(data, name);
  // GitHub answers for an issue that was moved with the one it has become, under another number or in another repository.
  if (thread.issue.number === issue_number && (sameRepo(thread.repo, repo) || (await isNowCalled(client, repo, thread.repo))))
    return thread;
  throw new AgentOsError('not_found', `${name} was moved to ${thread.repo}#${thread.issue.number}`);
}

async function isNowCalled(client: GitHubClient, repo: string, name: string): Promise<boolean> {
  const { data } = await client.read('GET /repos/{owner}/{repo}', ownerAndName(repo));
  return sameRepo(parseAnswer(z.object({ full_name: z.string() }), data, repo).full_name, name);
}

async function readIssue(client: GitHubClient, repo: string, number: number): Promise<RestIssue> {
  const thread = await readThread(client, repo, number);
  if (thread.isPull) throw noIssue(repo, number);
  return thread;
}

export async function listComments(client: GitHubClient, repo: string, issue_number: number): Promise<Comment[]> {
  const parameters = { ...ownerAndName(repo), issue_number };
  const answers = await client.readAll('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', parameters);
  return answers.map((answer) => toComment(answer, `${repo}#${issue_number}`)).sort((a, b) => a.id - b.id);
}

/** One request for each issue, save where there are many and most wait for nothing. Nothing where the server does not know dependencies, as an older GitHub Enterprise Server. */
export async function listDependencies(client: GitHubClient, repo: string, issues: readonly number[]): Promise<Map<number, Dependency[]>> {
  const found = new Map<number, Dependency[]>();
  const asked = new Set(issues);
  const unblocked = await findUnblocked(client, repo, [...asked]);
  for (const issue of asked) {
    if (unblocked.has(issue)) continue;
    const list = await readDependencies(client, repo, issue);
    if (!list) return found;
    if (list.length > 0) found.set(issue, list);
  }
  return found;
}

/** `undefined` where the server has no such list. @throws AgentOsError `not_found` when there is no such issue */
async function readDependencies(client: GitHubClient, repo: string, issue_number: number): Promise<Dependency[] | undefined> {
  const parameters = { ...ownerAndName(repo), issue_number };
  try {
    const answers = await client.readAll('GET /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by', parameters);
    return answers.map((answer) => toDependency(answer, `${repo}#${issue_number}`));
  } catch (error) {
    if (!(error instanceof AgentOsError && error.code === 'not_found')) throw error;
    await readIssue(client, repo, issue_number);
    return undefined;
  }
}

export async function createIssue(
  client: GitHubClient,
  repo: string,
  { title, body, labels }: { title: string; body: string; labels: string[] },
): Promise<{ number: number }> {
  checkTitle(title);
  checkBody(body);
  for (const label of labels) checkLabel(label);
  const parameters = { ...ownerAndName(repo), title, body, labels };
  const { data } = await client.write(repo, 'POST /repos/{owner}/{repo}/issues', parameters, { creates: true });
  return parseAnswer(z.object({ number: positive }), data, `the new issue of ${repo}`, 'unknown_outcome');
}

export async function createComment(client: GitHubClient, repo: string, issue_number: number, body: string): Promise<{ id: number }> {
  checkComment(body);
  const parameters = { ...ownerAndName(repo), issue_number, body };
  const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
  const { data } = await client.write(repo, route, parameters, { creates: true });
  return parseAnswer(z.object({ id: positive }), data, `the new comment on ${repo}#${issue_number}`, 'unknown_outcome');
}

export async function updateComment(client: GitHubClient, repo: string, comment_id: number, body: string): Promise<void> {
  checkComment(body);
  const parameters = { ...ownerAndName(repo), comment_id, body };
  await client.write(repo, 'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', parameters);
}

/** Nothing happens when it is closed already: its reason may be a person's. */
export async function closeIssue(
  client: GitHubClient,
  repo: string,
  issue_number: number,
  state_reason: 'completed' | 'not_planned',
): Promise<void> {
  if ((await readIssue(client, repo, issue_number)).issue.state === 'closed') return;
  const parameters = { ...ownerAndName(repo), issue_number, state: 'closed', state_reason } as const;
  await client.write(repo, 'PATCH /repos/{owner}/{repo}/issues/{issue_number}', parameters, { creates: true });
}

/** Nothing happens when it is open already. */
export async function reopenIssue(client: GitHubClient, repo: string, issue_number: number): Promise<void> {
  if ((await readIssue(client, repo, issue_number)).issue.state === 'open') return;
  const parameters = { ...ownerAndName(repo), issue_number, state: 'open', state_reason: 'reopened' } as const;
  await client.write(repo, 'PATCH /repos/{owner}/{repo}/issues/{issue_number}', parameters, { creates: true });
}

/** Nothing happens when it waits for that issue already. */
export async function addDependency(client: GitHubClient, repo: string, issue_number: number, blockedBy: number): Promise<void> {
  if (issue_number === blockedBy) throw new AgentOsError('refused', `${repo}#${issue_number} cannot wait for itself`);
  const other = await readIssue(client, repo, blockedBy);
  const waitsFor = async () =>
    (await readDependencies(client, repo, issue_number))?.some((one) => sameRepo(one.repo, other.repo) && one.issue === blockedBy);
  if (await waitsFor()) return;
  const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by';
  const parameters = { ...ownerAndName(repo), issue_number, issue_id: other.id };
  await unlessSo(client.write(repo, route, parameters), waitsFor);
}

/** Nothing happens when it is a part of that issue already. */
export async function addSubIssue(client: GitHubClient, repo: string, parent: number, child: number): Promise<void> {
  const { id } = await readIssue(client, repo, child);
  const place = { ...ownerAndName(repo), issue_number: parent };
  const isPart = async () => {
    const parts = await client.readAll('GET /repos/{owner}/{repo}/issues/{issue_number}/sub_issues', place);
    return parts.some((part) => toRestIssue(part, `a part of ${repo}#${parent}`).id === id);
  };
  if (await isPart()) return;
  const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/sub_issues';
  await unlessSo(client.write(repo, route, { ...place, sub_issue_id: id }), isPart);
}

/** A refusal because somebody was faster is none. */
async function unlessSo(write: Promise<unknown>, isSo: () => Promise<boolean | undefined>): Promise<void> {
  try {
    await write;
  } catch (error) {
    const refused = error instanceof AgentOsError && (error.code === 'refused' || error.code === 'conflict');
    if (!refused || !(await isSo())) throw error;
  }
}

function noIssue(repo: string, number: number): AgentOsError {
  return new AgentOsError('not_found', `${repo} has no issue #${number}`);
}
