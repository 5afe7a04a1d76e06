/** Tokens, Apps and git over HTTP: who may do what. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, openScene, REPO, type Scene } from './scene.ts';

let s: Scene;
let work: string;
beforeEach(async () => {
  s = await openScene({ private: true });
  work = mkdtempSync(join(tmpdir(), 'github-server-git-'));
});
afterEach(async () => {
  rmSync(work, { recursive: true, force: true });
  await s.close();
});

async function git(token: string | undefined, ...args: string[]): Promise<{ ok: boolean; text: string }> {
  const header = `http.extraHeader=Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  const person = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b.c', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b.c' };
  const env = { PATH: process.env['PATH'], HOME: work, GIT_TERMINAL_PROMPT: '0', ...person };
  try {
    const { stdout, stderr } = await promisify(execFile)('git', ['-C', work, ...(token ? ['-c', header] : []), ...args], { env });
    return { ok: true, text: stdout + stderr };
  } catch (error) {
    return { ok: false, text: String((error as { stderr?: string }).stderr) };
  }
}
async function commit(path: string): Promise<void> {
  mkdirSync(dirname(join(work, path)), { recursive: true });
  writeFileSync(join(work, path), `${Math.PI}\n`);
  await git(undefined, 'add', '-A');
  expect((await git(undefined, 'commit', '-q', '-m', path)).ok).toBe(true);
}

describe('git over HTTP', () => {
  it('clones and pushes as the token allows, and pull requests follow', async () => {
    const url = `${s.server.url}/ann/widgets.git`;
    expect((await git(undefined, 'clone', '-q', url, '.')).ok).toBe(false);
    expect((await git(s.tokens.eve, 'clone', '-q', url, '.')).text).toContain('not found');
    expect((await git(s.tokens.bob, 'clone', '-q', url, '.')).ok).toBe(true);
    await commit('a.txt');
    const pushed = await git(s.tokens.bob, 'push', '-q', 'origin', 'HEAD:refs/heads/work');
    expect(pushed).toEqual({ ok: true, text: '' });
    const { data } = await s.bob('POST', `${REPO}/pulls`, { title: 'x', head: 'work', base: 'main' });
    await commit('b.txt');
    await git(s.tokens.bob, 'push', '-q', 'origin', 'HEAD:refs/heads/work');
    const head = (await git(undefined, 'rev-parse', 'HEAD')).text.trim();
    expect((await s.bob('GET', `${REPO}/pulls/${data.number}`)).data.head.sha).toBe(head);
    const reader = s.server.createToken('bob', { permissions: { contents: 'read' } });
    const denied = await git(reader, 'push', 'origin', 'HEAD:refs/heads/other');
    expect([denied.ok, denied.text]).toEqual([false, expect.stringContaining('403')]);
    s.server.protect('ann/widgets', 'main', {});
    expect((await git(s.tokens.bob, 'push', 'origin', 'HEAD:main')).text).toContain('GH006');
    expect(s.server.requests.some((one) => one.kind === 'git' && one.path.includes('git-receive-pack'))).toBe(true);
  });

  it('loses the answer to a push that has arrived, and keeps one from arriving', async () => {
    await git(s.tokens.bob, 'clone', '-q', `${s.server.url}/ann/widgets.git`, '.');
    await commit('a.txt');
    for (const kind of ['502-before', 'reset-after', '502-after'] as const) {
      s.server.fault({ kind, path: '**/git-receive-pack', method: 'POST' });
      expect((await git(s.tokens.bob, 'push', 'origin', `HEAD:refs/heads/${kind}`)).ok).toBe(false);
    }
    const there = ['502-before', 'reset-after', '502-after'].filter((branch) => s.server.tip('ann/widgets', branch) !== null);
    expect(there).toEqual(['reset-after', '502-after']);
  });

  it('refuses workflows without the permission for them', async () => {
    await git(s.tokens.bob, 'clone', '-q', `${s.server.url}/ann/widgets.git`, '.');
    await commit('.github/workflows/ci.yml');
    const denied = await git(s.tokens.bob, 'push', 'origin', 'HEAD:refs/heads/work');
    expect([denied.ok, denied.text]).toEqual([false, expect.stringContaining('without `workflow` scope')]);
    const able = s.server.createToken('bob', { permissions: { contents: 'write', workflows: 'write' } });
    expect((await git(able, 'push', '-q', 'origin', 'HEAD:refs/heads/work')).ok).toBe(true);
  });
});

describe('tokens', () => {
  it('say their scopes, end, and are refused when unknown', async () => {
    const first = await s.bob('GET', '/user');
    expect([first.headers.get('x-oauth-scopes'), first.data.login]).toEqual(['repo', 'bob']);
    s.server.renameUser('bob', 'bobby');
    expect((await s.bob('GET', '/user')).data).toMatchObject({ login: 'bobby', id: first.data.id });
    const { data } = await s.ann('GET', `${REPO}/collaborators/bobby/permission`);
    expect(data).toMatchObject({ permission: 'write', role_name: 'write', user: { id: first.data.id } });
    s.server.revokeToken(s.tokens.bob);
    expect((await s.bob('GET', '/user')).data.message).toBe('Bad credentials');
  });

  it('of an App are minted for an hour, with a part of its permissions, and act as its bot', async () => {
    // An App's client reads the clock of this machine.
    s.server.setNow(new Date().toISOString());
    const app = s.server.createApp({ name: 'The Box', account: 'ann', permissions: { issues: 'write', contents: 'read' } });
    const { request } = new Octokit({ baseUrl: s.server.apiUrl });
    const auth = createAppAuth({ appId: app.appId, privateKey: app.privateKey, request });
    const mint = (permissions: Record<string, string>) =>
      auth({ type: 'installation', installationId: app.installationId, repositoryNames: ['widgets'], permissions });
    const { token, expiresAt } = await mint({ issues: 'write' });
    expect(token.length).toBe(520);
    expect(Date.parse(expiresAt) - s.server.store.millis()).toBeGreaterThan(3_590_000);
    const bot = client(s.server, token);
    const { data } = await bot('POST', `${REPO}/issues`, { title: 'x', labels: ['l'] });
    expect(data).toMatchObject({ user: { login: 'the-box[bot]', type: 'Bot' }, performed_via_github_app: { slug: 'the-box' } });
    expect(data.labels).toHaveLength(1);
    const denied = await bot('POST', `${REPO}/git/refs`, { ref: 'refs/heads/x', sha: s.server.tip('ann/widgets', 'main') });
    expect([denied.status, denied.data.message]).toEqual([403, 'Resource not accessible by integration']);
    await expect(mint({ contents: 'write' })).rejects.toThrow(/not granted/);
    s.server.advance(3601);
    expect((await bot('GET', `${REPO}/issues`)).status).toBe(401);
  });
});
