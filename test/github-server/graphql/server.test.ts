/** GraphQL over HTTP, beside REST on the same memory. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GitHubServer } from '../server.ts';
import type { Answer } from './harness.ts';

let server: GitHubServer;
let token: string;
beforeEach(async () => {
  server = await GitHubServer.start();
  server.createUser('ann');
  server.createRepo('ann/widgets');
  server.createRepo('ann/gadgets');
  token = server.createToken('ann');
});
afterEach(async () => {
  await server.close();
});

const headers = () => ({ authorization: `token ${token}`, 'content-type': 'application/json' });

async function ask(query: string, variables = {}): Promise<{ status: number; headers: Headers; body: Answer }> {
  const response = await fetch(`${server.url}/api/graphql`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function rest(method: string, path: string, body?: object): Promise<Answer> {
  const init = { method, headers: headers(), ...(body && { body: JSON.stringify(body) }) };
  return (await fetch(server.apiUrl + path, init)).json();
}

it('shows what REST did, with the ids of REST', async () => {
  const issue = await rest('POST', '/repos/ann/widgets/issues', { title: 'one', body: 'text', labels: ['go'] });
  await rest('PATCH', '/repos/ann/widgets/issues/1', { title: 'two' });
  await rest('PATCH', '/repos/ann/widgets/issues/1', { state: 'closed', state_reason: 'not_planned' });
  const events = await rest('GET', '/repos/ann/widgets/issues/1/timeline');
  const { body } = await ask(`{ repository(owner: "ann", name: "widgets") { issue(number: 1) { id url title state stateReason
    timelineItems(first: 9, itemTypes: [LABELED_EVENT, RENAMED_TITLE_EVENT, CLOSED_EVENT]) { nodes { ... on Node { id } } } } } }`);
  expect(body.errors).toBeUndefined();
  expect(events.map((event: { event: string }) => event.event)).toEqual(['labeled', 'renamed', 'closed']);
  expect(body.data.repository.issue).toEqual({
    ...{ id: issue.node_id, url: issue.html_url, title: 'two', state: 'CLOSED', stateReason: 'NOT_PLANNED' },
    timelineItems: { nodes: events.map((event: { node_id: string }) => ({ id: event.node_id })) },
  });
  server.assertQuiet();
});

it('tells the budget in the headers and stops when it is spent', async () => {
  server.limits.limit = 2;
  const query = '{ rateLimit { limit cost remaining used resetAt } }';
  const first = await ask(query);
  expect(first.body.data.rateLimit).toMatchObject({ limit: 2, cost: 1, remaining: 1, used: 1 });
  expect(Object.fromEntries(first.headers)).toMatchObject({ 'x-ratelimit-remaining': '1', 'x-ratelimit-resource': 'graphql' });
  await ask(query);
  const third = await ask(query);
  expect(third).toMatchObject({ status: 200, body: { errors: [{ type: 'RATE_LIMITED' }] } });
  expect(third.headers.get('x-ratelimit-remaining')).toBe('0');
  server.assertQuiet();
});

it('meets a planned limit, and a fault of one repository alone', async () => {
  server.fault({ kind: 'primary', path: '/graphql', retryAfter: 90 });
  server.fault({ kind: 'partial', path: '/graphql', repo: 'Ann/Gadgets' });
  const query = '{ a: repository(owner: "ann", name: "widgets") { name } b: repository(owner: "ann", name: "gadgets") { name } }';
  const limited = await ask(query);
  expect(limited).toMatchObject({ status: 200, body: { errors: [{ type: 'RATE_LIMITED' }] } });
  expect(limited.headers.get('x-ratelimit-resource')).toBe('graphql');
  expect((await ask(query)).body).toMatchObject({
    data: { a: { name: 'widgets' }, b: null },
    errors: [{ type: 'FORBIDDEN', path: ['b'] }],
  });
  expect((await ask(query)).body).toEqual({ data: { a: { name: 'widgets' }, b: { name: 'gadgets' } } });
  server.assertQuiet();
});

it('makes a query that GitHub does not know a violation', async () => {
  const { status, body } = await ask('{ viewer { nope } }');
  expect({ status, body }).toMatchObject({ status: 200, body: { errors: [{ message: "Field 'nope' doesn't exist on type 'User'" }] } });
  expect(() => server.assertQuiet()).toThrow(/nope/);
});

it('asks for a token', async () => {
  token = 'ghp_wrong';
  expect(await ask('{ viewer { login } }')).toMatchObject({ status: 401, body: { message: 'Bad credentials' } });
});
