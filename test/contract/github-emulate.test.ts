/**
 * The adapter against a GitHub that somebody else wrote, `emulate`: what both
 * it and GitHub do is held here, so that our own test GitHub cannot hide a
 * misreading that it shares with the adapter. Parts of the contract left out,
 * because `emulate` 0.12.2 lacks or differs:
 *
 * - whatever is read by GraphQL (views, lists of issues with what is pinned,
 *   events of labels, batched looks): it has no GraphQL;
 * - checks: it has no commit statuses and tells no protection of a branch;
 * - dependencies and sub-issues: it has none;
 * - pushing: it has no git over HTTP, so branches are made by its API;
 * - who may do what: an unknown token acts as some user of it;
 * - a second pull request of a head, a conflict, a merge that rules forbid,
 *   closing by keyword: it allows the first three and does not do the last;
 * - who closed a pull request: it has no issue behind one;
 * - the default branch: it may be deleted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmulator } from 'emulate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GitHub } from '../../src/core/github/github.ts';
import { openClient } from '../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../src/core/github/octokit/forge.ts';
import { codeOf } from './github.ts';

const REPO = 'acme/shop';
const TOKEN = 'a-token-of-the-test';

interface Emulated {
  forge: GitHub;
  /** A commit with one file on a new branch. @returns the tip. */
  branch(name: string): Promise<string>;
  approve(number: number): Promise<void>;
  close(): Promise<void>;
}

/** `emulate` takes 0 for a port, and then does not say which one it got. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function openEmulated(): Promise<Emulated> {
  const seed = {
    tokens: { [TOKEN]: { login: 'acme', scopes: ['repo'] } },
    github: { users: [{ login: 'acme' }], repos: [{ owner: 'acme', name: 'shop', auto_init: true }] },
  };
  const emulator = await createEmulator({ service: 'github', port: await freePort(), seed });
  const apiUrl = emulator.url.replace('localhost', '127.0.0.1');
  const dir = mkdtempSync(join(tmpdir(), 'agentos-emulate-'));
  let passed = 0;
  const pass = async (ms: number) => {
    passed += ms;
  };
  const clock = { now: () => new Date(Date.now() + passed) };
  const { signal } = new AbortController();
  const credentials = { token: { variable: 'TOKEN' }, repos: [REPO], env: { TOKEN } };
  const writes = { per_minute: 60, per_hour: 450 };
  const client = openClient({ apiUrl, credentials, stateDir: dir, clock, signal, writes }, { sleep: pass });
  const send = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const headers = { authorization: `token ${TOKEN}`, 'content-type': 'application/json' };
    const answer = await fetch(`${apiUrl}/repos/${REPO}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  return {
    forge: openOctokitForge({ client, memoryDir: join(dir, 'issues'), clock, signal, wait: pass }),
    branch: async (name) => {
      const { object } = (await send('GET', '/git/ref/heads/main')) as { object: { sha: string } };
      await send('POST', '/git/refs', { ref: `refs/heads/${name}`, sha: object.sha });
      const content = Buffer.from(name).toString('base64');
      const { commit } = (await send('PUT', `/contents/${name}.txt`, { message: 'Change', content, branch: name })) as {
        commit: { sha: string };
      };
      return commit.sha;
    },
    approve: async (number) => {
      await send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', body: 'good' });
    },
    close: async () => {
      await emulator.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

describe('GitHub as `emulate` knows it', () => {
  let emulated: Emulated;
  beforeAll(async () => {
    emulated = await openEmulated();
  });
  afterAll(() => emulated.close());

  it('describes the repository, and answers not_found for what is not there', async () => {
    const { forge } = emulated;
    expect(await forge.getRepository(REPO)).toEqual({
      name: REPO,
      defaultBranch: 'main',
      mergeMethods: ['squash', 'merge', 'rebase'],
      archived: false,
    });
    expect(await forge.findBranch(REPO, 'main')).toMatch(/^[0-9a-f]{40}$/);
    expect(await forge.findBranch(REPO, 'no/such')).toBeUndefined();
    expect(await codeOf(forge.getRepository('nobody/nothing'))).toBe('not_found');
    expect(await codeOf(forge.findBranch('nobody/nothing', 'main'))).toBe('not_found');
    expect(await codeOf(forge.getPullRequest(REPO, 99_999))).toBe('not_found');
    expect(await codeOf(forge.createComment(REPO, 99_999, 'x'))).toBe('not_found');
  });

  it('knows who has which permission, by id and login together', async () => {
    const { forge } = emulated;
    const own = await forge.getIdentity();
    expect(own.login).toBe('acme');
    expect(await forge.getPermission(REPO, own)).toBe('admin');
    expect(await forge.getPermission(REPO, { id: own.id + 1, login: own.login })).toBe('none');
    expect(await forge.getPermission(REPO, { id: own.id, login: 'nobody' })).toBe('none');
  });

  it('creates, edits in place and lists comments; closes and reopens once each', async () => {
    const { forge } = emulated;
    const { number } = await forge.createIssue(REPO, { title: 'Talk', body: 'x', labels: ['bug'] });
    const first = await forge.createComment(REPO, number, 'One');
    const second = await forge.createComment(REPO, number, 'Two\n');
    await forge.updateComment(REPO, number, second.id, '<!-- marker -->\nThree');
    expect((await forge.listComments(REPO, number)).map(({ id, body }) => ({ id, body }))).toEqual([
      { id: first.id, body: 'One' },
      { id: second.id, body: '<!-- marker -->\nThree' },
    ]);
    expect(await codeOf(forge.updateComment(REPO, number, 999_999_999, 'x'))).toBe('not_found');
    for (const _ of [1, 2]) await forge.closeIssue(REPO, number, 'completed');
    for (const _ of [1, 2]) await forge.reopenIssue(REPO, number);
    for (const _ of [1, 2]) await forge.removeLabel(REPO, number, 'BUG');
  });

  it('opens a pull request that is reviewed, merged at its judged head, and whose branch goes at its expected tip', async () => {
    const { forge, branch, approve } = emulated;
    const head = await branch('work');
    const { number } = await forge.createPullRequest(REPO, { title: 'Change it', body: 'b', head: 'work', base: 'main' });
    const open = { number, state: 'open', base: 'main', head: 'work', headSha: head, mergeable: true, draft: false };
    expect(await forge.getPullRequest(REPO, number)).toMatchObject(open);
    expect((await forge.listPullRequests(REPO, { state: 'open', head: 'work' })).map((pull) => pull.number)).toEqual([number]);
    expect(await forge.listPullRequests(REPO, { state: 'merged' })).toEqual([]);
    await approve(number);
    expect(await forge.listReviews(REPO, number)).toMatchObject([{ state: 'approved', sha: head, body: 'good' }]);
    const merge = { method: 'squash', expectedHeadSha: head, title: 'Change it', message: '' } as const;
    expect(await codeOf(forge.mergePullRequest(REPO, number, { ...merge, expectedHeadSha: '0'.repeat(40) }))).toBe('conflict');
    const merged = await forge.mergePullRequest(REPO, number, merge);
    expect(merged).toEqual({ sha: await forge.findBranch(REPO, 'main') });
    expect(await forge.getPullRequest(REPO, number)).toMatchObject({
      state: 'merged',
      headSha: head,
      mergeSha: (merged as { sha: string }).sha,
    });
    expect(await codeOf(forge.mergePullRequest(REPO, number, merge))).toBe('refused');
    expect(await codeOf(forge.closePullRequest(REPO, number))).toBe('refused');
    await forge.deleteBranch(REPO, 'work', '0'.repeat(40));
    expect(await forge.findBranch(REPO, 'work')).toBe(head);
    for (const _ of [1, 2]) await forge.deleteBranch(REPO, 'work', head);
    expect(await forge.findBranch(REPO, 'work')).toBeUndefined();
  });
});
