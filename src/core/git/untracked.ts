/**
 * Remembers what `setup` left untracked in a workspace, so that it is not taken
 * for the agent's work. A stamp holds what the kernel tells of a file, which an
 * agent cannot forge (ctime), and a hash, so that a file made again with the
 * same content still counts as unchanged.
 */
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { errnoOf } from '../errors.ts';

/** `<mode>:<size>:<mtime>:<ctime>:<inode> <sha256>`, or `undefined` when there is no file or symlink at the path. */
export function stampOf(path: string): string | undefined {
  const quick = quickStamp(path);
  return quick === undefined ? undefined : `${quick} ${hashOf(path)}`;
}

/** True when the path still holds what the stamp was taken of. */
export function isUnchanged(path: string, stamp: string): boolean {
  const [quick, hash] = stamp.split(' ');
  const now = quickStamp(path);
  if (now === undefined || quick === undefined) return false;
  if (now === quick) return true;
  return modeAndSize(now) === modeAndSize(quick) && hash !== UNREADABLE && hash === hashOf(path);
}

function modeAndSize(quick: string): string {
  return quick.split(':', 2).join(':');
}

function quickStamp(path: string): string | undefined {
  const stats = statsOf(path);
  if (!stats || !(stats.isFile() || stats.isSymbolicLink())) return undefined;
  return [stats.mode.toString(8), stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino].join(':');
}

function statsOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined; // gone, or its directory has become something else
  }
}

const UNREADABLE = 'unreadable';

function hashOf(path: string): string {
  const hash = createHash('sha256');
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ELOOP') return hash.update(readlinkSync(path, { encoding: 'buffer' })).digest('hex');
    return UNREADABLE;
  }
  try {
    if (!fstatSync(fd).isFile()) return UNREADABLE;
    const chunk = Buffer.allocUnsafe(256 * 1024);
    for (let length = readSync(fd, chunk); length > 0; length = readSync(fd, chunk)) hash.update(chunk.subarray(0, length));
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}
