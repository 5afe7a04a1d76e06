/**
 * Issues and pull requests of the local forge as they stand in their files, and
 * back. Front matter holds the facts and the timeline, the rest the body and
 * the comments. Pure.
 */
import type { Document, FrontMatter, Plain } from '../../front-matter.ts';
import { renderFrontMatter } from '../../front-matter.ts';
import type { Actor, Comment, IssueEvent, Review } from '../github.ts';
import { Fields } from './fields.ts';
import { parseSections, renderSections, type Section } from './sections.ts';

interface ThreadRecord {
  number: number;
  title: string;
  body: string;
  author: Actor;
  labels: string[];
  assignees: string[];
  createdAt: string;
  updatedAt: string;
  closedAt?: string;
  events: IssueEvent[];
  comments: Comment[];
}

export interface IssueRecord extends ThreadRecord {
  kind: 'issue';
  state: 'open' | 'closed';
  stateReason?: 'completed' | 'not_planned';
  pinned: boolean;
  /** Numbers of issues that this one waits for. */
  blockedBy: number[];
  /** The issue that this one is a part of. */
  parent?: number;
}

export interface PullRecord extends ThreadRecord {
  kind: 'pull';
  state: 'open' | 'closed' | 'merged';
  base: string;
  head: string;
  /** The tip when this was written; while it is open the branch itself tells. */
  headSha: string;
  draft: boolean;
  /** The commit a merge is about to put on the base: it has happened when the base holds it. */
  mergingSha?: string;
  mergeSha?: string;
  closedBy?: Actor;
  reviews: Review[];
}

const KEYS = 'number title state author author_id labels assignees created_at updated_at closed_at events';
const ISSUE_KEYS = new Set(`${KEYS} state_reason pinned blocked_by parent`.split(' '));
const PULL_KEYS = new Set(`${KEYS} base head head_sha draft merging_sha merge_sha closed_by closed_by_id`.split(' '));
const EVENT_KEYS = new Set('id at kind actor actor_id label from to reason'.split(' '));
const COMMENT_KEYS = new Set('id author author_id created_at updated_at'.split(' '));
const REVIEW_KEYS = new Set('author author_id state sha at'.split(' '));
const REASONS = ['completed', 'not_planned'] as const;

/** @throws AgentOsError `corrupt`: a field is missing, unknown or of another shape. */
export function toIssueRecord(document: Document): IssueRecord {
  const fields = new Fields(document.data, ISSUE_KEYS);
  const { body, sections } = parseSections(document.body);
  return {
    kind: 'issue',
    ...toThread(fields, body, sections),
    state: fields.oneOf('state', ['open', 'closed']),
    ...(fields.has('state_reason') && { stateReason: fields.oneOf('state_reason', REASONS) }),
    pinned: fields.flag('pinned'),
    blockedBy: fields.has('blocked_by') ? fields.numbers('blocked_by') : [],
    ...(fields.has('parent') && { parent: fields.number('parent') }),
  };
}

/** @throws AgentOsError `corrupt`: a field is missing, unknown or of another shape. */
export function toPullRecord(document: Document): PullRecord {
  const fields = new Fields(document.data, PULL_KEYS);
  const { body, sections } = parseSections(document.body);
  return {
    kind: 'pull',
    ...toThread(fields, body, sections),
    state: fields.oneOf('state', ['open', 'closed', 'merged']),
    base: fields.text('base'),
    head: fields.text('head'),
    headSha: fields.text('head_sha'),
    draft: fields.flag('draft'),
    ...(fields.has('merging_sha') && { mergingSha: fields.text('merging_sha') }),
    ...(fields.has('merge_sha') && { mergeSha: fields.text('merge_sha') }),
    ...(fields.has('closed_by') && { closedBy: fields.actor('closed_by') }),
    reviews: sections.filter(({ kind }) => kind === 'review').map(toReview),
  };
}

function toThread(fields: Fields, body: string, sections: Section[]): ThreadRecord {
  return {
    number: fields.number('number'),
    title: fields.text('title'),
    body,
    author: fields.actor('author'),
    labels: fields.texts('labels'),
    assignees: fields.texts('assignees'),
    createdAt: fields.instant('created_at'),
    updatedAt: fields.instant('updated_at'),
    ...(fields.has('closed_at') && { closedAt: fields.instant('closed_at') }),
    events: fields.objects('events').map(toEvent),
    comments: sections.filter(({ kind }) => kind === 'comment').map(toComment),
  };
}

function toEvent(data: FrontMatter): IssueEvent {
  const fields = new Fields(data, EVENT_KEYS);
  const kind = fields.oneOf('kind', ['labeled', 'unlabeled', 'edited', 'renamed', 'closed', 'reopened']);
  const base = { id: String(fields.number('id')), at: fields.instant('at'), ...(fields.has('actor') && { actor: fields.actor('actor') }) };
  if (kind === 'labeled' || kind === 'unlabeled') return { ...base, kind, label: fields.text('label') };
  if (kind === 'renamed') return { ...base, kind, from: fields.text('from'), to: fields.text('to') };
  if (kind === 'closed') return { ...base, kind, ...(fields.has('reason') && { reason: fields.oneOf('reason', REASONS) }) };
  return { ...base, kind };
}

function toComment({ fields: data, text }: Section): Comment {
  const fields = new Fields(data, COMMENT_KEYS);
  const createdAt = fields.instant('created_at');
  const updatedAt = fields.has('updated_at') ? fields.instant('updated_at') : createdAt;
  return { id: fields.number('id'), author: fields.actor('author'), body: text, createdAt, updatedAt };
}

function toReview({ fields: data, text }: Section): Review {
  const fields = new Fields(data, REVIEW_KEYS);
  const state = fields.oneOf('state', ['approved', 'changes_requested', 'commented']);
  return { author: fields.actor('author'), state, sha: fields.text('sha'), body: text, at: fields.instant('at') };
}

/** The text of the file. */
export function renderRecord(record: IssueRecord | PullRecord): string {
  const own = record.kind === 'issue' ? issueFields(record) : pullFields(record);
  const head = renderFrontMatter(
    {
      number: record.number,
      title: record.title,
      state: record.state,
      ...own,
      ...actorFields('author', record.author),
      labels: record.labels,
      assignees: record.assignees,
      created_at: record.createdAt,
      updated_at: record.updatedAt,
      closed_at: record.closedAt,
      events: record.events.map(eventFields),
    },
    '',
  );
  const sections = [...record.comments.map(commentSection), ...(record.kind === 'pull' ? record.reviews.map(reviewSection) : [])];
  return `${head.trimEnd()}\n\n${renderSections(record.body, sections)}`;
}

function issueFields(issue: IssueRecord): Record<string, Plain | undefined> {
  const { stateReason, pinned, blockedBy, parent } = issue;
  return { state_reason: stateReason, pinned, ...(blockedBy.length > 0 && { blocked_by: blockedBy }), parent };
}

function pullFields(pull: PullRecord): Record<string, Plain | undefined> {
  return {
    base: pull.base,
    head: pull.head,
    head_sha: pull.headSha,
    draft: pull.draft,
    merging_sha: pull.mergingSha,
    merge_sha: pull.mergeSha,
    ...(pull.closedBy && actorFields('closed_by', pull.closedBy)),
  };
}

function eventFields({ id, at, kind, actor, ...rest }: IssueEvent): FrontMatter {
  return { id: Number(id), at, kind, ...rest, ...(actor && actorFields('actor', actor)) };
}

function commentSection({ id, author, body, createdAt, updatedAt }: Comment): Section {
  const fields = { id, ...actorFields('author', author), created_at: createdAt, ...(updatedAt !== createdAt && { updated_at: updatedAt }) };
  return { kind: 'comment', fields, text: body };
}

function reviewSection({ author, state, sha, body, at }: Review): Section {
  return { kind: 'review', fields: { ...actorFields('author', author), state, sha, at }, text: body };
}

function actorFields(key: string, actor: Actor): FrontMatter {
  return { [key]: actor.login, [`${key}_id`]: actor.id };
}
