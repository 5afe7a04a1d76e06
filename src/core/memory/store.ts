/**
 * The memory of each repository on disk: `<owner>__<name>/entries.json`, from
 * which `CODEBASE.md` is rendered. Owns both files. Adding is idempotent by
 * issue and pull request, durable, and never overlaps with another process. A
 * damaged `entries.json` is set aside as `entries.json.corrupt-N`, with every
 * entry that can still be read kept; nothing here is ever published.
 */
import { renameSync } from 'node:fs';
import { ensureDirectory, readIfThere, syncDirectory, writeFileAtomic } from '../atomic-file.ts';
import { crashPoint } from '../crash-point.ts';
import { toIoError } from '../errors.ts';
import { repoKey } from '../ids.ts';
import { takeLock } from '../lock.ts';
import type { Entry, MergedWork } from './entries.ts';

export interface Memory {
  /** `CODEBASE.md` of `owner/name`; empty when nothing is known. @throws `io`. */
  read(repo: string): Promise<string>;
  /** Remembers a merged change; the same issue and pull request a second time changes nothing. @throws `io`, `locked`. */
  add(repo: string, work: MergedWork): Promise<void>;
}

/** @param dir `memory` in the state directory; made when something is added. */
export function openMemory(dir: string): Memory {
  return {
    read: async (repo) => readIfThere(`${dir}/${repoKey(repo)}/CODEBASE.md`) ?? '',
    add: (repo, work) => add(`${dir}/${repoKey(repo)}`, work),
  };
}

async function add(dir: string, work: MergedWork): Promise<void> {
  const { addEntry, Entry, toEntry } = await import('./entries.ts');
  const { renderMemory } = await import('./render.ts');
  ensureDirectory(dir);
  const lock = takeLock(`${dir}/.lock`);
  try {
    const known = readEntries(dir, (value) => Entry.safeParse(value).data);
    const entries = addEntry(known, toEntry(work));
    writeFileAtomic(`${dir}/entries.json`, `${JSON.stringify({ version: 1, entries }, null, 1)}\n`);
    crashPoint('memory:before-render');
    // Also when nothing is new: a kill between the two writes left an older text.
    writeFileAtomic(`${dir}/CODEBASE.md`, renderMemory(entries));
  } finally {
    lock.release();
  }
}

function readEntries(dir: string, parse: (value: unknown) => Entry | undefined): Entry[] {
  const path = `${dir}/entries.json`;
  const text = readIfThere(path);
  if (text === undefined) return [];
  const listed = listEntries(text);
  const entries = (listed ?? []).map(parse).filter((entry) => entry !== undefined);
  if (listed === undefined || entries.length < listed.length) setAside(path);
  return entries;
}

/** The members of a file of version 1; `undefined` for anything else. */
function listEntries(text: string): unknown[] | undefined {
  try {
    const file = JSON.parse(text) as { version?: unknown; entries?: unknown } | null;
    return file?.version === 1 && Array.isArray(file.entries) ? file.entries : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Under the lock, so that the first free number stays free. */
function setAside(path: string): void {
  let n = 1;
  while (readIfThere(`${path}.corrupt-${n}`) !== undefined) n++;
  try {
    renameSync(path, `${path}.corrupt-${n}`);
    syncDirectory(path.slice(0, path.lastIndexOf('/')));
  } catch (error) {
    throw toIoError(error, `set \`${path}\` aside`);
  }
}
