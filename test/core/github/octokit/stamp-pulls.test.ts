import { beforeEach, describe, expect, it } from 'vitest';
import type { GitHubClient } from '../../../../src/core/github/octokit/client/client.ts';
import { stampPullRequests } from '../../../../src/core/github/octokit/stamp-pulls.ts';
import { IssueForge } from './issue-forge.ts';

const SHOP = 'acme/shop';
const sha = (digit: string) => digit.repeat(40);

let forge: IssueForge;
beforeEach(() => {
  forge = new IssueForge();
  addPull(SHOP, 2, 1);
});

const pull = () => ({
  state: 'OPEN',
  updatedAt: '2026-01-01T00:00:00Z',
  headRefOid: sha('a'),
  mergeable: 'MERGEABLE',
  isDraft: false,
  baseRef: { name: 'main', target: { __typename: 'Commit', oid: sha('b') } } as unknown,
  statusCheckRollup: { state: 'PENDING' } as unknown,
  reviewDecision: null as string | null,
});

function addPull(repo: string, number: number, issue: number): void {
  forge.add(repo, { number: issue });
  forge.repo(repo).pulls.set(number, pull());
}

const stamp = async () => (await stampPullRequests(forge, [{ repo: SHOP, pull: 2, issue: 1 }])).get(`${SHOP}#2`);

describe('stampPullRequests', () => {
  it('stays the same as long as nothing changes', async () => {
    const first = await stamp();
    expect(first).toEqual(expect.any(String));
    forge.clock += 60_000;
    expect(await stamp()).toBe(first);
    expect(forge.take()).toEqual({ requests: 2, points: 2 });
  });

  it.each<[name: string, change: Partial<ReturnType<typeof pull>>]>([
    ['state', { state: 'CLOSED' }],
    ['update time', { updatedAt: '2026-01-01T00:00:01Z' }],
    ['head', { headRefOid: sha('c') }],
    ['mergeability', { mergeable: 'CONFLICTING' }],
    ['draft', { isDraft: true }],
    ['tip of the base', { baseRef: { name: 'main', target: { __typename: 'Commit', oid: sha('d') } } }],
    ['base', { baseRef: { name: 'next', target: { __typename: 'Commit', oid: sha('b') } } }],
    ['base that is gone', { baseRef: null }],
    ['checks', { statusCheckRollup: { state: 'SUCCESS' } }],
    ['checks that are gone', { statusCheckRollup: null }],
    ['review', { reviewDecision: 'APPROVED' }],
  ])('changes with the %s', async (_, change) => {
    const before = await stamp();
    forge.repo(SHOP).pulls.set(2, { ...pull(), ...change });
    const after = await stamp();
    expect(after).toEqual(expect.any(String));
    expect(after).not.toBe(before);
  });

  it.each([['an update'], ['its end']])('changes with %s of the issue', async (what) => {
    const before = await stamp();
    if (what === 'an update') forge.clock += 1000;
    forge.change(SHOP, 1, what === 'an update' ? {} : { state: 'CLOSED' });
    expect(await stamp()).not.toBe(before);
  });

  it('gives none to what GitHub is still computing, or does not have', async () => {
    forge.repo(SHOP).pulls.set(2, { ...pull(), mergeable: 'UNKNOWN' });
    addPull(SHOP, 4, 3);
    forge.repo('acme/old');
    forge.rename('acme/old', 'acme/new');
    addPull('acme/old', 2, 1);
    const stamps = await stampPullRequests(forge, [
      { repo: SHOP, pull: 2, issue: 1 },
      { repo: SHOP, pull: 4, issue: 3 },
      { repo: SHOP, pull: 99, issue: 3 },
      { repo: SHOP, pull: 4.5, issue: 3 },
      { repo: 'nobody/nothing', pull: 1, issue: 1 },
      { repo: 'acme/old', pull: 2, issue: 1 },
    ]);
    expect([...stamps.keys()]).toEqual([`${SHOP}#4`]);
    expect(await stampPullRequests(forge, [{ repo: SHOP, pull: 4, issue: 99 }])).toEqual(new Map());
  });

  it('gives none where a part was refused or is missing', async () => {
    const answer = await forge.queryPartial('query { r0: repository(owner: "acme", name: "shop") { nameWithOwner } }', {});
    const of = (part: Record<string, unknown>, errors: Awaited<ReturnType<GitHubClient['queryPartial']>>['errors'] = []) =>
      stampPullRequests(
        { queryPartial: async () => ({ data: { r0: { ...(answer.data['r0'] as object), i1: issue, ...part } }, errors }) },
        [{ repo: SHOP, pull: 2, issue: 1 }],
      );
    const issue = { number: 1, updatedAt: '2026-01-01T00:00:00Z', state: 'OPEN' };
    const whole = { number: 2, ...pull() };
    expect((await of({ p2: whole })).size).toBe(1);
    expect((await of({ p2: whole }, [{ path: ['r0', 'p2', 'statusCheckRollup'], type: 'FORBIDDEN', message: 'no' }])).size).toBe(0);
    for (const name of Object.keys(pull())) {
      const { [name as keyof typeof whole]: _, ...rest } = whole;
      expect([name, (await of({ p2: rest })).size]).toEqual([name, 0]);
    }
  });

  it.each([
    [0, 0],
    [1, 1],
    [100, 1],
    [250, 3],
  ])('%d pull requests of ten repositories: %d requests of one point', async (count, requests) => {
    const asked = Array.from({ length: count }, (_, n) => ({ repo: `acme/shop-${n % 10}`, pull: 2 * n + 2, issue: 2 * n + 1 }));
    for (const { repo, pull: number, issue } of asked) addPull(repo, number, issue);
    expect((await stampPullRequests(forge, asked)).size).toBe(count);
    expect(forge.take()).toEqual({ requests, points: requests });
  });
});
