import { describe, expect, it } from 'vitest';
import {
  type BudgetLimits,
  decideGrant,
  type Entry,
  findAhead,
  type RunRequest,
  splitUsd,
  sumUsd,
} from '../../../src/core/budget/ledger.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const limits = (over: Partial<BudgetLimits> = {}): BudgetLimits => ({ per_agent_month_usd: {}, per_agent_day_runs: {}, ...over });
const request = (over: Partial<RunRequest> = {}): RunRequest => ({ id: 't1.2', task: 't1', agent: 'claude', paid: true, ...over });
const entry = (id: string, over: Partial<Entry> = {}): Entry => ({
  id,
  task: id.split('.')[0] ?? '',
  agent: 'claude',
  at: '2026-11-22T08:00:00.000Z',
  reservedUsd: 5,
  ...over,
});

describe('a run', () => {
  it('may spend what it wants where nothing limits it', () => {
    expect(decideGrant([entry('t9.1', { reservedUsd: 1e6 })], limits(), request(), NOW)).toEqual({ granted: true });
    expect(decideGrant([], limits({ per_run_usd: 2 }), request(), NOW)).toEqual({ granted: true, usd: 2 });
  });
  it('reserves the usual sum, or what is left', () => {
    expect(decideGrant([], limits({ per_day_usd: 50 }), request(), NOW)).toEqual({ granted: true, usd: 5 });
    expect(decideGrant([entry('t9.1', { settledUsd: 48 })], limits({ per_day_usd: 50 }), request(), NOW)).toEqual({
      granted: true,
      usd: 2,
      cutShort: true,
    });
    expect(decideGrant([], limits({ per_task_usd: 3, per_day_usd: 50 }), request(), NOW)).toEqual({ granted: true, usd: 3 });
  });
  it.each([
    ['the day', 4, limits({ per_day_usd: 4 }), true],
    ['the month of its agent', 4, limits({ per_agent_month_usd: { claude: 4 } }), true],
    ['the day, and the task more than that', 3, limits({ per_task_usd: 4, per_day_usd: 3 }), true],
    ['its task, and the day as much', 3, limits({ per_task_usd: 3, per_day_usd: 3 }), undefined],
    ['nobody: it wants no more', 2, limits({ per_run_usd: 2, per_day_usd: 2 }), undefined],
  ])('is cut short by %s', (_, usd, limits, cutShort) => {
    expect(decideGrant([], limits, request(), NOW)).toEqual({ granted: true, usd, ...(cutShort && { cutShort }) });
  });
  it('counts what is reserved as spent, and what it cost instead once that is known', () => {
    const open = [entry('t1.1')];
    expect(decideGrant(open, limits({ per_task_usd: 5 }), request(), NOW)).toMatchObject({ granted: false });
    const settled = [entry('t1.1', { settledUsd: 1.5 })];
    expect(decideGrant(settled, limits({ per_task_usd: 5 }), request(), NOW)).toEqual({ granted: true, usd: 3.5 });
  });
  it('does not wait for a task whose money is spent', () => {
    const grant = decideGrant([entry('t1.1')], limits({ per_task_usd: 5, per_day_usd: 5 }), request(), NOW);
    expect(grant).toEqual({ granted: false, reason: '$5.00 of $5.00 are spent or reserved (budgets.per_task_usd)' });
  });
  it('waits for the next day, or for the next month of its agent', () => {
    const spent = [entry('t9.1', { settledUsd: 10 })];
    expect(decideGrant(spent, limits({ per_day_usd: 10 }), request(), NOW)).toMatchObject({ until: new Date('2026-11-23T00:00:00Z') });
    const month = limits({ per_day_usd: 10, per_agent_month_usd: { claude: 10 } });
    expect(decideGrant(spent, month, request(), NOW)).toMatchObject({ until: new Date('2026-12-01T00:00:00Z') });
    expect(decideGrant(spent, month, request(), new Date('2026-12-01T00:00:00Z'))).toEqual({ granted: true, usd: 5 });
    expect(decideGrant(spent, limits({ per_agent_month_usd: { claude: 10 } }), request({ agent: 'codex' }), NOW)).toEqual({
      granted: true,
    });
  });
  it('waits a minute where runs under way may leave room, and says so', () => {
    const month = limits({ per_agent_month_usd: { claude: 5 } });
    const soon = { granted: false, until: new Date('2026-11-22T12:01:00Z') };
    expect(decideGrant([entry('t9.1')], month, request(), NOW)).toEqual({
      ...soon,
      reason: '$5.00 of $5.00 are spent or reserved (budgets.per_agent_month_usd.claude); $5.00 of it is reserved by runs under way',
    });
    expect(decideGrant([entry('t9.1')], limits({ per_day_usd: 5 }), request(), NOW)).toMatchObject(soon);
    // What was settled leaves no room of its own; and what nobody settled for a day is not under way.
    const spent = [entry('t8.1', { settledUsd: 4.98 }), entry('t9.1', { reservedUsd: 0.02 })];
    expect(decideGrant(spent, month, request(), NOW)).toMatchObject({ until: new Date('2026-12-01T00:00:00Z') });
    const left = [entry('t9.1', { at: '2026-11-21T11:00:00.000Z' })];
    expect(decideGrant(left, month, request(), NOW)).toMatchObject({ until: new Date('2026-12-01T00:00:00Z') });
    // The day is used up, the month only reserved: the day decides.
    const both = limits({ per_day_usd: 1, per_agent_month_usd: { claude: 6 } });
    const day = [entry('t8.1', { settledUsd: 1 }), entry('t9.1')];
    expect(decideGrant(day, both, request(), NOW)).toMatchObject({ until: new Date('2026-11-23T00:00:00Z') });
  });
  it('whose cost is an estimate is granted as a whole or not at all', () => {
    const question = request({ id: 't1.models', agent: 'models', estimateUsd: 0.01 });
    expect(decideGrant([], limits(), question, NOW)).toEqual({ granted: true, usd: 0.01 });
    expect(decideGrant([], limits({ per_day_usd: 0.02, per_run_usd: 0.001 }), question, NOW)).toEqual({ granted: true, usd: 0.01 });
    expect(decideGrant([entry('t9.1', { settledUsd: 4.995 })], limits({ per_day_usd: 5 }), question, NOW)).toMatchObject({
      granted: false,
    });
  });
  it('waits no longer than an hour for the day of an entry far ahead of the clock', () => {
    const ahead = [entry('t9.1', { at: '2027-01-08T00:00:00.000Z', settledUsd: 5 })];
    expect(decideGrant(ahead, limits({ per_day_usd: 5 }), request(), NOW)).toEqual({
      granted: false,
      reason:
        '$5.00 of $5.00 are spent or reserved (budgets.per_day_usd); an entry of 2027-01-08T00:00:00.000Z is ahead of the clock: see `agentos doctor`',
      until: new Date('2026-11-22T13:00:00Z'),
    });
    expect(findAhead([entry('t1.1'), ...ahead], NOW)).toEqual(ahead);
  });
  it('of a subscription is counted where its money reads zero', () => {
    const two = [entry('t8.1', { reservedUsd: 0 }), entry('t9.1', { reservedUsd: 0, settledUsd: 0 })];
    const capped = limits({ per_agent_day_runs: { claude: 2 } });
    expect(decideGrant(two, capped, request(), NOW)).toMatchObject({ granted: false, until: new Date('2026-11-23T00:00:00Z') });
    expect(decideGrant(two, capped, request({ agent: 'codex' }), NOW)).toEqual({ granted: true });
    expect(decideGrant(two, capped, request(), new Date('2026-11-23T00:00:00Z'))).toEqual({ granted: true });
  });
  it('that is begun again is the same run', () => {
    expect(decideGrant([entry('t1.2')], limits({ per_task_usd: 5 }), request(), NOW)).toEqual({ granted: true, usd: 5 });
  });
  it('of an agent that costs nothing needs no money', () => {
    expect(decideGrant([entry('t1.1')], limits({ per_task_usd: 5 }), request({ paid: false }), NOW)).toEqual({ granted: true });
  });
  it('does not begin with a few cents', () => {
    const rest = [entry('t1.1', { settledUsd: 4.97 })];
    expect(decideGrant(rest, limits({ per_task_usd: 5 }), request(), NOW)).toMatchObject({ granted: false });
  });
});

it('sums stay exact over many small amounts', () => {
  const many = Array.from({ length: 1000 }, (_, i) => entry(`t.${i}`, { settledUsd: 0.001 }));
  expect(sumUsd(many)).toBe(1);
  expect(splitUsd([...many, entry('u.1')])).toEqual({ spentUsd: 1, reservedUsd: 5 });
});
