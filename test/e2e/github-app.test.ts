/** The whole way as a GitHub App, and with the account of a person who labels and reviews as well. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Token } from '../github-server/accounts.ts';
import type { LoggedRequest } from '../github-server/server.ts';
import { APP_PERMISSIONS, GITHUB_CONFIG, GitHubWorld, type GitHubWorldOptions, PERSON } from '../support/github-world.ts';
import { addsFile, REPO } from '../support/world.ts';

const OTHER = 'demo/other';
const CHANGE = addsFile('src/empty.js', 'export const empty = [];\n');

let world: GitHubWorld;
afterEach(async () => {
  const { violations } = world.server;
  await world.end();
  expect(violations).toEqual([]);
});

const begin = async (options: GitHubWorldOptions = { app: APP_PERMISSIONS }): Promise<void> => {
  world = await GitHubWorld.begin(options);
};
const tokens = (): Token[] => [...world.server.store.state.tokens.values()].filter(({ kind }) => kind === 'installation');
const tokenOf = ({ headers }: LoggedRequest): Token | undefined => {
  const [scheme = '', value = ''] = (headers['authorization'] ?? '').toString().split(' ');
  const secret = /^basic$/i.test(scheme)
    ? Buffer.from(value, 'base64')
        .toString()
        .replace(/^[^:]*:/, '')
    : value;
  return world.server.store.state.tokens.get(secret);
};
const botId = () => world.server.as(world.app.login).id;
const pulls = () => [...world.server.repo(REPO).issues.values()].filter(({ pull }) => pull !== undefined);
const comments = (issue: number) => world.server.issue(REPO, issue).comments;

/** A second repository that the App is installed on, and that is looked after too. */
function addOther(): void {
  world.server.createRepo(OTHER);
  const installation = world.server.store.state.installations.get(world.app.installationId);
  if (installation) installation.repositoryIds = 'all';
  world.write('config.yaml', world.read('config.yaml').replace('repos:\n', `repos:\n  - { name: ${OTHER} }\n`));
}

function isWrite({ kind, method, path, body }: LoggedRequest): boolean {
  if (kind === 'graphql') return /"query":"\s*mutation/.test(body);
  return kind === 'git' ? path.includes('git-receive-pack') : method !== 'GET';
}

describe('as an App', { timeout: 120_000 }, () => {
  it('an issue is merged by the bot, with one token to read everything and one to write to each repository', async () => {
    await begin();
    addOther();
    const issue = world.open('An empty list', CHANGE);
    await world.roundsUntil(issue, 'done', 4);
    expect(world.server.issue(REPO, issue).state).toBe('closed');
    expect(pulls()).toMatchObject([{ state: 'closed', authorId: botId(), pull: { mergeSha: expect.any(String) } }]);
    expect(comments(issue)).toMatchObject([{ authorId: botId(), body: expect.stringContaining('**Done**') }]);

    const ids = [world.server.repo(REPO).id, world.server.repo(OTHER).id].sort();
    const asked = world.server.requests.filter(({ path }) => !path.endsWith('/access_tokens'));
    for (const request of asked) {
      const token = tokenOf(request);
      // Git asks once without a password.
      if (request.kind === 'git' && request.headers['authorization'] === undefined) continue;
      const { kind, permissions = {}, repositoryIds } = token ?? {};
      const what = `${request.method} ${request.path}`;
      expect(kind, what).toBe('installation');
      expect(Object.values(permissions).includes('write'), what).toBe(isWrite(request));
      expect(repositoryIds === 'all' ? repositoryIds : [...(repositoryIds ?? [])].sort(), what).toEqual(
        isWrite(request) ? ids.slice(0, 1) : ids,
      );
    }
    const { contents, pull_requests, issues, ...least } =
      tokens().find(({ permissions }) => permissions['contents'] === 'write')?.permissions ?? {};
    expect([contents, pull_requests, issues]).toEqual(['write', 'write', 'write']);
    expect(least).toEqual({ checks: 'read', actions: 'read', metadata: 'read' });
    expect(await world.done('fsck')).toContain('clean');
  });

  it('a pass of dispatch without news is two requests', async () => {
    await begin();
    await world.done('dispatch');
    const before = world.server.requests.length;
    await world.done('dispatch');
    const paths = world.server.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
    expect(paths).toEqual([`POST /app/installations/${world.app.installationId}/access_tokens`, 'POST /graphql']);
  });

  it('tokens that end in the middle of a pass are made anew', async () => {
    await begin();
    const issue = world.open('An empty list', CHANGE);
    let ended = 0;
    const endAll = () => {
      for (const { token } of tokens()) world.server.revokeToken(token);
      ended++;
      return false;
    };
    // At a read, which is asked again at once, and at a write, which the next pass makes.
    const due = new Set(['/pulls/', '/comments']);
    world.server.fault({
      kind: '401',
      when: ({ path }) => [...due].some((part) => path.includes(part) && due.delete(part)) && endAll(),
    });
    await world.roundsUntil(issue, 'done', 8);
    expect(ended).toBe(2);
    expect(pulls()).toHaveLength(1);
    expect(comments(issue)).toHaveLength(1);
    expect(await world.done('fsck')).toContain('clean');
  });

  it('a label that its own bot put on, and that the journal does not hold, makes nothing Ready', async () => {
    await begin();
    const issue = world.server.as(PERSON).openIssue(REPO, { title: 'An empty list', body: CHANGE });
    world.server.addCollaborator(REPO, world.app.login, 'write');
    world.server.as(world.app.login).label(REPO, issue, 'ready');
    await world.done('dispatch');
    expect(world.listMailbox()).toEqual([]);
    expect(await world.done('explain', `${REPO}#${issue}`)).toContain('put on by agent-os[bot], our own account');
    const { checks } = await world.document('doctor');
    expect(checks).toContainEqual(expect.objectContaining({ name: 'forge', state: 'ok', what: expect.stringContaining('agent-os[bot]') }));
  });

  it('an installation that is gone: 77, with what to do', async () => {
    await begin();
    await world.done('dispatch');
    world.server.store.state.installations.delete(world.app.installationId);
    const ended = await world.call(['dispatch']);
    expect(ended.status).toBe(77);
    expect(ended.stderr).toMatch(/access_tokens[\s\S]*Check the id, the installation, its repositories and its permissions/);
  });

  it('an installation that lacks a permission: 77, with what to do', async () => {
    await begin({ app: { ...APP_PERMISSIONS, issues: 'read' } });
    const issue = world.open('An empty list', CHANGE);
    const ended = await world.call(['dispatch']);
    expect(ended.status).toBe(77);
    expect(ended.stderr).toMatch(
      /permissions requested are not granted[\s\S]*Check the id, the installation, its repositories and its permissions/,
    );
    expect(world.server.issue(REPO, issue).comments).toEqual([]);
  });

  const keyFile = () => world.path('app.pem');
  it.each<[string, () => void, RegExp]>([
    ['that others may read', () => chmodSync(keyFile(), 0o644), /may be read by others\n +Run `chmod 600 /],
    ['that is not there', () => rmSync(keyFile()), /app\.pem` is not there\n[\s\S]*forge\.app\.private_key_file/],
    ['that is a directory', () => [rmSync(keyFile()), mkdirSync(keyFile(), { mode: 0o700 })], /is not a regular file/],
    ['that holds none', () => world.write('app.pem', 'hello\n'), /holds no private key\n +Download it anew/],
    ['that is cut off', () => world.write('app.pem', world.app.privateKey.slice(0, 300)), /cannot be used\n +Download it anew/],
    ['of another App', () => world.write('app.pem', makeKey()), /could not be decoded[\s\S]*Check the id/],
  ])('a private key %s: 77, with what to do', async (_, spoil, message) => {
    await begin();
    spoil();
    const ended = await world.call(['dispatch']);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toContain('at ');
    expect(ended.status).toBe(77);
    expect((await world.call(['doctor'])).status).toBe(1);
  });
});

function makeKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  return privateKey;
}

describe('with the account of a person', { timeout: 120_000 }, () => {
  it("the person's label counts, their own review approves nothing, and `approve --sha` does", async () => {
    const config = GITHUB_CONFIG.replace('automation: full', 'automation: supervised');
    await begin({ account: PERSON, forge: 'machine_account: false', config });
    const issue = world.open('An empty list', CHANGE);
    await world.roundsUntil(issue, 'review', 3);
    const [pull] = pulls();
    const number = pull?.number ?? 0;
    expect(pull?.authorId).toBe(world.server.as(PERSON).id);
    world.server.as(PERSON).review(REPO, number, 'APPROVED');
    world.server.as(PERSON).comment(REPO, issue, 'A comment of mine, not of Agent OS.');
    for (let k = 0; k < 2; k++) await world.round();
    expect(world.server.issue(REPO, number)).toMatchObject({ state: 'open' });
    expect(world.task(issue)?.tray).toBe('review');

    await world.done('approve', `${REPO}#${number}`, '--sha', pull?.pull?.headSha ?? '');
    await world.roundsUntil(issue, 'done', 3);
    expect(world.server.issue(REPO, issue).state).toBe('closed');
    // One status comment, which it took for no other; the person's is as it was.
    const texts = comments(issue).map(({ body }) => body);
    expect(texts).toHaveLength(2);
    expect(texts).toContain('A comment of mine, not of Agent OS.');
    expect(await world.done('fsck')).toContain('clean');
  });
});
