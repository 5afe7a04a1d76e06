/**
 * What a run may use of the machine, and how the kernel is told: `prlimit` and
 * `choom` of util-linux start the program inside. No limit of address space,
 * which ends Node and Go at once; without cgroups, which an ordinary user
 * seldom may make, memory has no limit of its own: the kernel ends a run first
 * when there is none left.
 */
import { readFileSync } from 'node:fs';
import { findProgram } from '../process.ts';

export interface SandboxLimits {
  /** Bytes on disk in everything a run may write; more ends it. */
  diskBytes: number;
  /** Bytes that stay free on that disk; a run that takes them ends. */
  freeBytes: number;
  /** Size of one file. */
  fileBytes: number;
  /** Sizes of `/tmp` and `/dev/shm`, which are memory. Confined runs only. */
  tmpBytes: number;
  sharedMemoryBytes: number;
  openFiles: number;
  /** Processes and threads of a run with a user namespace of its own, where the user is not root: the kernel counts neither by run nor for root otherwise. */
  processes: number;
}

const MB = 1024 * 1024;

export const LIMITS: SandboxLimits = {
  diskBytes: 10_240 * MB,
  freeBytes: 256 * MB,
  fileBytes: 10_240 * MB,
  tmpBytes: 1024 * MB,
  sharedMemoryBytes: 256 * MB,
  openFiles: 65_536,
  processes: 4096,
};

/** The limits of an installation whose runs may keep that much on disk. */
export function scaleLimits(diskMb: number): SandboxLimits {
  const diskBytes = diskMb * MB;
  const lower = (bytes: number) => Math.min(bytes, diskBytes);
  return {
    ...LIMITS,
    diskBytes,
    fileBytes: diskBytes,
    tmpBytes: lower(LIMITS.tmpBytes),
    sharedMemoryBytes: lower(LIMITS.sharedMemoryBytes),
  };
}

/** The most likely victim where memory runs out. */
const OOM_SCORE = 1000;

/**
 * Program and arguments that start another one under limits; without `prlimit`
 * or `choom` on PATH, without theirs.
 * @param own text of `/proc/self/limits`: nobody but root can raise a limit
 */
export function listStarter(path: string, limits: SandboxLimits, counted: boolean, own = readOwnLimits()): string[] {
  const prlimit = findProgram('prlimit', path);
  const choom = findProgram('choom', path);
  const lower = (flag: string, name: string, most: number) => `--${flag}=${lowerOf(own, name, most)}`;
  const flags = [
    '--core=0:0',
    lower('fsize', 'Max file size', limits.fileBytes),
    lower('nofile', 'Max open files', limits.openFiles),
    ...(counted ? [lower('nproc', 'Max processes', limits.processes)] : []),
  ];
  return [
    ...(prlimit === undefined ? [] : [prlimit, ...flags, '--']),
    ...(choom === undefined ? [] : [choom, '-n', String(OOM_SCORE), '--']),
  ];
}

/** `soft:hard`, neither above `most` nor above what it is now. */
function lowerOf(own: string, name: string, most: number): string {
  const [, soft = '', hard = ''] = new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(own) ?? [];
  return [soft, hard].map((text) => Math.min(/^\d+$/.test(text) ? Number(text) : most, most)).join(':');
}

function readOwnLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
