/** What the adapter does beyond the contract, over the test GitHub. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { openClient } from '../../../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../../../src/core/github/octokit/forge.ts';
import { codeOf } from '../../../contract/github.ts';
import type { Options } from '../../../github-server/server.ts';
import { type OctokitHarness, openHarness, REPO } from './harness.ts';

let h: OctokitHarness | undefined;
afterEach(async () => {
  await h?.close();
  h = undefined;
});

async function open(options: Options = {}): Promise<OctokitHarness> {
  h = await openHarness(options);
  return h;
}

async function openPull({ forge, push }: OctokitHarness): Promise<{ number: number; head: string }> {
  const head = await push('work', { 'work.txt': '1\n' }, 'main');
  const { number } = await forge.createPullRequest(REPO, { title: 'Work', body: '', head: 'work', base: 'main' });
  return { number, head };
}
const squash = (expectedHeadSha: string) => ({ method: 'squash', expectedHeadSha, title: 'Work (#1)', message: 'x' }) as const;

it('asks for settings of the repository at no cost while they stay the same', async () => {
  const { forge, server } = await open();
  const before = await forge.getRepository(REPO);
  expect(await forge.getRepository(REPO)).toEqual(before);
  server.archiveRepo(REPO);
  expect(await forge.getRepository(REPO)).toEqual({ ...before, archived: true });
  const answers = server.requests.filter((request) => request.path.endsWith(`/repos/${REPO}`)).map((request) => request.status);
  expect(answers).toEqual([200, 304, 200]);
});

describe('merging', () => {
  it('works on a server that cannot do it in the background', async () => {
    const one = await open({ mergeAsync: false });
    const { number, head } = await openPull(one);
    expect(await codeOf(one.forge.mergePullRequest(REPO, number, squash('0'.repeat(40))))).toBe('conflict');
    const merged = await one.forge.mergePullRequest(REPO, number, squash(head));
    expect(merged).toEqual({ sha: await one.forge.findBranch(REPO, 'main') });
  });

  it('hands over to a merge queue', async () => {
    const one = await open();
    one.server.addRuleset(REPO, [{ type: 'merge_queue', parameters: {} }]);
    const { number, head } = await openPull(one);
    expect(await one.forge.isEnqueued?.(REPO, number)).toBe(false);
    expect(await one.forge.mergePullRequest(REPO, number, squash(head))).toEqual({ enqueued: true });
    expect(await one.forge.isEnqueued?.(REPO, number)).toBe(true);
    one.server.runMergeQueue(REPO, 'squash');
    expect((await one.forge.getPullRequest(REPO, number)).state).toBe('merged');
  });

  it.each([true, false])('is unknown after an answer that was lost (in the background: %s), and was done once', async (mergeAsync) => {
    const one = await open({ mergeAsync });
    const { number, head } = await openPull(one);
    one.server.fault({ kind: '502-after', method: 'PUT', path: mergeAsync ? '**/merge-async' : '**/merge' });
    expect(await codeOf(one.forge.mergePullRequest(REPO, number, squash(head)))).toBe('unknown_outcome');
    const puts = one.server.requests.filter((request) => request.method === 'PUT' && /\/merge(-async)?$/.test(request.path));
    expect(puts.filter((request) => request.status !== 404)).toHaveLength(1);
    // A second try finds the first one: what it did, or that it is under way.
    const again = await codeOf(one.forge.mergePullRequest(REPO, number, squash(head)));
    expect(['no error', 'refused']).toContain(again);
    expect((await one.forge.getPullRequest(REPO, number)).state).toBe('merged');
  });

  it('is refused while a rule is not kept', async () => {
    const one = await open();
    one.server.protect(REPO, 'main', { requiredReviews: 1 });
    const { number, head } = await openPull(one);
    expect(await codeOf(one.forge.mergePullRequest(REPO, number, squash(head)))).toBe('refused');
    expect((await one.forge.getPullRequest(REPO, number)).state).toBe('open');
  });
});

describe('an app', () => {
  it('is the account of its bot, which nobody shares', async () => {
    const { server } = await open();
    const read = { metadata: 'read', checks: 'read', statuses: 'read', actions: 'read' } as const;
    const permissions = { ...read, issues: 'write', contents: 'write', pull_requests: 'write' } as const;
    const app = server.createApp({ name: 'Agent OS', account: 'acme', permissions });
    const dir = mkdtempSync(join(tmpdir(), 'agentos-app-'));
    const privateKeyFile = join(dir, 'app.pem');
    writeFileSync(privateKeyFile, app.privateKey, { mode: 0o600 });
    const { signal } = new AbortController();
    const credentials = { app: { id: app.appId, installationId: app.installationId, privateKeyFile }, repos: [REPO], env: {} };
    const writes = { per_minute: 80, per_hour: 500 };
    const client = openClient({ apiUrl: server.apiUrl, credentials, stateDir: dir, clock: systemClock, signal, writes });
    const forge = openOctokitForge({ client, memoryDir: join(dir, 'issues'), clock: systemClock, signal });
    const own = await forge.getIdentity();
    expect(own).toEqual({ id: server.store.findUser(app.login)?.id, login: 'agent-os[bot]', shared: false });
    const { number } = await forge.createIssue(REPO, { title: 'By the app', body: '', labels: ['ready'] });
    const { issue, events } = await forge.viewIssue(REPO, number);
    expect([issue.author, events[0]?.actor]).toEqual(Array(2).fill({ id: own.id, login: own.login }));
    rmSync(dir, { recursive: true, force: true });
  });
});

describe('a pull request', () => {
  it('is mergeable once GitHub has computed it', async () => {
    const one = await open({ mergeableAfterReads: 2 });
    const { number } = await openPull(one);
    const read = async () => one.forge.getPullRequest(REPO, number);
    expect(await read()).not.toHaveProperty('mergeable');
    await read();
    expect((await read()).mergeable).toBe(true);
  });
});

describe('checks', () => {
  it('are pending until every required one is reported, then what they say', async () => {
    const one = await open();
    one.server.setChecks(REPO, [
      { name: 'test', run: 'pass' },
      { name: 'lint', run: 'fail' },
    ]);
    one.server.protect(REPO, 'main', { requiredChecks: ['test', 'deploy'].map((context) => ({ context, appId: null })) });
    const { head } = await openPull(one);
    const states = async () => (await one.forge.listCheckRuns(REPO, head, 'main')).map(({ name, state }) => [name, state]);
    expect(await states()).toEqual([
      ['lint', 'pending'],
      ['test', 'pending'],
      ['deploy', 'pending'],
    ]);
    one.server.runChecks(REPO);
    one.server.as('operator').status(REPO, head, 'deploy', 'success');
    expect(await states()).toEqual([
      ['lint', 'failure'],
      ['test', 'success'],
      ['deploy', 'success'],
    ]);
  });
});

describe('an issue', () => {
  it('tells edits of its text and title, whoever made them, and that it is pinned', async () => {
    const { forge, server } = await open();
    server.setNow('2026-01-02T03:00:00Z');
    const { number } = await forge.createIssue(REPO, { title: 'Tax', body: 'a', labels: [] });
    const operator = server.as('operator');
    server.advance(60);
    operator.edit(REPO, number, 'b\r\nc');
    operator.rename(REPO, number, 'Taxes');
    operator.pin(REPO, number);
    const { issue, events } = await forge.viewIssue(REPO, number);
    expect(issue).toMatchObject({ title: 'Taxes', body: 'b\nc', pinned: true });
    expect(events.map((event) => [event.kind, event.at, event.actor?.login]).sort()).toEqual([
      ['edited', '2026-01-02T03:01:00Z', 'operator'],
      ['renamed', '2026-01-02T03:01:00Z', 'operator'],
    ]);
    expect(await forge.listIssues(REPO, { state: 'open' })).toEqual([issue]);
  });

  it('of a person who is gone is the ghost’s', async () => {
    const { forge, server } = await open();
    server.createUser('eve');
    const number = server.as('eve').openIssue(REPO, { title: 'Old' });
    server.deleteUser('eve');
    expect((await forge.getIssue(REPO, number)).author.login).toBe('ghost');
  });
});

describe('a repository', () => {
  it('that was renamed is read under its old name, and says so to whoever asks for it', async () => {
    const { forge, server } = await open();
    const { number } = await forge.createIssue(REPO, { title: 'Tax', body: '', labels: [] });
    server.renameRepo(REPO, 'store');
    expect(await forge.listComments(REPO, number)).toEqual([]);
    await expect(forge.getRepository(REPO)).rejects.toMatchObject({ code: 'refused', message: '`acme/shop` is now `acme/store`' });
    expect(await codeOf(forge.createComment(REPO, number, 'x'))).toBe('refused');
    expect(server.issue('acme/store', number).comments).toEqual([]);
  });

  it('that is archived says so', async () => {
    const { forge, server } = await open();
    server.archiveRepo(REPO);
    expect((await forge.getRepository(REPO)).archived).toBe(true);
  });
});
