/**
 * Finds and ends what a program left behind, through /proc. A process belongs
 * to a run when it descends from the run's first process, is in its session or
 * process group, or carries the run's mark in its environment. A child that
 * leaves all of these (own session, reparented, environment rewritten) is not
 * found: only a process namespace is sure (fact 10 of docs/threat-model.md).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTime } from './liveness.ts';

/** The variable that carries the mark of a run. */
export const MARK_VARIABLE = 'AGENTOS_RUN';

export interface Process {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks since boot: with the pid, the name of one process. */
  start: number;
}

/** What is known of a run: its first process, its mark, or both. */
export interface RunTrace {
  root?: { pid: number; start: number };
  mark?: string;
  /** Name of the variable that carries the mark, where it is another one. */
  variable?: string;
}

/** Every live process; empty where there is no /proc. */
function listProcesses(): Process[] {
  const processes: Process[] = [];
  for (const name of listProc()) {
    const process = readProcess(Number(name));
    if (process) processes.push(process);
  }
  return processes;
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  } catch {
    return [];
  }
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, field 2, may hold spaces and parentheses: count from the last `)`.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { pid, parent: Number(fields[1]), group: Number(fields[2]), session: Number(fields[3]), start: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** The processes of a run that live now, the first one included; never this process nor what it descends from. */
export function findRun(trace: RunTrace): Process[] {
  const all = listProcesses();
  const found = new Set<number>();
  if (trace.root) addTree(trace.root, all, found);
  if (trace.mark !== undefined) {
    for (const { pid } of all) if (hasMark(pid, trace.variable ?? MARK_VARIABLE, trace.mark)) found.add(pid);
  }
  for (const pid of ancestry(all)) found.delete(pid);
  return all.filter(({ pid }) => found.has(pid));
}

function addTree(root: { pid: number; start: number }, all: Process[], found: Set<number>): void {
  // The number has a new owner: what bears it as session or group now is not of the run.
  if (all.some(({ pid, start }) => pid === root.pid && start !== root.start)) return;
  const younger = all.filter((process) => process.start >= root.start);
  for (const { pid, group, session, start } of younger) {
    if ((pid === root.pid && start === root.start) || group === root.pid || session === root.pid) found.add(pid);
  }
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of younger) if (found.has(parent)) found.add(pid);
  }
}

function hasMark(pid: number, variable: string, mark: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${variable}=${mark}\0`);
  } catch {
    // Gone, or of another user: not ours.
    return false;
  }
}

function ancestry(all: Process[]): number[] {
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const line = [process.pid];
  for (let pid = parents.get(process.pid); pid !== undefined && pid > 0 && !line.includes(pid); pid = parents.get(pid)) line.push(pid);
  return line;
}

/** Sends a signal to every process of the run but `spare`; returns how many there were. */
export function signalRun(trace: RunTrace, signal: NodeJS.Signals, spare?: number): number {
  const members = findRun(trace).filter(({ pid }) => pid !== spare);
  for (const { pid, start } of members) {
    // The number may have a new owner since it was looked at.
    if (startTime(pid) === start) sendSignal(pid, signal);
  }
  return members.length;
}

/** `kill(2)`; true when the process was there. A negative pid means the process group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Kills the run again and again until a look finds none of it; false when some is left after `patienceMs`. */
export async function killRun(trace: RunTrace, patienceMs = 5000): Promise<boolean> {
  const end = performance.now() + patienceMs;
  for (let pause = 2; signalRun(trace, 'SIGKILL') > 0; pause = Math.min(pause * 2, 100)) {
    if (performance.now() > end) return false;
    await sleep(pause);
  }
  return true;
}
