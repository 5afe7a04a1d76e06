/**
 * The mailbox as directories and names: creates the trays, lists them, reads
 * one file without being led elsewhere, finds where an id lies. Knows nothing
 * of what a task says. Never follows a symbolic link, never waits for a pipe.
 */
import type { BigIntStats, Dirent } from 'node:fs';
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readSync } from 'node:fs';
import { syncDirectory } from '../atomic-file.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { isTaskId } from '../ids.ts';
import { type Owner, parseOwner, renderOwner } from '../liveness.ts';
import { MAX_FILE_BYTES, TRAYS, type Tray } from './mailbox.ts';

const DIRECTORIES = ['tmp', ...TRAYS, 'quarantine'] as const;
export type Directory = (typeof DIRECTORIES)[number];

/** A name in a tray that a task file may have. */
export interface TrayFile {
  tray: Tray;
  /** The name in its directory. */
  file: string;
  id: string;
  /** Who claimed it; absent outside `processing`, and where a person wrote the name. */
  owner?: Owner;
}

/** What is behind a name: the bytes, and what tells them from any later content of that name. */
export type FileContent =
  | { kind: 'gone' }
  | { kind: 'bad'; reason: string; mark: string }
  | { kind: 'bytes'; bytes: Uint8Array; mark: string; stat: BigIntStats };

/**
 * Creates what is missing of the trays, at the price of one listing when nothing is.
 * @throws AgentOsError `io`: the state directory is missing, read-only or unreadable; `config`: a link or a file stands where a tray belongs.
 */
export function prepareTrays(root: string): void {
  const present = new Map<string, Dirent>();
  for (const entry of listRoot(root)) present.set(entry.name, entry);
  let made = false;
  for (const name of DIRECTORIES) {
    const entry = present.get(name);
    if (entry === undefined) made = makeDirectory(`${root}/${name}`) || made;
    else if (!entry.isDirectory()) refuse(`${root}/${name}`);
  }
  if (made) syncDirectory(root);
}

function listRoot(root: string): Dirent[] {
  try {
    if (lstatSync(root).isSymbolicLink()) refuse(root);
    return readdirSync(root, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') refuse(root);
    if (errnoOf(error) !== 'ENOENT') throw toIoError(error, `read the mailbox \`${root}\``);
    makeDirectory(root);
    return [];
  }
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw toIoError(error, `create the directory \`${path}\``);
  }
}

function refuse(path: string): never {
  throw new AgentOsError('config', `\`${path}\` is not a directory of the mailbox but a link or a file`, {
    hint: 'Move it away; Agent OS creates the directory itself.',
  });
}

/** Every name in a directory of the mailbox; without `hidden`, not editors' own: hidden files that are no `.md`, and backups. */
export function listNames(root: string, directory: Directory, options: { hidden?: boolean } = {}): string[] {
  try {
    const names = readdirSync(`${root}/${directory}`);
    return options.hidden ? names : names.filter((name) => !name.endsWith('~') && (!name.startsWith('.') || name.endsWith('.md')));
  } catch (error) {
    throw toIoError(error, `list \`${root}/${directory}\``);
  }
}

/** What a name in a tray stands for; `undefined` when it is no task file's name. */
export function parseName(tray: Tray, file: string): TrayFile | undefined {
  if (!file.endsWith('.md')) return undefined;
  const [id = '', owner, ...rest] = file.slice(0, -3).split('@');
  if (!isTaskId(id) || rest.length > 0 || (owner !== undefined && tray !== 'processing')) return undefined;
  const parsed = owner === undefined ? undefined : parseOwner(owner);
  return { tray, file, id, ...(parsed && { owner: parsed }) };
}

export function pathOf(root: string, at: Pick<TrayFile, 'tray' | 'file'>): string {
  return `${root}/${at.tray}/${at.file}`;
}

export function claimName(id: string, owner: Owner): string {
  return `${id}@${renderOwner(owner)}.md`;
}

/** Where an id lies, looking at the trays in the order in which a task goes through them; only from the tray `from` on, when given. */
export function locate(root: string, id: string, from: Tray = 'inbox'): TrayFile | undefined {
  if (!isTaskId(id)) return undefined;
  for (const tray of TRAYS.slice(TRAYS.indexOf(from))) {
    const found =
      tray === 'processing' ? findClaim(root, id) : exists(`${root}/${tray}/${id}.md`) ? { tray, file: `${id}.md`, id } : undefined;
    if (found) return found;
  }
  return undefined;
}

function findClaim(root: string, id: string): TrayFile | undefined {
  for (const name of listNames(root, 'processing')) {
    const claim = name.startsWith(id) ? parseName('processing', name) : undefined;
    if (claim?.id === id) return claim;
  }
  return undefined;
}

/** True when anything at all has this name, a dangling link too. */
export function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw toIoError(error, `look at \`${path}\``);
  }
}

/** Tells one content of a name from the next: every write of ours is a new file. */
export function markOf(stat: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs'>): string {
  return `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
}

/** The mark of what is there now; `undefined` when nothing is. */
export function findMark(path: string): string | undefined {
  try {
    return markOf(lstatSync(path, { bigint: true }));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toIoError(error, `look at \`${path}\``);
  }
}

/** Reads one file, if it is a regular one of a size that a task file can have. */
export function readContent(path: string): FileContent {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return whyNotOpened(path, error);
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    const reason = whyNotRead(stat);
    if (reason !== undefined) return { kind: 'bad', reason, mark: markOf(stat) };
    return { kind: 'bytes', bytes: readAll(fd, Number(stat.size)), mark: markOf(stat), stat };
  } catch (error) {
    throw toIoError(error, `read \`${path}\``);
  } finally {
    closeSync(fd);
  }
}

/** Something of the file itself is a reason; a disk or a process out of means is an error, and no file's fault. */
function whyNotOpened(path: string, error: unknown): FileContent {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') return { kind: 'gone' };
  const reasons: Record<string, string> = {
    ELOOP: 'it is a symbolic link',
    ENXIO: 'it is not a regular file',
    EACCES: 'it cannot be read: permission denied',
  };
  const reason = reasons[errno ?? ''];
  if (reason === undefined) throw toIoError(error, `open \`${path}\``);
  const mark = findMark(path);
  return mark === undefined ? { kind: 'gone' } : { kind: 'bad', reason, mark };
}

/** Why a file cannot be a task file, by its kind and size alone. */
export function whyNotRead(stat: BigIntStats): string | undefined {
  if (stat.isSymbolicLink()) return 'it is a symbolic link';
  if (stat.isDirectory()) return 'it is a directory';
  if (!stat.isFile()) return 'it is not a regular file';
  if (stat.size === 0n) return 'it is empty';
  return stat.size > BigInt(MAX_FILE_BYTES) ? `it is larger than ${MAX_FILE_BYTES / 1024} kB` : undefined;
}

function readAll(fd: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const count = readSync(fd, bytes, done, size - done, done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
