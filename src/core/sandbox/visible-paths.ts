/**
 * What of the host a confined program sees, read-only: the system, what
 * programs on PATH need, and the paths asked for. Never a directory that holds
 * the state, the configuration, the forge or the user's HOME (rows 14 and 58
 * of docs/threat-model.md).
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { AgentOsError } from '../errors.ts';

/** Programs and libraries. A symlink among them (`/bin` on a merged system) stays one. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];

/** What programs read to resolve libraries, users, times, alternatives and certificates; no directory that may hold a key. */
const ETC = [
  ...['alternatives', 'ca-certificates', 'ca-certificates.conf', 'crypto-policies', 'fonts', 'group', 'host.conf', 'hosts'],
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'locale.alias', 'localtime', 'mime.types', 'nsswitch.conf', 'os-release'],
  ...['passwd', 'pki/ca-trust', 'pki/java', 'pki/tls/cert.pem', 'pki/tls/certs', 'pki/tls/openssl.cnf', 'protocols', 'services'],
  ...['ssl/cert.pem', 'ssl/certs', 'ssl/openssl.cnf', 'terminfo', 'timezone'],
].map((name) => `/etc/${name}`);
/** Language runtimes that keep their defaults in `/etc`: `java-17-openjdk`, `python3.11`. */
const ETC_RUNTIMES = /^(?:java|perl|python)[-0-9.]*(?:openjdk)?$/;
const ETC_NETWORK = ['/etc/resolv.conf', '/etc/gai.conf'];

export interface SystemView {
  /** Shown at the same path; where the host has a symlink, its content. */
  mounts: string[];
  /** Shown as the symlink that they are. */
  links: { path: string; target: string }[];
}

/** The system's part of the view, with name resolution where there is network. */
export function listSystemPaths(network: boolean): SystemView {
  const view: SystemView = { mounts: [], links: [] };
  for (const path of SYSTEM) {
    const stat = statIfThere(path);
    if (stat?.isSymbolicLink()) view.links.push({ path, target: readlinkSync(path) });
    else if (stat) view.mounts.push(path);
  }
  const runtimes = listDirectory('/etc').filter((name) => ETC_RUNTIMES.test(name));
  const etc = [...ETC, ...runtimes.map((name) => `/etc/${name}`), ...(network ? ETC_NETWORK : [])];
  view.mounts.push(...etc.filter((path) => realPath(path) !== undefined));
  return view;
}

/**
 * What programs on PATH need beside the system: each PATH entry (for `…/bin`
 * what it belongs to), and what its symlinks lead to: outside HOME the
 * directories of those programs, inside HOME the programs alone. What would
 * show something hidden is left out. HOME may be reached by symlinks itself, so
 * all of this is judged by real paths.
 * @param hidden real paths of files and directories that must not be seen
 * @param homeDir real path of the user's HOME
 */
export function listProgramPaths(path: string, hidden: readonly string[], homeDir: string): string[] {
  const found: string[] = [];
  const add = (candidate: string) => {
    if (!found.some((root) => contains(root, candidate)) && !isSystem(candidate)) found.push(candidate);
  };
  const isFree = (candidate: string) => {
    const real = realPath(candidate) ?? candidate;
    return !hidden.some((secret) => contains(real, secret) || (secret !== homeDir && contains(secret, real)));
  };
  /** `/opt/node/bin` → `/opt/node`, but neither `/`, nor HOME, nor what lies directly in it. */
  const prefixOf = (directory: string): string => {
    const parent = dirname(directory);
    const real = realPath(parent) ?? parent;
    const wide = real === '/' || real === homeDir || dirname(real) === homeDir || !isFree(parent);
    return basename(directory) === 'bin' && !wide ? parent : directory;
  };
  const entries = path.split(':').filter(isAbsolute);
  for (const entry of new Set(entries.map((name) => resolve(name)))) {
    const root = prefixOf(entry);
    if (realPath(entry) !== undefined && isFree(root)) add(root);
    for (const hop of listHops(entry)) {
      const inHome = contains(homeDir, hop) || contains(homeDir, realPath(hop) ?? hop);
      // No program: a directory of whatever is in it.
      if (inHome && !isFile(hop)) continue;
      const around = packageOf(hop, inHome ? homeDir : undefined) ?? (inHome ? hop : prefixOf(dirname(hop)));
      if (isFree(around)) add(around);
      else if (isFree(hop)) add(hop);
    }
  }
  return found;
}

/**
 * The directory of the package that a program belongs to: all packages of
 * its `node_modules`, which find each other there; and below `homeDir`, where
 * nothing else around a program is shown, the package whose `bin` names it and
 * the Python environment that it is installed in.
 */
function packageOf(program: string, homeDir: string | undefined): string | undefined {
  const modules = program.indexOf('/node_modules/');
  if (modules > 0) return program.slice(0, modules + '/node_modules'.length);
  if (homeDir === undefined) return undefined;
  const prefix = dirname(dirname(program));
  if (prefix !== homeDir && statIfThere(join(prefix, 'pyvenv.cfg'))?.isFile()) return prefix;
  for (let at = dirname(program); at !== dirname(at) && !contains(at, homeDir); at = dirname(at)) {
    if (statIfThere(join(at, 'package.json'))?.isFile()) return listBins(at).includes(program) ? at : undefined;
  }
  return undefined;
}

/** Absolute paths of the programs that `package.json` of a directory names. */
function listBins(directory: string): string[] {
  try {
    const { bin } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { bin?: unknown };
    const named = typeof bin === 'object' && bin !== null ? Object.values(bin) : [bin];
    return named.filter((name) => typeof name === 'string').map((name) => resolve(directory, name));
  } catch {
    return [];
  }
}

/** Every path that the symlinks of a directory pass through or end at, outside the directory. */
function listHops(directory: string): string[] {
  const hops: string[] = [];
  for (const entry of listEntries(directory)) {
    let at = join(directory, entry);
    for (let count = 0; count < 20 && statIfThere(at)?.isSymbolicLink(); count++) {
      at = resolve(dirname(at), readlinkSync(at));
      if (statIfThere(at) && !contains(directory, at)) hops.push(at);
    }
    const real = realPath(at);
    if (real !== undefined && real !== at) hops.push(real);
  }
  return hops.filter((hop) => !isSystem(hop));
}

/** Names of the symlinks in a directory. */
function listEntries(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function isSystem(path: string): boolean {
  return (
    SYSTEM.some((root) => contains(root, path)) || contains('/etc/alternatives', path) || contains('/proc', path) || contains('/dev', path)
  );
}

/**
 * Checks the paths that the configuration adds to the view.
 * @throws AgentOsError `config`: one that is not there, not absolute, or would show something hidden.
 */
export function checkReadable(readable: readonly string[], hidden: readonly string[], homeDir: string): void {
  for (const path of readable) {
    const real = isAbsolute(path) ? realPath(path) : undefined;
    if (real === undefined) {
      throw new AgentOsError('config', `the readable path \`${path}\` of the sandbox does not exist`, {
        hint: 'Correct `sandbox.readable`.',
      });
    }
    const shown = hidden.find((secret) => contains(real, secret) || (secret !== homeDir && contains(secret, real)));
    if (shown !== undefined) {
      throw new AgentOsError('config', `the readable path \`${path}\` would show \`${shown}\` to agents`, {
        hint: 'Name narrower paths in `sandbox.readable`.',
      });
    }
  }
}

/** True when `path` is `directory` or lies below it. Both without `.` and `..`. */
export function contains(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The path without symlinks; `undefined` when there is nothing. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function statIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Of what it leads to, where it is a symlink. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
