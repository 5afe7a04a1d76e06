/**
 * Reads objects of host-owned repositories: loose ones straight from their
 * files, which is where everything an agent changed lies after an import, the
 * rest through one `git cat-file` for all of them.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { constants, inflateSync } from 'node:zlib';
import { AgentOsError, errnoOf } from '../errors.ts';
import type { HostRepository } from './git.ts';
import type { HostGit } from './host-git.ts';

export interface ObjectWish {
  sha: string;
  /** False: the size alone. */
  content: boolean;
}

export interface ObjectFound {
  size: number;
  content?: Buffer;
}

/** Contents above this are not read; what asks for them treats that as unreadable. */
const MAX_CONTENT = 1024 * 1024;

/** @throws AgentOsError `corrupt` when an object is missing. */
export async function readObjects(git: HostGit, host: HostRepository, wishes: ObjectWish[]): Promise<Map<string, ObjectFound>> {
  const found = new Map<string, ObjectFound>();
  const missing: ObjectWish[] = [];
  for (const wish of wishes) {
    const object = readLoose(host, wish);
    if (object) found.set(wish.sha, object);
    else missing.push(wish);
  }
  if (missing.length === 0) return found;
  const sizes = await readSizes(git, host, missing);
  const contents = missing.filter((wish) => wish.content && (sizes.get(wish.sha) ?? 0) <= MAX_CONTENT);
  const texts = contents.length === 0 ? new Map<string, Buffer>() : await readContents(git, host, contents);
  for (const { sha } of missing) {
    const content = texts.get(sha);
    found.set(sha, { size: sizes.get(sha) ?? 0, ...(content === undefined ? {} : { content }) });
  }
  return found;
}

/** True when the object stands as a file of its own in this git dir. */
export function isLoose(gitDir: string, sha: string): boolean {
  return readHeader(loosePath(gitDir, sha)) !== undefined;
}

function readLoose(host: HostRepository, wish: ObjectWish): ObjectFound | undefined {
  for (const gitDir of [host.preserved, host.mirror]) {
    const path = loosePath(gitDir, wish.sha);
    const size = readHeader(path);
    if (size === undefined) continue;
    if (!wish.content || size > MAX_CONTENT) return { size };
    const bytes = inflateSync(readFileSync(path));
    return { size, content: bytes.subarray(bytes.indexOf(0) + 1) };
  }
  return undefined;
}

function loosePath(gitDir: string, sha: string): string {
  return `${gitDir}/objects/${sha.slice(0, 2)}/${sha.slice(2)}`;
}

/** The size in the header of a loose object; `undefined` when there is no such file or it is damaged. */
function readHeader(path: string): number | undefined {
  const start = Buffer.alloc(128);
  let length: number;
  try {
    const fd = openSync(path, 'r');
    try {
      length = readSync(fd, start, 0, start.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const text = inflateSync(start.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
    const size = /^[a-z]+ (\d+)\0/.exec(text)?.[1];
    return size === undefined ? undefined : Number(size);
  } catch {
    return undefined;
  }
}

async function readSizes(git: HostGit, host: HostRepository, wishes: ObjectWish[]): Promise<Map<string, number>> {
  const input = `${wishes.map((wish) => wish.sha).join('\n')}\n`;
  const args = ['cat-file', '--batch-check=%(objectname) %(objectsize)', '--buffer'];
  const output = await git.output({ gitDir: host.preserved, args, input }, 'read the sizes of changed files');
  return new Map(
    output
      .toString()
      .trimEnd()
      .split('\n')
      .map((line): [string, number] => {
        const [sha = '', size = ''] = line.split(' ');
        if (!/^\d+$/.test(size)) throw new AgentOsError('corrupt', `the object ${sha} is missing in \`${host.preserved}\``);
        return [sha, Number(size)];
      }),
  );
}

async function readContents(git: HostGit, host: HostRepository, wishes: ObjectWish[]): Promise<Map<string, Buffer>> {
  const input = `${wishes.map((wish) => wish.sha).join('\n')}\n`;
  const output = await git.output({ gitDir: host.preserved, args: ['cat-file', '--batch', '--buffer'], input }, 'read changed files');
  const contents = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    const [sha = '', , size = ''] = output.subarray(at, end).toString().split(' ');
    if (!/^\d+$/.test(size)) throw new AgentOsError('corrupt', `the object ${sha} is missing in \`${host.preserved}\``);
    contents.set(sha, output.subarray(end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return contents;
}
