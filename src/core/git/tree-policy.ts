/**
 * What a change may contain, judged on the tree's paths and modes, never on
 * files in a work tree (docs/threat-model.md, "What a change may contain"). Pure.
 */
import { matchesGlob } from './glob.ts';
import { isDotGit, isDotGitmodules } from './names.ts';
import { BUILT_IN_PROTECTED, TEST_GLOBS } from './protected-paths.ts';

/** One path that differs between two trees. */
export interface TreeChange {
  path: string;
  kind: 'added' | 'modified' | 'deleted';
  /** Git modes: 100644, 100755, 120000 (symlink), 160000 (gitlink); `000000` where absent. */
  oldMode: string;
  newMode: string;
  /** Size in bytes of the new blob; 0 when deleted. */
  size: number;
  /** Target of a new or changed symlink. */
  linkTarget?: string;
  /** The target of a new or changed symlink is, or lies behind, another symlink of the new tree. */
  throughLink?: boolean;
  /** Of a `package.json`: a key that decides what is installed or run differs, or the file is unreadable. */
  manifestChanged?: boolean;
}

const MAX_CHANGED_FILES = 100;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_TOTAL_BYTES = 4 * 1024 * 1024;

export interface TreeJudgement {
  /** Not empty: nothing of it may be pushed. `path` is `.` where the change as a whole is meant. */
  refused: { path: string; reason: string }[];
  /** Paths that need a person's approval of the head, each once, in the order of the changes. */
  protected: string[];
}

/** Judges a whole change. `protectedGlobs` (configuration) are added to `BUILT_IN_PROTECTED`. */
export function judgeTree(changes: readonly TreeChange[], rules: { protectedGlobs: readonly string[] }): TreeJudgement {
  const refused = changes.flatMap((change) => {
    const reason = refusal(change);
    return reason === undefined ? [] : [{ path: change.path, reason }];
  });
  const total = changes.reduce((sum, change) => sum + change.size, 0);
  if (changes.length > MAX_CHANGED_FILES) {
    refused.push({ path: '.', reason: `${changes.length} files change; at most ${MAX_CHANGED_FILES} may` });
  }
  if (total > MAX_TOTAL_BYTES)
    refused.push({ path: '.', reason: `the new files have ${total} bytes; at most ${MAX_TOTAL_BYTES} are allowed` });
  const globs = [...BUILT_IN_PROTECTED.map((entry) => entry.glob), ...rules.protectedGlobs];
  return { refused, protected: changes.filter((change) => needsPerson(change, globs)).map((change) => change.path) };
}

function refusal(change: TreeChange): string | undefined {
  return pathRefusal(change.path) ?? gitlinkRefusal(change) ?? linkRefusal(change) ?? sizeRefusal(change);
}

/** Why no tree may hold this path, changed or not; `undefined` when it may. */
function pathRefusal(path: string): string | undefined {
  const parts = path.split('/');
  if (parts.some(isDotGit)) return 'a path of git itself';
  if (parts.includes('..') || parts.includes('.') || parts.includes('')) return 'a path that leaves the tree';
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'a control character in the path';
  if (parts.some(isDotGitmodules)) return 'submodules may not be configured';
  return undefined;
}

function gitlinkRefusal(change: TreeChange): string | undefined {
  return change.newMode === '160000' ? 'a new or changed submodule' : undefined;
}

function linkRefusal(change: TreeChange): string | undefined {
  if (change.newMode !== '120000') return undefined;
  if (change.linkTarget === undefined) return 'a symlink whose target is unknown';
  if (resolveLink(change.path, change.linkTarget) === undefined) return 'a symlink that leaves the tree';
  return change.throughLink ? 'a symlink that goes through another symlink' : undefined;
}

function sizeRefusal(change: TreeChange): string | undefined {
  return change.size > MAX_FILE_BYTES ? `${change.size} bytes; at most ${MAX_FILE_BYTES} are allowed in one file` : undefined;
}

/**
 * The path in the tree that a symlink's target names, `''` for the root; read
 * as text, without following further links. `undefined` when it is absolute,
 * leaves the tree at any step, or enters git's own directory.
 */
export function resolveLink(path: string, target: string): string | undefined {
  if (target === '' || /^[/\\]|^[A-Za-z]:|[\u0000-\u001f\u007f]/.test(target)) return undefined;
  const at = path.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..' ? at.pop() === undefined : isDotGit(part)) return undefined;
    if (part !== '..' && part !== '.' && part !== '') at.push(part);
  }
  return at.join('/');
}

/** True when the target of a symlink is, or lies behind, one of `links`; every step on the way counts. */
export function crossesLink(path: string, target: string, links: ReadonlySet<string>): boolean {
  const at = path.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') at.pop();
    else if (part !== '.' && part !== '') at.push(part);
    if (links.has(at.join('/'))) return true;
  }
  return false;
}

function needsPerson(change: TreeChange, globs: readonly string[]): boolean {
  return (
    change.manifestChanged === true ||
    change.oldMode === '160000' ||
    (change.newMode === '100755' && change.oldMode !== '100755') ||
    (change.kind === 'deleted' && TEST_GLOBS.some((glob) => matchesGlob(glob, change.path))) ||
    globs.some((glob) => matchesGlob(glob, change.path))
  );
}
