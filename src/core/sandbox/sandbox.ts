/**
 * The port of confinement: runs one program where it can reach a workspace and
 * nothing of ours, and leaves no process behind (docs/adr/0010-sandbox.md).
 */

/** Stands for `host:port` of the gateway in a run's arguments and environment. */
export const RELAY = '@AGENTOS_RELAY@';

export interface SandboxRun {
  /** Program and arguments; never a shell line of somebody else's. */
  argv: string[];
  /** Working directory, inside one of `writable`. */
  cwd: string;
  /** Directories that may be written, at the same path inside. */
  writable: string[];
  /** Files and directories shown read-only, at the same path inside. */
  readable: string[];
  /** A private directory on the host that becomes HOME (at the same path, writable). */
  home: string;
  /** The whole environment but PATH, HOME, LANG, TERM and TMPDIR, which the driver sets. */
  env: Record<string, string>;
  /** Text for stdin; empty when absent. */
  stdin?: string;
  network: boolean;
  /**
   * Hosts that may be reached without `network`, as in `sandbox.network`, by
   * programs that use `HTTP_PROXY` and `HTTPS_PROXY`. Of no effect unconfined.
   */
  hosts?: readonly string[];
  /**
   * Absolute path of the Unix socket of a gateway that is reached inside on a
   * loopback port: `RELAY` in `argv` and `env` becomes its `host:port`. Works
   * without `network`. Nothing else of the socket's directory is seen.
   */
  gateway?: string;
  /** Sees what goes to stdout, beside the transcript. */
  onStdout?: (chunk: Buffer) => void;
  /** Wall clock. */
  timeoutMs: number;
  /** Longest time without output; absent: not watched. */
  silenceMs?: number;
  /** Output beyond this is dropped, the run goes on. */
  outputLimitBytes: number;
  /** Where stdout and stderr go, interleaved, cleaned of nothing. */
  transcript: string;
  /** Names this run in the environment (`AGENTOS_RUN`), so that what it left behind can be found. */
  mark: string;
}

export interface SandboxExit {
  /** `limit`: it took more of the disk than a run may. */
  ended: 'exited' | 'timeout' | 'stalled' | 'stopped' | 'limit';
  /** `null` when a signal ended it. */
  exitCode: number | null;
  durationMs: number;
  /** The last 64 kB of output as valid UTF-8, not cleaned. */
  output: string;
  /** True when output was dropped. */
  truncated: boolean;
}

export interface SandboxProbe {
  ready: boolean;
  /** Why not, or what was proved. */
  reason: string;
}

export interface Sandbox {
  readonly kind: 'bubblewrap' | 'unconfined';
  /** Absolute paths of the host that every run sees for the sake of PATH, beside the system. */
  listShown(): readonly string[];
  /** Proves at start-up that writing outside, the network and the caller's environment are denied. */
  probe(): Promise<SandboxProbe>;
  /**
   * Resolves when the program and all it started are gone. Never rejects for
   * what the program did. `signal` aborted: ends as `stopped`.
   * @throws `config` when the sandbox cannot start at all.
   */
  run(run: SandboxRun, signal: AbortSignal): Promise<SandboxExit>;
  /** Ends what is left of a run of a dead owner, by its mark. Best effort where unconfined. */
  killLeftovers(mark: string): Promise<void>;
}
