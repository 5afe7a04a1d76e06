/**
 * Issues and the fields that pull requests share with them, labels, and the
 * history of a body: newest first, and once there was an edit the text as it
 * was created comes last.
 */

import { canSee } from '../access.ts';
import { association } from '../render/issues.ts';
import { connect, type PageArgs } from './paging.ts';
import { itemsOf } from './projects.ts';
import {
  actorById,
  actorSource,
  type Context,
  define,
  type Field,
  type IssueSource,
  type LabelSource,
  pathOf,
  type Resolvers,
  repositorySource,
  type ThreadSource,
  threadSource,
  urlOf,
} from './sources.ts';
import { commentSource, kindPath, timelineItems } from './timeline.ts';

interface OrderedPageArgs extends PageArgs {
  orderBy?: { field: string; direction: 'ASC' | 'DESC' } | null;
}

interface EditSource {
  on: ThreadSource;
  /** `created` is the text as it was in the beginning. */
  id: number | 'created';
  at: string;
  editorId: number;
  /** The whole text after the edit, as GitHub's `diff` is. */
  text: string;
}

/** Fields of `Issue` and `PullRequest` alike. */
export const thread: Record<string, Field<ThreadSource>> = {
  number: ({ issue }) => issue.number,
  title: ({ issue }) => issue.title,
  titleHTML: ({ issue }) => issue.title,
  body: ({ issue }) => issue.body,
  bodyText: ({ issue }) => issue.body,
  closed: ({ issue }) => issue.state === 'closed',
  locked: () => false,
  createdAt: ({ issue }) => issue.createdAt,
  updatedAt: ({ issue }) => issue.updatedAt,
  closedAt: ({ issue }) => issue.closedAt ?? null,
  publishedAt: ({ issue }) => issue.createdAt,
  lastEditedAt: ({ issue }) => issue.lastEditedAt ?? null,
  includesCreatedEdit: ({ issue }) => issue.edits.length > 0,
  editor: ({ issue }, _: never, { store }) => actorById(store, issue.edits.at(-1)?.editorId),
  author: ({ issue }, _: never, { store }) => actorById(store, issue.authorId),
  authorAssociation: ({ repo, issue }) => association(issue.authorId, repo),
  viewerDidAuthor: ({ issue }, _: never, { viewer }) => issue.authorId === viewer.userId,
  repository: ({ repo }) => repositorySource(repo),
  url: (on, _: never, context) => urlOf(context, on.repo, `/${kindPath(on)}/${on.issue.number}`),
  resourcePath: (on, _: never, { store }) => pathOf(store, on.repo, `/${kindPath(on)}/${on.issue.number}`),
  labels: ({ repo, issue }, args: OrderedPageArgs, { store }, info) => {
    const labels = store.labels(repo, issue).map((label): LabelSource => ({ __typename: 'Label', repo, label }));
    return connect(orderLabels(labels, args), args, info);
  },
  assignees: ({ issue }, args: PageArgs, { store }, info) =>
    connect(
      issue.assigneeIds.map((id) => actorSource(store.user(id))),
      args,
      info,
    ),
  comments: (on, args: OrderedPageArgs, _, info) => {
    const newestFirst = args.orderBy?.direction === 'DESC';
    const comments = on.issue.comments.map((comment) => commentSource(on, comment));
    const at = ({ comment }: (typeof comments)[number]) => [args.orderBy ? comment.updatedAt : comment.createdAt, comment.id] as const;
    return connect(newestFirst ? comments.reverse() : comments, args, info, { placeOf: at, backwards: newestFirst });
  },
  timelineItems,
  userContentEdits: (on, args: PageArgs, _, info) => connect(editsOf(on), args, info),
  projectItems: (on, args: PageArgs & { includeArchived: boolean }, context, info) =>
    connect(itemsOf(context, on, args.includeArchived), args, info),
};

function orderLabels(labels: LabelSource[], { orderBy }: OrderedPageArgs): LabelSource[] {
  const sign = orderBy?.direction === 'DESC' ? -1 : 1;
  return labels.sort(({ label: a }, { label: b }) => sign * (orderBy?.field === 'NAME' ? (a.name < b.name ? -1 : 1) : a.id - b.id));
}

function editsOf(on: ThreadSource): EditSource[] {
  const { edits, body, createdAt, authorId } = on.issue;
  const [first] = edits;
  if (!first) return [];
  const later = edits.map(({ id, at, editorId }, index): EditSource => ({ on, id, at, editorId, text: edits[index + 1]?.before ?? body }));
  return [{ on, id: 'created' as const, at: createdAt, editorId: authorId, text: first.before }, ...later].reverse();
}

function stateReason({ issue }: IssueSource, { enableDuplicate }: { enableDuplicate: boolean }): string | null {
  if (issue.stateReason === 'duplicate' && !enableDuplicate) return 'NOT_PLANNED';
  return issue.stateReason?.toUpperCase() ?? null;
}

function subIssues({ issue }: IssueSource, context: Context): ThreadSource[] {
  return issue.subIssueIds.flatMap((id) => threadById(context, id) ?? []);
}

/** `null` for what may not be seen. */
function threadById({ store, viewer }: Context, id: number | undefined): ThreadSource | null {
  const issue = id === undefined ? undefined : store.issueById(id);
  if (!issue) return null;
  const repo = store.repo(issue.repoId);
  return canSee(viewer, repo) ? threadSource(repo, issue) : null;
}

export const issueResolvers: Record<string, Resolvers> = {
  Issue: {
    ...thread,
    ...define<IssueSource>({
      id: ({ issue }) => issue.nodeId,
      databaseId: ({ issue }) => issue.id,
      fullDatabaseId: ({ issue }) => String(issue.id),
      state: ({ issue }) => issue.state.toUpperCase(),
      stateReason,
      isPinned: ({ issue }) => issue.pinned,
      parent: ({ issue }, _: never, context) => threadById(context, issue.parentId),
      subIssues: (source, args: PageArgs, context, info) => connect(subIssues(source, context), args, info),
      subIssuesSummary: (source, _: never, context) => {
        const all = subIssues(source, context);
        const completed = all.filter(({ issue }) => issue.state === 'closed').length;
        return { total: all.length, completed, percentCompleted: all.length === 0 ? 0 : Math.floor((completed * 100) / all.length) };
      },
    }),
  },
  Label: define<LabelSource>({
    id: ({ label }) => label.nodeId,
    name: ({ label }) => label.name,
    color: ({ label }) => label.color,
    description: ({ label }) => label.description,
    isDefault: () => false,
    repository: ({ repo }) => repositorySource(repo),
    url: ({ repo, label }, _: never, context) => urlOf(context, repo, `/labels/${encodeURIComponent(label.name)}`),
  }),
  UserContentEdit: define<EditSource>({
    id: ({ on, id }) => `UCE_${Buffer.from(`${on.issue.id}:${id}`).toString('base64url')}`,
    createdAt: ({ at }) => at,
    editedAt: ({ at }) => at,
    updatedAt: ({ at }) => at,
    deletedAt: () => null,
    deletedBy: () => null,
    editor: ({ editorId }, _: never, { store }) => actorById(store, editorId),
    diff: ({ text }) => text,
  }),
};
