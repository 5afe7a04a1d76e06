/**
 * Projects v2: boards, their fields, items and values. A board can be seen and
 * written only with what GitHub asks for: the scope `project` of a classic
 * token, the permission `organization_projects` of the other kinds, which
 * reach no board of a person.
 */
import { canSee as canSeeRepo } from '../access.ts';
import type { Project } from '../records.ts';
import { connect, type PageArgs } from './paging.ts';
import { notFound, Refusal } from './refusal.ts';
import {
  actorById,
  actorSource,
  type Context,
  define,
  type FieldSource,
  fieldSource,
  type ItemSource,
  type ProjectSource,
  type Resolvers,
  type ThreadSource,
  threadSource,
} from './sources.ts';

/** `projectV2(number:)` of an owner. */
export function findProject(context: Context, ownerId: number, number: number): ProjectSource {
  refuseScope(context, 'projectV2');
  const project = context.store.project(ownerId, number);
  if (project && canSee(context, project)) return { __typename: 'ProjectV2', project };
  throw notFound(`a ProjectV2 with the number ${number}`);
}

export function listProjects(context: Context, ownerId: number): ProjectSource[] {
  refuseScope(context, 'projectsV2');
  const all = [...context.store.state.projects.values()].filter((project) => project.ownerId === ownerId && canSee(context, project));
  return all.sort((a, b) => b.number - a.number).map((project) => ({ __typename: 'ProjectV2', project }));
}

/** The only error of reading boards that names what is missing. */
function refuseScope({ viewer }: Context, field: string): void {
  const { kind, scopes } = viewer.token;
  if (kind !== 'classic' || scopes.includes('project') || scopes.includes('read:project')) return;
  const has = scopes.map((scope) => `'${scope}'`).join(', ');
  throw new Refusal(
    'INSUFFICIENT_SCOPES',
    `Your token has not been granted the required scopes to execute this query. The '${field}' field requires one of the following scopes: ['read:project'], but your token has only been granted the: [${has}] scopes. Please modify your token's scopes at: https://github.com/settings/tokens.`,
  );
}

export function canSee({ store, viewer }: Context, project: Project): boolean {
  const { kind, permissions } = viewer.token;
  if (kind === 'classic') return project.public || project.ownerId === viewer.userId || store.user(project.ownerId).type === 'Organization';
  return store.user(project.ownerId).type === 'Organization' && permissions['organization_projects'] !== undefined;
}

/** @throws what GitHub answers to a mutation by someone who may only look. */
export function refuseWrite({ store, viewer }: Context, project: Project, mutation: string): void {
  const { kind, scopes, permissions } = viewer.token;
  if (kind === 'classic') {
    if (scopes.includes('project')) return;
    const has = scopes.map((scope) => `'${scope}'`).join(', ');
    throw new Refusal(
      'INSUFFICIENT_SCOPES',
      `Your token has not been granted the required scopes to execute this query. The '${mutation}' field requires one of the following scopes: ['project'], but your token has only been granted the: [${has}] scopes. Please modify your token's scopes at: https://github.com/settings/tokens.`,
    );
  }
  if (permissions['organization_projects'] === 'write' && store.user(project.ownerId).type === 'Organization') return;
  throw new Refusal('FORBIDDEN', `Resource not accessible by ${kind === 'installation' ? 'integration' : 'personal access token'}`);
}

/** `projectItems` of an issue or a pull request. */
export function itemsOf(context: Context, on: ThreadSource, includeArchived: boolean): ItemSource[] {
  const visible = [...context.store.state.projects.values()].filter((project) => canSee(context, project));
  return visible.flatMap((project) =>
    project.items
      .filter((item) => item.issueId === on.issue.id && (includeArchived || !item.archived))
      .map((item): ItemSource => ({ __typename: 'ProjectV2Item', project, item })),
  );
}

/** `null` for what is gone or may not be seen. */
function contentOf({ item }: ItemSource, context: Context): ThreadSource | null {
  const issue = context.store.issueById(item.issueId);
  const repo = issue && context.store.state.repositories.get(issue.repoId);
  return issue && repo && canSeeRepo(context.viewer, repo) ? threadSource(repo, issue) : null;
}

function readItemValue(source: ItemSource, field: FieldSource['field'], context: Context): object | null {
  const { project, item } = source;
  if (field.dataType === 'TITLE') {
    const title = contentOf(source, context)?.issue.title;
    return title === undefined ? null : { __typename: 'ProjectV2ItemFieldTextValue', source, field, value: { ...item, text: title } };
  }
  const value = item.values.find(({ fieldId }) => fieldId === field.id);
  if (!value) return null;
  if (field.dataType === 'TEXT') return { __typename: 'ProjectV2ItemFieldTextValue', source, field, value };
  if (field.dataType !== 'SINGLE_SELECT') throw new Error(`the test server does not know values of ${field.dataType}`);
  const option = field.options.find(({ id }) => id === value.optionId);
  return option ? { __typename: 'ProjectV2ItemFieldSingleSelectValue', source: { project, item }, field, value, option } : null;
}

type Value = {
  source: ItemSource;
  field: FieldSource['field'];
  value: { creatorId: number; createdAt: string; updatedAt: string; text?: string };
  option: FieldSource['field']['options'][number];
};

const value = define<Value>({
  id: ({ source, field }) => `PVTFSV_${Buffer.from(`${source.item.id}:${field.id}`).toString('base64url')}`,
  createdAt: ({ value }) => value.createdAt,
  updatedAt: ({ value }) => value.updatedAt,
  creator: ({ value }, _: never, { store }) => actorById(store, value.creatorId),
  field: ({ source, field }) => fieldSource(source.project, field),
  item: ({ source }) => ({ ...source, __typename: 'ProjectV2Item' }),
});

const field = define<FieldSource>({
  id: ({ field }) => field.nodeId,
  databaseId: ({ field }) => field.id,
  name: ({ field }) => field.name,
  dataType: ({ field }) => field.dataType,
  createdAt: ({ project }) => project.createdAt,
  updatedAt: ({ project }) => project.updatedAt,
  project: ({ project }): ProjectSource => ({ __typename: 'ProjectV2', project }),
});

const byName = (project: Project, name: string) => project.fields.find((one) => one.name.toLowerCase() === name.toLowerCase());

export const projectResolvers: Record<string, Resolvers> = {
  ProjectV2: define<ProjectSource>({
    id: ({ project }) => project.nodeId,
    databaseId: ({ project }) => project.id,
    fullDatabaseId: ({ project }) => String(project.id),
    number: ({ project }) => project.number,
    title: ({ project }) => project.title,
    closed: ({ project }) => project.closed,
    public: ({ project }) => project.public,
    createdAt: ({ project }) => project.createdAt,
    updatedAt: ({ project }) => project.updatedAt,
    url: ({ project }, _: never, { store, url }) => {
      const owner = store.user(project.ownerId);
      return `${url}/${owner.type === 'Organization' ? 'orgs' : 'users'}/${owner.login}/projects/${project.number}`;
    },
    owner: ({ project }, _: never, { store }) => actorSource(store.user(project.ownerId)),
    field: ({ project }, { name }: { name: string }) => {
      const found = byName(project, name);
      return found ? fieldSource(project, found) : null;
    },
    fields: ({ project }, args: PageArgs, _, info) =>
      connect(
        project.fields.map((one) => fieldSource(project, one)),
        args,
        info,
      ),
    items: ({ project }, args: PageArgs, _, info) =>
      connect(
        project.items.filter((item) => !item.archived).map((item): ItemSource => ({ __typename: 'ProjectV2Item', project, item })),
        args,
        info,
        { placeOf: ({ item }) => [item.id] },
      ),
  }),
  ProjectV2Item: define<ItemSource>({
    id: ({ item }) => item.nodeId,
    databaseId: ({ item }) => item.id,
    fullDatabaseId: ({ item }) => String(item.id),
    isArchived: ({ item }) => item.archived,
    createdAt: ({ item }) => item.createdAt,
    updatedAt: ({ item }) => item.updatedAt,
    creator: ({ item }, _: never, { store }) => actorById(store, item.creatorId),
    project: ({ project }): ProjectSource => ({ __typename: 'ProjectV2', project }),
    type: (source, _: never, context) => {
      const content = contentOf(source, context);
      return content ? (content.__typename === 'Issue' ? 'ISSUE' : 'PULL_REQUEST') : 'REDACTED';
    },
    content: (source, _: never, context) => contentOf(source, context),
    fieldValueByName: (source, { name }: { name: string }, context) => {
      const found = byName(source.project, name);
      return found ? readItemValue(source, found, context) : null;
    },
    fieldValues: (source, args: PageArgs, context, info) =>
      connect(
        source.project.fields.flatMap((one) => readItemValue(source, one, context) ?? []),
        args,
        info,
      ),
  }),
  ProjectV2Field: field,
  ProjectV2SingleSelectField: {
    ...field,
    ...define<FieldSource>({
      options: ({ field }, { names }: { names?: string[] | null }) =>
        field.options
          .filter(({ name }) => names == null || names.includes(name))
          .map((option) => ({ ...option, descriptionHTML: option.description, nameHTML: option.name })),
    }),
  },
  ProjectV2ItemFieldSingleSelectValue: {
    ...value,
    ...define<Value>({
      name: ({ option }) => option.name,
      optionId: ({ option }) => option.id,
      color: ({ option }) => option.color,
      description: ({ option }) => option.description,
    }),
  },
  ProjectV2ItemFieldTextValue: { ...value, ...define<Value>({ text: ({ value }) => value.text ?? null }) },
};
