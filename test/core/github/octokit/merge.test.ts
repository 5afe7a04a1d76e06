import { afterEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../../contract/github.ts';
import { openScripted, type Script, type Scripted, type ScriptedGitHub } from './scripted-github.ts';

const HEAD = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);
const SHA = 'c'.repeat(40);
const AT = '2026-01-02T03:00:00Z';
const PULL = 'GET /repos/acme/shop/pulls/9';
const ASYNC = 'PUT /repos/acme/shop/pulls/9/merge-async';
const POLL = 'GET /repos/acme/shop/pulls/9/merge-async/u1';
const SYNC = 'PUT /repos/acme/shop/pulls/9/merge';
const REQUEST = { method: 'squash', expectedHeadSha: HEAD, title: 'Change it', message: 'Closes #3' } as const;

let github: ScriptedGitHub | undefined;
afterEach(async () => {
  await github?.close();
  github = undefined;
});

function pull(changes: Record<string, unknown> = {}): Scripted {
  const side = (ref: string, sha: string) => ({ ref, sha, label: `acme:${ref}`, repo: { id: 1 }, user: { id: 2, login: 'acme' } });
  const node = { number: 9, title: 'x', body: '', state: 'open', user: { id: 7, login: 'ada' }, draft: false, labels: [] };
  const times = { merged_at: null, created_at: AT, updated_at: AT };
  return { body: { ...node, ...times, mergeable: true, base: side('main', OTHER), head: side('agent/1', HEAD), ...changes } };
}

const pending = (changes: Record<string, unknown> = {}): Scripted => ({
  status: 202,
  body: {
    status: 'pending',
    details: { message: 'x', uuid: 'u1', merge_method: 'squash', merge_action: 'default', expected_head_sha: HEAD, ...changes },
  },
});
const poll = (status: string, details: Record<string, unknown> = {}): Scripted => ({
  body: { status, details: { message: 'x', ...details } },
});
const busy = (changes: Record<string, unknown> = {}): Scripted => ({ ...pending(changes), status: 409 });

async function open(script: Script): Promise<ScriptedGitHub> {
  github = await openScripted({ [PULL]: pull(), ...script });
  return github;
}

const merge = async (script: Script) => (await open(script)).forge.mergePullRequest('acme/shop', 9, REQUEST);
const writes = () => github?.asked.filter(({ what }) => what.startsWith('PUT')).map(({ what }) => what);

describe('merging in the background', () => {
  it('is followed to its end, bound to the head that was judged', async () => {
    expect(await merge({ [ASYNC]: pending(), [POLL]: [poll('pending'), poll('pending'), poll('merged', { sha: SHA })] })).toEqual({
      sha: SHA,
    });
    expect(writes()).toEqual([ASYNC]);
    const body = github?.asked.find(({ what }) => what === ASYNC)?.body;
    expect(body).toEqual({ sha: HEAD, merge_method: 'squash', commit_title: 'Change it', commit_message: 'Closes #3' });
  });

  it.each<[string, Script, object]>([
    ['is over at once', { [ASYNC]: { ...poll('merged', { sha: SHA }), status: 200 } }, { sha: SHA }],
    ['is queued at once', { [ASYNC]: { ...poll('enqueued'), status: 200 } }, { enqueued: true }],
    ['is queued', { [ASYNC]: pending(), [POLL]: poll('enqueued') }, { enqueued: true }],
    [
      'was asked for before, in the same way',
      { [ASYNC]: busy(), [POLL]: [poll('pending', pendingDetails()), poll('merged', { sha: SHA })] },
      { sha: SHA },
    ],
    [
      'was asked for before, and has just ended with this head',
      {
        [ASYNC]: busy(),
        [POLL]: poll('merged', { sha: SHA }),
        [PULL]: [pull(), pull({ state: 'closed', merged_at: AT, merge_commit_sha: SHA })],
      },
      { sha: SHA },
    ],
    [
      'does not tell the commit',
      { [ASYNC]: pending(), [POLL]: poll('merged'), [PULL]: [pull(), pull({ state: 'closed', merged_at: AT, merge_commit_sha: SHA })] },
      { sha: SHA },
    ],
  ])('%s', async (_, script, expected) => {
    expect(await merge(script)).toEqual(expected);
    expect(writes()).toEqual([ASYNC]);
  });

  it.each<[string, Script, string]>([
    ['a merge conflict', { [ASYNC]: pending(), [POLL]: poll('failed', { message: 'There are merge conflicts' }) }, 'conflict'],
    [
      'a head that moved',
      { [ASYNC]: pending(), [POLL]: poll('failed', { message: 'Head branch was modified. Review and try again.' }) },
      'conflict',
    ],
    ['a conflict', { [ASYNC]: pending(), [POLL]: poll('failed', { message: 'Pull Request is not mergeable' }) }, 'conflict'],
    ['a rule', { [ASYNC]: pending(), [POLL]: poll('failed', { message: 'Required status check "test" is expected.' }) }, 'refused'],
    ['no reason', { [ASYNC]: pending(), [POLL]: poll('failed', { message: null }) }, 'refused'],
    ['a word nobody knows', { [ASYNC]: pending(), [POLL]: poll('exploded') }, 'unknown_outcome'],
    ['an answer that is none', { [ASYNC]: { status: 202, body: { ok: true } } }, 'unknown_outcome'],
    ['a name that is lost', { [ASYNC]: pending(), [POLL]: { status: 404, body: { message: 'Not Found' } } }, 'unknown_outcome'],
    ['no permission to look', { [ASYNC]: pending(), [POLL]: { status: 403, body: { message: 'Forbidden' } } }, 'unknown_outcome'],
    [
      'another head, asked for before',
      { [ASYNC]: busy(), [POLL]: poll('pending', { ...pendingDetails(), expected_head_sha: OTHER }) },
      'conflict',
    ],
    [
      'another method, asked for before',
      { [ASYNC]: busy(), [POLL]: poll('pending', { ...pendingDetails(), merge_method: 'merge' }) },
      'conflict',
    ],
    [
      'another head, merged before',
      {
        [ASYNC]: busy(),
        [POLL]: poll('merged', { sha: SHA }),
        [PULL]: [pull(), pull({ head: { ...head(), sha: OTHER }, state: 'closed', merged_at: AT })],
      },
      'unknown_outcome',
    ],
    ['a pull request that may not be merged', { [ASYNC]: { status: 400, body: { message: 'Pull request is closed' } } }, 'refused'],
    ['no permission', { [ASYNC]: { status: 403, body: { message: 'Must have push access' } } }, 'refused'],
    ['a server that broke down', { [ASYNC]: { status: 502, body: { message: 'Server Error' } } }, 'unknown_outcome'],
  ])('ends with %s', async (_, script, expected) => {
    expect(await codeOf(merge(script))).toBe(expected);
    expect(writes()).toEqual([ASYNC]);
  });

  it('is left to itself after twenty seconds', async () => {
    expect(await codeOf(merge({ [ASYNC]: pending(), [POLL]: poll('pending') }))).toBe('unknown_outcome');
    expect(github?.waited()).toBe(20_000);
  });
});

function pendingDetails() {
  return { uuid: 'u1', merge_method: 'squash', expected_head_sha: HEAD };
}

function head() {
  return { ref: 'agent/1', sha: HEAD, label: 'acme:agent/1', repo: { id: 1 } };
}

describe('merging at once, on a server that cannot do it in the background', () => {
  it('is bound to the head as well, and the server is asked for the other way only once', async () => {
    const merged = { body: { sha: SHA, merged: true, message: 'ok' } };
    const { forge } = await open({ [SYNC]: merged });
    expect(await forge.mergePullRequest('acme/shop', 9, { ...REQUEST, method: 'rebase' })).toEqual({ sha: SHA });
    expect(await forge.mergePullRequest('acme/shop', 9, REQUEST)).toEqual({ sha: SHA });
    expect(writes()).toEqual([ASYNC, SYNC, SYNC]);
    const bodies = github?.asked.filter(({ what }) => what === SYNC).map(({ body }) => body);
    expect(bodies).toEqual([
      { sha: HEAD, merge_method: 'rebase' },
      { sha: HEAD, merge_method: 'squash', commit_title: 'Change it', commit_message: 'Closes #3' },
    ]);
  });

  it.each<[number, string, string]>([
    [405, 'Base branch was modified. Review and try the merge again.', 'conflict'],
    [405, 'Pull Request is not mergeable', 'conflict'],
    [405, 'Required status check "test" is expected.', 'refused'],
    [405, 'At least 1 approving review is required by reviewers with write access.', 'refused'],
    [405, 'Repository rule violations found\n\nChanges must be made through the merge queue', 'refused'],
    [405, 'Squash merges are not allowed on this repository.', 'refused'],
    [405, 'Something new', 'refused'],
    [409, 'Head branch was modified. Review and try the merge again.', 'conflict'],
    [403, 'Resource not accessible by integration', 'refused'],
    [422, 'Validation Failed', 'refused'],
    [500, 'Server Error', 'unknown_outcome'],
  ])('%d %s is %s', async (status, message, expected) => {
    expect(await codeOf(merge({ [SYNC]: { status, body: { message } } }))).toBe(expected);
    expect(writes()).toEqual([ASYNC, SYNC]);
  });

  it('does not take an answer without a merge for one', async () => {
    expect(await codeOf(merge({ [SYNC]: { body: { sha: SHA, merged: false } } }))).toBe('unknown_outcome');
  });
});

describe('before anything is sent', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['the head', { head: { ...head(), sha: OTHER } }, 'conflict'],
    ['a draft', { draft: true }, 'refused'],
    ['an end', { state: 'closed' }, 'refused'],
    ['a merge', { state: 'closed', merged_at: AT, merge_commit_sha: SHA }, 'refused'],
  ])('%s is looked at again', async (_, changes, expected) => {
    expect(await codeOf(merge({ [PULL]: pull(changes) }))).toBe(expected);
    expect(writes()).toEqual([]);
  });
});

describe('bringing a branch up to date', () => {
  const UPDATE = 'PUT /repos/acme/shop/pulls/9/update-branch';
  const REF = 'GET /repos/acme/shop/git/ref/heads/agent/1';
  const tip = (sha: string): Scripted => ({ body: { ref: 'refs/heads/agent/1', object: { type: 'commit', sha } } });
  const commit = (...parents: string[]): Script => ({
    [`GET /repos/acme/shop/commits/${SHA}`]: { body: { sha: SHA, parents: parents.map((sha) => ({ sha })) } },
  });
  const taken = { [UPDATE]: { status: 202, body: { message: 'Updating pull request branch.' } } };
  const update = async (script: Script) => (await open(script)).forge.updateBranch('acme/shop', 9, HEAD);

  it('waits for the merge commit', async () => {
    expect(await update({ ...taken, [REF]: [tip(HEAD), tip(HEAD), tip(SHA)], ...commit(HEAD, OTHER) })).toEqual({ sha: SHA });
    expect(github?.asked.find(({ what }) => what === UPDATE)?.body).toEqual({ expected_head_sha: HEAD });
  });

  it.each<[string, Script, string]>([
    ['a commit of somebody else', { ...taken, [REF]: tip(SHA), ...commit(HEAD) }, 'unknown_outcome'],
    ['a merge into another head', { ...taken, [REF]: tip(SHA), ...commit(OTHER, HEAD) }, 'unknown_outcome'],
    ['nothing', { ...taken, [REF]: tip(HEAD) }, 'unknown_outcome'],
    ['no permission to look', { ...taken, [REF]: { status: 403, body: { message: 'Forbidden' } } }, 'unknown_outcome'],
    ['another head', { [UPDATE]: { status: 422, body: { message: "expected head sha didn't match current head ref." } } }, 'conflict'],
    ['a conflict', { [UPDATE]: { status: 422, body: { message: 'merge conflict between base and head' } } }, 'conflict'],
    ['a refusal', { [UPDATE]: { status: 422, body: { message: 'Validation Failed' } } }, 'refused'],
    ['no permission', { [UPDATE]: { status: 403, body: { message: 'Must have push access' } } }, 'refused'],
  ])('ends with %s', async (_, script, expected) => {
    expect(await codeOf(update(script))).toBe(expected);
    expect(github?.waited()).toBeLessThanOrEqual(10_250);
  });

  it('leaves a head that holds the base already as it is', async () => {
    expect(await update({ [UPDATE]: { status: 422, body: { message: 'There are no new commits on the base branch.' } } })).toEqual({
      sha: HEAD,
    });
  });

  it('sends nothing for another head', async () => {
    expect(await codeOf(update({ [PULL]: pull({ head: { ...head(), sha: OTHER } }) }))).toBe('conflict');
    expect(writes()).toEqual([]);
  });
});
