import { describe, expect, it } from 'vitest';
import { type BookedTask, judgeBooks, type PlacedEntry } from '../../../src/core/budget/judge-books.ts';
import type { Attempt } from '../../../src/core/mailbox/task.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const BOOK = '/state/budget/2026-11.ndjson';
const entry = (id: string, over: Partial<PlacedEntry> = {}): PlacedEntry => ({
  id,
  task: 't',
  agent: 'claude',
  at: '2026-11-22T08:00:00.000Z',
  reservedUsd: 5,
  path: BOOK,
  line: 3,
  ...over,
});
const attempt = (n: number, ended = true): Attempt => ({
  n,
  agent: 'claude',
  kind: 'work',
  started_at: '2026-11-22T08:00:00.000Z',
  ...(ended && { ended_at: '2026-11-22T09:00:00.000Z', outcome: 'failed' }),
});
const task = (tray: BookedTask['tray'], attempts: Attempt[], refine?: 'pending' | 'done'): BookedTask => ({
  task: { id: 't', attempts, ...(refine && { refine }) },
  tray,
});
const judge = (entries: PlacedEntry[], tasks: BookedTask[] = []) => judgeBooks({ entries, unreadable: [] }, tasks, NOW);

describe('a reservation', () => {
  it.each<[string, string, BookedTask[], Partial<PlacedEntry>]>([
    ['of the attempt that runs', 't.2', [task('processing', [attempt(1), attempt(2, false)])], {}],
    ['of an attempt that was cut off and is to be published', 't.1', [task('inbox', [attempt(1, false)])], {}],
    ['that is about to be noted on the task file', 't.2', [task('processing', [attempt(1)])], {}],
    ['of a question that is asked', 't.models', [task('inbox', [], 'pending')], {}],
    ['made just now, after the tasks were read', 't.1', [], { at: '2026-11-22T11:59:30.000Z' }],
    ['that was settled', 't.1', [], { settledUsd: 2 }],
  ])('%s is under way', (_, id, tasks, over) => {
    expect(judge([entry(id, over)], tasks)).toEqual([]);
  });
  it.each<[string, string, BookedTask[]]>([
    ['whose task is gone', 't.1', []],
    ['of an attempt that has ended', 't.1', [task('inbox', [attempt(1)])]],
    ['of an earlier attempt than the one that runs', 't.1', [task('processing', [attempt(1), attempt(2, false)])]],
    ['of no attempt yet, and nobody has claimed the task', 't.1', [task('inbox', [])]],
    ['of a question that was answered', 't.models', [task('inbox', [], 'done')]],
  ])('%s was left behind', (_, id, tasks) => {
    expect(judge([entry(id)], tasks)).toEqual([
      {
        kind: 'left-behind',
        where: `${BOOK}:3`,
        what: `$5.00 are reserved for \`${id}\` since 2026-11-22T08:00:00.000Z, which is not under way: they count as spent`,
        remedy: `Append \`{"op":"settle","id":"${id}","at":"2026-11-22T08:00:00.000Z","usd":5}\` to that file, with what the run cost.`,
      },
    ]);
  });
});

it('an entry more than a day ahead of the clock is named, with its line', () => {
  const path = '/state/budget/2027-01.ndjson';
  const ahead = [7, 9].map((line) => entry(`t.${line}`, { path, line, at: `2027-01-0${line}T00:00:00.000Z`, settledUsd: 1 }));
  expect(judge([entry('t.1', { at: '2026-11-23T11:00:00.000Z', settledUsd: 1 }), ...ahead])).toEqual([
    {
      kind: 'ahead',
      where: `${path}:7`,
      what: '2 entries ahead of the clock, up to 2027-01-09T00:00:00.000Z: until then that day and month count as today',
      remedy: 'Set the clock right. If it is, correct `at` in 2 lines of that file: 7, 9.',
    },
  ]);
});

it('a line that cannot be read stops spending', () => {
  expect(judgeBooks({ entries: [], unreadable: [{ path: BOOK, line: 4 }] }, [], NOW)).toMatchObject([
    {
      kind: 'unreadable',
      where: `${BOOK}:4`,
      what: `\`${BOOK}\` cannot be read at line 4: nothing that a limit concerns is spent until it can`,
    },
  ]);
});
