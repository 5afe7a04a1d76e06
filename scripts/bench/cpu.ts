/**
 * CPU time of short programs, user and system, with everything that they start
 * and wait for: bash adds it up for its children (`times`), to the millisecond.
 * Programs are run in turn, in batches, so that a change of the machine's mood
 * concerns all of them.
 */
import { execFileSync } from 'node:child_process';
import { median } from './figure.ts';

const BATCH = 5;

export interface CpuRequest {
  programs: string[][];
  /** The whole environment of the programs (and of bash, which adds PWD, SHLVL and _). */
  env: Record<string, string>;
  cwd: string;
  /** Batches of each program. */
  batches: number;
}

/** Milliseconds of CPU time of one run of each program: the median over the batches. @throws when a program fails. */
export function measureCpu({ programs, env, cwd, batches }: CpuRequest): { ms: number[]; n: number } {
  const lines = programs.map((argv) => `for ((k = 0; k < ${BATCH}; k++)); do ${argv.map(quote).join(' ')} >/dev/null; done\ntimes`);
  const script = `set -e\ntimes\nfor ((b = 0; b < ${batches + 1}; b++)); do\n${lines.join('\n')}\ndone`;
  const printed = execFileSync('bash', ['-c', script], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const totals = printed
    .trim()
    .split('\n')
    .filter((_, line) => line % 2 === 1) // the first line of each pair is bash itself
    .map(toMs);
  const spent = totals.slice(1).map((total, k) => (total - (totals[k] ?? 0)) / BATCH);
  // The first batch of each fills the caches and is not counted.
  const ms = programs.map((_, which) => median(spent.filter((_, k) => k % programs.length === which).slice(1)));
  return { ms, n: batches * BATCH };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** `0m1.234s 0m0.567s`: user and system. */
function toMs(line: string): number {
  const times = [...line.matchAll(/(\d+)m(\d+)[.,](\d{3})s/g)];
  if (times.length !== 2) throw new Error(`bash printed no times: ${line}`);
  return times.reduce((sum, [, minutes, seconds, ms]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(ms), 0);
}
