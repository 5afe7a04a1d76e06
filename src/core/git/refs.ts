/**
 * Reads refs of a host-owned git dir straight from its files, so that asking
 * what is already there starts no process. Host-owned repositories are made by
 * us with the files backend, and nobody packs their refs; `packed-refs` is
 * understood all the same.
 */
import { readdirSync } from 'node:fs';
import { readIfThere, unlinkIfThere } from '../atomic-file.ts';
import { errnoOf } from '../errors.ts';
import { isSha } from './names.ts';

/** The object a full ref name (`refs/…`) points to; `undefined` when it is missing or cannot be read as one. */
export function readRef(gitDir: string, ref: string): string | undefined {
  const loose = readLooseRef(gitDir, ref);
  if (loose !== undefined) return isSha(loose) ? loose : undefined;
  return packedRefs(gitDir).get(ref);
}

/** Removes a loose ref that a power loss left empty or torn; the next fetch writes it again. */
export function dropTornRef(gitDir: string, ref: string): void {
  const text = readLooseRef(gitDir, ref);
  if (text !== undefined && !isSha(text)) unlinkIfThere(`${gitDir}/${ref}`);
}

function readLooseRef(gitDir: string, ref: string): string | undefined {
  try {
    return readIfThere(`${gitDir}/${ref}`)?.trim();
  } catch (error) {
    const errno = error instanceof Error ? errnoOf(error.cause) : undefined;
    if (errno === 'EISDIR' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
}

function packedRefs(gitDir: string): Map<string, string> {
  const lines = (readIfThere(`${gitDir}/packed-refs`) ?? '').split('\n');
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [sha = '', ref = ''] = line.split(' ');
      return isSha(sha) && ref.startsWith('refs/') ? [[ref, sha]] : [];
    }),
  );
}

/** What the branches of a git dir point to, unreadable ones left out. */
export function listHeads(gitDir: string): string[] {
  const loose = readdirSync(`${gitDir}/refs/heads`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readLooseRef(entry.parentPath, entry.name) ?? '');
  return [...loose, ...packedRefs(gitDir).values()].filter(isSha);
}
