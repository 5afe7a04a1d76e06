/**
 * What other programs of this machine could see of a process and everything it
 * starts: argument lists and environments, read from /proc all the time while
 * it runs. What lives for less than a reading takes may be missed. Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface SeenProcess {
  pid: number;
  argv: string[];
  /** `NAME=value`. */
  env: string[];
}

export interface ProcessWatch {
  /** Ends the watch. @returns each process once for each program that it ran. */
  stop(): SeenProcess[];
}

/** @param pause between two readings, in milliseconds */
export function watchProcesses(root: number, pause = 10): ProcessWatch {
  const seen = new Map<string, SeenProcess>();
  const family = new Set([root]);
  const look = () => {
    for (const pid of growFamily(family)) {
      const [argv, env] = [readList(pid, 'cmdline'), readList(pid, 'environ')];
      // Between its start and its program a process has the arguments of the one before: both are read as of one program.
      const same = readList(pid, 'cmdline').join('\0') === argv.join('\0');
      if (argv.length > 0 && same) seen.set(`${pid} ${argv.join('\0')} ${env.join('\0')}`, { pid, argv, env });
    }
  };
  look();
  const timer = setInterval(look, pause);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen.values()];
    },
  };
}

/** Adds the children of those known; one whose parent has ended stays known. @returns those that run. */
function growFamily(family: Set<number>): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  for (let size = -1; size !== family.size; ) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family].filter((pid) => parents.has(pid));
}

function parentOf(pid: number): number | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  const parent = /^ \S (\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 1))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function readList(pid: number, what: 'cmdline' | 'environ'): string[] {
  return readOr(`/proc/${pid}/${what}`)
    .split('\0')
    .filter((part) => part !== '');
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
