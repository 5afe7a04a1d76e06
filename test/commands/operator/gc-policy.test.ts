import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideGc, type GcSnapshot, type GcTask, mayBeFreed } from '../../../src/commands/operator/gc-policy.ts';
import { TRAYS } from '../../../src/core/mailbox/mailbox.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();

function task(change: Partial<GcTask> = {}): GcTask {
  return {
    id: 'acme__shop-1-1',
    repo: 'acme/shop',
    issue: 1,
    branch: 'agent/acme__shop-1-1',
    pullRequest: 2,
    tray: 'done',
    settledAt: daysAgo(40),
    readyCount: 1,
    ...change,
  };
}

function snapshot(change: Partial<GcSnapshot>): GcSnapshot {
  return { now: NOW, days: 30, cadenceDays: 7, tasks: [], runs: [], preserved: [], eventDays: [], effects: [], ...change };
}

const effect = (kind: string, subject: string, days = 40): GcSnapshot['effects'][number] => ({
  id: `${kind}${subject}`,
  repo: 'acme/shop',
  subject,
  kind,
  state: 'done',
  intendedAt: daysAgo(days),
});

const kinds = (change: Partial<GcSnapshot>) => decideGc(snapshot(change)).map(({ kind, subject }) => `${kind} ${subject}`);

describe('task files', () => {
  it.each<[string, Partial<GcTask>, boolean]>([
    ['a newer ready has taken its place', { readyCount: 2 }, true],
    ['its ready is the newest', { readyCount: 1 }, false],
    ['the forge does not know the issue', { readyCount: undefined as never }, false],
    ['too young', { readyCount: 2, settledAt: daysAgo(29) }, false],
    ['failed, superseded', { readyCount: 2, tray: 'failed' }, true],
    ['escalated', { readyCount: 2, tray: 'escalated' }, false],
    ['in review', { readyCount: 2, tray: 'review' }, false],
  ])('%s', (_, change, goes) => {
    expect(kinds({ tasks: [task(change)] })).toEqual(goes ? ['task-file acme__shop-1-1'] : []);
  });

  it('never frees an id whose `ready` is the newest, nor one that has not ended', () => {
    const anyTask = fc.record({
      n: fc.integer({ min: 1, max: 5 }),
      ready: fc.integer({ min: 0, max: 5 }),
      tray: fc.constantFrom(...TRAYS),
      age: fc.nat(100),
    });
    fc.assert(
      fc.property(anyTask, ({ n, ready, tray, age }) => {
        const one = task({ id: `acme__shop-1-${n}`, readyCount: ready, tray, settledAt: daysAgo(age) });
        const freed = decideGc(snapshot({ tasks: [one] })).some((removal) => removal.kind === 'task-file');
        expect(freed).toBe(ready > n && (tray === 'done' || tray === 'failed') && age > 30);
      }),
    );
  });

  it('reads the count from the end of the id', () => {
    expect(mayBeFreed({ id: 'acme__shop-2.ab12-77-3', readyCount: 4 })).toBe(true);
    expect(mayBeFreed({ id: 'acme__shop-2.ab12-77-3', readyCount: 3 })).toBe(false);
    expect(mayBeFreed({ id: 'odd', readyCount: 9 })).toBe(false);
  });
});

describe('what hangs on tasks', () => {
  it('runs go with the end of the task, or long after the task itself', () => {
    const runs = [
      { task: 'acme__shop-1-1', changedAt: NOW },
      { task: 'acme__shop-2-1', changedAt: NOW },
      { task: 'gone-1-1', changedAt: new Date(daysAgo(31)) },
      { task: 'gone-2-1', changedAt: new Date(daysAgo(29)) },
    ];
    const tasks = [task(), task({ id: 'acme__shop-2-1', tray: 'escalated' })];
    expect(kinds({ tasks, runs })).toEqual(['run acme__shop-1-1', 'run gone-1-1']);
  });

  it('preserved work goes only when the task is merged', () => {
    const preserved = ['1', '2', '3'].map((n) => ({ repo: 'acme/shop', task: `acme__shop-${n}-1` }));
    const tasks = [task(), task({ id: 'acme__shop-2-1', tray: 'failed' })];
    expect(kinds({ tasks, preserved })).toEqual(['preserved-work acme__shop-1-1']);
  });

  it('events are kept for ninety days, or three plans', () => {
    const eventDays = [daysAgo(40), daysAgo(95), daysAgo(200)].map((at) => at.slice(0, 10));
    expect(kinds({ eventDays })).toEqual([`events ${eventDays[1]}`, `events ${eventDays[2]}`]);
    expect(kinds({ eventDays, cadenceDays: 50 })).toEqual([`events ${eventDays[2]}`]);
  });

  it('keeps on record what must never happen twice, and everything of an issue that goes on', () => {
    const effects = [
      effect('add-label', '#1'),
      effect('push-branch', 'agent/acme__shop-1-1'),
      effect('merge-pull-request', '#2'),
      effect('create-status-comment', '#1'),
      effect('open-pull-request', '#1'),
      effect('file-issue', '#1'),
      effect('add-label', '#9'),
      effect('remove-label', '#1', 3),
      { ...effect('close-pull-request', '#2'), state: 'intent' as const },
    ];
    expect(kinds({ tasks: [task()], effects })).toEqual([
      'effect add-label#1',
      'effect push-branchagent/acme__shop-1-1',
      'effect merge-pull-request#2',
    ]);
    const again = task({ id: 'acme__shop-1-2', branch: 'agent/acme__shop-1-2', pullRequest: 8, tray: 'inbox', settledAt: daysAgo(40) });
    expect(kinds({ tasks: [task(), again], effects })).toEqual(['effect push-branchagent/acme__shop-1-1', 'effect merge-pull-request#2']);
  });
});
