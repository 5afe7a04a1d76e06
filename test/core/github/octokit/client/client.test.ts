/** Reads, pages, cached reads and what a client counts, against a small server. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { addressOf } from '../../../../../src/core/github/octokit/client/open-client.ts';
import { by, clientFor, failureOf, startServer, TOKEN, temporaryDirectory } from './small-server.ts';

const ISSUES = 'GET /repos/{owner}/{repo}/issues';
const RULES = 'GET /repos/{owner}/{repo}/rules/branches/{branch}';
const place = { owner: 'o', repo: 'r' };
const items = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => ({ id: from + index }));

describe('the addresses of a forge', () => {
  it.each([
    ['https://api.github.com', 'https://api.github.com/graphql', 'https://github.com'],
    ['https://api.corp.ghe.com/', 'https://api.corp.ghe.com/graphql', 'https://corp.ghe.com'],
    ['https://git.corp.example/api/v3', 'https://git.corp.example/api/graphql', 'https://git.corp.example'],
    ['http://127.0.0.1:80', 'http://127.0.0.1:80/graphql', 'http://127.0.0.1:80'],
  ])('%s', (apiUrl, graphqlUrl, gitUrl) => {
    expect(addressOf(apiUrl)).toEqual({ apiUrl: apiUrl.replace(/\/$/, ''), graphqlUrl, gitUrl });
  });
});

describe('all pages', () => {
  /** Three pages with links, as GitHub makes them. */
  const linked = by(({ url, headers }) => {
    const page = Number(new URL(url, 'http://x').searchParams.get('page') ?? '1');
    const pages = [items(1, 100), items(100, 199), items(200, 210)];
    const next = page < 3 ? `<http://${headers.host}/repositories/7/issues?page=${page + 1}>; rel="next"` : '';
    return { json: pages[page - 1], headers: { link: next || `<http://${headers.host}/x>; rel="first"` } };
  });

  it('come as one list, 100 a page, without what shifted from page to page', async () => {
    const server = await startServer(linked);
    const { client } = clientFor(server.url);
    const list = await client.readAll(ISSUES, place);
    expect(list.map(({ id }) => id)).toEqual(items(1, 210).map(({ id }) => id));
    expect(server.seen[0]?.url).toBe('/repos/o/r/issues?per_page=100');
    expect(server.seen).toHaveLength(3);
  });

  it('of a route that wraps its list', async () => {
    const server = await startServer({ json: { total_count: 2, check_runs: items(1, 2) } });
    const list = await clientFor(server.url).client.readAll('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
      ...place,
      ref: 'main',
    });
    expect(list.map(({ id }) => id)).toEqual([1, 2]);
  });

  const next = (link: (host: string) => string) =>
    by(({ headers }) => ({ json: items(1, 100), headers: { link: link(headers.host ?? '') } }));
  it.each([
    ['a page that fails', [next((host) => `<http://${host}/x?page=2>; rel="next"`), { status: 502, json: {} }], 'unavailable', 4],
    [
      'a page that conflicts',
      [next((host) => `<http://${host}/x?page=2>; rel="next"`), { status: 409, json: { message: 'no' } }],
      'refused',
      2,
    ],
    ['a lost link', [{ json: items(1, 100) }, { json: items(101, 110) }], 'unavailable', 2],
    ['too many', [next((host) => `<http://${host}/x?page=2>; rel="next"`)], 'unavailable', 3],
    ['a link to another host', [next(() => '<http://127.0.0.1:1/x?page=2>; rel="next"')], 'refused', 1],
  ] as const)('%s is an error', async (_name, replies, code, requests) => {
    const server = await startServer(...replies);
    const error = await failureOf(clientFor(server.url).client.readAll(ISSUES, place, { maxPages: 2 }));
    expect([error.code, server.seen.length]).toEqual([code, requests]);
  });

  it('one full page without a link is a whole list when the next one is empty', async () => {
    const server = await startServer({ json: items(1, 100) }, { json: [] });
    expect(await clientFor(server.url).client.readAll(ISSUES, place)).toHaveLength(100);
  });
});

describe('a cached read', () => {
  it('asks by ETag, across clients, and takes the unchanged answer from the disk', async () => {
    const stateDir = temporaryDirectory();
    const rules = [{ type: 'merge_queue' }];
    const server = await startServer({ json: rules, headers: { etag: '"e1"' } }, { status: 304, headers: { etag: '"e1"' } }, { json: [] });
    const asked = { ...place, branch: 'main' };
    const first = await clientFor(server.url, { stateDir }).client.read(RULES, asked, { cache: true });
    const { client } = clientFor(server.url, { stateDir });
    const second = await client.read(RULES, asked, { cache: true });
    expect([first.data, second.data, second.status]).toEqual([rules, rules, 200]);
    expect(server.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"e1"']);
    expect((await client.read(RULES, asked)).data).toEqual([]);
    expect(server.seen[2]?.headers['if-none-match']).toBeUndefined();
  });

  it('keeps nothing large', async () => {
    const server = await startServer({ json: [{ text: 'x'.repeat(260_000) }], headers: { etag: '"e1"' } });
    const { client } = clientFor(server.url);
    for (let n = 0; n < 2; n++) await client.read(RULES, { ...place, branch: 'main' }, { cache: true });
    expect(server.seen[1]?.headers['if-none-match']).toBeUndefined();
  });
});

describe('a client', () => {
  it('counts requests and points, and knows the time of the forge', async () => {
    const date = 'Sun, 01 Mar 2026 13:00:00 GMT';
    const server = await startServer({ json: { data: { rateLimit: { cost: 3 } } }, headers: { date } });
    const { client, clock } = clientFor(server.url);
    expect(client.now).toEqual(clock.now());
    await client.queryPartial('{ rateLimit { cost } }', {});
    expect(client.spent).toEqual({ requests: 1, points: 3 });
    expect(client.now).toEqual(new Date(date));
  });

  it('sends the token, a version and nothing of it in the address', async () => {
    const server = await startServer({ json: [] });
    await clientFor(server.url).client.read(ISSUES, { ...place, per_page: 1 });
    const [seen] = server.seen;
    expect([seen?.headers.authorization, seen?.headers['x-github-api-version']]).toEqual([`token ${TOKEN}`, '2022-11-28']);
    expect(seen?.url).not.toContain(TOKEN);
  });

  it('checks the shape of what a query gives', async () => {
    const server = await startServer({ json: { data: { viewer: { login: 'me' } } } });
    const { client } = clientFor(server.url);
    expect(await client.query('{ viewer { login } }', {}, z.object({ viewer: z.object({ login: z.string() }) }))).toEqual({
      viewer: { login: 'me' },
    });
    expect((await failureOf(client.query('{ viewer { login } }', {}, z.object({ viewer: z.string() })))).code).toBe('unavailable');
    expect((await failureOf(client.mutate('o/r', 'mutation { x }', {}, z.object({ x: z.string() })))).code).toBe('unknown_outcome');
  });

  it('takes no missing part in a whole query', async () => {
    const server = await startServer({
      json: { data: { a: null }, errors: [{ type: 'NOT_FOUND', path: ['a'], message: 'no such repository' }] },
    });
    const error = await failureOf(clientFor(server.url).client.query('{ a }', {}, z.unknown()));
    expect([error.code, error.message]).toEqual(['not_found', 'GitHub refused `POST /graphql`: no such repository']);
  });

  it('reports where a renamed repository answered', async () => {
    const server = await startServer({ status: 301, headers: { location: '/repositories/7' } }, { json: { id: 7 } });
    const { url } = await clientFor(server.url).client.readRoute('GET /repos/{owner}/{repo}', place);
    expect(url).toBe(`${server.url}/repositories/7`);
  });
});
