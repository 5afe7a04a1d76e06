import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isOpen } from '../../src/commands/operator/render-status.ts';
import { readLoopRecord, recordFinish, recordStart } from '../../src/core/loop-record.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'loops-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (minute: number) => new Date(Date.UTC(2026, 10, 22, 10, minute));
const start = (run: string, minute: number) => recordStart(dir, 'queue', run, at(minute));
const finish = (run: string, began: number, minute: number, exit = 0) =>
  recordFinish(dir, { command: 'queue', run, startedAt: at(began).toISOString() }, at(minute), exit, '');
const read = () => readLoopRecord(dir, 'queue');
const open = () => {
  const record = read();
  return record && isOpen(record);
};

it('knows that the pass that started last has ended, also where an earlier one ends after it', () => {
  start('long', 0);
  start('short', 1);
  expect(open()).toBe(true);
  finish('short', 1, 2);
  expect(open()).toBe(false);
  finish('long', 0, 30, 1);
  expect(read()).toMatchObject({ run: 'short', finished: { run: 'long', exit: 1 } });
  expect(open()).toBe(false);
  start('next', 31);
  expect(open()).toBe(true);
});

it('does not take the end of an earlier pass for that of the last one', () => {
  start('long', 0);
  start('killed', 1);
  finish('long', 0, 30);
  expect(open()).toBe(true);
});
