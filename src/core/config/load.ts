/**
 * Finds and reads the configuration: once per process, frozen, or not at all.
 * Reads the file anew at every start; what was parsed before is reused only for
 * the exact same text (docs/adr/0001-shipped-form.md), so that an idle tick imports no parser.
 */

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { AgentOsError, errnoOf, messageOf } from '../errors.ts';
import { type CacheKey, cachePath, readCachedConfig, writeCachedConfig } from './cache.ts';
import { homeOf } from './resolve.ts';
import type { LoadedConfig } from './schema.ts';

export interface LoadRequest {
  /** `--config`, relative to `cwd`. */
  path?: string | undefined;
  env: NodeJS.ProcessEnv;
  /** Absolute. */
  cwd: string;
}

const MAX_BYTES = 256 * 1024;

/**
 * The configuration from `--config`, `$AGENTOS_CONFIG`, `./config.yaml` or
 * `$XDG_CONFIG_HOME/agentos/config.yaml`, the first that is given or there, with
 * absolute paths, deeply frozen. A file that is named must exist.
 * @throws `config` when there is none, when other users can write it, or with
 * all of its problems together.
 */
export async function loadConfig(request: LoadRequest): Promise<LoadedConfig> {
  const { file, text } = findConfig(request);
  const key = { file, home: homeOf(request.env), source: text };
  const shown = relative(request.cwd, file);
  return deepFreeze(await readThroughCache({ ...key, shown: shown.startsWith('..') ? file : shown }));
}

/** Replaced by the id of the build when `dist/` is made; unset in a source tree, where nothing marks a change of the code. */
function buildId(): string | undefined {
  return process.env['AGENTOS_BUILD'];
}

async function readThroughCache(request: Omit<CacheKey, 'build'> & { shown: string }): Promise<LoadedConfig> {
  const build = buildId();
  const key = build === undefined ? undefined : { ...request, build };
  const path = key && cachePath(key);
  const cached = key && path !== undefined ? readCachedConfig(path, key) : undefined;
  if (cached) return cached;
  const { parseConfig } = await import('./parse.ts');
  const value = parseConfig({ ...request, text: request.source });
  if (key && path !== undefined) await writeCachedConfig(path, key, value);
  return value;
}

interface Found {
  file: string;
  text: string;
}

function findConfig({ path, env, cwd }: LoadRequest): Found {
  const named = path ?? (env['AGENTOS_CONFIG'] || undefined);
  if (named !== undefined) {
    const source = path === undefined ? '`$AGENTOS_CONFIG` names' : '`--config` names';
    const file = resolve(cwd, named);
    const text = readConfigFile(file);
    if (text !== undefined) return { file, text };
    throw new AgentOsError('config', `no configuration: ${source} \`${file}\`, which does not exist`, {
      hint: `Correct the path, or make the file with \`agentos init --config ${file}\`.`,
    });
  }
  const places = [join(cwd, 'config.yaml'), ...userConfig(env)];
  for (const file of places) {
    const text = readConfigFile(file);
    if (text !== undefined) return { file, text };
  }
  throw new AgentOsError('config', `no configuration: looked for ${places.map((place) => `\`${place}\``).join(' and ')}`, {
    hint: 'Run `agentos init` to make one, or name one with `--config` or `$AGENTOS_CONFIG`.',
  });
}

/** The file of the user: below XDG_CONFIG_HOME when that is absolute (its specification ignores others), else below `~/.config`. */
function userConfig(env: NodeJS.ProcessEnv): string[] {
  const xdg = env['XDG_CONFIG_HOME'];
  const home = homeOf(env);
  if (xdg?.startsWith('/') === true) return [join(xdg, 'agentos', 'config.yaml')];
  return home === undefined ? [] : [join(home, '.config', 'agentos', 'config.yaml')];
}

/** The text; `undefined` when there is no such file. A device, a FIFO or a huge file is refused before it is read. */
function readConfigFile(file: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    checkFile(file, fstatSync(fd));
    const bytes = readAtMost(fd, MAX_BYTES + 1);
    if (bytes.length > MAX_BYTES) throw tooLarge(file);
    if (!isUtf8(bytes)) throw new AgentOsError('config', `\`${file}\` is not UTF-8 text`, { hint: 'Save the file as UTF-8.' });
    return bytes.toString('utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw new AgentOsError('config', `cannot read \`${file}\`: ${messageOf(error)}`, {
      hint: 'Give this user read permission, or name another file with `--config`.',
      cause: error,
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function checkFile(file: string, { mode, size }: { mode: number; size: number }): void {
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
    throw new AgentOsError('config', `\`${file}\` is not a regular file`, { hint: 'Name the configuration file with `--config`.' });
  }
  // It says which programs run: who can write it can run any.
  if ((mode & 0o022) !== 0) {
    throw new AgentOsError('config', `\`${file}\` can be written by other users`, { hint: `Run \`chmod go-w ${file}\`.` });
  }
  if (size > MAX_BYTES) throw tooLarge(file);
}

function tooLarge(file: string): AgentOsError {
  return new AgentOsError('config', `\`${file}\` is larger than ${MAX_BYTES / 1024} kB`, {
    hint: 'Check that this is the configuration file.',
  });
}

function readAtMost(fd: number, max: number): Buffer {
  const buffer = Buffer.alloc(max);
  let length = 0;
  while (length < max) {
    const read = readSync(fd, buffer, length, max - length, null);
    if (read === 0) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) deepFreeze(part);
  return value;
}
