/**
 * Runs the shell lines that a repository's owner configured (`setup`, `verify`)
 * by `/bin/sh -c` inside the sandbox, one after another, until one fails. Never
 * by a shell of the host.
 */
import type { Sandbox, SandboxExit } from '../sandbox/sandbox.ts';

/** Longest run of one line. */
const LINE_TIMEOUT_MS = 30 * 60_000;
const OUTPUT_LIMIT_BYTES = 5_000_000;

export interface LinesRequest {
  lines: readonly string[];
  /** The checkout. */
  cwd: string;
  home: string;
  /** Shown read-only: the objects that the checkout's git dir stands on. */
  objects: string[];
  /** Hosts that may be reached, as in `sandbox.network`: `*` for any. */
  network: readonly string[];
  /** Directory for one transcript a line: `<name>-<k>.log`. */
  logs: string;
  name: string;
  mark: string;
}

export interface LineRun {
  line: string;
  ok: boolean;
  ended: SandboxExit['ended'];
  exitCode: number | null;
  durationMs: number;
  /** The end of its output; untrusted. */
  output: string;
}

/** Every line that ran, the failed one last. */
export async function runLines(sandbox: Sandbox, request: LinesRequest, signal: AbortSignal): Promise<LineRun[]> {
  const runs: LineRun[] = [];
  for (const [index, line] of request.lines.entries()) {
    const exit = await sandbox.run(
      {
        argv: ['/bin/sh', '-c', line],
        cwd: request.cwd,
        writable: [request.cwd],
        readable: request.objects,
        home: request.home,
        env: { CI: 'true' },
        network: request.network.includes('*'),
        hosts: request.network.filter((host) => host !== '*'),
        timeoutMs: LINE_TIMEOUT_MS,
        outputLimitBytes: OUTPUT_LIMIT_BYTES,
        transcript: `${request.logs}/${request.name}-${index + 1}.log`,
        mark: request.mark,
      },
      signal,
    );
    const ok = exit.ended === 'exited' && exit.exitCode === 0;
    runs.push({ line, ok, ended: exit.ended, exitCode: exit.exitCode, durationMs: exit.durationMs, output: exit.output });
    if (!ok) break;
  }
  return runs;
}

/** `npm test: exit status 1`, for people; `undefined` when everything passed. */
export function describeFailure(runs: readonly LineRun[]): string | undefined {
  const failed = runs.find((run) => !run.ok);
  if (!failed) return undefined;
  if (failed.ended === 'exited') return `\`${failed.line}\`: exit status ${failed.exitCode ?? 'by a signal'}`;
  const words = {
    timeout: 'ran longer than 30 min',
    limit: 'took more of the disk than a run may',
    stalled: 'stalled',
    stopped: 'stopped',
  };
  return `\`${failed.line}\`: ${words[failed.ended]}`;
}
