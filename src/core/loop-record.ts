/**
 * The heartbeat of a loop, `loops/<command>.json`: when its last pass started,
 * ended, and how. Cron's failures are invisible otherwise. Not durable: after a
 * power loss the next pass writes it anew.
 */
import { readIfThere, writeFileAtomic } from './atomic-file.ts';

export interface LoopRecord {
  command: string;
  /** The pass that started last. */
  run: string;
  startedAt: string;
  /** The pass that started last has ended, whichever ended after it. */
  over?: boolean;
  /** The pass that ended last, which may be an earlier one: absent before the first end. */
  finished?: { run: string; at: string; exit: number; reason: string };
}

export function recordStart(dir: string, command: string, run: string, startedAt: Date): void {
  const finished = readLoopRecord(dir, command)?.finished;
  write(dir, { command, run, startedAt: startedAt.toISOString(), ...(finished && { finished }) });
}

export function recordFinish(dir: string, record: LoopRecord, finishedAt: Date, exit: number, reason: string): void {
  const latest = readLoopRecord(dir, record.command);
  // Passes of a loop may overlap after the lock is released: the one that started last stays the last.
  const started = latest && latest.startedAt > record.startedAt ? latest : { ...record, over: true };
  write(dir, { ...started, finished: { run: record.run, at: finishedAt.toISOString(), exit, reason: reason.slice(0, 500) } });
}

/** The heartbeat of a loop; `undefined` when it never ran, or when the file is not one (the next pass writes it anew). */
export function readLoopRecord(dir: string, command: string): LoopRecord | undefined {
  try {
    const record = JSON.parse(readIfThere(`${dir}/${command}.json`) ?? 'null') as LoopRecord | null;
    return typeof record?.startedAt === 'string' ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function write(dir: string, record: LoopRecord): void {
  writeFileAtomic(`${dir}/${record.command}.json`, `${JSON.stringify(record)}\n`, { durable: false });
}
