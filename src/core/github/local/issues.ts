/**
 * Writes on issues, and on what pull requests share with them (labels,
 * comments, title, body), by the rules of GitHub: who may, what the timeline
 * says, how long texts are.
 */
import { AgentOsError } from '../../errors.ts';
import { cleanText } from '../../text.ts';
import type { Permission } from '../github.ts';
import type { IssueRecord, PullRecord } from './records.ts';
import { storedText } from './sections.ts';
import type { Transaction } from './transaction.ts';

type Thread = IssueRecord | PullRecord;

/** Changes of one `edit`: title and body first, then labels that go, then those that come, all at one instant. */
export interface ThreadEdit {
  title?: string;
  body?: string;
  addLabels?: readonly string[];
  removeLabels?: readonly string[];
  /** Replaces the list. */
  assignees?: readonly string[];
  /** Issues only. */
  pinned?: boolean;
}

const MAX_TITLE = 256;
const MAX_BODY = 65_536;
const MAX_LABEL = 50;

/** Labels are set by those who may triage; for others they are dropped in silence, as GitHub does. */
export function createIssue(tx: Transaction, issue: { title: string; body: string; labels: readonly string[] }): { number: number } {
  tx.require('read', 'create an issue');
  const title = checkTitle(issue.title);
  const body = checkBody(issue.body);
  const labels = issue.labels.map(checkLabel);
  const number = tx.newNumber();
  const at = tx.stamp();
  const record: IssueRecord = {
    kind: 'issue',
    number,
    title,
    body,
    state: 'open',
    pinned: false,
    blockedBy: [],
    author: tx.actor,
    labels: [],
    assignees: [],
    createdAt: at,
    updatedAt: at,
    events: [],
    comments: [],
  };
  if (tx.may('triage')) putLabels(tx, record, labels);
  tx.create(record);
  return { number };
}

/** @returns the event, `undefined` when the label was there already. */
export async function addLabel(tx: Transaction, number: number, label: string): Promise<{ eventId: string } | undefined> {
  tx.require('triage', 'label');
  const wanted = checkLabel(label);
  const thread = await tx.thread(number);
  const event = putLabel(tx, thread, wanted);
  if (!event) return undefined;
  tx.save(thread);
  return { eventId: event.id };
}

export async function removeLabel(tx: Transaction, number: number, label: string): Promise<void> {
  tx.require('triage', 'label');
  const thread = await tx.thread(number);
  if (takeLabel(tx, thread, label)) tx.save(thread);
}

function putLabel(tx: Transaction, thread: Thread, label: string, at?: string): { id: string; at: string } | undefined {
  if (thread.labels.some((other) => sameLabel(other, label))) return undefined;
  thread.labels.push(label);
  return tx.record(thread, { kind: 'labeled', label }, at);
}

/** At one instant: what is asked for together with `ready` is there when it counts. */
function putLabels(tx: Transaction, thread: Thread, labels: readonly string[]): void {
  let at: string | undefined;
  for (const label of labels) at = putLabel(tx, thread, label, at)?.at ?? at;
}

function takeLabel(tx: Transaction, thread: Thread, label: string): boolean {
  const found = thread.labels.find((other) => sameLabel(other, label));
  if (found === undefined) return false;
  thread.labels = thread.labels.filter((other) => other !== found);
  tx.record(thread, { kind: 'unlabeled', label: found });
  return true;
}

/** Labels differ by more than case, as on GitHub. */
function sameLabel(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

export async function createComment(tx: Transaction, number: number, body: string): Promise<{ id: number }> {
  tx.require('read', 'comment');
  const text = checkBody(body);
  if (text.trim() === '') throw refusedText('a comment must not be empty');
  const thread = await tx.thread(number);
  const at = tx.stamp();
  const id = tx.newId();
  thread.comments.push({ id, author: tx.actor, body: text, createdAt: at, updatedAt: at });
  thread.updatedAt = at;
  tx.save(thread);
  return { id };
}

/** Authors may edit their own comments, others need `write`. */
export async function updateComment(tx: Transaction, number: number, id: number, body: string): Promise<void> {
  const text = checkBody(body);
  if (text.trim() === '') throw refusedText('a comment must not be empty');
  const thread = await tx.thread(number);
  const comment = thread.comments.find((entry) => entry.id === id);
  if (!comment) throw new AgentOsError('not_found', `${tx.files.repo}#${number} has no comment ${id}`);
  if (comment.author.id !== tx.user.id) tx.require('write', 'edit a comment of somebody else');
  if (comment.body === text) return;
  const at = tx.stamp();
  Object.assign(comment, { body: text, updatedAt: at });
  thread.updatedAt = at;
  tx.save(thread);
}

/** Nothing happens when it waits for that issue already. */
export async function addDependency(tx: Transaction, number: number, blockedBy: number): Promise<void> {
  tx.require('triage', 'add a dependency');
  const issue = await tx.issue(number);
  await tx.issue(blockedBy);
  if (number === blockedBy) throw refusedText(`#${number} cannot wait for itself`);
  if (issue.blockedBy.includes(blockedBy)) return;
  issue.blockedBy.push(blockedBy);
  issue.updatedAt = tx.stamp();
  tx.save(issue);
}

/** Nothing happens when it is a part of that issue already. */
export async function addSubIssue(tx: Transaction, parent: number, child: number): Promise<void> {
  tx.require('triage', 'add a sub-issue');
  await tx.issue(parent);
  const issue = await tx.issue(child);
  if (issue.parent === parent) return;
  if (parent === child || issue.parent !== undefined) throw refusedText(`#${child} cannot become a part of #${parent}`);
  issue.parent = parent;
  issue.updatedAt = tx.stamp();
  tx.save(issue);
}

/** Nothing happens when it is closed already. */
export async function closeIssue(tx: Transaction, number: number, reason: 'completed' | 'not_planned'): Promise<void> {
  const issue = await tx.issue(number);
  requireOn(tx, issue, 'triage', 'close issues');
  if (issue.state === 'closed') return;
  markClosed(tx, issue, reason);
  tx.save(issue);
}

/** Closes the issue in memory, with its event. */
export function markClosed(tx: Transaction, issue: IssueRecord, reason: 'completed' | 'not_planned'): void {
  const { at } = tx.record(issue, { kind: 'closed', reason });
  Object.assign(issue, { state: 'closed', stateReason: reason, closedAt: at });
}

/** Nothing happens when it is open already. */
export async function reopenIssue(tx: Transaction, number: number): Promise<void> {
  const issue = await tx.issue(number);
  requireOn(tx, issue, 'triage', 'reopen issues');
  if (issue.state === 'open') return;
  tx.record(issue, { kind: 'reopened' });
  issue.state = 'open';
  delete issue.stateReason;
  delete issue.closedAt;
  tx.save(issue);
}

/** Edits an issue or a pull request. What is the same already leaves no event. */
export async function editThread(tx: Transaction, thread: Thread, edit: ThreadEdit): Promise<void> {
  const title = edit.title === undefined ? undefined : checkTitle(edit.title);
  const body = edit.body === undefined ? undefined : checkBody(edit.body);
  const added = (edit.addLabels ?? []).map(checkLabel);
  if (title !== undefined || body !== undefined) requireOn(tx, thread, 'write', 'edit what somebody else wrote');
  if (edit.addLabels || edit.removeLabels || edit.assignees || edit.pinned !== undefined) tx.require('triage', 'label or assign');
  const before = tx.settings.lastAt;
  if (title !== undefined && title !== thread.title) {
    tx.record(thread, { kind: 'renamed', from: thread.title, to: title });
    thread.title = title;
  }
  if (body !== undefined && body !== thread.body) {
    tx.record(thread, { kind: 'edited' });
    thread.body = body;
  }
  for (const label of edit.removeLabels ?? []) takeLabel(tx, thread, label);
  putLabels(tx, thread, added);
  const changed = tx.settings.lastAt !== before;
  const assigned = edit.assignees !== undefined || edit.pinned !== undefined;
  if (edit.assignees) thread.assignees = [...edit.assignees];
  if (edit.pinned !== undefined && thread.kind === 'issue') thread.pinned = edit.pinned;
  if (assigned) thread.updatedAt = tx.stamp();
  if (changed || assigned) tx.save(thread);
}

/** Authors may do this to what is theirs; others need the permission. */
export function requireOn(tx: Transaction, thread: Thread, needed: Exclude<Permission, 'none'>, doing: string): void {
  if (thread.author.id !== tx.user.id) tx.require(needed, doing);
}

/** One line, not empty, at most 256 characters. */
export function checkTitle(title: string): string {
  const text = cleanText(title).replace(/\s+/g, ' ').trim();
  if (text === '') throw refusedText('a title must not be empty');
  if (text.length > MAX_TITLE) throw refusedText(`a title has at most ${MAX_TITLE} characters, this one ${text.length}`);
  return text;
}

/** At most 65,536 characters, as on GitHub. */
export function checkBody(body: string): string {
  const text = storedText(body);
  if (text.length > MAX_BODY) throw refusedText(`a text has at most ${MAX_BODY} characters, this one ${text.length}`);
  return text;
}

function checkLabel(label: string): string {
  const text = cleanText(label).trim();
  if (text === '' || /\n/.test(text)) throw refusedText('a label must be one line and not empty');
  if (text.length > MAX_LABEL) throw refusedText(`a label has at most ${MAX_LABEL} characters, \`${text}\` ${text.length}`);
  return text;
}

function refusedText(message: string): AgentOsError {
  return new AgentOsError('refused', message);
}
