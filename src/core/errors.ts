/**
 * The one error type that crosses a module boundary. The code says what went
 * wrong; exit status, retry and wording derive from it. Messages are lower
 * case, say what and where, and quote user text in backticks; a hint is an
 * imperative sentence. Who throws does not log.
 */
export type ErrorCode =
  | 'usage' // the command line is wrong
  | 'config' // the configuration file is wrong
  | 'auth' // a credential is missing or refused
  | 'not_found' // the thing named does not exist
  | 'conflict' // the world moved since it was looked at; look again
  | 'refused' // a rule of ours or of the forge forbids it; trying again changes nothing
  | 'corrupt' // a file or answer cannot be read as what it should be
  | 'io' // the disk is full, read-only or unreadable
  | 'agent' // an agent failed in a way of its own
  | 'locked' // another process does this right now
  | 'rate_limit' // the forge or a provider asks us to wait
  | 'unavailable' // the forge or a provider does not answer
  | 'timeout' // it took longer than allowed
  | 'unknown_outcome' // a write was sent and nobody knows whether it happened
  | 'cancelled'; // a person or a signal stopped it

const TEMPORARY: ReadonlySet<ErrorCode> = new Set(['locked', 'rate_limit', 'unavailable', 'timeout', 'unknown_outcome']);

/** sysexits(3) where it has a fitting number. */
const EXIT_STATUS: Partial<Record<ErrorCode, number>> = { usage: 64, io: 74, auth: 77, config: 78 };

export interface ErrorDetails {
  /** What the operator can do about it, as an imperative sentence. */
  hint?: string | undefined;
  retryAt?: Date | undefined;
  cause?: unknown;
}

export class AgentOsError extends Error {
  override readonly name = 'AgentOsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryAt: Date | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryAt = details.retryAt;
  }

  /** True when the same call may succeed later without anybody doing anything. */
  get temporary(): boolean {
    return TEMPORARY.has(this.code);
  }
}

/** 75 tells cron wrappers "nothing is broken, the next tick tries again"; 70 is a bug of ours. */
export function exitStatus(thrown: unknown): number {
  const error = asStorageError(thrown);
  if (!(error instanceof AgentOsError)) return 70;
  return error.temporary ? 75 : (EXIT_STATUS[error.code] ?? 1);
}

const SYSTEM_HINTS: Record<string, string> = {
  ENOSPC: 'Free disk space, then run it again; nothing was lost.',
  EDQUOT: 'Raise the disk quota, then run it again; nothing was lost.',
  EROFS: 'Mount the file system read-write, or set `state_dir` to a writable place.',
  EACCES: 'Give this user read and write permission there.',
  EPERM: 'Give this user read and write permission there.',
  ENOTDIR: 'Remove what stands where a directory is needed.',
  EMFILE: 'Raise the limit of open files (`ulimit -n`).',
};

/** The `errno` name of a failed system call, `undefined` for anything else. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Turns a failed system call into an `io` error that says what was being done; passes every other error through. */
export function toIoError(error: unknown, doing: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  return new AgentOsError('io', `cannot ${doing}: ${(error as Error).message}`, { hint: SYSTEM_HINTS[errno], cause: error });
}

const STORAGE_ERRNOS: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

/** What the machine refuses is never a bug of ours, wherever in a pass it strikes; passes every other error through. */
export function asStorageError(error: unknown): unknown {
  return STORAGE_ERRNOS.has(errnoOf(error)) ? toIoError(error, 'go on') : error;
}

/** One line for a person: the message of an error, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
