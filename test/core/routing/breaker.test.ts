import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterRun, type Breaker, isResting, type RunEnding } from '../../../src/core/routing/breaker.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const at = (time: string) => new Date(`2026-11-22T${time}Z`);
/** Begun long after everything else, so that it counts by itself. */
const run = { run: 't.1', startedAt: new Date('2027-11-22T12:00:00Z') };
const down = (over: Partial<RunEnding> = {}): RunEnding => ({
  ...run,
  outcome: 'infrastructure',
  code: 'provider_unavailable',
  summary: 'overloaded',
  ...over,
});

/** The breaker after so many failures in a row, each when the rest before it was over. */
function fail(times: number, ending: RunEnding): { breaker: Breaker | undefined; rests: number[] } {
  let breaker: Breaker | undefined;
  let now = NOW;
  const rests: number[] = [];
  for (let i = 0; i < times; i++) {
    breaker = afterRun(breaker, ending, now);
    const until = new Date(breaker?.until ?? 0);
    rests.push((until.getTime() - now.getTime()) / 60_000);
    now = until;
  }
  return { breaker, rests };
}

describe('a breaker', () => {
  it('opens for a minute, then twice as long with every failure in a row, up to 64', () => {
    expect(fail(9, down()).rests).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
  });
  it('gives a refused key more time', () => {
    expect(fail(4, down({ code: 'provider_auth' })).rests).toEqual([10, 20, 40, 64]);
  });
  it('rests until the provider says, however long, up to a month', () => {
    const until = (retryAt: Date) => afterRun(undefined, down({ code: 'provider_rate_limit', retryAt }), NOW)?.until;
    expect(until(at('12:00:07'))).toBe('2026-11-22T12:00:07.000Z');
    expect(until(new Date('2026-12-01T00:00:00Z'))).toBe('2026-12-01T00:00:00.000Z');
    expect(until(new Date('2036-12-01T00:00:00Z'))).toBe('2026-12-23T12:00:00.000Z');
  });
  it('takes an instant that is over for none', () => {
    expect(afterRun(undefined, down({ retryAt: at('11:59:00') }), NOW)?.until).toBe('2026-11-22T12:01:00.000Z');
  });
  it.each(['complete', 'failed'] as const)('closes after a run that its provider answered: %s', (outcome) => {
    expect(afterRun(fail(3, down()).breaker, { ...run, outcome, code: 'no_diff', summary: '' }, NOW)).toBeUndefined();
  });
  it('is left alone by a stop and by a failure of this machine', () => {
    const { breaker } = fail(2, down());
    expect(afterRun(breaker, { ...run, outcome: 'stopped', code: 'cancelled', summary: '' }, NOW)).toBe(breaker);
    expect(afterRun(breaker, { ...run, outcome: 'infrastructure', code: 'infrastructure', summary: '' }, NOW)).toBe(breaker);
    expect(afterRun(undefined, { ...run, outcome: 'infrastructure', code: 'infrastructure', summary: '' }, NOW)).toBeUndefined();
  });
  it('keeps the agent away until its instant, not after it', () => {
    const breaker = afterRun(undefined, down(), NOW);
    expect(isResting(breaker, at('12:00:59.999'))).toBe(true);
    expect(isResting(breaker, at('12:01:00'))).toBe(false);
    expect(isResting(undefined, NOW)).toBe(false);
  });
  describe('of runs side by side', () => {
    const began = at('11:50:00');
    const late = { startedAt: began, run: 't.2' };
    it('forgets no reset time for a failure that names none', () => {
      const asked = afterRun(undefined, down({ code: 'provider_rate_limit', retryAt: at('17:00:00') }), NOW);
      const busy = afterRun(asked, down(late), at('12:02:00'));
      expect(busy).toMatchObject({ until: '2026-11-22T17:00:00.000Z', code: 'provider_rate_limit', failures: 1 });
    });
    it('counts one failure of all that began before the rest was over', () => {
      let breaker: Breaker | undefined;
      for (let k = 0; k < 8; k++) breaker = afterRun(breaker, down(late), NOW);
      expect(breaker).toMatchObject({ failures: 1, until: '2026-11-22T12:01:00.000Z' });
      expect(afterRun(breaker, down({ startedAt: at('12:01:00') }), at('12:01:00'))).toMatchObject({ failures: 2 });
    });
    it.each(['complete', 'failed'] as const)('is not closed by the ending of one that began before it opened: %s', (outcome) => {
      const breaker = afterRun(undefined, down(), NOW);
      const ending = { outcome, code: 'c', summary: '' };
      expect(afterRun(breaker, { ...late, ...ending }, at('12:05:00'))).toBe(breaker);
      expect(afterRun(breaker, { run: 't.3', startedAt: at('12:01:00'), ...ending }, at('12:05:00'))).toBeUndefined();
    });
    it('lets the next one try when its probe ended without an answer', () => {
      const breaker = { ...fail(1, down()).breaker, probe: { run: 't.1', owner: 'o' } } as Breaker;
      const stop = { outcome: 'stopped' as const, code: 'cancelled', summary: '' };
      expect(afterRun(breaker, { ...run, ...stop }, NOW)).not.toHaveProperty('probe');
      expect(afterRun(breaker, { ...late, ...stop }, NOW)).toBe(breaker);
      expect(afterRun(breaker, down(), at('12:01:00'))).not.toHaveProperty('probe');
    });
  });
  it('never rests for ever, nor not at all, whatever happens', () => {
    const ending = fc.record({
      run: fc.constantFrom('t.1', 't.2'),
      startedAt: fc.constantFrom(at('11:00:00'), NOW, at('13:00:00')),
      outcome: fc.constantFrom<RunEnding['outcome']>('complete', 'failed', 'infrastructure', 'stopped'),
      code: fc.constantFrom('provider_auth', 'provider_rate_limit', 'provider_unavailable', 'infrastructure'),
      summary: fc.string(),
      retryAt: fc.option(fc.date({ noInvalidDate: true }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(ending, { maxLength: 40 }), (endings) => {
        let breaker: Breaker | undefined;
        for (const one of endings) {
          breaker = afterRun(breaker, one, NOW);
          if (!breaker) continue;
          const rest = Date.parse(breaker.until) - NOW.getTime();
          expect(rest).toBeGreaterThan(0);
          expect(rest).toBeLessThanOrEqual(31 * 24 * 3_600_000);
          expect(breaker.reason).not.toMatch(/\n/);
        }
      }),
    );
  });
});
