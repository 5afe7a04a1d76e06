/** The mailbox: tasks a second, the first claim of a process, and whether a claim costs more among many. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { renderMessage } from '../../src/core/mailbox/message.ts';
import { median, type Report, say } from './figure.ts';
import { benchBody, benchTaskFile } from './task-file.ts';
import { withTemporary } from './temporary.ts';

const FEW = 100;
const MANY = 10_000;
const CYCLES = 400;
const FIRST_RUNS = 9;
const FIRST_LIMIT_S = 0.5;
const CLAIMS = 100;
const CLAIM_LIMIT = 1.5;

export function benchMailbox(report: Report): Promise<void> {
  return withTemporary(async (dir) => {
    const worker = await bundleWorker(dir);
    for (const waiting of [FEW, MANY]) {
      for (const processes of [1, 8]) await benchCycles(report, worker, fill(dir, waiting), waiting, processes);
    }
    benchFirstClaim(report, worker, fill(dir, MANY));
    benchClaims(report, worker, fill(dir, FEW + 2), fill(dir, MANY + 2));
  });
}

async function benchCycles(report: Report, worker: string, state: string, waiting: number, processes: number): Promise<void> {
  say(`submit, claim and settle among ${waiting} with ${processes} process${processes === 1 ? '' : 'es'}`);
  const rounds = CYCLES / processes;
  const children = Array.from({ length: processes }, (_, k) => startWorker(worker, ['cycle', state, String(rounds), String(k + 2)]));
  try {
    await Promise.all(children.map((child) => once(child.stdout ?? child, 'data')));
    const begun = performance.now();
    const ends = children.map((child) => once(child, 'exit'));
    for (const child of children) child.stdin?.end('go');
    for (const [status] of await Promise.all(ends)) if (status !== 0) throw new Error(`a mailbox process ended with ${status}`);
    const seconds = (performance.now() - begun) / 1000;
    report({ figure: `mailbox-cycles-${waiting}-waiting-${processes}-processes`, value: CYCLES / seconds, unit: 'tasks/s', n: CYCLES });
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function benchFirstClaim(report: Report, worker: string, state: string): void {
  say(`the first claim among ${MANY}`);
  const rebuilds = Array.from({ length: 3 }, () => run<{ ms: number }>(worker, 'rebuild', state).ms / 1000);
  const note = `${MANY} waiting`;
  report({ figure: 'mailbox-index-rebuild', value: median(rebuilds), unit: 's', n: rebuilds.length, note });
  const firsts = Array.from({ length: FIRST_RUNS }, () => run<{ ms: number }>(worker, 'first', state).ms / 1000);
  report({
    figure: 'mailbox-first-claim',
    value: median(firsts),
    unit: 's',
    limit: FIRST_LIMIT_S,
    n: FIRST_RUNS,
    note: `${note}; a new process, its start included`,
  });
}

function benchClaims(report: Report, worker: string, few: string, many: string): void {
  say(`a claim among ${MANY} and among ${FEW}`);
  for (const state of [few, many]) run(worker, 'rebuild', state);
  const series = run<Record<'few' | 'many', { listMs: number; claimMs: number[] }>>(worker, 'claims', few, many, String(CLAIMS));
  const [value, reference] = [median(series.many.claimMs), median(series.few.claimMs)];
  const note = `one among ${MANY} waiting; reference: one among ${FEW}`;
  report({ figure: 'mailbox-claim', value, unit: 'ms', reference, limit: CLAIM_LIMIT, n: CLAIMS, note });
  report({
    figure: 'mailbox-list',
    value: series.many.listMs,
    unit: 'ms',
    reference: series.few.listMs,
    n: 1,
    note: 'once a pass, from the index',
  });
}

/** A state directory with so many waiting tasks: their files are written plainly, which takes a second and not minutes. */
function fill(dir: string, waiting: number): string {
  const state = join(dir, `state-${waiting}-${performance.now()}`);
  mkdirSync(`${state}/mailbox/inbox`, { recursive: true, mode: 0o700 });
  for (let issue = 1; issue <= waiting; issue++) {
    const task = benchTaskFile(issue);
    writeFileSync(`${state}/mailbox/inbox/${task.id}.md`, renderMessage(task, benchBody), { mode: 0o600 });
  }
  return state;
}

async function bundleWorker(dir: string): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL('mailbox-worker.ts', import.meta.url))],
    outdir: join(dir, 'worker'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
  return join(dir, 'worker/mailbox-worker.mjs');
}

function startWorker(worker: string, args: string[]): ChildProcess {
  return spawn(process.execPath, [worker, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

function run<T>(worker: string, ...args: string[]): T {
  return JSON.parse(execFileSync(process.execPath, [worker, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as T;
}
