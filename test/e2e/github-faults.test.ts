/**
 * The command that ships, and a GitHub that loses answers, asks to wait, refuses
 * the credential, talks nonsense, or has moved a repository. Whatever happens,
 * every write happens once and no task suffers (rows 36 to 53 of
 * docs/reliability.md). What would take a minute is written into the files
 * that remember it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../github-server/faults.ts';
import { GITHUB_CONFIG, GitHubWorld, type GitHubWorldOptions, PERSON } from '../support/github-world.ts';
import { addsFile, type Ended, REPO } from '../support/world.ts';

const OTHER = 'demo/other';
const BODY = addsFile('src/hello.js', 'export const hello = 1;\n');
let world: GitHubWorld | undefined;
afterEach(async () => {
  const violations = world?.server.violations;
  await world?.end();
  world = undefined;
  expect(violations).toEqual([]);
});

async function begin(options: GitHubWorldOptions = {}): Promise<GitHubWorld> {
  world = await GitHubWorld.begin(options);
  return world;
}

function files(world: GitHubWorld, dir: string): string[] {
  const all = readdirSync(world.path(dir), { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** As if a minute had passed: for what is open in the journal, what waits in the mailbox, what GitHub asked for. */
function passMinute(world: GitHubWorld): void {
  const earlier = (at: string) => new Date(Date.parse(at) - 61_000).toISOString();
  for (const file of files(world, 'state/effects').filter((name) => name.endsWith('.json'))) {
    const record = JSON.parse(readFileSync(file, 'utf8')) as { state: string; intendedAt: string };
    if (record.state === 'intent') writeFileSync(file, JSON.stringify({ ...record, intendedAt: earlier(record.intendedAt) }));
  }
  for (const file of files(world, 'state/mailbox').filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(file, 'utf8');
    if (text.includes('not_before:')) writeFileSync(file, text.replace(/^not_before: .*$/m, 'not_before: 2026-01-01T00:00:00.000Z'));
  }
}

/** GitHub's pause is over. */
function forgetLimits(world: GitHubWorld): void {
  for (const file of files(world, 'state/forge').filter((name) => name.endsWith('token.json'))) {
    const state = JSON.parse(readFileSync(file, 'utf8')) as { primary: object; secondary?: { until: number } };
    if (state.secondary) state.secondary.until = Date.now() - 1;
    writeFileSync(file, JSON.stringify({ ...state, primary: {} }));
  }
}

const isWrite = ({ kind, method, path }: { kind: string; method: string; path: string }) =>
  kind === 'git' ? path.endsWith('/git-receive-pack') : kind === 'rest' && method !== 'GET';

/** Requests that write, by what they say. */
function writesOf({ server }: GitHubWorld): Map<string, number> {
  const counts = new Map<string, number>();
  for (const request of server.requests.filter(isWrite)) {
    const what = `${request.method} ${request.path} ${request.body.slice(0, 3000)}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

async function expectDone(world: GitHubWorld, issue: number): Promise<void> {
  expect(world.task(issue)?.tray).toBe('done');
  const found = world.server.issue(REPO, issue);
  expect([found.state, found.comments.length]).toEqual(['closed', 1]);
  const pulls = [...world.server.repo(REPO).issues.values()].filter((one) => one.pull);
  expect(pulls).toMatchObject([{ state: 'closed', pull: { mergeSha: world.server.tip(REPO, 'main') } }]);
  expect(pulls[0]?.events.filter(({ event }) => event === 'merged')).toHaveLength(1);
  expect(await world.done('fsck')).toContain('clean');
}

/** Rounds a minute apart until the task is done. */
async function roundsUntilDone(world: GitHubWorld, issue: number): Promise<Ended[]> {
  const ended: Ended[] = [];
  for (let k = 0; k < 16 && world.task(issue)?.tray !== 'done'; k++) {
    ended.push(...Object.values(await world.round()));
    passMinute(world);
  }
  ended.push(await world.call(['dispatch']));
  return ended;
}

describe('answers that are lost', { timeout: 180_000 }, () => {
  const every: Omit<Fault, 'kind'>[] = [
    { method: 'POST', path: '/repos/*/*/issues/*/comments' },
    { method: 'PATCH', path: '/repos/*/*/issues/comments/*' },
    { method: 'POST', path: '/repos/*/*/issues/*/labels' },
    { method: 'DELETE', path: '/repos/*/*/issues/*/labels/*' },
    { method: 'POST', path: '**/git-receive-pack' },
    { method: 'POST', path: '/repos/*/*/pulls' },
    { method: 'PUT', path: '/repos/*/*/pulls/*/merge' },
    { method: 'PATCH', path: '/repos/*/*/issues/*' },
    { method: 'DELETE', path: '/repos/*/*/git/refs/**' },
  ];

  it.each(['502-after', 'reset-after'] as const)('of every kind of write (%s): found, and nothing is sent again', async (kind) => {
    const world = await begin({ server: { mergeAsync: false } });
    const issue = world.open('Say hello', BODY);
    for (const fault of every) world.server.fault({ kind, ...fault });
    const ended = await roundsUntilDone(world, issue);
    expect(ended.filter(({ status }) => status !== 0 && status !== 75)).toEqual([]);
    const twice = [...writesOf(world)].filter(([what, count]) => count > 1 && !/merge-async|\/labels/.test(what));
    expect(twice).toEqual([]);
    await expectDone(world, issue);
  });

  it('of writes that did not happen: sent again, and done once', async () => {
    const world = await begin({ server: { mergeAsync: false } });
    const issue = world.open('Say hello', BODY);
    for (const fault of every.slice(4, 7)) world.server.fault({ kind: '502-before', ...fault });
    await roundsUntilDone(world, issue);
    const twice = [...writesOf(world)].filter(([what, count]) => count > 1 && !/merge-async|\/labels/.test(what));
    expect(twice.map(([, count]) => count)).toEqual([2, 2, 2]);
    await expectDone(world, issue);
  });
});

describe('GitHub asks to wait', { timeout: 120_000 }, () => {
  it.each<[string, Fault]>([
    ['403, secondary, without a time', { kind: '403-secondary' }],
    ['403, secondary', { kind: '403-secondary', retryAfter: 120 }],
    ['429, secondary, without a time', { kind: '429-secondary' }],
    ['429, secondary', { kind: '429-secondary', retryAfter: 120 }],
  ])('%s: nothing is sent until then, by no process', async (_, fault) => {
    const world = await begin();
    const issue = world.open('Say hello', BODY);
    world.server.fault({ ...fault, method: 'POST', path: '/repos/**' });
    // The task is taken in; that it cannot be shown yet is put right later.
    await world.done('dispatch');
    const sent = world.server.requests.length;
    expect(world.server.requests.filter(isWrite)).toHaveLength(1);
    for (const loop of ['dispatch', 'groom']) expect([loop, (await world.call([loop])).status]).toEqual([loop, 75]);
    expect(world.server.requests).toHaveLength(sent);
    forgetLimits(world);
    expect((await world.call(['dispatch'])).status).toBe(0);
    expect(world.server.issue(REPO, issue).comments).toHaveLength(1);
    expect(world.task(issue)?.tray).toBe('inbox');
  });

  it('the hour is used up: the next process sends nothing, until there is a new one', async () => {
    const world = await begin();
    const issue = world.open('Say hello', BODY);
    world.server.fault({ kind: 'primary', path: '/graphql', retryAfter: 600 });
    const first = await world.call(['dispatch']);
    const sent = world.server.requests.length;
    const second = await world.call(['dispatch']);
    expect([first.status, second.status, world.server.requests.length]).toEqual([75, 75, sent]);
    forgetLimits(world);
    await world.done('dispatch');
    expect(world.task(issue)?.tray).toBe('inbox');
  });
});

describe('the credential is refused', { timeout: 120_000 }, () => {
  it('when a pass begins, and in the middle of one: exit 77, and no task suffers', async () => {
    const world = await begin();
    const issue = world.open('Say hello', BODY);
    world.server.fault({ kind: '401', path: '/graphql' });
    expect((await world.call(['dispatch'])).status).toBe(77);
    await world.done('dispatch');
    world.server.fault({ kind: '401', method: 'POST', path: '/repos/*/*/pulls' });
    expect((await world.call(['queue'])).status).toBe(77);
    expect(world.task(issue)?.tray).toBe('inbox');
    passMinute(world);
    await roundsUntilDone(world, issue);
    expect(world.server.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/pulls'))).toHaveLength(2);
    await expectDone(world, issue);
  });
});

describe('nonsense', { timeout: 120_000 }, () => {
  it.each(['html', 'truncated', 'cut', '502-before'] as const)(
    'instead of the list of issues (%s): nothing is concluded from it',
    async (kind) => {
      const world = await begin();
      const issue = world.open('Say hello', BODY);
      await world.done('dispatch');
      const before = world.listMailbox();
      world.server.fault({ kind, path: '/graphql', times: 3 });
      expect((await world.call(['dispatch'])).status).toBe(75);
      expect(world.listMailbox()).toEqual(before);
      // Once or twice is put right within the pass.
      world.server.fault({ kind, path: '/graphql', times: 2 });
      await world.done('dispatch');
      expect([world.task(issue)?.tray, world.server.issue(REPO, issue).comments.length]).toEqual(['inbox', 1]);
    },
  );
});

describe('a repository that is gone or changed', { timeout: 120_000 }, () => {
  const config = GITHUB_CONFIG.replace('repos:\n', `repos:\n  - name: ${OTHER}\n`);
  it.each<[string, (world: GitHubWorld) => void, RegExp]>([
    ['renamed', ({ server }) => server.renameRepo(OTHER, 'elsewhere'), /demo\/elsewhere/],
    ['transferred', ({ server }) => server.transferRepo(OTHER, PERSON), /octocat\/other/],
    ['archived', ({ server }) => server.archiveRepo(OTHER), /is archived/],
    ['deleted', ({ server }) => server.deleteRepo(OTHER), /does not exist, or the token does not see it/],
  ])('%s: the others go on, and the reason is said', async (_, change, reason) => {
    const world = await begin({ config });
    world.server.createRepo(OTHER, { collaborators: { 'agentos-bot': 'write', [PERSON]: 'write' } });
    world.server.as(PERSON).openIssue(OTHER, { title: 'There', body: BODY, labels: ['ready'] });
    const issue = world.open('Here', BODY);
    change(world);
    const ended = await world.call(['dispatch']);
    expect(world.task(issue)?.tray).toBe('inbox');
    expect(world.listMailbox().filter(({ file }) => file.startsWith('demo__other'))).toEqual([]);
    expect(ended.stdout + ended.stderr).toMatch(reason);
    const queue = await world.call(['queue']);
    expect([queue.status, world.task(issue)?.tray]).toEqual([0, 'review']);
  });
});

describe('a credential that may not write comments', { timeout: 120_000 }, () => {
  it('takes the work in, and says once what people do not get to see', async () => {
    const world = await begin();
    const issues = [world.open('Say hello', BODY), world.open('Say it again', BODY)];
    const token = world.server.createToken('demo', {
      permissions: { contents: 'write', pull_requests: 'write', issues: 'read', metadata: 'read' },
      repos: [REPO],
    });
    const ended = await world.call(['dispatch', '--quiet'], { GITHUB_TOKEN: token });
    expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['inbox', 'inbox']);
    const [first, second, ...more] = ended.stderr.trimEnd().split('\n');
    expect([ended.status, ended.stdout, more]).toEqual([0, '', []]);
    expect(first).toMatch(/cannot show where demo\/shop#1 stands: GitHub refused `POST .*Resource not accessible/);
    expect(second).toMatch(/^ {2}Give the credential the permissions/);
  });
});
