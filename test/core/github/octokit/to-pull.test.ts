import { describe, expect, it } from 'vitest';
import { toPullRequest, toReview } from '../../../../src/core/github/octokit/to-pull.ts';

const SHA = 'a'.repeat(40);
const MERGE = 'b'.repeat(40);
const AT = '2026-01-02T03:00:00Z';

function pull(changes: Record<string, unknown> = {}) {
  return {
    number: 9,
    title: 'Change it',
    body: null,
    state: 'open',
    user: { id: 7, login: 'ada' },
    base: { ref: 'main', sha: SHA, label: 'acme:main', repo: { id: 1 } },
    head: { ref: 'agent/1', sha: SHA, label: 'acme:agent/1', repo: { id: 1 }, user: { id: 2, login: 'acme' } },
    draft: false,
    labels: [{ name: 'hold' }],
    merged_at: null,
    mergeable: null,
    merge_commit_sha: MERGE,
    created_at: AT,
    updated_at: AT,
    ...changes,
  };
}

const of = (changes: Record<string, unknown> = {}) => toPullRequest(pull(changes), 'acme/shop#9');

describe('a pull request', () => {
  it('comes in the words of the port; what is not computed yet is absent', () => {
    expect(of()).toEqual({
      number: 9,
      title: 'Change it',
      body: '',
      state: 'open',
      author: { id: 7, login: 'ada' },
      base: 'main',
      head: 'agent/1',
      headSha: SHA,
      draft: false,
      labels: ['hold'],
      createdAt: AT,
      updatedAt: AT,
    });
  });

  it.each([
    [{ mergeable: true }, { state: 'open', mergeable: true }],
    [{ mergeable: false }, { state: 'open', mergeable: false }],
    [{ state: 'closed' }, { state: 'closed' }],
    [
      { state: 'closed', merged_at: AT },
      { state: 'merged', mergeSha: MERGE },
    ],
    [{ state: 'closed', merged_at: AT, merge_commit_sha: null }, { state: 'merged' }],
    [{ draft: true }, { draft: true }],
  ])('with %j is %j', (changes, expected) => {
    const found = of(changes);
    expect(found).toMatchObject(expected);
    expect('mergeSha' in found).toBe('mergeSha' in expected);
    expect('mergeable' in found).toBe('mergeable' in expected);
  });

  it.each([
    ['in a fork', { ref: 'agent/1', sha: SHA, label: 'eve:agent/1', repo: { id: 2 } }, 'eve:agent/1'],
    ['in a deleted fork', { ref: 'agent/1', sha: SHA, label: 'eve:agent/1', repo: null }, 'eve:agent/1'],
    ['of a deleted account', { ref: 'agent/1', sha: SHA, label: 'agent/1', repo: null, user: null }, 'ghost:agent/1'],
  ])('never takes a head %s for one of ours', (_, head, expected) => {
    expect(of({ head }).head).toBe(expected);
  });

  it.each([
    { head: { ref: 'x', sha: 'short', repo: null } },
    { merged_at: undefined },
    { state: 'locked' },
    { base: { ref: 'main', sha: SHA } },
  ])('is an error with %j', (changes) => {
    expect(() => of(changes)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});

describe('a review', () => {
  const review = (changes: Record<string, unknown>) =>
    toReview({ user: { id: 7, login: 'ada' }, body: 'ok', state: 'APPROVED', commit_id: SHA, submitted_at: AT, ...changes }, 'acme/shop#9');

  it.each([
    ['APPROVED', 'approved'],
    ['CHANGES_REQUESTED', 'changes_requested'],
    ['COMMENTED', 'commented'],
  ])('%s is %s', (state, expected) => {
    expect(review({ state })).toEqual({ author: { id: 7, login: 'ada' }, state: expected, sha: SHA, body: 'ok', at: AT });
  });

  it.each(['PENDING', 'DISMISSED'])('%s is none', (state) => {
    expect(review({ state, submitted_at: undefined })).toBeUndefined();
  });

  it('of a commit that is gone is of no head', () => {
    expect(review({ commit_id: null })?.sha).toBe('');
  });

  it.each([{ state: 'BLESSED' }, { submitted_at: undefined }, { commit_id: undefined }])('is an error with %j', (changes) => {
    expect(() => review(changes)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
