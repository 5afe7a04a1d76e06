/**
 * Lock files that a killed git left in a host-owned git dir. Git never removes
 * them, so one would block a repository for ever (docs/reliability.md, fault 19). A lock is
 * removed only when it is old and no living git works on that git dir.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { unlinkIfThere } from '../atomic-file.ts';

/** Longer than any of our commands holds a lock file. */
const STALE_MS = 10 * 60_000;

/** Removes the lock that `stderr` complains of; false when there is none, it is young, or somebody may hold it. */
export function removeStaleLock(gitDir: string, stderr: string): boolean {
  const path = /'([^']+\.lock)': File exists/.exec(stderr)?.[1];
  if (path === undefined || !path.startsWith(`${gitDir}/`) || path.includes('/../')) return false;
  try {
    if (Date.now() - statSync(path).mtimeMs < STALE_MS || isInUse(gitDir)) return false;
  } catch {
    return true; // gone meanwhile: try again
  }
  unlinkIfThere(path);
  return true;
}

/** Our commands name the git dir in their environment; without /proc nobody can be seen, and age decides. */
function isInUse(gitDir: string): boolean {
  const mark = `GIT_DIR=${gitDir}\0`;
  return processes().some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
