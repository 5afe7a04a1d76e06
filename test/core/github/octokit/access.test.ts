import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { readAccess, readHeaders } from '../../../../src/core/github/octokit/access.ts';
import { openClient } from '../../../../src/core/github/octokit/client/open-client.ts';

type Answers = Record<string, { status?: number; headers?: Record<string, string>; body: unknown }>;

const REPOSITORY = {
  full_name: 'acme/shop',
  default_branch: 'main',
  archived: false,
  has_issues: true,
  permissions: { push: true },
  allow_squash_merge: true,
  allow_merge_commit: false,
  allow_rebase_merge: true,
};

const ANSWERS: Answers = {
  '/user': { body: { id: 1, login: 'octocat' } },
  '/user/repos': { body: [REPOSITORY, { full_name: 'acme/other' }], headers: { 'x-oauth-scopes': 'repo, workflow' } },
  '/repos/acme/shop': { body: REPOSITORY },
  '/repos/acme/shop/rules/branches/main': { body: [] },
  '/repos/acme/shop/issues': { body: [] },
  '/repos/acme/shop/pulls': { body: [] },
  '/repos/acme/shop/branches/main': { body: {} },
  '/repos/acme/shop/commits/main/check-runs': { body: {} },
  '/repos/acme/shop/commits/main/status': { body: {} },
  '/repos/acme/shop/actions/runs': { body: {} },
  '/repos/acme/shop/collaborators/octocat/permission': { body: {} },
};

async function look(change: Answers, repos = [{ name: 'acme/shop' }]) {
  const dir = mkdtempSync(join(tmpdir(), 'agentos-access-'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    asked.push(`${request.method} ${path}`);
    const answer = { ...ANSWERS, ...change }[path] ?? { status: 404, body: { message: 'Not Found' } };
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const client = openClient({
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { token: { variable: 'T' }, repos: repos.map(({ name }) => name), env: { T: 'secret-token' } },
    stateDir: dir,
    clock: systemClock,
    signal: new AbortController().signal,
    writes: { per_minute: 60, per_hour: 450 },
  });
  return { facts: await readAccess(client, repos), asked };
}

const refused = (message: string) => ({ status: 403, body: { message } });

describe('readAccess', () => {
  it('asks by reads alone, and holds no secret', async () => {
    const { facts, asked } = await look({});
    expect(facts).toMatchObject({ kind: 'token', login: 'octocat', scopes: ['repo', 'workflow'], others: 1 });
    expect(facts.repos).toMatchObject([{ fullName: 'acme/shop', mayPush: true, mergeMethods: ['squash', 'rebase'], requiredChecks: [] }]);
    expect(new Set(Object.values(facts.repos[0]?.allowed ?? {}))).toEqual(new Set(['yes']));
    expect(asked.filter((line) => !line.startsWith('GET '))).toEqual([]);
    expect(JSON.stringify(facts)).not.toContain('secret-token');
  });

  it('tells what is refused, what is hidden, and what was not answered', async () => {
    const { facts } = await look({
      '/repos/acme/shop/issues': refused('Resource not accessible by personal access token'),
      '/repos/acme/shop/pulls': { status: 404, body: { message: 'Not Found' } },
      '/repos/acme/shop/rules/branches/main': refused('Upgrade to GitHub Pro'),
      '/user/repos': refused('no'),
    });
    expect(facts.repos[0]?.allowed).toMatchObject({ issues: 'no', 'pull requests': 'no', contents: 'yes', rules: 'no' });
    expect(facts.repos[0]).not.toHaveProperty('requiredChecks');
    expect(facts).not.toHaveProperty('others');
  });

  it('takes "not a user" about a bot for an answer', async () => {
    const permission = '/repos/acme/shop/collaborators/octocat/permission';
    const said = async (message: string) => (await look({ [permission]: { status: 404, body: { message } } })).facts.repos[0]?.allowed;
    expect(await said('octocat[bot] is not a user')).toMatchObject({ permissions: 'yes' });
    expect(await said('Not Found')).toMatchObject({ permissions: 'no' });
  });

  it('goes on past a repository that cannot be seen, and names the checks that rules require', async () => {
    const required = { type: 'required_status_checks', parameters: { required_status_checks: [{ context: 'test' }, { context: 'test' }] } };
    const rules = { body: [{ type: 'deletion' }, required] };
    const { facts } = await look({ '/repos/acme/shop/rules/branches/main': rules }, [{ name: 'acme/shpo' }, { name: 'acme/shop' }]);
    expect(facts.repos).toMatchObject([{ name: 'acme/shpo', error: { code: 'not_found' } }, { requiredChecks: ['test'] }]);
  });

  it('ends where the credential itself is refused', async () => {
    await expect(look({ '/user': { status: 401, body: { message: 'Bad credentials' } } })).rejects.toMatchObject({ code: 'auth' });
    await expect(look({ '/repos/acme/shop/pulls': { status: 401, body: { message: 'Bad credentials' } } })).rejects.toMatchObject({
      code: 'auth',
    });
  });
});

describe('readHeaders', () => {
  it.each<[Record<string, string>, object]>([
    [{}, {}],
    [{ 'x-oauth-scopes': '' }, { scopes: [] }],
    [{ 'x-oauth-scopes': 'repo, read:org' }, { scopes: ['repo', 'read:org'] }],
    [{ 'github-authentication-token-expiration': '2026-12-24 10:00:00 UTC' }, { expiresAt: new Date('2026-12-24T10:00:00Z') }],
    [{ 'github-authentication-token-expiration': '2026-12-24 10:00:00 +0100' }, { expiresAt: new Date('2026-12-24T09:00:00Z') }],
    [{ 'github-authentication-token-expiration': 'never' }, {}],
    [
      { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795400000' },
      { rate: { limit: 60, remaining: 0, resetsAt: new Date(1_795_400_000_000) } },
    ],
    [{ 'x-ratelimit-limit': '60' }, {}],
  ])('%j', (headers, expected) => {
    expect(readHeaders(headers)).toEqual(expected);
  });
});
