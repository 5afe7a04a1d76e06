/**
 * Watches one program from start to end for both sandbox drivers: output,
 * wall clock, silence, stop, and no process left. Time is monotonic (fault
 * scenario 27). Never rejects for what the program did.
 */
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTime } from '../liveness.ts';
import { type StartedProcess, startProcess } from '../process.ts';
import { killRun, type RunTrace, sendSignal, signalRun } from '../process-tree.ts';
import { watchDisk } from './disk-watch.ts';
import type { SandboxLimits } from './limits.ts';
import { Output } from './output.ts';
import type { SandboxExit, SandboxRun } from './sandbox.ts';

export interface Supervision {
  /** What is started: the program itself, or the sandbox around it. */
  argv: string[];
  env: Record<string, string>;
  run: SandboxRun;
  limits: SandboxLimits;
  /** Time between TERM and KILL. */
  graceMs: number;
  /** The started process is a sandbox: TERM goes to what is inside it, and its end is the end of all. */
  confined: boolean;
  /** What the sandbox reads from descriptor 4: its filter of system calls. */
  filter?: Uint8Array | undefined;
  /** Given, before the start, what adds a line of ours to the transcript. */
  onStart?: (say: (line: string) => void) => void;
}

export interface SupervisedExit extends SandboxExit {
  /** What the sandbox said on its status pipe; empty where there is none. */
  status: string;
}

/** How long the pipes may stay open after the program has ended. */
const DRAIN_MS = 1000;

/** Runs it to its end. A program that cannot be started ends with 127 (not there) or 126, as in a shell. */
export async function supervise(supervision: Supervision, signal: AbortSignal): Promise<SupervisedExit> {
  const { run } = supervision;
  const began = performance.now();
  const output = new Output(run.transcript, run.outputLimitBytes);
  const exit = (ended: SandboxExit['ended'], exitCode: number | null, status = ''): SupervisedExit => {
    return { ended, exitCode, durationMs: Math.round(performance.now() - began), ...output.end(), status };
  };
  if (signal.aborted) return exit('stopped', null);
  const say = (line: string) => output.write(Buffer.from(`\n${line}\n`));
  supervision.onStart?.(say);
  const child = await startProcess(supervision.argv, {
    cwd: run.cwd,
    env: supervision.env,
    ...(run.stdin === undefined ? {} : { input: run.stdin }),
    statusPipe: supervision.confined,
    fourth: supervision.filter,
  });
  if ('errno' in child) {
    output.write(Buffer.from(`cannot start ${supervision.argv[0]}: ${child.errno}\n`));
    return exit('exited', child.errno === 'ENOENT' ? 127 : 126);
  }
  const trace: RunTrace = { root: birth(child.pid), mark: run.mark };
  const watch = new Watch(supervision, child.pid, trace, signal);
  const unwatch = watchDisk([...run.writable, run.home], supervision.limits, (reason) => {
    say(`ended: ${reason}`);
    watch.end('limit');
  });
  const status = new Status(child.status);
  const closed = Promise.all([drain(child.stdout, output, watch, run.onStdout), drain(child.stderr, output, watch), status.closed]);
  const { exitCode } = await child.exited;
  watch.close();
  unwatch();
  await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
  if (status.init) await killRun({ root: status.init });
  await killRun(trace);
  release(child);
  // bubblewrap and the relay tell a signal as a shell does, by 128 and its number; of a run that we ended it is one.
  const signalled = watch.ended !== 'exited' && (exitCode ?? 0) > 128;
  return exit(watch.ended, signalled ? null : exitCode, status.text);
}

/** A process that has ended already is at least as young as this one. */
function birth(pid: number): { pid: number; start: number } {
  return { pid, start: startTime(pid) ?? startTime(process.pid) ?? 0 };
}

/** Decides when the run must end, and ends it: TERM, a grace, KILL. */
class Watch {
  ended: SandboxExit['ended'] = 'exited';
  readonly #supervision: Supervision;
  readonly #pid: number;
  readonly #trace: RunTrace;
  readonly #wall: NodeJS.Timeout;
  readonly #silence: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.end('stopped');
  #grace: NodeJS.Timeout | undefined;

  constructor(supervision: Supervision, pid: number, trace: RunTrace, signal: AbortSignal) {
    const { timeoutMs, silenceMs } = supervision.run;
    this.#supervision = supervision;
    this.#pid = pid;
    this.#trace = trace;
    this.#signal = signal;
    this.#wall = setTimeout(() => this.end('timeout'), timeoutMs);
    this.#silence = silenceMs === undefined ? undefined : setTimeout(() => this.end('stalled'), silenceMs);
    signal.addEventListener('abort', this.#onAbort);
    // It may have happened while the program was being started, when nobody listened.
    if (signal.aborted) this.#onAbort();
  }

  heard(): void {
    if (this.#grace === undefined) this.#silence?.refresh();
  }

  /** What takes too much has no grace: it would take more. */
  end(why: SandboxExit['ended']): void {
    if (this.#grace !== undefined) return;
    this.ended = why;
    signalRun(this.#trace, 'SIGTERM', this.#supervision.confined ? this.#pid : undefined);
    this.#grace = setTimeout(
      () => {
        sendSignal(this.#pid, 'SIGKILL');
        if (!this.#supervision.confined) void killRun(this.#trace);
      },
      why === 'limit' ? 0 : this.#supervision.graceMs,
    );
  }

  close(): void {
    clearTimeout(this.#wall);
    clearTimeout(this.#silence);
    clearTimeout(this.#grace);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

/** Reads everything, so that the program never blocks on a full pipe. */
function drain(stream: Readable, output: Output, watch: Watch, onChunk?: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      output.write(chunk);
      watch.heard();
      onChunk?.(chunk);
    });
    stream.on('error', () => resolve());
    stream.on('close', resolve);
  });
}

/** What a sandbox tells on its status pipe: JSON documents, the first of them with the pid of the namespace's first process. */
class Status {
  text = '';
  /** Its end is the end of everything in the namespace. */
  init: { pid: number; start: number } | undefined;
  readonly closed: Promise<void>;

  constructor(stream: Readable | undefined) {
    this.closed = new Promise((resolve) => (stream ? stream.on('error', () => resolve()).on('close', resolve) : resolve()));
    stream?.on('data', (chunk: Buffer) => {
      if (this.text.length < 64_000) this.text += chunk.toString('utf8');
      const pid = Number(/"child-pid": *([0-9]+)/.exec(this.text)?.[1]);
      if (this.init === undefined && pid > 0) this.init = birth(pid);
    });
  }
}

/** Lets go of pipes that a process which escaped us may hold open for ever. */
function release(child: StartedProcess): void {
  for (const stream of [child.stdout, child.stderr, child.status]) {
    stream?.removeAllListeners('data');
    stream?.destroy();
  }
}
