/**
 * Locks that the kernel frees when the holder dies (docs/adr/0004-locks.md): a file that
 * Node opens and util-linux `flock` locks through the inherited descriptor. The
 * lock belongs to the open file, so it outlives the short `flock` process, ends
 * with this one however it ends, and no child inherits it. The file itself
 * stays: removing it would let two processes hold "the same" lock.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDirectory } from './atomic-file.ts';
import { AgentOsError, errnoOf, toIoError } from './errors.ts';

export interface Lock {
  /** Frees the lock; a second call does nothing. */
  release(): void;
}

/**
 * Takes the lock at `path`, waiting at most `waitMs` for it.
 * @returns `undefined` when another process holds it and the wait is over.
 * @throws AgentOsError `config` where util-linux is missing, `io` where the file cannot be opened.
 */
export function tryLock(path: string, waitMs = 0): Lock | undefined {
  const fd = openLockFile(path);
  const wait = waitMs > 0 ? ['-w', String(waitMs / 1000)] : ['-n'];
  // Ours holds tokens and keys, which are not its business.
  const env = { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' };
  const result = spawnSync('flock', [...wait, '-x', '-E', '75', '3'], { env, stdio: ['ignore', 'ignore', 'pipe', fd] });
  if (result.status === 0) return heldBy(fd);
  closeSync(fd);
  if (result.status === 75) return undefined;
  if (errnoOf(result.error) === 'ENOENT') {
    throw new AgentOsError('config', 'the program `flock` is not on PATH', {
      hint: 'Install util-linux; under cron, use the PATH that `agentos cron print` shows.',
    });
  }
  throw new AgentOsError('io', `cannot lock \`${path}\`: ${result.error?.message ?? result.stderr.toString().trim()}`);
}

/** A directory that somebody removed is made again: whoever held a lock in the old one cannot be known any more. */
function openLockFile(path: string): number {
  try {
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toIoError(error, `open the lock \`${path}\``);
  }
  try {
    ensureDirectory(dirname(path));
    return openSync(path, 'a+', 0o600);
  } catch (error) {
    throw toIoError(error, `open the lock \`${path}\``);
  }
}

function heldBy(fd: number): Lock {
  let held = true;
  return {
    release: () => {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** As `tryLock`, but a lock that stays busy is a `locked` error. For sections of a few milliseconds. */
export function takeLock(path: string, waitMs = 10_000): Lock {
  const lock = tryLock(path, waitMs);
  if (!lock) throw new AgentOsError('locked', `\`${path}\` is held by another process for more than ${waitMs / 1000} s`);
  return lock;
}
