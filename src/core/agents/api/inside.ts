/**
 * Paths that a model names: below the working directory, symlinks followed. The
 * sandbox is what confines; this keeps an honest mistake from touching what is
 * not part of the work, and says so in words that help.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { cleanLine } from '../../text.ts';

/** What the model is told instead of a result. */
export class ToolProblem extends Error {
  override readonly name = 'ToolProblem';
}

export interface Place {
  /** Absolute, without symlinks. */
  real: string;
  /** As it is shown to the model: relative to the working directory. */
  shown: string;
  kind: 'file' | 'directory' | 'absent';
}

/**
 * @param root the working directory
 * @throws ToolProblem outside of it, in `.git`, or neither a file nor a directory
 */
export function findPlace(root: string, path: string): Place {
  if (path.includes('\0')) throw new ToolProblem('a path holds no NUL');
  const base = realpathSync(root);
  const asked = resolve(base, path);
  const real = follow(asked);
  const shown = relative(base, real);
  if (shown === '..' || shown.startsWith(`..${sep}`)) {
    throw new ToolProblem(`\`${cleanLine(path)}\` is outside the working directory; name paths relative to it`);
  }
  if (shown.split(sep).includes('.git')) throw new ToolProblem(`\`${cleanLine(path)}\` belongs to git; use git commands with run`);
  return { real, shown: shown === '' ? '.' : shown, kind: kindOf(real, path) };
}

/** The path with every symlink of its existing part resolved; one that leads nowhere is refused. */
function follow(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOTDIR') throw new ToolProblem(`\`${cleanLine(path)}\` lies below a file`);
    if (errno === 'ELOOP' || isThere(path)) throw new ToolProblem(`\`${cleanLine(path)}\` is a symlink that leads nowhere`);
    if (errno !== 'ENOENT') throw error;
    return join(follow(dirname(path)), basename(path));
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function kindOf(real: string, path: string): Place['kind'] {
  const stat = statSync(real, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (stat.isDirectory()) return 'directory';
  if (stat.isFile()) return 'file';
  // Reading a FIFO would wait for ever.
  throw new ToolProblem(`\`${cleanLine(path)}\` is neither a file nor a directory`);
}
