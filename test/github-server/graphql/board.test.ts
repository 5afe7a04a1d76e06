import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { User } from '../accounts.ts';
import type { Project } from '../records.ts';
import { type Answer, type Harness, startHarness, viewerOf } from './harness.ts';

let github: Harness;
let board: Project;
beforeEach(() => {
  github = startHarness();
  board = github.store.addProject(github.owner.id, 'Board', [{ name: 'Status', options: ['Todo', 'Doing', 'Done'] }]);
});
afterEach(() => {
  github.remove();
});

const ADD = `mutation($p: ID!, $c: ID!) { addProjectV2ItemById(input: {projectId: $p, contentId: $c, clientMutationId: "m"}) {
  clientMutationId item { id type } } }`;
const SET = `mutation($p: ID!, $i: ID!, $f: ID!, $o: String!) {
  updateProjectV2ItemFieldValue(input: {projectId: $p, itemId: $i, fieldId: $f, value: {singleSelectOptionId: $o}}) {
    projectV2Item { id updatedAt fieldValueByName(name: "status") { ... on ProjectV2ItemFieldSingleSelectValue { name optionId updatedAt creator { login } } } } } }`;
const READ = `query($after: String) { repositoryOwner(login: "ann") { ... on ProjectV2Owner { projectV2(number: 1) {
  id number title
  field(name: "Status") { ... on ProjectV2SingleSelectField { id name options { id name } } }
  fields(first: 10) { nodes { ... on ProjectV2FieldCommon { name dataType } } }
  items(first: 2, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { id content { __typename ... on Issue { number } }
    fieldValueByName(name: "Status") { ... on ProjectV2ItemFieldSingleSelectValue { name } }
    fieldValues(first: 5) { nodes { __typename ... on ProjectV2ItemFieldTextValue { text } } } } } } } } }`;

async function add(issue: { nodeId: string }): Promise<string> {
  return (await github.read(ADD, { p: board.nodeId, c: issue.nodeId })).addProjectV2ItemById.item.id;
}

function option(name: string) {
  const field = board.fields.find((one) => one.name === 'Status');
  return { p: board.nodeId, f: field?.nodeId, o: field?.options.find((one) => one.name === name)?.id };
}

describe('a board', () => {
  it('takes issues once, pages them and remembers where they stand', async () => {
    const issues = [1, 2, 3].map((n) => github.addIssue(`issue ${n}`));
    const ids: string[] = [];
    for (const issue of issues) ids.push(await add(issue));
    expect(await add(issues[0] as never)).toBe(ids[0]);
    await github.read(SET, { ...option('Doing'), i: ids[1] });

    const { projectV2 } = (await github.read(READ)).repositoryOwner;
    expect(projectV2).toMatchObject({
      ...{ id: board.nodeId, number: 1, title: 'Board' },
      field: { name: 'Status', options: [{ name: 'Todo' }, { name: 'Doing' }, { name: 'Done' }] },
      fields: {
        nodes: [
          { name: 'Title', dataType: 'TITLE' },
          { name: 'Status', dataType: 'SINGLE_SELECT' },
        ],
      },
    });
    expect(projectV2.items).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } });
    expect(projectV2.items.nodes).toMatchObject([
      { content: { __typename: 'Issue', number: 1 }, fieldValueByName: null },
      { content: { number: 2 }, fieldValueByName: { name: 'Doing' }, fieldValues: { nodes: [{ text: 'issue 2' }, {}] } },
    ]);
    const next = (await github.read(READ, { after: projectV2.items.pageInfo.endCursor })).repositoryOwner.projectV2.items;
    expect(next).toMatchObject({ pageInfo: { hasNextPage: false }, nodes: [{ id: ids[2], content: { number: 3 } }] });

    const issue = await github.read(`{ repository(owner: "ann", name: "widgets") { issue(number: 2) { projectItems(first: 5) { nodes {
      project { number } fieldValueByName(name: "Status") { ... on ProjectV2ItemFieldSingleSelectValue { name } } } } } } }`);
    expect(issue.repository.issue.projectItems.nodes).toEqual([{ project: { number: 1 }, fieldValueByName: { name: 'Doing' } }]);
  });

  it('tells when and by whom a value was set, and moves no instant for the same value', async () => {
    const id = await add(github.addIssue('x'));
    github.store.advance(60);
    const set = async (name: string) => (await github.read(SET, { ...option(name), i: id })).updateProjectV2ItemFieldValue.projectV2Item;
    const first = await set('Todo');
    expect(first.fieldValueByName).toEqual({
      name: 'Todo',
      optionId: option('Todo').o,
      updatedAt: '2026-01-01T00:02:00Z',
      creator: { login: 'Ann' },
    });
    github.store.advance(60);
    expect(await set('Todo')).toEqual(first);
    expect((await set('Done')).fieldValueByName).toMatchObject({ name: 'Done', updatedAt: '2026-01-01T00:03:00Z' });
  });

  it('refuses options of another field and items of another board', async () => {
    const id = await add(github.addIssue('x'));
    const other = github.store.addProject(github.owner.id, 'Other', [{ name: 'Status', options: ['Todo'] }]);
    const wrongOption = await github.ask(SET, { ...option('Todo'), i: id, o: 'ffffffff' });
    expect(wrongOption.body).toMatchObject({
      data: { updateProjectV2ItemFieldValue: null },
      errors: [{ type: 'VALIDATION', message: 'The single select option Id does not belong to the field' }],
    });
    const wrongBoard = await github.ask(SET, { ...option('Todo'), p: other.nodeId, i: id });
    expect(wrongBoard.body.errors).toMatchObject([{ type: 'VALIDATION', message: 'The item does not exist in the project' }]);
    const wrongContent = await github.ask(ADD, { p: board.nodeId, c: 'I_none' });
    expect(wrongContent.body.errors).toMatchObject([{ type: 'NOT_FOUND', path: ['addProjectV2ItemById'] }]);
    expect(github.violations).toEqual([]);
  });

  it('shows nothing of an issue that may not be seen', async () => {
    const hidden = github.addRepository('hidden', { private: true });
    await add(github.addIssue('x', [], hidden));
    board.public = true;
    const { body } = await github.ask(READ, {}, { as: viewerOf(github.reader) });
    expect((body.data as Answer).repositoryOwner.projectV2.items.nodes).toMatchObject([{ content: null, fieldValues: { nodes: [] } }]);
  });
});

describe('who may see and write a board', () => {
  const query = (owner: string) => `{ ${owner} { projectV2(number: 1) { title } } }`;
  let organization: User;
  beforeEach(() => {
    organization = github.store.addUser('acme', 'Organization');
    github.store.addProject(organization.id, 'Plans', [{ name: 'Status', options: ['Todo'] }]);
  });

  it('asks a classic token for the scope', async () => {
    const as = viewerOf(github.owner, { scopes: ['repo'] });
    const { body } = await github.ask(query('user(login: "ann")'), {}, { as });
    expect(body).toMatchObject({
      data: { user: { projectV2: null } },
      errors: [{ type: 'INSUFFICIENT_SCOPES', path: ['user', 'projectV2'] }],
    });
    const reader = viewerOf(github.owner, { scopes: ['repo', 'read:project'] });
    expect((await github.ask(query('user(login: "ann")'), {}, { as: reader })).body.errors).toBeUndefined();
    const written = await github.ask(ADD, { p: board.nodeId, c: github.addIssue('x').nodeId }, { as: reader });
    expect(written.body.errors).toMatchObject([{ type: 'INSUFFICIENT_SCOPES' }]);
  });

  it('keeps the boards of people from Apps', async () => {
    const as = viewerOf(github.store.addUser('helper[bot]', 'Bot'), {
      kind: 'installation',
      permissions: { organization_projects: 'read' },
    });
    const { body } = await github.ask(`{ user(login: "ann") { projectV2(number: 1) { id } } }`, {}, { as });
    expect(body.errors).toMatchObject([{ type: 'NOT_FOUND', message: 'Could not resolve to a ProjectV2 with the number 1.' }]);
    const theirs = await github.ask(query('organization(login: "acme")'), {}, { as });
    expect(theirs.body).toEqual({ data: { organization: { projectV2: { title: 'Plans' } } } });
    const written = await github.ask(ADD, { p: github.store.project(organization.id, 1)?.nodeId, c: github.addIssue('x').nodeId }, { as });
    expect(written.body.errors).toMatchObject([{ type: 'FORBIDDEN', message: 'Resource not accessible by integration' }]);
  });
});
