/**
 * Durable files: complete or absent, never torn (docs/reliability.md,
 * "Durable files"). A write goes to a temporary name in the same file
 * system, is synced, takes its place by `rename` or `link`, and the directory
 * is synced before the call returns. A short write, which a full disk gives
 * without an error, is carried on until the disk says no.
 */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crashPoint } from './crash-point.ts';
import { errnoOf, toIoError } from './errors.ts';

export interface WriteOptions {
  /** Where the temporary file stands; by default beside the target. Must be the same file system. */
  tmpDir?: string;
  /** False for what can be made again: the file is still never torn, but may be gone after a power loss. */
  durable?: boolean;
  mode?: number;
}

/** Replaces the file as a whole. */
export function writeFileAtomic(path: string, text: string | Uint8Array, options: WriteOptions = {}): void {
  const tmp = writeTemporary(path, text, options);
  try {
    crashPoint('file:before-rename');
    renameSync(tmp, path);
  } catch (error) {
    unlinkIfThere(tmp);
    throw toIoError(error, `replace \`${path}\``);
  }
  if (options.durable !== false) syncDirectory(dirname(path));
}

/** Creates the file; false, and nothing changed, when the name is taken. */
export function createFileAtomic(path: string, text: string | Uint8Array, options: WriteOptions = {}): boolean {
  const tmp = writeTemporary(path, text, options);
  try {
    crashPoint('file:before-link');
    linkSync(tmp, path);
    crashPoint('file:after-link');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw toIoError(error, `create \`${path}\``);
  } finally {
    unlinkIfThere(tmp);
  }
  if (options.durable !== false) syncDirectory(dirname(path));
  return true;
}

/** Moves a file between directories of one file system; both directories are synced. Throws ENOENT unchanged: somebody else moved it. */
export function moveFile(from: string, to: string): void {
  renameSync(from, to);
  crashPoint('file:after-move');
  syncDirectory(dirname(to));
  if (dirname(to) !== dirname(from)) syncDirectory(dirname(from));
}

/** Makes names created, moved or removed in a directory survive a power loss. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    throw toIoError(error, `sync \`${path}\``);
  } finally {
    closeSync(fd);
  }
}

/** Creates a private directory and its parents. (Node 20's recursive `mkdir` never returns where a parent refuses with ENOENT, as /proc does.) */
export function ensureDirectory(path: string): void {
  const missing: string[] = [];
  for (let dir = path; !existsSync(dir); dir = dirname(dir)) missing.push(dir);
  try {
    for (const dir of missing.reverse()) makeDirectory(dir);
  } catch (error) {
    throw toIoError(error, `create the directory \`${path}\``);
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error; // another process made it meanwhile
  }
}

/** The text of a file, `undefined` when there is none; any other failure is an `io` error. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toIoError(error, `read \`${path}\``);
  }
}

function writeTemporary(path: string, text: string | Uint8Array, options: WriteOptions): string {
  const dir = options.tmpDir ?? dirname(path);
  const tmp = join(dir, `.${basename(path)}.${uniqueMark()}.tmp`);
  try {
    const fd = openSync(tmp, 'wx', options.mode ?? 0o600);
    try {
      writeFully(fd, typeof text === 'string' ? Buffer.from(text) : text);
      if (options.durable !== false) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    unlinkIfThere(tmp);
    throw toIoError(error, `write \`${path}\``);
  }
  crashPoint('file:written');
  return tmp;
}

/**
 * Makes a temporary name one of a kind: process, time, and chance for a pid that
 * was used before. It need not be secret (the file is created exclusively), and
 * loading `node:crypto` would cost an idle tick a tenth of its time.
 */
export function uniqueMark(): string {
  return `${process.pid}.${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
}

/** Writes every byte; a disk that takes some and then none makes `writeSync` throw ENOSPC in the next round. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done);
}

/** Removes a file; nothing happens when it is not there. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw toIoError(error, `remove \`${path}\``);
  }
}
