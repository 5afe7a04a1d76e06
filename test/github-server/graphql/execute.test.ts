import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addComment, addLabels } from '../issue-changes.ts';
import type { GraphqlHooks } from './execute.ts';
import { type Answer, type Harness, startHarness, viewerOf } from './harness.ts';

let github: Harness;
beforeEach(() => {
  github = startHarness();
});
afterEach(() => {
  github.remove();
});

const LIST = `query($first: Int, $after: String, $last: Int, $before: String, $labels: [String!], $order: IssueOrder) {
  repository(owner: "ann", name: "WIDGETS") {
    issues(first: $first, after: $after, last: $last, before: $before, labels: $labels, orderBy: $order) {
      totalCount nodes { number } edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } } }`;

async function list(variables: Record<string, unknown>) {
  const { issues } = (await github.read(LIST, variables)).repository;
  return { ...issues, numbers: issues.nodes.map(({ number }: { number: number }) => number) };
}

describe('paging', () => {
  it('walks forwards and backwards', async () => {
    for (let n = 1; n <= 5; n++) github.addIssue(`issue ${n}`);
    const first = await list({ first: 2 });
    expect(first).toMatchObject({ totalCount: 5, numbers: [1, 2], pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const second = await list({ first: 2, after: first.pageInfo.endCursor });
    expect(second).toMatchObject({ numbers: [3, 4], pageInfo: { hasNextPage: true, hasPreviousPage: true } });
    const third = await list({ first: 2, after: second.pageInfo.endCursor });
    expect(third).toMatchObject({ numbers: [5], pageInfo: { hasNextPage: false } });
    expect((await list({ last: 2 })).numbers).toEqual([4, 5]);
    expect((await list({ last: 2, before: second.pageInfo.startCursor })).numbers).toEqual([1, 2]);
    expect(second.edges.map(({ cursor }: { cursor: string }) => cursor)).toEqual([second.pageInfo.startCursor, second.pageInfo.endCursor]);
  });

  it('neither repeats nor hides an entry when the list changes between two pages', async () => {
    const issues = [1, 2, 3, 4].map((n) => github.addIssue(`issue ${n}`));
    const order = { field: 'UPDATED_AT', direction: 'DESC' };
    const first = await list({ first: 2, order });
    expect(first.numbers).toEqual([4, 3]);
    github.store.advance(60);
    addComment(github.store, issues[1] as never, { userId: github.owner.id }, 'moved to the front');
    expect((await list({ first: 2, order, after: first.pageInfo.endCursor })).numbers).toEqual([1]);
  });

  it.each([
    [{}, 'MISSING_PAGINATION_BOUNDARIES', 'You must provide a `first` or `last` value to properly paginate the `issues` connection.'],
    [{ first: 101 }, 'EXCESSIVE_PAGINATION', 'Requesting 101 records on the `issues` connection exceeds the `first` limit of 100 records.'],
    [{ last: 200 }, 'EXCESSIVE_PAGINATION', 'Requesting 200 records on the `issues` connection exceeds the `last` limit of 100 records.'],
    [{ first: 1, after: 'abc' }, 'INVALID_CURSOR_ARGUMENTS', '`abc` does not appear to be a valid cursor.'],
  ])('refuses %j with %s', async (variables, type, message) => {
    const { body } = await github.ask(LIST, variables);
    expect(body).toMatchObject({ data: { repository: null }, errors: [{ type, message, path: ['repository', 'issues'] }] });
    expect(github.violations).toEqual([]);
  });

  it('counts without bounds', async () => {
    github.addIssue('one');
    const data = await github.read('{ repository(owner: "ann", name: "widgets") { issues { totalCount } } }');
    expect(data.repository.issues.totalCount).toBe(1);
  });
});

describe('what GitHub refuses', () => {
  it('answers the rest of the query when one repository is not there', async () => {
    github.addRepository('secret', { private: true, ownerId: github.store.addUser('else', 'User').id });
    github.repo.formerNames.push('Ann/gadgets');
    const { body } = await github.ask(`{ a: repository(owner: "ann", name: "gadgets") { nameWithOwner }
      b: repository(owner: "ann", name: "nothing") { id } c: repository(owner: "else", name: "secret") { id } }`);
    expect(body).toMatchObject({
      data: { a: { nameWithOwner: 'Ann/widgets' }, b: null, c: null },
      errors: [
        { type: 'NOT_FOUND', path: ['b'], message: "Could not resolve to a Repository with the name 'ann/nothing'." },
        { type: 'NOT_FOUND', path: ['c'], message: "Could not resolve to a Repository with the name 'else/secret'." },
      ],
    });
    expect(github.violations).toEqual([]);
  });

  it('leaves null for numbers and ids that name nothing', async () => {
    const issue = github.addIssue('x');
    const { body } =
      await github.ask(`{ repository(owner: "ann", name: "widgets") { a: issue(number: 1) { number } b: issue(number: 2) { number } }
      nodes(ids: ["${issue.nodeId}", "I_nothing"]) { id } }`);
    expect(body).toMatchObject({
      data: { repository: { a: { number: 1 }, b: null }, nodes: [{ id: issue.nodeId }, null] },
      errors: [
        { type: 'NOT_FOUND', path: ['repository', 'b'], message: 'Could not resolve to an Issue with the number of 2.' },
        { type: 'NOT_FOUND', path: ['nodes', 1], message: "Could not resolve to a node with the global id of 'I_nothing'." },
      ],
    });
  });

  it('does not let a token read what it lacks a permission for', async () => {
    github.repo.private = true;
    const as = viewerOf(github.owner, { kind: 'fine-grained', permissions: { pull_requests: 'read' } });
    const { body } = await github.ask(LIST, { first: 1 }, { as });
    expect(body.errors).toMatchObject([{ type: 'FORBIDDEN', message: 'Resource not accessible by personal access token' }]);
  });

  it('gives a planned error for one alias', async () => {
    const fault: GraphqlHooks['fault'] = ({ path, args }) =>
      path.length === 1 && args['name'] === 'widgets' && path[0] === 'b' ? { type: 'FORBIDDEN', message: 'no more' } : undefined;
    const one = 'repository(owner: "ann", name: "widgets") { name }';
    const { body } = await github.ask(`{ a: ${one} b: ${one} }`, {}, { fault });
    expect(body).toMatchObject({
      data: { a: { name: 'widgets' }, b: null },
      errors: [{ type: 'FORBIDDEN', message: 'no more', path: ['b'] }],
    });
    expect(github.violations).toEqual([]);
  });

  it('counts points and stops when they are spent', async () => {
    let used = 4998;
    const read = () => ({ limit: 5000, used, remaining: Math.max(0, 5000 - used), resetAt: '2026-01-01T01:00:00Z' });
    const budget = { read, spend: (points: number) => (used += points) };
    const query =
      '{ rateLimit { cost limit used remaining resetAt nodeCount } repository(owner: "ann", name: "widgets") { issues(first: 30) { totalCount } } }';
    const first = await github.ask(query, {}, { budget });
    expect(first.cost).toEqual({ requests: 1, nodes: 30, points: 1 });
    expect((first.body.data as Answer).rateLimit).toEqual({
      ...{ cost: 1, limit: 5000, used: 4999, remaining: 1, resetAt: '2026-01-01T01:00:00Z', nodeCount: 30 },
    });
    await github.ask(query, {}, { budget });
    const third = await github.ask(query, {}, { budget });
    expect(third).toMatchObject({ status: 200, cost: { points: 0 }, body: { errors: [{ type: 'RATE_LIMITED' }] } });
    expect(third.body.data).toBeUndefined();
    const newer = await github.ask(query, {}, { budget: { ...budget, errorType: 'RATE_LIMIT' } });
    expect(newer.body.errors).toMatchObject([{ type: 'RATE_LIMIT', code: 'graphql_rate_limit' }]);
  });

  it('refuses a query of too many nodes', async () => {
    const { body } = await github.ask(`{ repository(owner: "ann", name: "widgets") { issues(first: 100) { nodes {
      comments(first: 100) { nodes { id } } labels(first: 100) { nodes { issues(first: 100) { totalCount } } } } } } }`);
    const message = 'This query requests up to 1,020,100 possible nodes which exceeds the maximum limit of 500,000.';
    expect(body).toEqual({ errors: [{ type: 'MAX_NODE_LIMIT_EXCEEDED', message }] });
  });
});

describe('the guard', () => {
  it.each([
    ['{ viewer { nope } }', "Field 'nope' doesn't exist on type 'User'"],
    ['{ repository(owner: "a") { id } }', 'argument "name" of type "String!" is required'],
    ['{ repository(owner: "a", name: "b") { issues(first: 1, states: GONE) { totalCount } } }', 'GONE'],
    ['query($n: Int!) { repository(owner: "a", name: "b") { issue(number: $n) { id } } }', 'required type "Int!" was not provided'],
    ['{ viewer {', 'Syntax Error'],
  ])('answers %s with errors alone and tells of it', async (query, message) => {
    const { status, body } = await github.ask(query);
    expect(status).toBe(200);
    expect(body).toEqual({ errors: [expect.objectContaining({ message: expect.stringContaining(message) })] });
    expect(github.violations).toEqual([{ method: 'POST', path: '/graphql', where: 'request', what: expect.stringContaining(message) }]);
  });

  it.each([
    ['createdAt', { createdAt: 'yesterday' }, 'DateTime cannot represent "yesterday"'],
    ['createdAt', { createdAt: '2026-01-01T00:00:00.123Z' }, 'DateTime cannot represent'],
    ['state', { state: 'ajar' }, 'Enum "IssueState" cannot represent value: "AJAR"'],
    ['title', { title: null }, 'Cannot return null for non-nullable field Issue.title.'],
    ['databaseId', { id: 3_000_000_000 }, 'Int cannot represent non 32-bit signed integer value'],
  ])('does not answer %s with %j', async (field, planted, message) => {
    Object.assign(github.addIssue('x'), planted);
    await github.ask(`{ repository(owner: "ann", name: "widgets") { issue(number: 1) { ${field} } } }`);
    expect(github.violations).toMatchObject([{ where: 'response', what: expect.stringContaining(message) }]);
  });

  it('tells of a field the server does not know, instead of answering null', async () => {
    const { body } = await github.ask('{ repository(owner: "ann", name: "widgets") { homepageUrl } }');
    expect(body).toMatchObject({ data: { repository: { homepageUrl: null } } });
    expect(github.violations).toMatchObject([{ where: 'response', what: expect.stringContaining('Repository.homepageUrl') }]);
  });
});

it('answers what an idle look at a repository asks', async () => {
  github.commit('main', { 'README.md': 'hello' });
  addLabels(github.store, github.repo, github.addIssue('first'), github.owner.id, ['go']);
  const data = await github.read(`{ repository(owner: "ann", name: "widgets") {
    id databaseId nameWithOwner isArchived isPrivate visibility viewerPermission pushedAt url owner { login }
    mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed deleteBranchOnMerge
    defaultBranchRef { name prefix target { oid ... on Commit { messageHeadline } } }
    ref(qualifiedName: "refs/heads/main") { name } gone: ref(qualifiedName: "gone") { name }
    object(expression: "main:README.md") { ... on Blob { text } }
    refs(refPrefix: "refs/heads/", first: 5) { nodes { name associatedPullRequests(first: 1) { totalCount } } }
    labels(first: 5) { nodes { name color } } label(name: "GO") { name } pinnedIssues(first: 3) { totalCount } } }`);
  expect(data.repository).toMatchObject({
    ...{ nameWithOwner: 'Ann/widgets', isArchived: false, visibility: 'PUBLIC', viewerPermission: 'ADMIN', owner: { login: 'Ann' } },
    ...{ mergeCommitAllowed: false, squashMergeAllowed: true, rebaseMergeAllowed: true },
    defaultBranchRef: { name: 'main', prefix: 'refs/heads/', target: { messageHeadline: 'Change README.md' } },
    ...{ ref: { name: 'main' }, gone: null, object: { text: 'hello' } },
    refs: { nodes: [{ name: 'main', associatedPullRequests: { totalCount: 0 } }] },
    ...{ labels: { nodes: [{ name: 'go', color: 'ededed' }] }, label: { name: 'go' }, pinnedIssues: { totalCount: 0 } },
  });
});
