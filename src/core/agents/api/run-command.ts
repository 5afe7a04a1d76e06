/** The tool `run`: a shell command with an end. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { killRun, sendSignal } from '../../process-tree.ts';
import { cleanText } from '../../text.ts';
import { RUN_SECONDS, type ToolInput } from './tool-forms.ts';

/** Bytes that are kept of the beginning and of the end of what it prints. */
const HEAD = 8000;
const END = 16_000;
/** Carries the name of one call into all that it starts. */
const CALL_VARIABLE = 'AGENTOS_CALL';
/** How long the pipes may stay open when the shell has ended. */
const PATIENCE_MS = 500;

export interface CommandEnd {
  text: string;
  failed: boolean;
}

/**
 * Runs the command in a process group of its own. When the call returns, nothing
 * is left of that, nor of what it started in sessions of their own; only what
 * gave up its parent, its session and its environment lives until the run ends.
 * `signal` ends it at once.
 * @param env the whole environment of the command
 */
export async function runCommand(
  root: string,
  { command, timeout_seconds: seconds = RUN_SECONDS.usual }: ToolInput<'run'>,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<CommandEnd> {
  if (signal.aborted) return { text: 'the run was stopped', failed: true };
  const mark = randomUUID();
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: root,
    env: { ...env, [CALL_VARIABLE]: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = new Output();
  const closed = Promise.all([child.stdout, child.stderr].map((stream) => read(stream, output)));
  const kill = () => child.pid !== undefined && sendSignal(-child.pid, 'SIGKILL');
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, seconds * 1000);
  signal.addEventListener('abort', kill, { once: true });
  const end = await new Promise<{ status: number | null; name: string | null }>((done) => {
    child.on('error', (error) => done({ status: null, name: error.message }));
    child.on('exit', (status, name) => done({ status, name }));
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', kill);
  kill();
  await killRun({ mark, variable: CALL_VARIABLE });
  // What escaped may hold the pipes for ever.
  const patience = new AbortController();
  await Promise.race([closed, sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
  patience.abort();
  child.stdout.destroy();
  child.stderr.destroy();
  const words = late
    ? `ended after ${seconds} s, which was its limit`
    : end.status === null
      ? `ended by ${end.name}`
      : `exit status ${end.status}`;
  const printed = output.toText();
  return { text: printed === '' ? `${words}, no output` : `${words}\n${printed}`, failed: end.status !== 0 };
}

function read(stream: NodeJS.ReadableStream, output: Output): Promise<void> {
  return new Promise((done) => {
    stream.on('data', (chunk: Buffer) => output.add(chunk));
    stream.on('close', done);
    stream.on('error', () => done());
  });
}

/** The beginning and the end of what was printed. */
class Output {
  private readonly head: Buffer[] = [];
  private end = Buffer.alloc(0);
  private headLength = 0;
  private total = 0;

  add(chunk: Buffer): void {
    this.total += chunk.length;
    const first = chunk.subarray(0, HEAD - this.headLength);
    if (first.length > 0) this.head.push(first);
    this.headLength += first.length;
    const joined = Buffer.concat([this.end, chunk.subarray(first.length)]);
    this.end = Buffer.from(joined.subarray(Math.max(0, joined.length - END)));
  }

  toText(): string {
    const missing = this.total - this.headLength - this.end.length;
    if (missing <= 0) return cleanText(Buffer.concat([...this.head, this.end]).toString()).trimEnd();
    const head = cleanText(Buffer.concat(this.head).toString()).trimEnd();
    return `${head}\n[… ${missing} bytes left out …]\n${cleanText(this.end.toString()).trim()}`;
  }
}
