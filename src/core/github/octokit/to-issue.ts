/**
 * Issues, their timelines and their comments, from GitHub's words into the
 * port's. Never leaves out an edit: where the list of edits does not show the
 * newest one, the time of the last edit stands for it. Pure.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { Actor, Comment, Dependency, Issue, IssueEvent, IssueView } from '../github.ts';
import { account, instant, number, parseAnswer, toActor, toText } from './answer.ts';

const actorNode = z.object({ __typename: z.string(), login: z.string().min(1), databaseId: number.nullish() }).nullable();

/** A connection all of whose pages were joined. */
function whole<T extends z.ZodType>(node: T) {
  return z.object({ pageInfo: z.object({ hasNextPage: z.literal(false) }), nodes: z.array(node) });
}

const eventBase = { id: z.string().min(1), createdAt: instant, actor: actorNode };
const timelineNode = z.discriminatedUnion('__typename', [
  z.object({ __typename: z.literal('LabeledEvent'), ...eventBase, label: z.object({ name: z.string() }) }),
  z.object({ __typename: z.literal('UnlabeledEvent'), ...eventBase, label: z.object({ name: z.string() }) }),
  z.object({ __typename: z.literal('RenamedTitleEvent'), ...eventBase, previousTitle: z.string(), currentTitle: z.string() }),
  z.object({ __typename: z.literal('ClosedEvent'), ...eventBase, stateReason: z.string().nullish() }),
  z.object({ __typename: z.literal('ReopenedEvent'), ...eventBase }),
]);
const issueNode = z.object({
  id: z.string().min(1),
  number,
  title: z.string(),
  body: z.string(),
  state: z.enum(['OPEN', 'CLOSED']),
  stateReason: z.string().nullable(),
  createdAt: instant,
  updatedAt: instant,
  closedAt: instant.nullable(),
  lastEditedAt: instant.nullable(),
  isPinned: z.boolean().nullable(),
  author: actorNode,
  editor: actorNode,
  assignees: whole(z.object({ login: z.string() })),
  labels: whole(z.object({ name: z.string() })).nullable(),
  userContentEdits: whole(z.object({ id: z.string().min(1), editedAt: instant, editor: actorNode })).nullable(),
  timelineItems: whole(timelineNode),
});
type IssueNode = z.output<typeof issueNode>;

/**
 * @param answer an issue as `ISSUE_VIEW` asks for it, every page of its connections joined
 * @param name `owner/name#N`, for errors
 * @throws AgentOsError `unavailable`
 */
export function toIssueView(answer: unknown, name: string): IssueView {
  const node = parseAnswer(issueNode, answer, name);
  const issue: Issue = {
    number: node.number,
    title: node.title,
    body: toText(node.body),
    state: node.state === 'OPEN' ? 'open' : 'closed',
    ...reasonOf(node.state === 'CLOSED', node.stateReason),
    labels: node.labels?.nodes.map((label) => label.name) ?? [],
    author: toAccount(node.author) ?? toActor(null),
    assignees: node.assignees.nodes.map((one) => one.login),
    pinned: node.isPinned ?? false,
    createdAt: node.createdAt,
    updatedAt: node.updatedAt,
    ...(node.closedAt !== null && { closedAt: node.closedAt }),
  };
  return { issue, events: sortEvents([...node.timelineItems.nodes.map(toEvent), ...toEdits(node)]) };
}

const labelState = z.object({
  labels: z.object({ nodes: z.array(z.object({ name: z.string() })) }).nullable(),
  timelineItems: z.object({ nodes: z.array(timelineNode) }),
});

/**
 * What `LABEL_STATE` tells of an issue or pull request: its labels, and the newest events of labelling, oldest first.
 * @throws AgentOsError `unavailable`
 */
export function toLabelState(answer: unknown, name: string): { labels: string[]; events: IssueEvent[] } {
  const { labels, timelineItems } = parseAnswer(labelState, answer, `the labels of ${name}`);
  return { labels: labels?.nodes.map((label) => label.name) ?? [], events: sortEvents(timelineItems.nodes.map(toEvent)) };
}

/** The same logins as in REST, where an app's ends in `[bot]`; absent where the account is gone or has no number. */
function toAccount(node: z.output<typeof actorNode>): Actor | undefined {
  if (!node?.databaseId) return undefined;
  const isBot = node.__typename === 'Bot' && !node.login.endsWith('[bot]');
  return { id: node.databaseId, login: isBot ? `${node.login}[bot]` : node.login };
}

function toEvent(node: z.output<typeof timelineNode>): IssueEvent {
  const base = eventOf(node.id, node.createdAt, node.actor);
  switch (node.__typename) {
    case 'LabeledEvent':
      return { ...base, kind: 'labeled', label: node.label.name };
    case 'UnlabeledEvent':
      return { ...base, kind: 'unlabeled', label: node.label.name };
    case 'RenamedTitleEvent':
      return { ...base, kind: 'renamed', from: node.previousTitle, to: node.currentTitle };
    case 'ClosedEvent': {
      const { stateReason } = reasonOf(true, node.stateReason);
      return { ...base, kind: 'closed', ...(stateReason && { reason: stateReason }) };
    }
    case 'ReopenedEvent':
      return { ...base, kind: 'reopened' };
  }
}

/** The first entry of GitHub's list of edits is the text as it was created: one entry of that very second is left out. */
function toEdits(node: IssueNode): IssueEvent[] {
  const edits = [...(node.userContentEdits?.nodes ?? [])];
  const created = edits.findIndex((edit) => sameInstant(edit.editedAt, node.createdAt));
  if (created >= 0) edits.splice(created, 1);
  const events = edits.map((edit): IssueEvent => ({ ...eventOf(edit.id, edit.editedAt, edit.editor), kind: 'edited' }));
  const { lastEditedAt: last } = node;
  if (last !== null && !events.some((event) => Date.parse(event.at) >= Date.parse(last)))
    events.push({ ...eventOf(`${node.id}@${last}`, last, node.editor), kind: 'edited' });
  return events;
}

function eventOf(id: string, at: string, by: z.output<typeof actorNode>): { id: string; at: string; actor?: Actor } {
  const actor = toAccount(by);
  return { id, at, ...(actor && { actor }) };
}

/** Oldest first; those of one second stay in GitHub's order. */
function sortEvents(events: IssueEvent[]): IssueEvent[] {
  return events.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function sameInstant(a: string, b: string): boolean {
  return Date.parse(a) === Date.parse(b);
}

/** A duplicate was not done either. An open issue has no reason, though GitHub says `reopened` there. */
function reasonOf(closed: boolean, reason: string | null | undefined): Pick<Issue, 'stateReason'> {
  if (!closed) return {};
  const word = reason?.toLowerCase();
  if (word === 'completed') return { stateReason: 'completed' };
  return word === 'not_planned' || word === 'duplicate' ? { stateReason: 'not_planned' } : {};
}

const restIssue = z.object({
  id: number,
  number,
  title: z.string(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']),
  state_reason: z.string().nullish(),
  labels: z.array(z.union([z.string(), z.object({ name: z.string() })])),
  user: account,
  assignees: z.array(z.object({ login: z.string() })).nullish(),
  closed_by: account.optional(),
  repository_url: z.string(),
  pull_request: z.unknown().optional(),
  created_at: instant,
  updated_at: instant,
  closed_at: instant.nullish(),
});

/** An issue or pull request, as REST tells it. */
export interface RestIssue {
  /** What sub-issues and dependencies are named by; the number is not. */
  id: number;
  /** `owner/name`; another one than was asked where the repository was renamed or the issue was moved. */
  repo: string;
  isPull: boolean;
  closedBy?: Actor;
  issue: Issue;
}

/** @param pinned numbers of the pinned issues. @throws AgentOsError `unavailable` */
export function toRestIssue(answer: unknown, name: string, pinned: ReadonlySet<number> = new Set()): RestIssue {
  const rest = parseAnswer(restIssue, answer, name);
  return {
    id: rest.id,
    repo: repoOfUrl(rest.repository_url, name),
    isPull: rest.pull_request !== undefined && rest.pull_request !== null,
    ...(rest.closed_by && { closedBy: toActor(rest.closed_by) }),
    issue: {
      number: rest.number,
      title: rest.title,
      body: toText(rest.body),
      state: rest.state,
      ...reasonOf(rest.state === 'closed', rest.state_reason),
      labels: rest.labels.map((label) => (typeof label === 'string' ? label : label.name)),
      author: toActor(rest.user),
      assignees: rest.assignees?.map((one) => one.login) ?? [],
      pinned: pinned.has(rest.number),
      createdAt: rest.created_at,
      updatedAt: rest.updated_at,
      ...(rest.closed_at && { closedAt: rest.closed_at }),
    },
  };
}

/** @throws AgentOsError `unavailable` */
export function toDependency(answer: unknown, name: string): Dependency {
  const { repo, issue } = toRestIssue(answer, `what ${name} waits for`);
  return { repo, issue: issue.number, state: issue.state };
}

const restComment = z.object({ id: number, user: account, body: z.string().nullish(), created_at: instant, updated_at: instant });

/** @throws AgentOsError `unavailable` */
export function toComment(answer: unknown, name: string): Comment {
  const { id, user, body, created_at, updated_at } = parseAnswer(restComment, answer, `the comments of ${name}`);
  return { id, author: toActor(user), body: toText(body), createdAt: created_at, updatedAt: updated_at };
}

/** `…/repos/owner/name`, of github.com or of a server of one's own. */
function repoOfUrl(url: string, name: string): string {
  const found = /\/repos\/([^/]+\/[^/]+)$/.exec(url)?.[1];
  if (found === undefined) throw new AgentOsError('unavailable', `GitHub's answer about ${name} names its repository as \`${url}\``);
  return found;
}
