import { describe, expect, it } from 'vitest';
import type { Pattern } from '../../../src/commands/analyze-logs/detect.ts';
import { decideFindings, type FindingsSnapshot } from '../../../src/commands/analyze-logs/policy.ts';

function pattern(name: string, fields: Partial<Pattern> = {}): Pattern {
  return {
    fingerprint: `v1:${name}`,
    event: 'queue.attempt.finished',
    code: 'verify_failed',
    fileable: true,
    template: 'Error: boom',
    count: 5,
    issues: 3,
    agents: ['claude'],
    repos: [{ name: 'acme/shop', count: 5, issues: 3 }],
    firstAt: '2026-11-16T00:00:00Z',
    lastAt: '2026-11-17T00:00:00Z',
    examples: [],
    ...fields,
  };
}

function decide(patterns: Pattern[], fields: Partial<FindingsSnapshot> = {}) {
  const actions = decideFindings({ patterns, filed: new Map(), repos: [{ name: 'acme/shop', paused: false }], ...fields });
  return actions.map((action) => `${action.kind} ${action.subject}: ${action.kind === 'file-finding' ? action.repo : action.reason}`);
}

describe('findings', () => {
  it.each([
    ['is filed where it happened most', pattern('a'), {}, ['file-finding v1:a: acme/shop']],
    ['of too few events is no finding', pattern('a', { count: 2, issues: 2 }), {}, []],
    ['of one issue is no finding', pattern('a', { count: 9, issues: 1 }), {}, []],
    [
      'filed before stays filed once, wherever that was',
      pattern('a'),
      { filed: new Map([['v1:a', { repo: 'acme/other', issue: 9 }]]) },
      ['skip v1:a: filed before as acme/other#9'],
    ],
    [
      'whose filing has an unknown outcome is settled in that repository',
      pattern('a', { repos: [{ name: 'acme/now', count: 5, issues: 3 }] }),
      { filed: new Map([['v1:a', { repo: 'acme/shop' }]]) },
      ['file-finding v1:a: acme/shop'],
    ],
    [
      'of the operator is not filed',
      pattern('a', { fileable: false, code: 'io' }),
      {},
      ['skip v1:a: `io` is for the operator, not for a change of the repository'],
    ],
    ['of a paused repository is left', pattern('a'), { repos: [{ name: 'acme/shop', paused: true }] }, ['skip v1:a: acme/shop is paused']],
    ['of another repository is left', pattern('a'), { repos: [] }, ['skip v1:a: acme/shop is not looked after']],
    [
      'of no repository is left',
      pattern('a', { repos: [{ name: '', count: 5, issues: 3 }] }),
      {},
      ['skip v1:a: the events name no repository'],
    ],
  ])('a pattern %s', (_, one, fields, expected) => {
    expect(decide([one], fields)).toEqual(expected);
  });

  it('are at most three a run; what was filed before takes no place', () => {
    const patterns = ['a', 'b', 'c', 'd', 'e'].map((name) => pattern(name));
    expect(decide(patterns, { filed: new Map([['v1:b', { repo: 'acme/shop', issue: 4 }]]) })).toEqual([
      'file-finding v1:a: acme/shop',
      'skip v1:b: filed before as acme/shop#4',
      'file-finding v1:c: acme/shop',
      'file-finding v1:d: acme/shop',
      'wait v1:e: 3 issues filed in this run; the next one goes on',
    ]);
  });
});
