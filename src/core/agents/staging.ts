/**
 * A copy of the few files that a patch touches. Changes are made to the copy
 * and brought into the workspace only when all of them succeeded, so a failure
 * leaves the tree as it was, and git never runs where the workspace's own
 * `.git` is. Nothing is read or written through a symlink.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { unlinkIfThere } from '../atomic-file.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { isDotGit } from '../git/names.ts';

/** A file or symlink, by content: two that are equal need no writing. */
interface Entry {
  kind: 'file' | 'link';
  content: Buffer;
  executable: boolean;
}

export class Staging {
  readonly #workspace: string;
  /** The copy: the working directory for tools that change it. */
  readonly root: string;
  readonly #original = new Map<string, Entry>();

  /** @param root an absolute path that does not exist yet */
  constructor(workspace: string, root: string) {
    this.#workspace = workspace;
    this.root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /**
   * Copies the file at a path, when there is one.
   * @throws AgentOsError `refused` when the path leaves the workspace, is git's own, or lies behind a symlink.
   */
  add(path: string): void {
    checkPath(path);
    checkParents(this.#workspace, path);
    if (this.#original.has(path)) return;
    const from = join(this.#workspace, path);
    const stat = statIfThere(from);
    if (stat === undefined || statIfThere(join(this.root, path))) return;
    if (stat.isDirectory()) {
      mkdirSync(join(this.root, path), { recursive: true });
      return;
    }
    const entry = readEntry(from, stat);
    if (entry === undefined) throw new AgentOsError('refused', `\`${path}\` is not a regular file`);
    this.#original.set(path, entry);
    writeEntry(this.root, path, entry);
  }

  /** Replaces or creates a file in the copy. @throws AgentOsError `refused` as `add`. */
  write(path: string, text: string): void {
    this.add(path);
    checkParents(this.root, path);
    const stat = statIfThere(join(this.root, path));
    if (stat && !stat.isFile()) throw new AgentOsError('refused', `\`${path}\` is not a regular file`);
    writeEntry(this.root, path, { kind: 'file', content: Buffer.from(text), executable: stat !== undefined && (stat.mode & 0o100) !== 0 });
  }

  /** True when the copied file's lines all end with CR LF. */
  isCrlf(path: string): boolean {
    const entry = this.#original.get(path);
    const text = entry?.kind === 'file' ? entry.content.toString('latin1') : '';
    return text.includes('\r\n') && !/(?<!\r)\n/.test(text);
  }

  /**
   * Brings what changed in the copy into the workspace.
   * @returns the changed paths, sorted
   * @throws AgentOsError `refused`, and nothing is written, when a path may not be; `io` when the disk fails.
   */
  apply(): string[] {
    const now = listEntries(this.root);
    const removed = [...this.#original.keys()].filter((path) => !now.has(path));
    const written = [...now].filter(([path, entry]) => !isSame(this.#original.get(path), entry));
    for (const path of [...removed, ...written.map(([path]) => path)]) {
      checkPath(path);
      checkParents(this.#workspace, path, removed);
    }
    try {
      for (const path of removed) removeFile(this.#workspace, path);
      for (const [path, entry] of written) writeEntry(this.#workspace, path, entry);
    } catch (error) {
      throw toIoError(error, `write the change into \`${this.#workspace}\``);
    }
    return [...removed, ...written.map(([path]) => path)].sort();
  }

  /** Removes the copy. */
  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function checkPath(path: string): void {
  const parts = path.split('/');
  if (path.startsWith('/') || parts.some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) {
    throw new AgentOsError('refused', `the path \`${path}\` does not stay inside the repository`);
  }
  if (parts.some(isDotGit)) throw new AgentOsError('refused', `the path \`${path}\` belongs to git`);
}

/** Every directory above the path is one, or is not there, or is about to go. */
function checkParents(root: string, path: string, removed: readonly string[] = []): void {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const stat = statIfThere(join(root, parent));
    if (stat && !stat.isDirectory() && !removed.includes(parent)) {
      throw new AgentOsError('refused', `the path \`${path}\` lies behind \`${parent}\`, which is not a directory`);
    }
  }
}

/** `undefined` also where something above is no directory. */
function statIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw toIoError(error, `look at \`${path}\``);
  }
}

function readEntry(path: string, stat: Stats): Entry | undefined {
  if (stat.isSymbolicLink()) return { kind: 'link', content: Buffer.from(readlinkSync(path)), executable: false };
  if (!stat.isFile()) return undefined;
  return { kind: 'file', content: readFileSync(path), executable: (stat.mode & 0o100) !== 0 };
}

function writeEntry(root: string, path: string, entry: Entry): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  // A new file in its place: never through a symlink, never into another name of the same file.
  unlinkIfThere(target);
  if (entry.kind === 'link') {
    symlinkSync(entry.content, target);
    return;
  }
  writeFileSync(target, entry.content, { flag: 'wx' });
  if (entry.executable) chmodSync(target, 0o755);
}

function removeFile(root: string, path: string): void {
  unlinkIfThere(join(root, path));
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    try {
      rmdirSync(join(root, parent));
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return;
      throw error;
    }
  }
}

function listEntries(root: string, below = '', found = new Map<string, Entry>()): Map<string, Entry> {
  for (const name of readdirSync(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) listEntries(root, path, found);
    else {
      const entry = readEntry(join(root, path), stat);
      if (entry) found.set(path, entry);
    }
  }
  return found;
}

function isSame(a: Entry | undefined, b: Entry): boolean {
  return a !== undefined && a.kind === b.kind && a.executable === b.executable && a.content.equals(b.content);
}
