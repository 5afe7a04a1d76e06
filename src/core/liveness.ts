/**
 * Who owns a claim, and whether it still lives. A pid alone is reused; pid and
 * start time name one process of one boot (docs/reliability.md, faults 23-25).
 */
import { readFileSync } from 'node:fs';

/** One process of one boot of this machine; `start` is in clock ticks since boot. */
export interface Owner {
  boot: string;
  pid: number;
  start: number;
}

/** This machine's boot as eight hex digits; `00000000` where the kernel does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
      .replace(/[^0-9a-f]/g, '')
      .slice(0, 8);
  } catch {
    return '00000000';
  }
}

/** Field 22 of /proc/PID/stat; `undefined` when there is no such process, 0 where there is no /proc. */
export function startTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, field 2, may hold spaces and parentheses: count from the last `)`.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended: it can do nothing any more.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
  } catch {
    return withoutProc(pid);
  }
}

function withoutProc(pid: number): number | undefined {
  try {
    readFileSync('/proc/self/stat');
    return undefined;
  } catch {
    try {
      process.kill(pid, 0);
      return 0;
    } catch {
      return undefined;
    }
  }
}

export function thisProcess(): Owner {
  return { boot: bootId(), pid: process.pid, start: startTime(process.pid) ?? 0 };
}

/** `<boot>-<pid>-<start>`, as it stands in the name of a claimed task file. */
export function renderOwner(owner: Owner): string {
  return `${owner.boot}-${owner.pid}-${owner.start}`;
}

/** The owner in a claimed file's name; `undefined` when the text is not one. */
export function parseOwner(text: string): Owner | undefined {
  const match = /^([0-9a-f]{8})-([0-9]{1,10})-([0-9]{1,20})$/.exec(text);
  if (!match) return undefined;
  return { boot: match[1] ?? '', pid: Number(match[2]), start: Number(match[3]) };
}

/** True while the very process that made the claim runs. */
export function isAlive(owner: Owner): boolean {
  return owner.boot === bootId() && startTime(owner.pid) === owner.start;
}
