/** Runs `mailbox-child.ts` as processes that may be killed, raced or starved. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

export interface Children {
  /** Arguments of `node` that run the child. */
  argv(...args: string[]): string[];
  run(args: string[], env?: Record<string, string>): { lines: string[]; killed: boolean };
  /** The same under a program that takes a command line, such as `strace` or `prlimit`. */
  runUnder(wrapper: string[], args: string[]): { lines: string[]; killed: boolean };
  start(args: string[]): Promise<string[]>;
  /** Names of the crash points that a run passes, in order. */
  record(args: string[]): string[];
  remove(): void;
}

/** Bundles the child once: starting it from source would cost most of the time of a sweep. */
export function buildChildren(): Children {
  const dir = mkdtempSync(`${tmpdir()}/agentos-child-`);
  const outfile = `${dir}/child.mjs`;
  const entry = fileURLToPath(new URL('./mailbox-child.ts', import.meta.url));
  buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' });
  const argv = (...args: string[]) => [outfile, ...args];
  const env = { PATH: process.env['PATH'] ?? '' };
  const under = (wrapper: string[], args: string[], extra: Record<string, string> = {}) => {
    const [program = process.execPath, ...first] = [...wrapper, process.execPath];
    return toResult(spawnSync(program, [...first, ...argv(...args)], { encoding: 'utf8', env: { ...env, ...extra } }));
  };
  return {
    argv,
    run: (args, extra) => under([], args, extra),
    runUnder: (wrapper, args) => under(wrapper, args),
    start: (args) => startChild(argv(...args), env),
    record: (args) => {
      const file = `${dir}/points`;
      rmSync(file, { force: true });
      under([], args, { AGENTOS_CRASH_RECORD: file });
      return readFileSync(file, 'utf8').trim().split('\n');
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function toResult(result: SpawnSyncReturns<string>): { lines: string[]; killed: boolean } {
  if (result.error) throw result.error;
  return { lines: toLines(result.stdout), killed: result.signal === 'SIGKILL' };
}

function toLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function startChild(argv: string[], env: Record<string, string>): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(toLines(output)));
  });
}

/** `name:pass` for every pass of every point, as `AGENTOS_CRASH` takes it. */
export function numberPoints(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const pass = (seen.get(name) ?? 0) + 1;
    seen.set(name, pass);
    return `${name}:${pass}`;
  });
}

/** True when the machine has the program. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}
