import { afterEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../../contract/github.ts';
import { openScripted, type Script, type Scripted, type ScriptedGitHub } from './scripted-github.ts';

const REPO = 'GET /repos/acme/shop';
const REF = 'GET /repos/acme/shop/git/ref/heads/agent/1';
const DELETE = 'DELETE /repos/acme/shop/git/refs/heads/agent/1';
const SHA = 'a'.repeat(40);
const OTHER = 'b'.repeat(40);

let github: ScriptedGitHub | undefined;
afterEach(async () => {
  await github?.close();
  github = undefined;
});

const open = async (script: Script) => {
  github = await openScripted(script);
  return github.forge;
};
const methods = { allow_squash_merge: true, allow_merge_commit: false, allow_rebase_merge: true };
const repository = (changes: Record<string, unknown> = {}): Scripted => ({
  body: { id: 1, full_name: 'acme/shop', default_branch: 'main', archived: false, ...methods, ...changes },
});
const tip = (sha: string): Scripted => ({ body: { ref: 'refs/heads/agent/1', object: { type: 'commit', sha } } });
const missing: Scripted = { status: 404, body: { message: 'Not Found' } };

describe('a repository', () => {
  it('tells how it may be merged, and whether it is archived', async () => {
    const forge = await open({ [REPO]: repository({ archived: true, full_name: 'Acme/Shop' }) });
    const expected = { name: 'acme/shop', defaultBranch: 'main', mergeMethods: ['squash', 'rebase'], archived: true };
    expect(await forge.getRepository('acme/shop')).toEqual(expected);
  });

  it('that was renamed says its new name', async () => {
    const forge = await open({ [REPO]: repository({ full_name: 'acme/store' }) });
    await expect(forge.getRepository('acme/shop')).rejects.toMatchObject({
      code: 'refused',
      hint: 'Change `repos[].name` to `acme/store`.',
    });
  });

  it.each([
    [{ allow_squash_merge: undefined }, 'refused'],
    [{ archived: 'no' }, 'unavailable'],
    [{ default_branch: null }, 'unavailable'],
  ])('is an error with %j', async (changes, code) => {
    const forge = await open({ [REPO]: repository(changes) });
    expect(await codeOf(forge.getRepository('acme/shop'))).toBe(code);
  });

  it.each(['acme', 'acme/shop/x', '../shop', 'acme/..', 'acme/sh op'])('is never asked for as `%s`', async (name) => {
    const forge = await open({});
    expect(await codeOf(forge.getRepository(name))).toBe('not_found');
    expect(github?.asked).toEqual([]);
  });

  it('has git beside the API, with a password that is asked for when it is needed', async () => {
    const forge = await open({});
    const { url, password } = await forge.getRemote('acme/shop', 'write');
    expect(url).toBe(`${github?.url}/acme/shop.git`);
    expect(await password?.()).toBe('a-token-of-the-test');
  });
});

describe('a branch', () => {
  it('is absent only in a repository that is there', async () => {
    const forge = await open({ [REF]: missing, [REPO]: [repository(), missing] });
    expect(await forge.findBranch('acme/shop', 'agent/1')).toBeUndefined();
    expect(await codeOf(forge.findBranch('acme/shop', 'agent/1'))).toBe('not_found');
  });

  it('has a whole commit for its tip', async () => {
    const forge = await open({ [REF]: [tip(SHA), tip('abc')] });
    expect(await forge.findBranch('acme/shop', 'agent/1')).toBe(SHA);
    expect(await codeOf(forge.findBranch('acme/shop', 'agent/1'))).toBe('unavailable');
  });

  it.each<[string, Script, string, number]>([
    ['is deleted at its expected tip', { [REF]: tip(SHA), [DELETE]: { status: 204 } }, 'no error', 1],
    ['is left alone when it moved', { [REF]: tip(OTHER) }, 'no error', 0],
    ['is left alone when it is gone', { [REF]: missing, [REPO]: repository() }, 'no error', 0],
    [
      'may be gone by the hand of somebody else',
      { [REF]: [tip(SHA), missing], [REPO]: repository(), [DELETE]: { status: 422, body: { message: 'Reference does not exist' } } },
      'no error',
      1,
    ],
    ['may be protected', { [REF]: tip(SHA), [DELETE]: { status: 422, body: { message: 'Cannot delete this branch' } } }, 'refused', 1],
    ['may be deleted or not', { [REF]: tip(SHA), [DELETE]: { status: 502, body: { message: 'x' } } }, 'unknown_outcome', 1],
  ])('%s', async (_, script, code, writes) => {
    const forge = await open(script);
    expect(await codeOf(forge.deleteBranch('acme/shop', 'agent/1', SHA))).toBe(code);
    expect(github?.asked.filter(({ what }) => what === DELETE)).toHaveLength(writes);
  });
});
