/**
 * The parsed configuration, kept beside the state so that an idle tick needs
 * neither yaml nor zod. An entry counts only for the same build, the exact same
 * text, HOME and path; whatever else stands in its place is ignored. It is as
 * trusted as the state directory. Outside a build there is no cache.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentOsError, errnoOf } from '../errors.ts';
import { shortHash } from '../ids.ts';
import { DEFAULT_STATE_DIR, statePaths } from './paths.ts';
import { expandPath, type Places } from './resolve.ts';
import type { LoadedConfig } from './schema.ts';

/** What a cached value depends on. */
export interface CacheKey extends Places {
  /** Id of the build that parses; another build may parse differently. */
  build: string;
  /** The whole text of the configuration file. */
  source: string;
}

/** Source and value of the largest configuration, escaped as JSON. */
const MAX_BYTES = 4 * 1024 * 1024;
const STATE_DIR = /^state_dir:[ \t]+(?:"([^"\\\n]*)"|'([^'\n]*)'|([^\s"'#&*!|>%@`[{][^#\n\r]*?))[ \t]*(?:#.*)?\r?$/m;

/**
 * Where the cache entry of this file lies, judged from the text alone. Only a
 * pointer: a wrong guess means no cache, never a wrong value. `undefined` when
 * the text gives no usable place.
 */
export function cachePath(key: CacheKey): string | undefined {
  const match = STATE_DIR.exec(key.source);
  const written = match ? (match[1] ?? match[2] ?? match[3]) : /^["']?state_dir/m.test(key.source) ? undefined : DEFAULT_STATE_DIR;
  const root = written === undefined || written === '' ? undefined : expandPath(written, key);
  return root === undefined ? undefined : cachePathIn(root, key);
}

function cachePathIn(stateDir: string, key: CacheKey): string {
  return `${statePaths(stateDir).cache}/config-${shortHash(key.file)}.json`;
}

/** The value of an earlier load of the very same file; `undefined` when there is none that counts. Never throws. */
export function readCachedConfig(path: string, key: CacheKey): LoadedConfig | undefined {
  const text = readOwnFile(path);
  if (text === undefined) return undefined;
  let entry: Partial<CacheEntry> | null;
  try {
    entry = JSON.parse(text) as Partial<CacheEntry> | null;
  } catch {
    return undefined;
  }
  const fits =
    typeof entry === 'object' &&
    entry?.build === key.build &&
    entry.source === key.source &&
    entry.home === (key.home ?? null) &&
    entry.path === key.file;
  return fits && typeof entry?.value === 'object' && entry.value !== null ? entry.value : undefined;
}

interface CacheEntry {
  build: string;
  source: string;
  home: string | null;
  path: string;
  value: LoadedConfig;
}

/**
 * Keeps a validated value for the next load. Nothing is written when the entry
 * would not be looked for there. A disk that takes no file is no reason to fail:
 * whoever needs the state directory says what is wrong with it.
 */
export async function writeCachedConfig(path: string, key: CacheKey, value: LoadedConfig): Promise<void> {
  if (path !== cachePathIn(value.state_dir, key)) return;
  const { ensureDirectory, writeFileAtomic } = await import('../atomic-file.ts');
  const entry: CacheEntry = { build: key.build, source: key.source, home: key.home ?? null, path: key.file, value };
  try {
    ensureDirectory(dirname(path));
    writeFileAtomic(path, JSON.stringify(entry), { durable: false, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof AgentOsError && error.code === 'io')) throw error;
  }
}

/** The text of a regular file that belongs to this user and that no other user can write; never follows a link in the last place. */
function readOwnFile(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid, mode, size } = fstatSync(fd);
    const regular = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!regular || uid !== process.getuid?.() || (mode & 0o022) !== 0 || size > MAX_BYTES) return undefined;
    return readFileSync(fd, 'utf8');
  } catch (error) {
    // An entry that cannot be read is no entry; the slow path gives the same value.
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
