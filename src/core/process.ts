/**
 * Starts programs of this machine: an argument array, never a shell line; an
 * exact environment, nothing inherited (rows 27 and 29 of
 * docs/threat-model.md). The only user of execa, which is loaded when the first program
 * starts.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { AgentOsError, errnoOf, messageOf } from './errors.ts';

export interface StartOptions {
  cwd: string;
  /** The whole environment of the program. */
  env: Record<string, string>;
  /** Text for stdin; empty when absent. */
  input?: string;
  /** Opens descriptor 3 of the program as a pipe to us. */
  statusPipe?: boolean;
  /** What the program reads from descriptor 4; of effect beside a status pipe. */
  fourth?: Uint8Array | undefined;
}

interface ProcessExit {
  /** `null` when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
}

/** A running program, leader of a session and process group of its own. */
export interface StartedProcess {
  pid: number;
  stdout: Readable;
  stderr: Readable;
  /** Descriptor 3 of the program, when asked for. */
  status: Readable | undefined;
  /** Resolves when the program itself has ended; its children may still hold the pipes. */
  exited: Promise<ProcessExit>;
}

/**
 * Starts a program whose output is read as it comes.
 * @returns the errno (`ENOENT`, `EACCES`, …) when there is no such program.
 */
export async function startProcess(argv: string[], options: StartOptions): Promise<StartedProcess | { errno: string }> {
  const { execa } = await import('execa');
  const [program = '', ...args] = argv;
  const child = execa(program, args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    detached: true,
    reject: false,
    buffer: false,
    stripFinalNewline: false,
    ...(options.input === undefined ? {} : { input: options.input }),
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...listMore(options)],
  });
  const exited = new Promise<ProcessExit>((resolve) => child.once('exit', (exitCode, signal) => resolve({ exitCode, signal })));
  // Settled when every pipe is closed, which is of no interest here; it never rejects, but a start that fails is told by it alone.
  const settled = child.then((result) => result);
  if (child.pid === undefined) {
    const result = await settled;
    return { errno: result.code ?? 'EUNKNOWN' };
  }
  const status = options.statusPipe ? ((child.stdio as unknown[])[3] as Readable) : undefined;
  return { pid: child.pid, stdout: child.stdout as Readable, stderr: child.stderr as Readable, status, exited };
}

function listMore({ statusPipe, fourth }: StartOptions): ('pipe' | Uint8Array)[] {
  if (!statusPipe) return [];
  return fourth === undefined ? ['pipe'] : ['pipe', fourth];
}

/** From SIGTERM to SIGKILL. */
const KILL_AFTER_MS = 2000;

export interface RunOptions {
  cwd: string;
  /** The whole environment of the program. */
  env: Record<string, string>;
  /** Text for stdin; empty when absent. */
  input?: string;
  timeoutMs?: number;
  /** Bytes of stdout, and of stderr, after which the program is ended; default 16 MB. */
  maxOutputBytes?: number;
}

export interface ProcessResult {
  ended: 'exited' | 'timeout' | 'overflow';
  /** `null` when a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program of the host to its end and returns what it printed, whatever its exit status.
 * @throws AgentOsError `config` when the program is not there, `io` when it cannot be started.
 */
export async function runProcess(argv: string[], options: RunOptions): Promise<ProcessResult> {
  const { execa } = await import('execa');
  const [program = '', ...args] = argv;
  const child = execa(program, args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: options.maxOutputBytes ?? 16_000_000,
    forceKillAfterDelay: KILL_AFTER_MS,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  // What it started may outlive it and hold its pipes: a wrapper script, say. Nobody waits for that.
  const letGo = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(letGo, options.timeoutMs + KILL_AFTER_MS + 500);
  const result = await child.finally(() => clearTimeout(timer));
  if (result.exitCode === undefined && result.signal === undefined) throw toStartError(program, options.cwd, result.cause ?? result);
  const ended = result.timedOut ? 'timeout' : result.isMaxBuffer ? 'overflow' : 'exited';
  return { ended, exitCode: result.exitCode ?? null, stdout: result.stdout, stderr: result.stderr };
}

function toStartError(program: string, cwd: string, cause: unknown): AgentOsError {
  if (errnoOf(cause) === 'ENOENT') {
    return new AgentOsError('config', `the program \`${program}\` is not on PATH, or the directory \`${cwd}\` is gone`, {
      hint: `Install \`${program}\`, or set PATH (\`agentos cron print\` shows the one that cron needs).`,
      cause,
    });
  }
  return new AgentOsError('io', `cannot start \`${program}\`: ${messageOf(cause)}`, { cause });
}

/** The absolute path of an executable file, looked up on PATH unless the name holds a slash; `undefined` when there is none. */
export function findProgram(name: string, path: string): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : path
        .split(':')
        .filter(isAbsolute)
        .map((entry) => join(entry, name));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
