/**
 * Names that become file names, branch names and process marks. They are built
 * here and nowhere else, never from titles, and `isTaskId` is the gate for
 * every id that comes from outside (row 49 of docs/threat-model.md).
 */

const TASK_ID = /^[a-z0-9][a-z0-9_.-]{0,119}$/;

/** True for what `taskId` builds: no separator, no `..`, no leading dash or dot, at most 120 characters. */
export function isTaskId(text: string): boolean {
  return TASK_ID.test(text) && !text.includes('..') && !text.endsWith('.lock') && !text.endsWith('.');
}

/** `owner/name`, as GitHub allows it. */
export function isRepoName(text: string): boolean {
  const [owner = '', name = '', ...rest] = text.split('/');
  return (
    rest.length === 0 && /^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/.test(owner) && /^[A-Za-z0-9_.-]{1,100}$/.test(name) && !/^\.{1,2}$/.test(name)
  );
}

/** `acme/shop` → `acme__shop`: the repository's name as a directory name, unchanged in case. */
export function repoKey(repo: string): string {
  return repo.replace('/', '__');
}

/**
 * The deterministic id of a task: `<owner>__<name>-<issue>-<n>` in lower case.
 * `n` counts the `ready` events of the issue's timeline up to the accepted one,
 * so that a second dispatch of the same thing collides. Where lower-casing or
 * replacing changed anything a short hash of the original keeps ids apart.
 */
export function taskId(repo: string, issue: number, n: number): string {
  const raw = repoKey(repo);
  const safe = raw
    .toLowerCase()
    .replace(/[^a-z0-9_.-]/g, '-')
    .replace(/\.{2,}/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 90);
  const mark = safe === raw ? '' : `.${shortHash(raw)}`;
  return `${safe}${mark}-${issue}-${n}`;
}

/** The branch a task's work is pushed to. */
export function taskBranch(id: string): string {
  return `agent/${id}`;
}

/** FNV-1a, 32 bit, in hex: tells names apart, protects nothing. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const char of text) {
    hash ^= char.codePointAt(0) ?? 0;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
}

/** Sortable id of one run of a command: time, then process. */
export function runId(now: Date, pid: number): string {
  return `${now.toISOString().replace(/[-:.]/g, '')}-${pid}`;
}
