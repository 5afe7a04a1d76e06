import { afterEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../../contract/github.ts';
import { openScripted, type Script, type ScriptedGitHub } from './scripted-github.ts';

const ASK = 'GET /repos/acme/shop/collaborators/ada/permission';
const ADA = { id: 7, login: 'ada' };

let github: ScriptedGitHub | undefined;
afterEach(async () => {
  await github?.close();
  github = undefined;
});

const open = async (script: Script) => {
  github = await openScripted(script);
  return github.forge;
};
const answer = (permission: string, role_name: string | undefined, user: unknown = ADA) => ({
  [ASK]: { body: { permission, ...(role_name !== undefined && { role_name }), user } },
});

describe('permission', () => {
  it.each([
    ['admin', 'admin', 'admin'],
    ['write', 'maintain', 'write'],
    ['write', 'write', 'write'],
    ['read', 'triage', 'triage'],
    ['read', 'read', 'read'],
    ['none', 'none', 'none'],
    ['maintain', undefined, 'write'],
    ['triage', undefined, 'triage'],
    ['write', 'release-captain', 'write'],
    ['read', 'admin', 'read'],
    ['none', 'triage', 'none'],
  ])('%s with the role %s is %s', async (permission, role, expected) => {
    const forge = await open(answer(permission, role));
    expect(await forge.getPermission('acme/shop', ADA)).toBe(expected);
  });

  it.each([
    ['another account has the login now', answer('admin', 'admin', { id: 8, login: 'ada' })],
    ['the account is gone', answer('admin', 'admin', null)],
    ['it is no account', {}],
  ])('is none when %s', async (_, script) => {
    const forge = await open(script);
    expect(await forge.getPermission('acme/shop', ADA)).toBe('none');
  });

  it('of the account that stands for those that are gone is asked of nobody', async () => {
    const forge = await open({});
    expect(await forge.getPermission('acme/shop', { id: 0, login: 'ghost' })).toBe('none');
    expect(github?.asked).toEqual([]);
  });

  it.each([
    [answer('owner', 'owner'), 'unavailable'],
    [{ [ASK]: { status: 403, body: { message: 'Must have push access to view collaborator permission.' } } }, 'refused'],
  ])('is an error with %j', async (script: Script, code) => {
    const forge = await open(script);
    expect(await codeOf(forge.getPermission('acme/shop', ADA))).toBe(code);
  });

  it('is asked each time, and once by those who ask together', async () => {
    const forge = await open({ [ASK]: [{ body: { permission: 'write', user: ADA } }, { body: { permission: 'none', user: ADA } }] });
    const together = await Promise.all([1, 2, 3].map(() => forge.getPermission('acme/shop', ADA)));
    expect(together).toEqual(['write', 'write', 'write']);
    expect(await forge.getPermission('acme/shop', ADA)).toBe('none');
    expect(github?.asked).toHaveLength(2);
  });
});

describe('our own account', () => {
  it('is asked for once, and again after a failure', async () => {
    const forge = await open({ 'GET /user': [{ status: 403, body: { message: 'no' } }, { body: { ...ADA, type: 'User' } }] });
    expect(await codeOf(forge.getIdentity())).toBe('refused');
    expect(await forge.getIdentity()).toEqual({ ...ADA, shared: true });
    expect(await forge.getIdentity()).toEqual({ ...ADA, shared: true });
    expect(github?.asked).toHaveLength(2);
  });

  it('is told by the list of issues by the way', async () => {
    const issues = { totalCount: 0, pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };
    const data = { viewer: { login: ADA.login, databaseId: ADA.id }, r0: { nameWithOwner: 'acme/shop', issues } };
    const forge = await open({ 'POST /graphql': { body: { data } } });
    expect(await forge.findIssues([{ repo: 'acme/shop', labels: ['ready'], also: [] }])).toEqual(new Map([['acme/shop', []]]));
    expect(await forge.getIdentity()).toEqual({ ...ADA, shared: true });
    expect(github?.asked).toHaveLength(1);
  });
});
