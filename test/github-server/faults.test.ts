/** Planned faults do what they say: what happened on the server is looked up behind the wire. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultKind } from './faults.ts';
import { openScene, REPO, type Scene } from './scene.ts';

let s: Scene;
beforeEach(async () => {
  s = await openScene();
});
afterEach(() => s.close());

const ISSUES = `${REPO}/issues`;
const open = (title = 'x') => s.bob('POST', ISSUES, { title });
const count = () => s.server.repo('ann/widgets').issues.size;
/** What a client with little patience sees. */
const impatient = (path: string, method = 'GET', body?: unknown) =>
  fetch(`${s.server.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${s.tokens.bob}` },
    signal: AbortSignal.timeout(300),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).then((response) => response.text());

describe('a fault', () => {
  it.each<[FaultKind, number, number]>([
    ['502-before', 502, 0],
    ['502-after', 502, 1],
    ['403-secondary', 403, 0],
    ['429-secondary', 429, 0],
    ['primary', 403, 0],
    ['401', 401, 0],
    ['404', 404, 0],
    ['html', 200, 1],
    ['truncated', 201, 1],
  ])('%s answers %i and leaves %i issues, once', async (kind, status, issues) => {
    s.server.fault({ kind, method: 'POST', path: '/repos/*/*/issues', retryAfter: 7 });
    const response = await fetch(`${s.server.apiUrl}${ISSUES}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${s.tokens.bob}` },
      body: JSON.stringify({ title: 'x' }),
    });
    const text = await response.text();
    expect([response.status, count()]).toEqual([status, issues]);
    if (kind === 'truncated') expect(() => JSON.parse(text)).toThrow();
    if (kind === 'html') expect(text).toContain('<html>');
    if (kind.endsWith('secondary'))
      expect([response.headers.get('retry-after'), text]).toEqual(['7', expect.stringContaining('secondary rate')]);
    if (kind === 'primary') {
      expect(response.headers.get('x-ratelimit-remaining')).toBe('0');
      expect(Number(response.headers.get('x-ratelimit-reset'))).toBe(Date.parse('2026-03-01T10:00:07Z') / 1000);
    }
    expect((await open()).status).toBe(201);
    expect(count()).toBe(issues + 1);
  });

  it.each<[FaultKind, number]>([
    ['hang-before', 0],
    ['hang-after', 1],
    ['reset-after', 1],
    ['cut', 1],
    ['drip', 1],
  ])('%s never gives the whole answer and leaves %i issues', async (kind, issues) => {
    s.server.fault({ kind, method: 'POST' });
    await expect(impatient(ISSUES, 'POST', { title: 'x' })).rejects.toThrow();
    expect(count()).toBe(issues);
    expect(s.server.requests).toHaveLength(1);
  });

  it('is chosen by method, path, predicate, and used up', async () => {
    s.server.fault({ kind: '502-before', path: /\/issues$/, times: 2, when: (asked) => asked.body.includes('bad') });
    expect((await open('good')).status).toBe(201);
    expect([(await open('bad')).status, (await open('bad')).status, (await open('bad')).status]).toEqual([502, 502, 201]);
    s.server.fault({ kind: '502-before' });
    s.server.clearFaults();
    expect((await open()).status).toBe(201);
  });
});

describe('stale reads', () => {
  it('show everything as it was before the last write, refs too, and only where planned', async () => {
    await open('old');
    s.server.fault({ kind: 'stale', seconds: 60, path: '/repos/**' });
    const sha = s.server.tip('ann/widgets', 'main');
    await s.bob('PATCH', `${ISSUES}/1`, { title: 'new' });
    await s.bob('POST', `${ISSUES}/1/labels`, { labels: ['late'] });
    await s.bob('POST', `${REPO}/git/refs`, { ref: 'refs/heads/fresh', sha });
    expect((await s.bob('GET', `${ISSUES}/1`)).data).toMatchObject({ title: 'old', labels: [] });
    expect((await s.bob('GET', `${REPO}/git/ref/heads/fresh`)).status).toBe(404);
    expect(s.server.issue('ann/widgets', 1).title).toBe('new');
    s.server.clearFaults();
    expect((await s.bob('GET', `${ISSUES}/1`)).data.labels).toHaveLength(1);
    expect((await s.bob('GET', `${REPO}/git/ref/heads/fresh`)).data.object.sha).toBe(sha);
  });
});

describe('paging', () => {
  const numbers = async (page: number) =>
    (await s.bob('GET', `${ISSUES}?per_page=2&direction=asc&page=${page}`)).data.map((one: { number: number }) => one.number);
  it('drifts by an item between two pages, or has no Link', async () => {
    for (const title of ['a', 'b', 'c', 'd', 'e']) await open(title);
    s.server.fault({ kind: 'page-insert', when: () => true, times: 2 });
    expect([await numbers(1), await numbers(2)]).toEqual([
      [1, 2],
      [2, 3],
    ]);
    s.server.fault({ kind: 'page-remove', times: 2 });
    expect([await numbers(1), await numbers(2)]).toEqual([
      [1, 2],
      [4, 5],
    ]);
    s.server.fault({ kind: 'no-link' });
    expect((await s.bob('GET', `${ISSUES}?per_page=2`)).headers.get('link')).toBeNull();
    expect((await s.bob('GET', `${ISSUES}?per_page=2`)).headers.get('link')).toContain('rel="next"');
  });
});

describe('the hourly limit', () => {
  it('runs out and comes back with the hour', async () => {
    s.server.limits.limit = 2;
    expect([(await open()).status, (await open()).status]).toEqual([201, 201]);
    const spent = await open();
    expect([spent.status, spent.headers.get('x-ratelimit-remaining')]).toEqual([403, '0']);
    s.server.advance(3601);
    expect((await open()).status).toBe(201);
    expect((await s.bob('GET', '/rate_limit')).data.resources.core).toMatchObject({ limit: 2, used: 1, remaining: 1 });
  });
});
