/**
 * `timelineItems`: events, comments and reviews of an issue or a pull request,
 * oldest first. An event has the node id that REST gives it. Events of kinds
 * that GraphQL does not list (`mentioned` by REST's name, say) are left out.
 */
import type { GraphQLResolveInfo } from 'graphql';
import type { TimelineEvent } from '../records.ts';
import { connect, type PageArgs } from './paging.ts';
import {
  actorById,
  type Context,
  define,
  pathOf,
  type Resolvers,
  repositorySource,
  type ThreadSource,
  threadSource,
  urlOf,
} from './sources.ts';

interface EventSource {
  __typename: string;
  on: ThreadSource;
  event: TimelineEvent;
}
export type CommentSource = { __typename: 'IssueComment'; on: ThreadSource; comment: ThreadSource['issue']['comments'][number] };

/** REST's name, GraphQL's type; the value of `itemTypes` follows from the type. */
const TYPES: Record<string, string> = {
  labeled: 'LabeledEvent',
  unlabeled: 'UnlabeledEvent',
  renamed: 'RenamedTitleEvent',
  closed: 'ClosedEvent',
  reopened: 'ReopenedEvent',
  merged: 'MergedEvent',
  assigned: 'AssignedEvent',
  unassigned: 'UnassignedEvent',
  head_ref_deleted: 'HeadRefDeletedEvent',
  review_requested: 'ReviewRequestedEvent',
  added_to_merge_queue: 'AddedToMergeQueueEvent',
  removed_from_merge_queue: 'RemovedFromMergeQueueEvent',
  pinned: 'PinnedEvent',
  unpinned: 'UnpinnedEvent',
};

interface TimelineArgs extends PageArgs {
  itemTypes?: string[] | null;
  since?: string | null;
  skip?: number | null;
}

export function timelineItems(on: ThreadSource, args: TimelineArgs, { store }: Context, info: GraphQLResolveInfo) {
  if (args.skip) throw new Error('the test server does not know `skip` of timelineItems');
  const all = entriesOf(on).sort((a, b) => (a.at === b.at ? a.id - b.id : a.at < b.at ? -1 : 1));
  const wanted = all.filter(({ at, source }) => {
    if (args.since != null && at < args.since) return false;
    return args.itemTypes == null || args.itemTypes.includes(itemType(source.__typename));
  });
  const page = connect(wanted, args, info, { placeOf: ({ at, id }) => [at, id] });
  return {
    ...page,
    nodes: page.nodes.map(({ source }) => source),
    edges: page.edges.map(({ cursor, node }) => ({ cursor, node: node.source })),
    totalCount: wanted.length,
    filteredCount: wanted.length,
    pageCount: page.nodes.length,
    updatedAt: wanted.at(-1)?.at ?? on.issue.updatedAt ?? store.stamp(),
  };
}

function entriesOf(on: ThreadSource): { at: string; id: number; source: { __typename: string } }[] {
  const events = on.issue.events.flatMap((event) => {
    const source = eventSource(on, event);
    return source ? [{ at: event.createdAt, id: event.id, source }] : [];
  });
  const comments = on.issue.comments.map((comment) => ({ at: comment.createdAt, id: comment.id, source: commentSource(on, comment) }));
  const reviews =
    on.__typename === 'PullRequest'
      ? on.pull.reviews.map((review) => ({
          ...{ at: review.submittedAt, id: review.id },
          source: { __typename: 'PullRequestReview', on, review },
        }))
      : [];
  return [...events, ...comments, ...reviews];
}

export function eventSource(on: ThreadSource, event: TimelineEvent): EventSource | undefined {
  const type = TYPES[event.event];
  return type === undefined ? undefined : { __typename: type, on, event };
}

export function commentSource(on: ThreadSource, comment: CommentSource['comment']): CommentSource {
  return { __typename: 'IssueComment', on, comment };
}

/** `RenamedTitleEvent` is `RENAMED_TITLE_EVENT`. */
function itemType(typename: string): string {
  return typename.replace(/(?<=.)([A-Z])/g, '_$1').toUpperCase();
}

const event = {
  id: ({ event }: EventSource) => event.nodeId,
  actor: ({ event }: EventSource, _: never, { store }: Context) => actorById(store, event.actorId),
  createdAt: ({ event }: EventSource) => event.createdAt,
};

/** The label an event speaks of may be gone or renamed: GitHub then shows what it was. */
function labelOf({ on, event }: EventSource): unknown {
  const copy = event.label;
  if (!copy) throw new Error(`event ${event.id} has no label`);
  const label = on.repo.labels.find(({ name }) => name.toLowerCase() === copy.name.toLowerCase());
  const { id, nodeId } = label ?? { id: event.id, nodeId: `LA_${event.nodeId}` };
  return { __typename: 'Label', repo: on.repo, label: { id, nodeId, description: null, ...label, ...copy } };
}

/** The pull request whose merge closed it, or a commit on the default branch. */
function closerOf({ on: { repo }, event }: EventSource, store: Context['store']): unknown {
  if (event.commitSha === undefined) return null;
  const issue = store.pulls(repo).find(({ pull }) => pull?.mergeSha === event.commitSha);
  return issue ? threadSource(repo, issue) : { __typename: 'Commit', repo, sha: event.commitSha };
}

function stateReasonOf({ event }: EventSource): string | null {
  return event.stateReason?.toUpperCase() ?? null;
}

const url = (source: EventSource, _: never, context: Context) =>
  urlOf(context, source.on.repo, `/${kindPath(source.on)}/${source.on.issue.number}#event-${source.event.id}`);
const resourcePath = (source: EventSource, _: never, { store }: Context) =>
  pathOf(store, source.on.repo, `/${kindPath(source.on)}/${source.on.issue.number}#event-${source.event.id}`);

export function kindPath(on: ThreadSource): string {
  return on.__typename === 'Issue' ? 'issues' : 'pull';
}

const ofPull = { ...event, pullRequest: ({ on }: EventSource) => on };
const withAssignee = {
  ...event,
  assignable: ({ on }: EventSource) => on,
  assignee: ({ event }: EventSource, _: never, { store }: Context) => actorById(store, event.assigneeId),
};

export const timelineResolvers: Record<string, Resolvers> = {
  LabeledEvent: define<EventSource>({ ...event, label: labelOf, labelable: ({ on }) => on }),
  UnlabeledEvent: define<EventSource>({ ...event, label: labelOf, labelable: ({ on }) => on }),
  RenamedTitleEvent: define<EventSource>({
    ...event,
    previousTitle: ({ event }) => event.rename?.from,
    currentTitle: ({ event }) => event.rename?.to,
    subject: ({ on }) => on,
  }),
  ClosedEvent: define<EventSource>({
    ...event,
    ...{ url, resourcePath, stateReason: stateReasonOf },
    closable: ({ on }) => on,
    closer: (source, _: never, { store }) => closerOf(source, store),
  }),
  ReopenedEvent: define<EventSource>({ ...event, stateReason: stateReasonOf, closable: ({ on }) => on }),
  MergedEvent: define<EventSource>({
    ...ofPull,
    ...{ url, resourcePath },
    commit: ({ on, event }) => (event.commitSha === undefined ? null : { __typename: 'Commit', repo: on.repo, sha: event.commitSha }),
    mergeRefName: ({ on }) => (on.__typename === 'PullRequest' ? on.pull.baseRef : null),
  }),
  AssignedEvent: define<EventSource>(withAssignee),
  UnassignedEvent: define<EventSource>(withAssignee),
  HeadRefDeletedEvent: define<EventSource>({
    ...ofPull,
    headRefName: ({ on }) => (on.__typename === 'PullRequest' ? on.pull.headRef : null),
  }),
  ReviewRequestedEvent: define<EventSource>({
    ...ofPull,
    requestedReviewer: ({ event }, _: never, { store }) => actorById(store, event.reviewerId),
  }),
  AddedToMergeQueueEvent: define<EventSource>(ofPull),
  RemovedFromMergeQueueEvent: define<EventSource>(ofPull),
  PinnedEvent: define<EventSource>({ ...event, issue: ({ on }) => on }),
  UnpinnedEvent: define<EventSource>({ ...event, issue: ({ on }) => on }),
  IssueComment: define<CommentSource>({
    id: ({ comment }) => comment.nodeId,
    databaseId: ({ comment }) => comment.id,
    fullDatabaseId: ({ comment }) => String(comment.id),
    author: ({ comment }, _: never, { store }) => actorById(store, comment.authorId),
    body: ({ comment }) => comment.body,
    bodyText: ({ comment }) => comment.body,
    createdAt: ({ comment }) => comment.createdAt,
    updatedAt: ({ comment }) => comment.updatedAt,
    issue: ({ on }) => {
      if (on.__typename === 'Issue') return on;
      throw new Error('the test server does not know `issue` of a comment on a pull request');
    },
    pullRequest: ({ on }) => (on.__typename === 'PullRequest' ? on : null),
    repository: ({ on }) => repositorySource(on.repo),
    url: ({ on, comment }, _: never, context) => urlOf(context, on.repo, `/${kindPath(on)}/${on.issue.number}#issuecomment-${comment.id}`),
    viewerDidAuthor: ({ comment }, _: never, { viewer }) => comment.authorId === viewer.userId,
  }),
};
