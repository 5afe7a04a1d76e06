/**
 * Sees to it that a run does not fill the disk. Looks at the free space, which
 * costs nothing, and measures what the run may write only when that fell or
 * time has passed. What it cannot measure (files that are open and deleted,
 * directories that cannot be read) is bounded by the space that stays free.
 */
import { lstat, opendir, statfs } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLimits } from './limits.ts';

const LOOK_MS = 500;
/** Longest time between two measures of a run that writes. */
const MEASURE_MS = 60_000;
/** A disk that was short before the run is not the run's doing. */
const TAKEN_BYTES = 64 * 1024 * 1024;
/** What a file counts for at least: it takes an inode. */
const FILE_BYTES = 4096;

/**
 * @param directories what a run may write
 * @param onFull called once, with the reason in words
 * @returns ends the watch
 */
export function watchDisk(
  directories: readonly string[],
  limits: Pick<SandboxLimits, 'diskBytes' | 'freeBytes'>,
  onFull: (reason: string) => void,
): () => void {
  const stopped = new AbortController();
  const watch = async () => {
    const reason = await waitUntilFull(directories, limits, stopped.signal);
    if (reason !== undefined && !stopped.signal.aborted) onFull(reason);
  };
  // Rejects when it is ended.
  watch().catch(() => {});
  return () => stopped.abort();
}

/** @returns why the run must end; `undefined` when the watch ended. */
async function waitUntilFull(
  directories: readonly string[],
  limits: Pick<SandboxLimits, 'diskBytes' | 'freeBytes'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const first = await findFree(directories);
  let seen = first.stock;
  let measured = performance.now();
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { ref: false, signal });
    const { bytes, stock } = await findFree(directories);
    if (bytes < limits.freeBytes && first.bytes - bytes > TAKEN_BYTES)
      return `less than ${inMegabytes(limits.freeBytes)} are free on the disk`;
    const late = performance.now() - measured > MEASURE_MS && stock !== seen;
    if (seen - stock <= limits.diskBytes / 10 && !late) continue;
    if ((await measure(directories, limits.diskBytes)) > limits.diskBytes) {
      return `it keeps more than ${inMegabytes(limits.diskBytes)} in what it may write`;
    }
    seen = stock;
    measured = performance.now();
  }
  return undefined;
}

/** Bytes and, as bytes too, inodes that are free where it is least; a file system that cannot be asked counts as empty. */
async function findFree(directories: readonly string[]): Promise<{ bytes: number; stock: number }> {
  const found = { bytes: Infinity, stock: Infinity };
  for (const path of directories) {
    const stat = await statfs(path).catch(() => undefined);
    if (stat === undefined) continue;
    const bytes = stat.bavail * stat.bsize;
    found.bytes = Math.min(found.bytes, bytes);
    found.stock = Math.min(found.stock, bytes + stat.ffree * FILE_BYTES);
  }
  return found;
}

/** Bytes on disk below the directories; stops once above `enough`. Follows no link, counts a file with two names once. */
async function measure(directories: readonly string[], enough: number): Promise<number> {
  const linked = new Set<string>();
  const left: Buffer[] = directories.map((path) => Buffer.from(path));
  let bytes = 0;
  for (let within = left.pop(); within !== undefined; within = left.pop()) {
    for await (const path of listEntries(within)) {
      const stat = await lstat(path).catch(() => undefined);
      if (stat === undefined) continue;
      if (stat.isDirectory()) left.push(path);
      else if (stat.nlink > 1) {
        const file = `${stat.dev}:${stat.ino}`;
        if (linked.has(file)) continue;
        linked.add(file);
      }
      bytes += Math.max(stat.blocks * 512, FILE_BYTES);
      if (bytes > enough) return bytes;
    }
  }
  return bytes;
}

/**
 * Paths of what a directory holds, as bytes: a name need not be UTF-8. A
 * directory that cannot be read, or goes away meanwhile, holds no more.
 */
async function* listEntries(directory: Buffer): AsyncGenerator<Buffer> {
  try {
    const entries = (await opendir(directory, BYTES)) as unknown as AsyncIterable<{ name: Buffer }>;
    for await (const { name } of entries) yield Buffer.concat([directory, SLASH, name]);
  } catch {}
}

/** Node knows it, its types do not. */
const BYTES = { encoding: 'buffer' as BufferEncoding };
const SLASH = Buffer.from('/');

function inMegabytes(bytes: number): string {
  return `${Math.round(bytes / (1024 * 1024))} MB`;
}
