import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startTime } from '../../src/core/liveness.ts';
import { findRun, killRun } from '../../src/core/process-tree.ts';

const mark = `tree-test-${process.pid}`;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(10);
  expect(condition()).toBe(true);
}

/** A shell that starts `script` and waits. */
function start(script: string, env: Record<string, string>): { pid: number; start: number } {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '', ...env } });
  return { pid: child.pid ?? 0, start: startTime(child.pid ?? 0) ?? 0 };
}

describe.skipIf(!existsSync('/proc/self/stat'))('processes of a run', () => {
  it('finds children of its session and descendants in sessions of their own, and ends them all', async () => {
    const root = start('sleep 60 & setsid sh -c "sleep 60; :" & wait', {});
    await until(() => findRun({ root }).length === 4);
    expect(await killRun({ root })).toBe(true);
    expect(findRun({ root })).toEqual([]);
    expect(startTime(root.pid)).toBeUndefined();
  });

  it('finds by its mark a process that left the session and lost its parent', async () => {
    const root = start('setsid sh -c "sleep 60 & sleep 60 &"', { AGENTOS_RUN: mark });
    await until(() => startTime(root.pid) === undefined && findRun({ mark }).length === 2);
    expect(findRun({ root })).toEqual([]);
    expect(findRun({ mark: `${mark}x` })).toEqual([]);
    expect(findRun({ mark: mark.slice(0, -1) })).toEqual([]);
    expect(await killRun({ mark })).toBe(true);
    expect(findRun({ mark })).toEqual([]);
  });

  it('takes nothing of a process that has the number of the first one by chance', () => {
    const other = start('sleep 60', {});
    expect(findRun({ root: other }).length).toBeGreaterThan(0);
    expect(findRun({ root: { pid: other.pid, start: other.start - 1 } })).toEqual([]);
    process.kill(-other.pid, 'SIGKILL');
  });

  it('never ends this process, not even by a mark that it carries itself', () => {
    const own = { pid: process.pid, start: startTime(process.pid) ?? 0 };
    expect(findRun({ root: own }).map(({ pid }) => pid)).not.toContain(process.pid);
  });
});
