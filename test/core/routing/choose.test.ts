import { describe, expect, it } from 'vitest';
import type { Breaker } from '../../../src/core/routing/breaker.ts';
import { decideAgent } from '../../../src/core/routing/choose.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const rests = (time: string): Breaker => ({
  failures: 1,
  until: `2026-11-22T${time}:00.000Z`,
  code: 'provider_rate_limit',
  reason: 'asked to wait',
});

describe('the agent of the next attempt', () => {
  it('is the first of the chain that can run, and says why not the ones before it', () => {
    const candidates = [
      { name: 'claude', missing: 'there is no `claude`' },
      { name: 'codex', breaker: rests('12:30') },
      { name: 'gemini', breaker: rests('11:59') },
      { name: 'deepseek' },
    ];
    expect(decideAgent(candidates, NOW)).toEqual({
      kind: 'run',
      name: 'gemini',
      afterRest: true,
      passedOver: ['claude: there is no `claude`', 'codex rests until 2026-11-22T12:30:00.000Z (asked to wait)'],
    });
  });
  it('waits for the one that may run first, when all that can run rest', () => {
    const candidates = [
      { name: 'a', breaker: rests('13:00') },
      { name: 'b', breaker: rests('12:10') },
      { name: 'c', missing: 'gone' },
    ];
    expect(decideAgent(candidates, NOW)).toMatchObject({
      kind: 'wait',
      until: new Date('2026-11-22T12:10:00Z'),
      reason: expect.stringContaining('b rests until 2026-11-22T12:10'),
    });
  });
  it('is not one that another run tries after its rest', () => {
    expect(decideAgent([{ name: 'a', breaker: rests('11:59'), tried: true }, { name: 'b' }], NOW)).toMatchObject({
      name: 'b',
      passedOver: ['a is tried by another run after its rest (asked to wait)'],
    });
    expect(decideAgent([{ name: 'a', breaker: rests('11:59'), tried: true }], NOW)).toMatchObject({
      kind: 'wait',
      until: new Date('2026-11-22T12:01:00Z'),
    });
  });
  it('is nobody when none can ever run here', () => {
    expect(decideAgent([{ name: 'a', missing: 'gone', breaker: rests('13:00') }], NOW)).toEqual({
      kind: 'none',
      reason: 'no agent of the chain can run: a: gone',
    });
    expect(decideAgent([], NOW).kind).toBe('none');
  });
});
