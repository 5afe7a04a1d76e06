/** The fields of `Query` and `Mutation`. */
import { canSee } from '../access.ts';
import type { Project, ProjectField } from '../records.ts';
import { findActor } from './actors.ts';
import { findNode, type NodeSource } from './nodes.ts';
import { refuseWrite } from './projects.ts';
import { notFound, Refusal } from './refusal.ts';
import { actorSource, type Context, define, type ItemSource, type RepositorySource, type Resolvers, repositorySource } from './sources.ts';

function findRepository({ store, viewer }: Context, fullName: string, followRenames: boolean): RepositorySource {
  const found = store.findRepo(fullName);
  if (found && (followRenames || !found.moved) && canSee(viewer, found.repo)) return repositorySource(found.repo);
  throw notFound(`a Repository with the name '${fullName}'`);
}

const query = define<undefined>({
  viewer: (_, __: never, { store, viewer }) => ({ __typename: 'User', user: store.user(viewer.userId), asViewer: true }),
  rateLimit: (_, __: never, { cost, budget }) => ({ ...budget, cost: cost.points, nodeCount: cost.nodes }),
  repository: (_, args: { owner: string; name: string; followRenames: boolean }, context) =>
    findRepository(context, `${args.owner}/${args.name}`, args.followRenames),
  repositoryOwner: (_, { login }: { login: string }, { store }) => {
    const user = store.findUser(login);
    return user && user.type !== 'Bot' ? actorSource(user) : null;
  },
  user: (_, { login }: { login: string }, context) => findActor(context, 'User', login),
  organization: (_, { login }: { login: string }, context) => findActor(context, 'Organization', login),
  node: (_, { id }: { id: string }, context) => findNode(context, id),
  nodes: (_, { ids }: { ids: string[] }, context) => {
    if (ids.length > 100) throw new Refusal('ARGUMENT_LIMIT', `You may not provide more than 100 node ids; you provided ${ids.length}.`);
    return ids.map((id) => nodeOrRefusal(context, id));
  },
});

/** An error in a list leaves `null` at its place. */
function nodeOrRefusal(context: Context, id: string): NodeSource | Refusal {
  try {
    return findNode(context, id);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

interface AddItem {
  input: { projectId: string; contentId: string; clientMutationId?: string | null };
}

/** What is on the board already stays as it is and is the answer. */
function addItem(_: undefined, { input }: AddItem, context: Context): object {
  const { store } = context;
  const project = projectOf(context, input.projectId, 'addProjectV2ItemById');
  const content = findNode(context, input.contentId);
  if (content.__typename !== 'Issue' && content.__typename !== 'PullRequest')
    throw new Refusal('UNPROCESSABLE', 'contentID must refer to an Issue or a Pull Request.');
  const issueId = (content as NodeSource & { issue: { id: number } }).issue.id;
  let item = project.items.find((one) => one.issueId === issueId);
  if (!item) {
    const at = store.stamp();
    item = {
      ...store.newIds('PVTI'),
      issueId,
      archived: false,
      creatorId: context.viewer.userId,
      createdAt: at,
      updatedAt: at,
      values: [],
    };
    project.items.push(item);
    project.updatedAt = at;
  }
  return { clientMutationId: input.clientMutationId ?? null, item: { __typename: 'ProjectV2Item', project, item } satisfies ItemSource };
}

interface UpdateValue {
  input: {
    projectId: string;
    itemId: string;
    fieldId: string;
    value: { singleSelectOptionId?: string | null; text?: string | null };
    clientMutationId?: string | null;
  };
}

function updateValue(_: undefined, { input }: UpdateValue, context: Context): object {
  const project = projectOf(context, input.projectId, 'updateProjectV2ItemFieldValue');
  findNode(context, input.itemId);
  const item = project.items.find(({ nodeId }) => nodeId === input.itemId);
  if (!item) throw new Refusal('VALIDATION', 'The item does not exist in the project');
  const field = project.fields.find(({ nodeId }) => nodeId === input.fieldId);
  if (!field) throw notFound(`a node with the global id of '${input.fieldId}'`);
  setValue(context, project, item, { fieldId: field.id, ...readValue(field, input.value) });
  return { clientMutationId: input.clientMutationId ?? null, projectV2Item: { __typename: 'ProjectV2Item', project, item } };
}

interface ClearValue {
  input: { projectId: string; itemId: string; fieldId: string; clientMutationId?: string | null };
}

function clearValue(_: undefined, { input }: ClearValue, context: Context): object {
  const project = projectOf(context, input.projectId, 'clearProjectV2ItemFieldValue');
  findNode(context, input.itemId);
  const item = project.items.find(({ nodeId }) => nodeId === input.itemId);
  if (!item) throw new Refusal('VALIDATION', 'The item does not exist in the project');
  const field = project.fields.find(({ nodeId }) => nodeId === input.fieldId);
  if (!field) throw notFound(`a node with the global id of '${input.fieldId}'`);
  if (item.values.some(({ fieldId }) => fieldId === field.id)) {
    item.values = item.values.filter(({ fieldId }) => fieldId !== field.id);
    item.updatedAt = context.store.stamp();
    project.updatedAt = item.updatedAt;
  }
  return { clientMutationId: input.clientMutationId ?? null, projectV2Item: { __typename: 'ProjectV2Item', project, item } };
}

function readValue(field: ProjectField, value: UpdateValue['input']['value']): { optionId: string } | { text: string } {
  if (field.dataType === 'TEXT' && value.text != null) return { text: value.text };
  if (field.dataType !== 'SINGLE_SELECT') throw new Error(`the test server does not write values of ${field.dataType}`);
  const id = value.singleSelectOptionId;
  if (id == null) throw new Refusal('VALIDATION', 'Did not receive a single select option Id to update a field of type single_select');
  if (field.options.some((option) => option.id === id)) return { optionId: id };
  throw new Refusal('VALIDATION', 'The single select option Id does not belong to the field');
}

type Written = { fieldId: number; optionId?: string; text?: string };

/** Writing what is there already changes no instant, as was measured of GitHub. */
function setValue({ store, viewer }: Context, project: Project, item: ItemSource['item'], written: Written): void {
  const known = item.values.find(({ fieldId }) => fieldId === written.fieldId);
  if (known && known.optionId === written.optionId && known.text === written.text) return;
  const at = store.stamp();
  if (known) Object.assign(known, written, { creatorId: viewer.userId, updatedAt: at });
  else item.values.push({ ...written, creatorId: viewer.userId, createdAt: at, updatedAt: at });
  item.updatedAt = at;
  project.updatedAt = at;
}

function projectOf(context: Context, id: string, mutation: string): Project {
  const found = findNode(context, id);
  if (found.__typename !== 'ProjectV2') throw notFound(`a ProjectV2 node with the global id of '${id}'`);
  const { project } = found as NodeSource & { project: Project };
  refuseWrite(context, project, mutation);
  return project;
}

export const rootResolvers: Record<string, Resolvers> = {
  Query: query,
  Mutation: define<undefined>({
    addProjectV2ItemById: addItem,
    updateProjectV2ItemFieldValue: updateValue,
    clearProjectV2ItemFieldValue: clearValue,
  }),
};
