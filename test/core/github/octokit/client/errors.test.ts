/** What every failure of the forge and of the way to it becomes, on reads and on writes. */
import { describe, expect, it } from 'vitest';
import { by, clientFor, failureOf, type Reply, startServer, TOKEN } from './small-server.ts';

const ISSUE = 'GET /repos/{owner}/{repo}/issues/{issue_number}';
const MERGE = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge';
const CREATE = 'POST /repos/{owner}/{repo}/pulls';
const place = { owner: 'o', repo: 'r' };

async function failedRead(...replies: Reply[]) {
  const server = await startServer(...replies);
  const { client } = clientFor(server.url, { deadlineMs: 300 });
  return { error: await failureOf(client.read(ISSUE, { ...place, issue_number: 1 })), requests: server.seen.length };
}

async function failedWrite(...replies: Reply[]) {
  const server = await startServer(...replies);
  const { client } = clientFor(server.url, { deadlineMs: 300 });
  const write = client.write('o/r', CREATE, { ...place, title: 't', head: 'h', base: 'b' });
  return { error: await failureOf(write), requests: server.seen.length };
}

const said = (status: number, message: string, more: object = {}, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  json: { message, ...more },
});
const hang: Reply = () => undefined;
const drip: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => clearInterval(timer));
};
const cut: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"number":');
  setTimeout(() => response.destroy(), 20);
};
const reset: Reply = (response) => {
  response.destroy();
};
const page: Reply = { status: 200, headers: { 'content-type': 'text/html' }, text: '<html>Unicorn!</html>' };
const halfJson: Reply = { status: 200, headers: { 'content-type': 'application/json' }, text: '{"number": 1, "ti' };
const empty: Reply = { status: 200 };

describe('a read', () => {
  it.each([
    ['401', said(401, 'Bad credentials'), 'auth', 1],
    ['403', said(403, 'Resource not accessible by personal access token'), 'refused', 1],
    ['404', said(404, 'Not Found'), 'not_found', 1],
    ['410', said(410, 'This issue was deleted'), 'not_found', 1],
    ['422', said(422, 'Validation Failed'), 'refused', 1],
    ['500', said(500, 'Server Error'), 'unavailable', 3],
    ['502 with a page', { status: 502, headers: { 'content-type': 'text/html' }, text: '<html>Unicorn!</html>' }, 'unavailable', 3],
    ['HTML with 200', page, 'unavailable', 3],
    ['cut JSON', halfJson, 'unavailable', 3],
    ['an empty body', empty, 'unavailable', 3],
    ['a cut connection', cut, 'unavailable', 3],
    ['a reset', reset, 'unavailable', 3],
    ['no answer', hang, 'timeout', 3],
    ['a byte at a time', drip, 'timeout', 3],
  ] as const)('%s', async (_name, reply, code, requests) => {
    const failed = await failedRead(reply);
    expect([failed.error.code, failed.requests]).toEqual([code, requests]);
  });

  it('names the status once where the answer has no words', async () => {
    const { error } = await failedRead({ status: 502 });
    expect(error.message).toBe('GitHub could not answer `GET /repos/o/r/issues/1`: status 502');
    const { error: worded } = await failedRead(said(502, 'Server Error'));
    expect(worded.message).toBe('GitHub could not answer `GET /repos/o/r/issues/1`: Server Error (status 502)');
  });

  it('of what is not there says that it may be hidden; of the address itself, how that is written', async () => {
    const hidden = await failedRead(said(404, 'Not Found'));
    expect(hidden.error.hint).toMatch(/credential may not see it/);
    const server = await startServer(said(404, 'Not Found'));
    const error = await failureOf(clientFor(server.url).client.queryPartial('query Q { viewer { login } }', {}));
    expect(error).toMatchObject({ code: 'not_found', hint: expect.stringContaining('`forge.api_url`') });
    expect(error.hint).toContain('/api/v3');
  });

  it('that meets a limit of GraphQL repeats no words', async () => {
    const server = await startServer({ json: { errors: [{ type: 'RATE_LIMITED', message: 'API rate limit exceeded' }] } });
    const error = await failureOf(clientFor(server.url).client.queryPartial('query Q { viewer { login } }', {}));
    expect([error.code, error.message.match(/rate limit exceeded/g)?.length]).toEqual(['rate_limit', 1]);
  });

  it('is answered by the next try', async () => {
    const server = await startServer(said(502, 'Bad Gateway'), reset, { json: { number: 1 } });
    const { client, clock } = clientFor(server.url);
    const { data } = await client.read(ISSUE, { ...place, issue_number: 1 });
    expect(data.number).toBe(1);
    expect(clock.waits).toEqual([200, 800]);
    expect(client.spent.requests).toBe(3);
  });
});

describe('a write', () => {
  it.each([
    ['401', said(401, 'Bad credentials'), 'auth'],
    ['403', said(403, 'Resource not accessible by integration'), 'refused'],
    ['404', said(404, 'Not Found'), 'not_found'],
    ['422 exists', said(422, 'Reference already exists'), 'conflict'],
    [
      '422 a pull request exists',
      said(422, 'Validation Failed', { errors: [{ message: 'A pull request already exists for o:h.' }] }),
      'conflict',
    ],
    ['422 code', said(422, 'Validation Failed', { errors: [{ resource: 'Label', code: 'already_exists' }] }), 'conflict'],
    ['422 other', said(422, 'Validation Failed', { errors: [{ message: 'No commits between b and h' }] }), 'refused'],
    ['500', said(500, 'Server Error'), 'unknown_outcome'],
    ['502', said(502, 'Bad Gateway'), 'unknown_outcome'],
    ['HTML with 200', page, 'unknown_outcome'],
    ['cut JSON', halfJson, 'unknown_outcome'],
    ['an empty body', empty, 'unknown_outcome'],
    ['a cut connection', cut, 'unknown_outcome'],
    ['a reset', reset, 'unknown_outcome'],
    ['no answer', hang, 'unknown_outcome'],
    ['a byte at a time', drip, 'unknown_outcome'],
    ['a redirect', { status: 307, headers: { location: '/repositories/1/pulls' } }, 'refused'],
  ] as const)('%s is sent once', async (_name, reply, code) => {
    const failed = await failedWrite(reply, { json: { number: 1 } });
    expect([failed.error.code, failed.requests]).toEqual([code, 1]);
  });

  it.each([
    [405, 'Base branch was modified. Review and try the merge again.', 'conflict'],
    [409, 'Head branch was modified. Review and try the merge again.', 'conflict'],
    [405, 'Pull Request is not mergeable', 'conflict'],
    [405, 'Merge conflict between base and head', 'conflict'],
    [405, 'Pull request already merged', 'conflict'],
    [405, 'Required status check "test" is expected.', 'refused'],
    [405, 'At least 1 approving review is required by reviewers with write access.', 'refused'],
    [405, 'Changes must be made through the merge queue', 'refused'],
    [405, 'Something that nobody has read before', 'refused'],
  ] as const)('a merge answered %i "%s" is %s', async (status, message, code) => {
    const server = await startServer(said(status, message));
    const { client } = clientFor(server.url);
    const error = await failureOf(client.write('o/r', MERGE, { ...place, pull_number: 1 }));
    expect([error.code, error.message]).toEqual([code, `GitHub refused \`PUT /repos/o/r/pulls/1/merge\`: ${message}`]);
  });

  it('that could not be sent is known not to have happened', async () => {
    const { client } = clientFor('http://127.0.0.1:1');
    const error = await failureOf(client.write('o/r', MERGE, { ...place, pull_number: 1 }));
    expect(error.code).toBe('unavailable');
  });

  it('that a person stops after it left may have happened', async () => {
    const stop = new AbortController();
    const server = await startServer(() => stop.abort());
    const { client } = clientFor(server.url, { signal: stop.signal });
    expect((await failureOf(client.write('o/r', MERGE, { ...place, pull_number: 1 }))).code).toBe('unknown_outcome');
  });
});

describe('texts', () => {
  it('hold the words of GitHub on one clean line, and no token', async () => {
    const echo = by(({ headers }) => said(403, `no\u001b[31m such\nthing, ${headers.authorization}, ${TOKEN}, ghs_othercanary`));
    const { error } = await failedRead(echo);
    expect(error.message).toBe('GitHub refused `GET /repos/o/r/issues/1`: no such thing, token …, …, …');
  });

  it.each([
    ['Resource protected by organization SAML enforcement.', /single sign-on: the environment variable GITHUB_TOKEN/],
    ['Repository was archived so is read-only.', /Unarchive/],
    ['Must have admin rights to Repository.', /permissions/],
  ])('say what to do about "%s"', async (message, hint) => {
    expect((await failedRead(said(403, message))).error.hint).toMatch(hint);
  });

  it('name the source of a refused credential', async () => {
    expect((await failedRead(said(401, 'Bad credentials'))).error.hint).toBe(
      'Renew the credential: the environment variable GITHUB_TOKEN.',
    );
  });
});

describe('GraphQL', () => {
  const errors = (...types: (string | undefined)[]): Reply => ({
    json: { data: { a: null, b: { x: 1 } }, errors: types.map((type, index) => ({ type, message: `m${index}`, path: ['a'] })) },
  });

  it('gives the parts that are there, and says which are not', async () => {
    const server = await startServer(errors('NOT_FOUND', 'FORBIDDEN'));
    const { data, errors: parts } = await clientFor(server.url).client.queryPartial('{ a b }', {});
    expect(data).toEqual({ a: null, b: { x: 1 } });
    expect(parts).toEqual([
      { path: ['a'], type: 'NOT_FOUND', message: 'm0' },
      { path: ['a'], type: 'FORBIDDEN', message: 'm1' },
    ]);
  });

  it.each([
    ['an unknown error beside a missing part', errors('NOT_FOUND', undefined), 'unavailable'],
    ['a limit', errors('RATE_LIMITED'), 'rate_limit'],
    ['no data', { json: { data: null } }, 'unavailable'],
    ['a page', page, 'unavailable'],
    ['cut JSON', halfJson, 'unavailable'],
    ['502', said(502, 'Bad Gateway'), 'unavailable'],
    ['401', said(401, 'Bad credentials'), 'auth'],
  ] as const)('%s is an error', async (_name, reply, code) => {
    const server = await startServer(reply);
    expect((await failureOf(clientFor(server.url).client.queryPartial('{ a }', {}))).code).toBe(code);
  });

  const anything = { safeParse: (data: unknown) => ({ success: true, data }) } as never;
  it.each([
    ['an error without a type', errors(undefined), 'unknown_outcome'],
    ['a refusal', { json: { data: null, errors: [{ type: 'UNPROCESSABLE', message: 'Head branch was modified' }] } }, 'conflict'],
    ['a rule', { json: { data: null, errors: [{ type: 'UNPROCESSABLE', message: 'Required status check' }] } }, 'refused'],
    ['502', said(502, 'Bad Gateway'), 'unknown_outcome'],
    ['a reset', reset, 'unknown_outcome'],
    ['a page', page, 'unknown_outcome'],
  ] as const)('a mutation with %s is sent once', async (_name, reply, code) => {
    const server = await startServer(reply);
    const { error } = { error: await failureOf(clientFor(server.url).client.mutate('o/r', 'mutation { a }', {}, anything)) };
    expect([error.code, server.seen.length]).toEqual([code, 1]);
  });
});
