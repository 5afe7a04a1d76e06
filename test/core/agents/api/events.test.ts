import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApiEvent, foldEvent, toRecord } from '../../../../src/core/agents/api/events.ts';
import { toEndEvent } from '../../../../src/core/agents/api/loop.ts';
import { countRepeat, judgeRepeats, NO_REPEATS } from '../../../../src/core/agents/api/repeats.ts';
import type { CliReport } from '../../../../src/core/agents/cli/cli-kind.ts';
import type { AgentFailure } from '../../../../src/core/agents/report.ts';

const START: CliReport = { finished: false, denials: [] };
const fold = (...events: (ApiEvent | Record<string, unknown>)[]) =>
  events.reduce((report: CliReport, event) => foldEvent(report, JSON.parse(JSON.stringify(event))), START);
const usage = (input: number) => ({ input, cacheRead: 1, cacheWrite: 2, output: 3 });
const wait: AgentFailure = { kind: 'rate_limit', message: 'asks to wait', retryAt: new Date('2026-11-23T10:00:00Z') };

describe('foldEvent', () => {
  it('reads a run that finished', () => {
    const report = fold(
      { type: 'session', session: 'abc', provider: 'openai', model: 'm' },
      { type: 'request', turn: 1, tokens: 100 },
      { type: 'answer', turn: 1, text: 'I look', usage: usage(10) },
      { type: 'call', tool: 'read', input: '{}', failed: false, text: 'x' },
      { type: 'answer', turn: 2, text: 'done', usage: usage(30) },
      toEndEvent({ turns: 2, usage: usage(30) }),
    );
    expect(report).toEqual({ finished: true, session: 'abc', usage: usage(30), denials: [], text: 'done' });
  });

  it('reads a run that failed, with the time to come back', () => {
    expect(fold(toEndEvent({ turns: 1, usage: usage(5), failure: wait }))).toEqual({
      finished: false,
      usage: usage(5),
      failure: wait,
      denials: [],
    });
  });

  it('names the last failure of a run that was killed while it waited, and forgets one that passed', () => {
    const retry = { type: 'retry', failure: toRecord(wait), wait_ms: 1000 };
    expect(fold(retry).failure).toEqual(wait);
    expect(fold(retry, { type: 'answer', turn: 1, text: '', usage: usage(1) })).not.toHaveProperty('failure');
    expect(fold(retry, { type: 'end', finished: false }).failure).toEqual(wait);
  });

  it('takes a success with a failure for none', () => {
    expect(fold({ type: 'end', finished: true, failure: { kind: 'auth', message: 'no' } })).toMatchObject({
      finished: false,
      failure: { kind: 'auth' },
    });
    expect(fold({ type: 'end', finished: 'yes' }).finished).toBe(false);
  });

  it('bears any line', () => {
    const lines = fc.dictionary(fc.constantFrom('type', 'usage', 'failure', 'finished', 'session', 'x'), fc.jsonValue(), { maxKeys: 6 });
    const types = fc.constantFrom('session', 'retry', 'answer', 'end', 'call', '__proto__');
    fc.assert(
      fc.property(lines, types, (line, type) => {
        const report = foldEvent(START, { ...line, type });
        expect(report.denials).toEqual([]);
        expect(typeof report.finished).toBe('boolean');
        for (const count of Object.values(report.usage ?? {})) expect(count >= 0 && Number.isSafeInteger(count)).toBe(true);
        expect((report.failure?.message ?? '').length).toBeLessThanOrEqual(300);
        expect((report.session ?? '').length).toBeLessThanOrEqual(100);
      }),
    );
    expect(fold({ type: 'end', failure: { kind: 'toString', message: 'x' } })).not.toHaveProperty('failure');
    expect(fold({ type: 'answer', usage: { input: -5, output: 1e300 } }).usage).toEqual({
      input: 0,
      cacheRead: 0,
      cacheWrite: 0,
      output: 1e12,
    });
  });
});

describe('repeats', () => {
  const same = { id: '1', tool: 'read', input: { path: 'a' } };
  const result = (text: string) => ({ id: '1', tool: 'read', text, failed: false });

  it('warns from the fifth time on, and stops at the tenth', () => {
    let repeats = NO_REPEATS;
    const verdicts = Array.from({ length: 10 }, (_, at) => {
      repeats = countRepeat(repeats, { ...same, id: `c${at}` }, result('x'));
      return judgeRepeats(repeats);
    });
    expect(verdicts).toEqual([...Array(4).fill('fine'), ...Array(5).fill('warn'), 'stop']);
  });

  it('begins anew with another result or another call', () => {
    const nine = Array.from({ length: 9 }).reduce((repeats: typeof NO_REPEATS) => countRepeat(repeats, same, result('x')), NO_REPEATS);
    expect(nine.count).toBe(9);
    expect(countRepeat(nine, same, result('y')).count).toBe(1);
    expect(countRepeat(nine, { ...same, input: { path: 'b' } }, result('x')).count).toBe(1);
    expect(countRepeat(nine, { ...same, tool: 'list' }, result('x')).count).toBe(1);
  });
});
