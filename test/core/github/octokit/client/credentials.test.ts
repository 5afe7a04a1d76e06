/** Who we are: the order of the sources, the least permissions of an app, one new token after a refusal. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CredentialOptions } from '../../../../../src/core/github/octokit/client/credentials.ts';
import { by, clientFor, failureOf, type Reply, type SmallServer, startServer, TestClock, temporaryDirectory } from './small-server.ts';

const REPO = 'GET /repos/{owner}/{repo}';
const COMMENT = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
const place = { owner: 'o', repo: 'r' };
const comment = { ...place, issue_number: 1, body: 'b' };
let pem = '';

beforeAll(() => {
  pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
});

function appOptions(changes: Partial<CredentialOptions> = {}): CredentialOptions {
  const privateKeyFile = join(temporaryDirectory(), 'app.pem');
  writeFileSync(privateKeyFile, pem, { mode: 0o600 });
  return { app: { id: 12, installationId: 34, privateKeyFile }, repos: ['o/r', 'o/s'], env: {}, ...changes };
}

/** Makes a new token for each request for one; `refuse` tells for which tokens the rest answers 401. */
function appForge(refuse: (token: string) => boolean = () => false, lifeMs = 3_600_000): Promise<SmallServer> {
  let made = 0;
  return startServer(
    by(({ url, headers }): Reply => {
      if (url === '/app/installations/34/access_tokens') {
        made++;
        return {
          status: 201,
          json: { token: `ghs_canary${made}${'x'.repeat(500)}`, expires_at: new Date(Date.now() + lifeMs).toISOString(), permissions: {} },
        };
      }
      if (refuse(String(headers.authorization))) return { status: 401, json: { message: 'Bad credentials' } };
      return { json: { id: 1 } };
    }),
  );
}

const minted = (server: SmallServer) => server.seen.filter(({ url }) => url.endsWith('/access_tokens'));

describe('an app', () => {
  it('has one token for its reads and one for each repository it writes to, with the least permissions', async () => {
    const server = await appForge();
    const { client } = clientFor(server.url, { credentials: appOptions({ projects: ['o/s'] }) });
    await client.read(REPO, place);
    await client.read(REPO, place);
    await client.write('o/r', COMMENT, comment);
    await client.write('O/R', COMMENT, comment);
    await client.write('o/s', COMMENT, { ...comment, repo: 's' });
    expect(minted(server).map(({ body }) => JSON.parse(body))).toEqual([
      {
        repositories: ['r', 's'],
        permissions: {
          contents: 'read',
          pull_requests: 'read',
          issues: 'read',
          checks: 'read',
          statuses: 'read',
          actions: 'read',
          metadata: 'read',
          organization_projects: 'read',
        },
      },
      {
        repositories: ['r'],
        permissions: { contents: 'write', pull_requests: 'write', issues: 'write', checks: 'read', actions: 'read', metadata: 'read' },
      },
      {
        repositories: ['s'],
        permissions: {
          contents: 'write',
          pull_requests: 'write',
          issues: 'write',
          checks: 'read',
          actions: 'read',
          metadata: 'read',
          organization_projects: 'write',
        },
      },
    ]);
    expect([client.credentials.kind, client.credentials.shared]).toEqual(['app', false]);
  });

  it('makes a new token once after a refusal of a read', async () => {
    const server = await appForge((authorization) => authorization.includes('canary1x'));
    await clientFor(server.url, { credentials: appOptions() }).client.read(REPO, place);
    expect([minted(server).length, server.seen.length]).toEqual([2, 4]);
    const refusing = await appForge(() => true);
    const error = await failureOf(clientFor(refusing.url, { credentials: appOptions() }).client.read(REPO, place));
    expect([error.code, minted(refusing).length]).toEqual(['auth', 2]);
  });

  it('does not repeat a refused write, but has a new token for the next', async () => {
    const server = await appForge((authorization) => authorization.includes('canary1x'));
    const { client } = clientFor(server.url, { credentials: appOptions() });
    expect((await failureOf(client.write('o/r', COMMENT, comment))).code).toBe('auth');
    expect(server.seen).toHaveLength(2);
    await client.write('o/r', COMMENT, comment);
    expect([minted(server).length, server.seen.length]).toEqual([2, 4]);
  });

  it('makes no token while GitHub wants no request', async () => {
    const stateDir = temporaryDirectory();
    const clock = new TestClock();
    const server = await startServer(
      { status: 201, json: { token: 'ghs_canary', expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {} } },
      { status: 429, headers: { 'retry-after': '90' }, json: {} },
    );
    const options = { stateDir, clock, credentials: appOptions() };
    expect((await failureOf(clientFor(server.url, options).client.read(REPO, place))).code).toBe('rate_limit');
    const { client } = clientFor(server.url, options);
    expect((await failureOf(client.read(REPO, place))).code).toBe('rate_limit');
    expect((await failureOf(client.write('o/r', COMMENT, comment))).code).toBe('rate_limit');
    expect(server.seen).toHaveLength(2);
  });

  it('makes a new token before the old one ends', async () => {
    const server = await appForge();
    const clock = new TestClock();
    const { client } = clientFor(server.url, { credentials: appOptions(), clock });
    await client.read(REPO, place);
    clock.ms += 50 * 60_000;
    await client.read(REPO, place);
    expect(minted(server)).toHaveLength(1);
    clock.ms += 6 * 60_000;
    await client.read(REPO, place);
    expect(minted(server)).toHaveLength(2);
  });

  it.each([
    ['others may read', (path: string) => chmodSync(path, 0o640), /chmod 600/],
    ['is none', (path: string) => writeFileSync(path, 'hello'), /Download/],
  ])('refuses a key that %s', async (_name, spoil, hint) => {
    const credentials = appOptions();
    spoil(credentials.app?.privateKeyFile ?? '');
    const server = await appForge();
    const error = await failureOf(clientFor(server.url, { credentials }).client.read(REPO, place));
    expect([error.code, server.seen.length]).toEqual(['auth', 0]);
    expect(error.hint).toMatch(hint);
  });

  it('refuses a key that is no file, or is not there', async () => {
    for (const privateKeyFile of [temporaryDirectory(), join(temporaryDirectory(), 'missing.pem')]) {
      const credentials = appOptions({ app: { id: 1, installationId: 34, privateKeyFile } });
      expect((await failureOf(clientFor('http://127.0.0.1:1', { credentials }).client.read(REPO, place))).code).toBe('auth');
    }
  });

  it.each([
    [401, 'A JSON web token could not be decoded', 'auth'],
    [404, 'Not Found', 'auth'],
    [422, 'The permissions requested are not granted to this installation.', 'auth'],
    [502, 'Bad Gateway', 'unavailable'],
    [429, 'slow down', 'rate_limit'],
  ])('that is answered %i "%s" fails with %s', async (status, message, code) => {
    const server = await startServer({ status, json: { message } });
    expect((await failureOf(clientFor(server.url, { credentials: appOptions() }).client.read(REPO, place))).code).toBe(code);
  });
});

describe('a token of the environment', () => {
  const credentials = (value: string, shared?: boolean): CredentialOptions => ({
    token: { variable: 'MY_TOKEN', ...(shared !== undefined && { shared }) },
    repos: [],
    env: { MY_TOKEN: value },
  });

  it('is opaque', async () => {
    const server = await startServer({ json: {} });
    const token = `ghs_12_eyJ.${'x'.repeat(3000)}.canary`;
    const { client } = clientFor(server.url, { credentials: credentials(token, false) });
    await client.read(REPO, place);
    expect(server.seen[0]?.headers.authorization).toBe(`token ${token}`);
    expect([client.credentials.kind, client.credentials.shared, await client.gitPassword('o/r', 'write')]).toEqual(['token', false, token]);
  });

  it.each(['canary canary', 'canary\n', 'x'.repeat(4097), 'canäry'])('%j is refused', async (value) => {
    const error = await failureOf(clientFor('http://127.0.0.1:1', { credentials: credentials(value) }).client.read(REPO, place));
    expect([error.code, error.message]).toEqual(['auth', 'the environment variable MY_TOKEN does not hold a token']);
  });
});

describe('the login of gh', () => {
  function withGh(script: string): CredentialOptions {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'bin'));
    writeFileSync(join(home, 'bin', 'gh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const env = { PATH: `${join(home, 'bin')}:/usr/bin:/bin`, HOME: home, GITHUB_TOKEN: '', SECRET: 'canary' };
    return { token: { variable: 'GITHUB_TOKEN' }, repos: [], env };
  }

  it('is used when nothing else is set, asked once, with a bare environment', async () => {
    const server = await startServer({ json: {} });
    const credentials = withGh('env >> "$HOME/env"; echo "$@" >> "$HOME/args"; echo gho_canary');
    const { client } = clientFor(server.url, { credentials });
    await client.read(REPO, place);
    await client.read(REPO, place);
    const { readFileSync } = await import('node:fs');
    const home = credentials.env['HOME'] ?? '';
    expect(readFileSync(join(home, 'args'), 'utf8')).toBe('auth token --hostname 127.0.0.1\n');
    expect(readFileSync(join(home, 'env'), 'utf8')).not.toContain('canary');
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['token gho_canary', 'token gho_canary']);
    expect([client.credentials.kind, client.credentials.shared]).toEqual(['gh', true]);
  });

  it.each([
    ['exit 1', 'is not logged in there'],
    // Some versions end with success and say nothing.
    ['exit 0', 'is not logged in there'],
    ['echo', 'is not logged in there'],
  ])('that says nothing of use (%s) is none', async (script, words) => {
    const error = await failureOf(clientFor('http://127.0.0.1:1', { credentials: withGh(script) }).client.read(REPO, place));
    expect([error.code, error.message]).toEqual(['auth', `there is no credential for \`127.0.0.1\`, and \`gh\` ${words}`]);
    expect(error.hint).toContain('gh auth login');
  });

  it('that does not answer is not called logged out', { timeout: 30_000 }, async () => {
    const error = await failureOf(clientFor('http://127.0.0.1:1', { credentials: withGh('exec sleep 300') }).client.read(REPO, place));
    expect([error.code, error.message]).toEqual(['auth', expect.stringContaining('`gh` did not answer in ten seconds')]);
  });

  it('is missing', async () => {
    const env = { PATH: '/nonexistent', HOME: '/' };
    for (const credentials of [withGh('exit 1'), { token: { variable: 'GITHUB_TOKEN' }, repos: [], env }]) {
      const error = await failureOf(clientFor('http://127.0.0.1:1', { credentials }).client.read(REPO, place));
      expect(error.code).toBe('auth');
      expect(error.hint).toMatch(/environment variable GITHUB_TOKEN, or install .*gh auth login --hostname 127\.0\.0\.1/);
    }
  });
});
