/**
 * The two bare repositories of one forge repository on this machine. They are
 * written by hand: the files are few and constant, so making and mending them
 * starts no process, and what a crash or a power loss left half made is put
 * right by writing it again. Objects are never removed.
 */
import { existsSync, renameSync } from 'node:fs';
import { ensureDirectory, readIfThere, syncDirectory, writeFileAtomic } from '../atomic-file.ts';
import { mirrorPath, preservedPath, type StatePaths } from '../config/paths.ts';
import { AgentOsError, errnoOf } from '../errors.ts';
import { isRepoName, repoKey } from '../ids.ts';
import { takeLock } from '../lock.ts';
import type { HostRepository } from './git.ts';

const HEAD = 'ref: refs/heads/main\n';

/** Nothing is ever packed away or pruned: preserved commits stand on objects of the mirror. */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
\tpruneExpire = never
[maintenance]
\tauto = false
`;

/** Makes both repositories where they are missing or incomplete. @throws AgentOsError `refused` for a name that is none. */
export function ensureHostRepository(paths: StatePaths, repo: string): HostRepository {
  if (!isRepoName(repo)) throw new AgentOsError('refused', `\`${repo}\` is not a repository name`);
  const host = { repo, mirror: mirrorPath(paths, repo), preserved: preservedPath(paths, repo) };
  ensureBare(host.mirror);
  ensureBare(host.preserved);
  ensureAlternate(host.preserved, host.mirror);
  return host;
}

/**
 * Puts a fresh, empty mirror in the place of a damaged one. The old one stays
 * beside it and keeps lending its objects to the preserved repository, because
 * the forge may have rewritten the history that preserved commits stand on.
 * @param isStillBroken asked under the lock, because another process may have been quicker.
 */
export async function replaceMirror(paths: StatePaths, host: HostRepository, isStillBroken: () => Promise<boolean>): Promise<void> {
  ensureDirectory(paths.locks);
  const lock = takeLock(`${paths.locks}/mirror-${repoKey(host.repo)}.lock`);
  try {
    if (!(await isStillBroken())) return;
    const aside = `${host.mirror.replace(/\.git$/, '')}.broken-${Date.now()}.git`;
    ensureAlternate(host.preserved, aside);
    try {
      renameSync(host.mirror, aside);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    ensureBare(host.mirror);
    syncDirectory(paths.mirrors);
  } finally {
    lock.release();
  }
}

function ensureBare(gitDir: string): void {
  for (const directory of ['objects/info', 'objects/pack', 'refs/heads']) {
    if (!existsSync(`${gitDir}/${directory}`)) ensureDirectory(`${gitDir}/${directory}`);
  }
  ensureFile(`${gitDir}/HEAD`, HEAD);
  ensureFile(`${gitDir}/config`, CONFIG);
}

function ensureFile(path: string, text: string): void {
  if (readIfThere(path) !== text) writeFileAtomic(path, text, { mode: 0o644 });
}

function ensureAlternate(gitDir: string, lender: string): void {
  const path = `${gitDir}/objects/info/alternates`;
  const lines = (readIfThere(path) ?? '').split('\n').filter((line) => line !== '');
  const wanted = `${lender}/objects`;
  if (!lines.includes(wanted)) writeFileAtomic(path, `${[...lines, wanted].join('\n')}\n`, { mode: 0o644 });
}
