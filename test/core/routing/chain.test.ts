import { describe, expect, it } from 'vitest';
import { turnOrder, whySpent } from '../../../src/core/routing/chain.ts';
import { buildAttempt, buildTask, SHA } from '../../support/builders.ts';

const limits = { max_attempts: 4, max_infrastructure: 5 };

describe('turn order', () => {
  it.each([
    ['nothing was tried', [], ['codex', 'claude', 'gemini']],
    ['the first agent failed', [buildAttempt(1)], ['claude', 'gemini', 'codex']],
    [
      'the last agent failed: the chain wraps round',
      [buildAttempt(1), buildAttempt(2, { agent: 'claude' }), buildAttempt(3, { agent: 'gemini' })],
      ['codex', 'claude', 'gemini'],
    ],
    [
      'an infrastructure failure leaves the turn',
      [buildAttempt(1), buildAttempt(2, { agent: 'claude', outcome: 'infrastructure' })],
      ['claude', 'gemini', 'codex'],
    ],
    ['a stop leaves the turn', [buildAttempt(1, { outcome: 'stopped' })], ['codex', 'claude', 'gemini']],
    [
      'a published attempt passes the turn to the next agent, for its fix',
      [buildAttempt(1, { outcome: 'complete' })],
      ['claude', 'gemini', 'codex'],
    ],
  ])('%s', (_, attempts, order) => {
    expect(turnOrder(buildTask({ agents: ['codex', 'claude', 'gemini'], attempts }))).toEqual(order);
  });

  it('begins anew after a retry', () => {
    expect(turnOrder(buildTask({ attempts: [buildAttempt(1)], attempts_forgiven: 1 }))[0]).toBe('codex');
  });
});

describe('a spent task', () => {
  const different = [1, 2, 3, 4].map((n) => buildAttempt(n, { agent: n % 2 ? 'codex' : 'claude', code: `code_${n}` }));
  it('stops at the allowance', () => {
    expect(whySpent(buildTask({ attempts: different.slice(0, 3) }), limits)).toBeUndefined();
    expect(whySpent(buildTask({ attempts: different }), limits)).toContain('4 attempts, the allowance');
  });
  it('counts neither infrastructure, nor stops, nor fixes, nor what was forgiven', () => {
    const free = [
      buildAttempt(5, { outcome: 'infrastructure' }),
      buildAttempt(6, { outcome: 'stopped' }),
      buildAttempt(7, { kind: 'fix', code: 'x' }),
    ];
    expect(whySpent(buildTask({ attempts: [...different.slice(0, 3), ...free] }), limits)).toBeUndefined();
    expect(whySpent(buildTask({ attempts: different, attempts_forgiven: 1 }), limits)).toBeUndefined();
  });
  it('stops early when one agent comes to the same end with the same tree', () => {
    const twice = [buildAttempt(1, { tree: SHA.tree }), buildAttempt(2, { agent: 'claude' }), buildAttempt(3, { tree: SHA.tree })];
    expect(whySpent(buildTask({ attempts: twice }), limits)).toContain('same end twice');
    const other = [buildAttempt(1, { tree: SHA.tree }), buildAttempt(2, { agent: 'claude' }), buildAttempt(3, { tree: SHA.other })];
    expect(whySpent(buildTask({ attempts: other }), limits)).toBeUndefined();
  });
  it('takes an outage that goes through the whole chain for one failure of each', () => {
    const outage = ['codex', 'claude', 'gemini', 'codex', 'claude', 'gemini'].map((agent, i) =>
      buildAttempt(i + 1, { agent, outcome: 'infrastructure', code: 'provider_unavailable' }),
    );
    expect(whySpent(buildTask({ attempts: outage }), limits)).toBeUndefined();
  });

  it('counts no try after a rest that meets the same outage, but not without end', () => {
    const outage = (tries: number) => [
      buildAttempt(1, { outcome: 'infrastructure', code: 'provider_unavailable' }),
      ...Array.from({ length: tries }, (_, i) =>
        buildAttempt(i + 2, { after_rest: true, outcome: 'infrastructure', code: 'provider_unavailable', summary: 'overloaded' }),
      ),
    ];
    expect(whySpent(buildTask({ attempts: outage(39) }), limits)).toBeUndefined();
    expect(whySpent(buildTask({ attempts: outage(40) }), limits)).toBe(
      '40 tries of its agents after a rest failed for their providers: overloaded',
    );
    expect(whySpent(buildTask({ attempts: outage(40), attempts_forgiven: 2 }), limits)).toBeUndefined();
    const machine = [1, 2, 3, 4, 5].map((n) => buildAttempt(n, { after_rest: true, outcome: 'infrastructure', code: 'infrastructure' }));
    expect(whySpent(buildTask({ attempts: machine }), limits)).toContain('5 infrastructure failures in a row');
  });

  it('stops after five infrastructure failures in a row; a stop in between does not break the row', () => {
    const row = [1, 2, 3, 4].map((n) => buildAttempt(n, { outcome: 'infrastructure', summary: 'no space' }));
    expect(whySpent(buildTask({ attempts: row }), limits)).toBeUndefined();
    const five = [...row, buildAttempt(5, { outcome: 'stopped' }), buildAttempt(6, { outcome: 'infrastructure', summary: 'no space' })];
    expect(whySpent(buildTask({ attempts: five }), limits)).toContain('5 infrastructure failures in a row: no space');
    const broken = [...row, buildAttempt(5), buildAttempt(6, { outcome: 'infrastructure' })];
    expect(whySpent(buildTask({ attempts: broken }), limits)).toBeUndefined();
  });
});
