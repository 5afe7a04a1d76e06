import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    expect(open().list()).toMatchObject([
      { id: 't.1', settledUsd: 1 },
      { id: 't.2', reservedUsd: 5 },
    ]);
  });
  it('count a cost that nobody knows as what was reserved, and take a cost once', () => {
    const books = open();
    books.reserve(run('t.1'));
    books.settle('t.1', undefined);
    books.settle('t.1', 0);
    expect(books.list()).toMatchObject([{ settledUsd: 5 }]);
  });
  it('give back what was reserved for a run that never began', () => {
    const books = open();
    books.reserve(run('t.1'));
    books.release('t.1');
    expect(books.list()).toEqual([]);
    books.release('t.1');
    books.settle('t.9', 3);
    expect(books.list()).toEqual([]);
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
    expect(books.list()).toMatchObject([{ id: 't.1', at: '2026-12-01T00:10:00.000Z' }]);
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
    expect(books.list()).toHaveLength(1);
    books.settle('t.1', 2);
    expect(books.list()).toMatchObject([{ id: 't.1', settledUsd: 2 }]);
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
      expect(act).toThrow(/2026-11\.ndjson` cannot be read at line 1: nothing is spent/);
    }
  });
  it('do not know what nothing counts', () => {
    const books = open();
    expect(books.reserve(run('t.1', { agent: 'patch', paid: false }))).toEqual({ granted: true });
    books.settle('t.1', 0);
    expect(existsSync(join(dir, 'budget'))).toBe(false);
  });
  it('count runs of agents that cost nothing where their runs are limited', () => {
    const books = open({ per_agent_day_runs: { patch: 1 } });
    books.reserve(run('t.1', { agent: 'patch', paid: false }));
    expect(books.quote(run('u.1', { agent: 'patch', paid: false }))).toMatchObject({ granted: false });
  });
});
