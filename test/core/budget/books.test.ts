import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Books, openBooks } from '../../../src/core/budget/books.ts';
import type { BudgetLimits } from '../../../src/core/budget/ledger.ts';

let dir: string;
let now: Date;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'books-'));
  now = new Date('2026-11-30T23:50:00Z');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (over: Partial<BudgetLimits> = {}): Books =>
  openBooks({
    root: join(dir, 'budget'),
    locks: join(dir, 'locks'),
    limits: { per_task_usd: 10, per_agent_month_usd: {}, per_agent_day_runs: {}, ...over },
    clock: { now: () => now },
  });
const run = (id: string, over = {}) => ({ id, task: id.split('.')[0] ?? '', agent: 'claude', paid: true, ...over });
const book = (month = '2026-11') => join(dir, 'budget', `${month}.ndjson`);

describe('the books', () => {
  it('remember over processes what was reserved and what it cost', () => {
    expect(open().reserve(run('t.1'))).toEqual({ granted: true, usd: 5 });
    expect(open().reserve(run('t.2'))).toEqual({ granted: true, usd: 5 });
    expect(open().reserve(run('t.3'))).toMatchObject({ granted: false });
    open().settle('t.1', 1);
    expect(open().quote(run('t.3'))).toEqual({ granted: true, usd: 4 });
    expect(open().inspect().entries).toMatchObject([
      { id: 't.1', settledUsd: 1 },
      { id: 't.2', reservedUsd: 5 },
    ]);
  });
  it('count a cost that nobody knows as what was reserved, and take a cost once', () => {
    const books = open();
    books.reserve(run('t.1'));
    books.settle('t.1', undefined);
    books.settle('t.1', 0);
    expect(books.inspect().entries).toMatchObject([{ settledUsd: 5 }]);
  });
  it('give back what was reserved for a run that never began', () => {
    const books = open();
    books.reserve(run('t.1'));
    books.release('t.1');
    expect(books.inspect().entries).toEqual([]);
    books.release('t.1');
    books.settle('t.9', 3);
    expect(books.inspect().entries).toEqual([]);
  });
  it('settle a run in the month that it was reserved in, and count it there', () => {
    const books = open({ per_agent_month_usd: { claude: 6 } });
    books.reserve(run('t.1'));
    now = new Date('2026-12-01T00:10:00Z');
    books.settle('t.1', 4);
    expect(readdirSync(join(dir, 'budget'))).toEqual(['2026-11.ndjson']);
    expect(books.quote(run('u.1'))).toEqual({ granted: true, usd: 5 });
    expect(books.quote(run('t.2'))).toEqual({ granted: true, usd: 5 });
  });
  it('have a run that is begun again in the next month once', () => {
    const books = open();
    books.reserve(run('t.1'));
    now = new Date('2026-12-01T00:10:00Z');
    books.reserve(run('t.1'));
    expect(books.inspect().entries).toMatchObject([{ id: 't.1', at: '2026-12-01T00:10:00.000Z' }]);
  });
  it('give no day a second time when the clock goes back', () => {
    const books = open({ per_day_usd: 5 });
    now = new Date('2026-12-01T00:10:00Z');
    books.reserve(run('t.1'));
    now = new Date('2026-11-30T23:50:00Z');
    expect(books.reserve(run('u.1'))).toMatchObject({ granted: false });
  });
  it('pass over a line that a crash cut off, and what was written after it', () => {
    const books = open();
    books.reserve(run('t.1'));
    appendFileSync(book(), '{"op":"reserve","id":"t.2","ta');
    expect(books.inspect().entries).toHaveLength(1);
    books.settle('t.1', 2);
    expect(books.inspect().entries).toMatchObject([{ id: 't.1', settledUsd: 2 }]);
    expect(readFileSync(book(), 'utf8').split('\n')).toHaveLength(4);
  });
  it.each([
    ['damage', 'nonsense\n'],
    ['a sum that is none', '{"op":"settle","id":"t.1","at":"2026-11-30T00:00:00Z","usd":-5}\n'],
    ['an unknown line', '{"op":"gift","id":"t.1","at":"2026-11-30T00:00:00Z","usd":5}\n'],
  ])('stop spending at %s, and say where', (_, text) => {
    const books = open();
    books.reserve(run('t.1'));
    writeFileSync(book(), text + readFileSync(book(), 'utf8'));
    for (const act of [() => books.quote(run('t.2')), () => books.reserve(run('t.2'))]) {
      expect(act).toThrow(/2026-11\.ndjson` cannot be read at line 1: nothing that a limit concerns is spent/);
    }
  });
  it('do not know what nothing counts', () => {
    const books = open();
    expect(books.reserve(run('t.1', { agent: 'patch', paid: false }))).toEqual({ granted: true });
    books.settle('t.1', 0);
    expect(existsSync(join(dir, 'budget'))).toBe(false);
  });
  it('count a run under an id that was settled before as a further run', () => {
    const books = open({ per_task_usd: 8, per_run_usd: 4 });
    books.reserve(run('t.1'));
    books.settle('t.1', 3);
    // The file of the task was removed by hand, or comes from a backup: its attempts begin at 1 again.
    expect(books.reserve(run('t.1'))).toEqual({ granted: true, usd: 4 });
    expect(open().inspect().entries).toMatchObject([
      { id: 't.1', settledUsd: 3 },
      { id: 't.1', reservedUsd: 4 },
    ]);
    // Cut off between the reservation and the run, it is the same run.
    expect(books.reserve(run('t.1'))).toEqual({ granted: true, usd: 4 });
    expect(open().inspect().entries).toHaveLength(2);
    books.settle('t.1', 4);
    books.settle('t.1', 0);
    expect(open().inspect().entries).toMatchObject([{ settledUsd: 3 }, { settledUsd: 4 }]);
    now = new Date('2026-12-01T00:10:00Z');
    expect(books.reserve(run('t.1'))).toEqual({ granted: true, usd: 1 });
    books.release('t.1');
    expect(open().inspect().entries).toMatchObject([{ settledUsd: 3 }, { settledUsd: 4 }]);
  });
  it('count all attempts of a task, however long ago', () => {
    const books = open({ per_task_usd: 6 });
    books.reserve(run('t.1'));
    books.settle('t.1', 5);
    now = new Date('2027-06-15T00:00:00Z');
    expect(books.quote(run('t.2'))).toEqual({ granted: true, usd: 1 });
    expect(books.quote(run('u.1'))).toEqual({ granted: true, usd: 5 });
  });
  it('read two years of them in no time, and what stayed as it is once', () => {
    mkdirSync(join(dir, 'budget'));
    for (let month = 0; month < 24; month++) {
      const name = new Date(Date.UTC(2024, 11 + month, 1)).toISOString().slice(0, 7);
      const at = `${name}-15T00:00:00.000Z`;
      const lines = Array.from({ length: 2500 }, (_, k) => [
        { op: 'reserve', id: `t${k}.1`, task: `t${k}`, agent: 'claude', at, usd: 5 },
        { op: 'settle', id: `t${k}.1`, at, usd: 0.1 },
      ]);
      writeFileSync(
        book(name),
        `${lines
          .flat()
          .map((line) => JSON.stringify(line))
          .join('\n')}\n`,
      );
    }
    const books = open();
    const started = process.cpuUsage();
    expect(books.quote(run('t7.2'))).toEqual({ granted: true, usd: 5 });
    expect(books.quote(run('t8.2', { agent: 'codex' }))).toEqual({ granted: true, usd: 5 });
    expect(books.inspect().entries).toHaveLength(60_000);
    // Processor time, so that a busy machine does not count; twice what is allowed, for a slow one.
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1000);
  });
  it('keep the last line where an editor took its end away', () => {
    const books = open();
    books.reserve(run('t.1'));
    truncateSync(book(), readFileSync(book()).length - 1);
    expect(books.inspect().entries).toMatchObject([{ id: 't.1', reservedUsd: 5 }]);
    books.reserve(run('t.2'));
    expect(open().inspect().entries).toMatchObject([{ id: 't.1' }, { id: 't.2' }]);
    expect(readFileSync(book(), 'utf8')).not.toContain('#torn');
  });
  it('take no part of a line for a line, wherever it was cut off', () => {
    const books = open();
    books.reserve(run('t.1'));
    books.settle('t.1', 1.25);
    const text = readFileSync(book(), 'utf8');
    const first = text.indexOf('\n') + 1;
    for (let size = first; size < text.length - 1; size++) {
      writeFileSync(book(), text.slice(0, size));
      expect(open().inspect().entries, `${size}`).toEqual([expect.not.objectContaining({ settledUsd: expect.anything() })]);
      open().settle('t.1', 2);
      expect(open().inspect().entries, `${size}`).toMatchObject([{ settledUsd: 2 }]);
    }
  });
  it('give no day a second time when the clock is years behind', () => {
    open({ per_day_usd: 5 }).reserve(run('t.1'));
    open().settle('t.1', 5);
    now = new Date('2020-01-01T00:00:00Z');
    const grant = open({ per_day_usd: 5, per_task_usd: undefined }).reserve(run('u.1'));
    expect(grant).toMatchObject({ granted: false, until: new Date('2020-01-01T01:00:00Z') });
    expect(grant).toMatchObject({ reason: expect.stringContaining('an entry of 2026-11-30T23:50:00.000Z is ahead of the clock') });
  });
  it('write nothing that they could not read', () => {
    const ids = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('constructor', '__proto__', 'toString'));
    const amounts = fc.option(fc.oneof(fc.double(), fc.constantFrom(2e9, -1, Number.POSITIVE_INFINITY, Number.NaN, -0)), {
      nil: undefined,
    });
    const when = fc.date({ min: new Date('1970-02-01'), max: new Date('9999-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.array(fc.record({ id: ids, amount: amounts, when }), { minLength: 1, maxLength: 8 }), (steps) => {
        rmSync(join(dir, 'budget'), { recursive: true, force: true });
        const books = open({ per_task_usd: undefined });
        for (const { id, amount, when } of steps) {
          now = when;
          books.reserve(run(id, { task: id, agent: id }));
          books.settle(id, amount);
        }
        expect(books.inspect().unreadable).toEqual([]);
        expect(open().inspect().entries).toHaveLength(steps.length);
        for (const { settledUsd } of open().inspect().entries) expect(settledUsd).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 30 },
    );
  });
  it('count a cost that is no amount as what was reserved, and the largest as the most there is', () => {
    const books = open({ per_task_usd: undefined, per_day_usd: 100 });
    for (const [id, usd] of [
      ['a.1', -1],
      ['b.1', Number.NaN],
      ['c.1', 2e9],
    ] as const) {
      books.reserve(run(id));
      books.settle(id, usd);
    }
    expect(
      open()
        .inspect()
        .entries.map(({ settledUsd }) => settledUsd),
    ).toEqual([5, 5, 1e9]);
  });
  it('take what a run cost, and let run what no limit concerns, where a line cannot be read', () => {
    open().reserve(run('t.1'));
    appendFileSync(book(), 'nonsense\n');
    open().settle('t.1', 2);
    expect(open().inspect()).toMatchObject({
      entries: [{ id: 't.1', settledUsd: 2, path: book(), line: 1 }],
      unreadable: [{ path: book(), line: 2 }],
    });
    const free = run('u.1', { agent: 'patch', paid: false });
    expect(open().reserve(free)).toEqual({ granted: true });
    expect(() => open().assertReadable([free])).not.toThrow();
    expect(() => open().assertReadable([free, run('u.1')])).toThrow(/cannot be read at line 2/);
    const unlimited = open({ per_task_usd: undefined });
    expect(unlimited.inspect().entries).toHaveLength(1);
    expect(unlimited.reserve(run('u.1'))).toEqual({ granted: true });
    expect(() => open({ per_task_usd: undefined, per_agent_day_runs: { patch: 2 } }).quote(free)).toThrow(/cannot be read at line 2/);
  });
  it('count runs of agents that cost nothing where their runs are limited', () => {
    const books = open({ per_agent_day_runs: { patch: 1 } });
    books.reserve(run('t.1', { agent: 'patch', paid: false }));
    expect(books.quote(run('u.1', { agent: 'patch', paid: false }))).toMatchObject({ granted: false });
    books.release('t.1');
    expect(books.quote(run('u.1', { agent: 'patch', paid: false }))).toEqual({ granted: true });
  });
});
