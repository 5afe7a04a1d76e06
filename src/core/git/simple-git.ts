/**
 * Runs the git program: argv in, bytes and exit status out. The one file that
 * knows simple-git. It guarantees that the child sees exactly the environment
 * given (simple-git drops every other variable of ours) and that no shell is
 * involved. It never decides what a failure means.
 */
import { randomUUID } from 'node:crypto';
import { AgentOsError } from '../errors.ts';
import { MARK_VARIABLE, signalRun } from '../process-tree.ts';
import { renderDuration } from '../text.ts';

export interface GitProcess {
  /** The whole environment; `PATH` finds the program. */
  env: Record<string, string>;
  /** An existing directory. */
  cwd: string;
  argv: string[];
  /** Written to stdin; must not be empty when given. */
  input?: string | Uint8Array;
  /** Output after this many bytes ends the process early. */
  maxBytes?: number;
  /** Longest run, in milliseconds. */
  deadlineMs?: number;
}

export interface GitExit {
  /** `null` when a signal ended it. */
  status: number | null;
  stdout: Buffer;
  stderr: string;
  /** True when `maxBytes` ended it. */
  truncated: boolean;
}

/** Longest silence before git is taken for dead; indexing a huge pack says nothing for minutes. */
const SILENCE_MS = 30 * 60_000;

/** What of simple-git's guards has to be opened for the hardening itself: it is the same switches that an attack would use. */
const UNSAFE = {
  allowUnsafeConfigPaths: true,
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeAskPass: true,
  allowUnsafeCredentialHelper: true,
} as const;

/**
 * @throws AgentOsError `config` when there is no git on PATH, `timeout` when it
 *   stays silent or runs too long, `refused` when a guard of simple-git stops the call.
 */
export async function runGitProcess(call: GitProcess): Promise<GitExit> {
  const { simpleGit } = await import('simple-git');
  const stop = new AbortController();
  let exit: GitExit = { status: null, stdout: Buffer.alloc(0), stderr: '', truncated: false };
  let failure: Error | undefined;
  const git = simpleGit({
    baseDir: call.cwd,
    allowEnvironment: Object.keys(call.env).filter((name) => name.startsWith('GIT_')),
    unsafe: UNSAFE,
    abort: stop.signal,
    timeout: { block: SILENCE_MS },
    completion: { onClose: true, onExit: false },
    ...(call.input === undefined ? {} : { input: () => Buffer.from(call.input ?? '') }),
    errors: (error, result) => {
      if (error instanceof Error && error.name === 'GitPluginError') failure = error;
      exit = { ...exit, status: result.exitCode, stdout: Buffer.concat(result.stdOut), stderr: Buffer.concat(result.stdErr).toString() };
      return undefined;
    },
  });
  const mark = `git-${randomUUID()}`;
  git
    .env(call.deadlineMs === undefined ? call.env : { ...call.env, [MARK_VARIABLE]: mark })
    .outputHandler((_command, stdout) => watchOutput(stdout, call.maxBytes ?? Number.POSITIVE_INFINITY, () => stop.abort()));
  let late = false;
  const end = () => {
    late = true;
    stop.abort();
    // Git does not end the program that talks to the remote, which holds the pipes that we wait for.
    signalRun({ mark }, 'SIGTERM');
  };
  const timer = call.deadlineMs === undefined ? undefined : setTimeout(end, call.deadlineMs);
  try {
    await git.raw(call.argv);
  } catch (error) {
    throw new AgentOsError('refused', `git was not started: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  if (late) throw new AgentOsError('timeout', `git did not end within ${renderDuration(call.deadlineMs ?? 0)} and was stopped`);
  if (stop.signal.aborted) return { ...exit, stdout: exit.stdout.subarray(0, call.maxBytes), truncated: true };
  if (failure) throw new AgentOsError('timeout', `git ${call.argv.at(-1)}: ${failure.message}`, { cause: failure });
  return exit;
}

function watchOutput(stdout: NodeJS.ReadableStream, maxBytes: number, stop: () => void): void {
  let seen = 0;
  stdout.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > maxBytes) stop();
  });
  // simple-git waits another 50 ms for output of a process that printed none, and most of our calls print none.
  setImmediate(() => stdout.emit('data', Buffer.alloc(0)));
}
