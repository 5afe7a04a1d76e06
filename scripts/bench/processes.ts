/**
 * Which processes a run starts, without tracing the kernel: Node tells of its
 * own children by a module that is loaded before the program, git of itself and
 * of its children by its second trace (`GIT_TRACE2_EVENT`).
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findProgram } from '../../src/core/process.ts';

export interface Processes {
  /** Programs that the Node process started itself, in order. */
  started: string[];
  /** Commands of the git processes that were not started by git, in order. */
  git: string[];
  /** Processes that git started. */
  gitChildren: number;
}

/** Runs `work` with the variables that make the programs tell, and collects what they told. */
export function traceProcesses(dir: string, path: string, work: (env: Record<string, string>) => void): Processes {
  for (const name of ['bin', 'git']) mkdirSync(join(dir, name), { recursive: true });
  const told = join(dir, 'started');
  writeFileSync(join(dir, 'tell.cjs'), tellChildren(told));
  const real = findProgram('git', path);
  if (real === undefined) throw new Error('there is no git');
  writeFileSync(join(dir, 'bin/git'), `#!/bin/sh\nGIT_TRACE2_EVENT='${dir}/git' exec '${real}' "$@"\n`);
  chmodSync(join(dir, 'bin/git'), 0o755);
  work({ PATH: `${join(dir, 'bin')}:${path}`, NODE_OPTIONS: `--require=${join(dir, 'tell.cjs')}` });
  const started = existsSync(told)
    ? readFileSync(told, 'utf8')
        .trim()
        .split('\n')
        .map((program) => basename(program))
    : [];
  return { started, ...readTraces(join(dir, 'git')) };
}

/** `2 git, 1 rm`. */
export function count(programs: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const program of programs) counts.set(program, (counts.get(program) ?? 0) + 1);
  return Array.from(counts, ([program, n]) => `${n} ${program}`).join(', ');
}

function tellChildren(file: string): string {
  return `
const processes = require('node:child_process');
const tell = (program) => require('node:fs').appendFileSync(${JSON.stringify(file)}, program + '\\n');
const { spawn } = processes.ChildProcess.prototype;
processes.ChildProcess.prototype.spawn = function (options) { tell(options.file); return spawn.apply(this, arguments); };
for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
  const original = processes[name];
  processes[name] = function (program) { tell(program); return original.apply(this, arguments); };
}
require('node:module').syncBuiltinESMExports();
`;
}

interface TraceEvent {
  event: string;
  sid: string;
  time: string;
  name?: string;
}

function readTraces(dir: string): Pick<Processes, 'git' | 'gitChildren'> {
  const events = readdirSync(dir).flatMap((file) =>
    readFileSync(join(dir, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceEvent),
  );
  // The session id of a git that git started begins with its parent's.
  const commands = events.filter(({ event, sid }) => event === 'cmd_name' && !sid.includes('/'));
  return {
    git: commands.sort((a, b) => (a.time < b.time ? -1 : 1)).map(({ name = '' }) => name),
    gitChildren: events.filter(({ event }) => event === 'child_start').length,
  };
}
