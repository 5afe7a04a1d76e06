/** Branches of a bare repository, read from git's files without starting git. */
import { readFileSync, statSync } from 'node:fs';
import { AgentOsError, errnoOf, toIoError } from '../../errors.ts';

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** True for a name that git allows as a branch (git-check-ref-format), and that is safe as a path and as an argument. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 200 &&
    name !== '@' &&
    !name.startsWith('-') &&
    !/[\u0000-\u0020\u007f~^:?*[\\]|@\{|\.\.|\/\/|\.$|^\/|\/$/.test(name) &&
    name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  );
}

/** The tip of a branch; `undefined` when there is no such branch. */
export function readBranch(gitDir: string, branch: string): string | undefined {
  if (!isBranchName(branch)) return undefined;
  // Loose first: `git pack-refs` writes the packed file before it removes the loose one.
  const loose = read(`${gitDir}/refs/heads/${branch}`)?.trim();
  if (loose !== undefined) {
    if (SHA.test(loose)) return loose;
    throw new AgentOsError('corrupt', `\`${gitDir}/refs/heads/${branch}\` holds no commit`);
  }
  const line = read(`${gitDir}/packed-refs`)
    ?.split('\n')
    .find((entry) => entry.endsWith(` refs/heads/${branch}`));
  return line?.slice(0, line.indexOf(' '));
}

/** When a branch was last moved, as far as its file tells; `undefined` when it is packed. */
export function branchMovedAt(gitDir: string, branch: string): string | undefined {
  try {
    return statSync(`${gitDir}/refs/heads/${branch}`).mtime.toISOString();
  } catch {
    return undefined;
  }
}

/** The branch that HEAD names; @throws `corrupt` when it names none. */
export function readDefaultBranch(gitDir: string): string {
  const branch = /^ref: refs\/heads\/(.+)$/.exec(read(`${gitDir}/HEAD`)?.trim() ?? '')?.[1];
  if (branch !== undefined) return branch;
  throw new AgentOsError('corrupt', `\`${gitDir}/HEAD\` names no branch`, { hint: 'Run `git symbolic-ref HEAD refs/heads/main` there.' });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // `a/b` is asked for where `a` is a branch, or `a` where `a/b` is one.
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw toIoError(error, `read \`${path}\``);
  }
}
