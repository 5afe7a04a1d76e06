/**
 * How each loop fares, from its heartbeat: cron's failures are invisible
 * otherwise. The lock is looked for in /proc, so that asking never makes a pass
 * of cron find it taken.
 */
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { StatePaths } from '../../core/config/paths.ts';
import { startTime } from '../../core/liveness.ts';
import { readLoopRecord } from '../../core/loop-record.ts';
import { isOpen, judgeLoop, LOOP_LIMITS_MS, type LoopHealth, type LoopName } from './render-status.ts';

/** Every loop, in the order of the command line. */
export function gatherLoops(paths: StatePaths, now: Date, paused: boolean): LoopHealth[] {
  const installedAt = statSync(paths.root).birthtime;
  return (Object.keys(LOOP_LIMITS_MS) as LoopName[]).map((command) => {
    const record = readLoopRecord(paths.loops, command);
    const pid = record && isOpen(record) ? pidOf(record.run) : undefined;
    return judgeLoop({
      command,
      ...(record && { record }),
      running: pid !== undefined && startTime(pid) !== undefined,
      holdsLock: pid !== undefined && holds(pid, `${paths.locks}/${command}.lock`),
      installedAt,
      paused,
      now,
    });
  });
}

/** A run's id ends with its process (`core/ids.ts`). */
function pidOf(run: string): number | undefined {
  const match = /-([0-9]+)$/.exec(run);
  return match ? Number(match[1]) : undefined;
}

/** A lock is held as long as its file is open (`core/lock.ts`). */
function holds(pid: number, lock: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === lock);
  } catch {
    return false; // another user's process, or one that has just ended
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
