/**
 * Paths of the configuration: relative ones against the file's directory, `~`
 * against HOME. HOME may be absent (`env -i`); that matters only where a path
 * needs it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { shortHash } from '../ids.ts';
import { trimUrl } from './api-url.ts';
import type { ConfigFile, LoadedConfig } from './schema.ts';

export interface Places {
  /** Absolute path of the configuration file. */
  file: string;
  /** HOME, when it is set and absolute. */
  home: string | undefined;
}

/** HOME from the environment; `undefined` when it is unset, empty or relative. */
export function homeOf(env: NodeJS.ProcessEnv): string | undefined {
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? resolve(home) : undefined;
}

/** The absolute path, or `undefined` when `~` cannot be expanded (no HOME, or another user's `~name`). */
export function expandPath(written: string, places: Places): string | undefined {
  if (!written.startsWith('~')) return resolve(dirname(places.file), written);
  if (places.home === undefined || (written !== '~' && !written.startsWith('~/'))) return undefined;
  return resolve(places.home, `.${written.slice(1)}`);
}

/** Where a path leads when symbolic links are followed; parts that do not exist (yet) stay as they are. */
export function followLinks(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(followLinks(parent), basename(path));
  }
}

/** True when `outer` is `inner` or a directory above it. Both absolute and normal. */
export function containsPath(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}

/** The validated file with its paths made absolute. Expects that the rules found no problem. */
export function resolveConfig(config: ConfigFile, places: Places): LoadedConfig {
  const absolute = (written: string) => expandPath(written, places) ?? written;
  const agents = Object.entries(config.agents).map(([name, agent]) => {
    const find = (program: string) => (program.includes('/') ? absolute(program) : program);
    if ('program' in agent) return [name, { ...agent, program: find(agent.program) }] as const;
    if (agent.kind !== 'command') return [name, agent] as const;
    const [program = '', ...rest] = agent.command;
    return [name, { ...agent, command: [find(program), ...rest] }] as const;
  });
  return {
    ...config,
    repos: config.repos.map(nameColumn),
    path: places.file,
    state_dir: absolute(config.state_dir),
    forge: resolveForge(config.forge, absolute),
    sandbox: { ...config.sandbox, readable: config.sandbox.readable.map(absolute) },
    agents: Object.fromEntries(agents),
  };
}

/** A label has so many characters on GitHub; the text of a column stands in the place of one. */
const LABEL_LENGTH = 50;

/** Where a column of a project makes issues Ready, its text is the label that the rest of the program knows. */
function nameColumn(repo: ConfigFile['repos'][number]): ConfigFile['repos'][number] {
  const { project, field, value } = repo.ready;
  if (project === undefined || field === undefined || value === undefined) return repo;
  return { ...repo, ready: { ...repo.ready, label: columnLabel(project, field, value) } };
}

/** `project 4: Status is Ready`, at most 50 characters; a longer one is cut, and told apart by a hash. */
function columnLabel(project: number, field: string, value: string): string {
  const text = `project ${project}: ${field} is ${value}`;
  const chars = Array.from(text);
  if (chars.length <= LABEL_LENGTH) return text;
  const mark = `… ${shortHash(text)}`;
  return `${chars.slice(0, LABEL_LENGTH - mark.length).join('')}${mark}`;
}

function resolveForge(forge: ConfigFile['forge'], absolute: (written: string) => string): LoadedConfig['forge'] {
  if (forge.kind === 'local') return { ...forge, root: absolute(forge.root) };
  const { app, ...rest } = forge;
  return {
    ...rest,
    api_url: trimUrl(forge.api_url),
    ...(app && { app: { ...app, private_key_file: absolute(app.private_key_file) } }),
  };
}
