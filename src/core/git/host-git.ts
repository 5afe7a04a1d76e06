/**
 * Git on the host, hardened: an exact environment, a git dir and configuration
 * of our own, literal paths, no hooks, no helpers, no prompts (rows 19, 26, 28
 * and 29 of docs/threat-model.md). Every other file of this directory goes
 * through `HostGit`. It never runs git with an agent's git dir, and turns every
 * failure into a typed error.
 */
import { AgentOsError } from '../errors.ts';
import { cleanLine } from '../text.ts';
import { type GitExit, runGitProcess } from './simple-git.ts';
import { removeStaleLock } from './stale-lock.ts';

export interface GitCall {
  /** Absolute path of a host-owned git dir; also the working directory. */
  gitDir: string;
  args: string[];
  workTree?: string;
  /** A host-owned index, absolute. */
  index?: string;
  input?: string | Uint8Array;
  env?: Record<string, string>;
  config?: Record<string, string>;
  maxBytes?: number;
  /** Longest run, in milliseconds. */
  deadlineMs?: number;
}

export interface HostGit {
  /** Runs git and returns however it ended. @throws `config` without git, `locked` while another git holds a lock, `timeout`. */
  run(call: GitCall): Promise<GitExit>;
  /** Runs git and returns its output. `doing` completes "cannot …". @throws what `toGitError` makes of a failure. */
  output(call: GitCall, doing: string): Promise<Buffer>;
}

const CONFIG: Record<string, string> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.untrackedCache': 'false',
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'core.symlinks': 'true',
  'core.fileMode': 'true',
  'core.protectHFS': 'true',
  'core.protectNTFS': 'true',
  'core.quotePath': 'false',
  'core.fsync': 'committed',
  'safe.bareRepository': 'explicit',
  'submodule.recurse': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'commit.gpgsign': 'false',
};

/** For writes to the preserved repository: everything must survive a power loss, but indexes, which can be made again. */
export const DURABLE: Record<string, string> = { 'core.fsync': 'all,-index', 'core.fsyncMethod': 'batch' };

/** @param path the PATH that finds git; nothing else of our environment reaches it. */
export function openHostGit(path: string): HostGit {
  const run = async (call: GitCall): Promise<GitExit> => {
    const process = { env: toEnv(path, call), cwd: call.gitDir, argv: toArgv(call), ...toLimits(call) };
    const exit = await start(process);
    if (exit.status === 0 || !removeStaleLock(call.gitDir, exit.stderr)) return exit;
    return start(process);
  };
  return {
    run,
    async output(call, doing) {
      const exit = await run(call);
      if (exit.status !== 0 && !exit.truncated) throw toGitError(exit, doing);
      return exit.stdout;
    },
  };
}

async function start(call: Parameters<typeof runGitProcess>[0]): Promise<GitExit> {
  const exit = await runGitProcess(call);
  if (exit.status !== null && exit.status < 0 && /ENOENT/.test(exit.stderr)) {
    throw new AgentOsError('config', 'the program `git` is not on PATH', {
      hint: 'Install git 2.38 or newer; under cron, use the PATH that `agentos cron print` shows.',
    });
  }
  return exit;
}

function toArgv(call: GitCall): string[] {
  // A bare repository with a work tree of somebody else's is what every import and checkout is.
  const bare = { 'core.bare': call.workTree === undefined ? 'true' : 'false' };
  const config = Object.entries({ ...CONFIG, ...bare, ...call.config }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return ['--no-pager', '--literal-pathspecs', ...config, ...call.args];
}

function toEnv(path: string, call: GitCall): Record<string, string> {
  return {
    PATH: path,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_DIR: call.gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    ...(call.workTree === undefined ? {} : { GIT_WORK_TREE: call.workTree }),
    ...(call.index === undefined ? {} : { GIT_INDEX_FILE: call.index }),
    ...call.env,
  };
}

function toLimits(call: GitCall): Pick<GitCall, 'input' | 'maxBytes' | 'deadlineMs'> {
  return {
    ...(call.input === undefined ? {} : { input: call.input }),
    ...(call.maxBytes === undefined ? {} : { maxBytes: call.maxBytes }),
    ...(call.deadlineMs === undefined ? {} : { deadlineMs: call.deadlineMs }),
  };
}

const MEANINGS: [RegExp, ConstructorParameters<typeof AgentOsError>[0]][] = [
  [/\.lock': File exists|cannot lock ref .*File exists|Another git process seems/i, 'locked'],
  [/No space left on device|Disk quota exceeded|Read-only file system|Input\/output error/i, 'io'],
  [/Authentication failed|could not read (Username|Password)|HTTP 40[13]|returned error: 40[13]/i, 'auth'],
];

/** What a failed git command means, from its stderr; `otherwise` where that says nothing known. */
export function toGitError(
  exit: GitExit,
  doing: string,
  otherwise: ConstructorParameters<typeof AgentOsError>[0] = 'corrupt',
): AgentOsError {
  const code = MEANINGS.find(([pattern]) => pattern.test(exit.stderr))?.[1] ?? otherwise;
  const said = cleanLine(exit.stderr, 400) || `git ended with status ${exit.status}`;
  return new AgentOsError(code, `cannot ${doing}: ${said}`);
}

/** True when stderr tells of a damaged object store or ref, and not of a remote or a wrong argument. */
export function isDamage(stderr: string): boolean {
  return DAMAGE.test(stderr);
}

const DAMAGE =
  /is corrupt|is empty|loose object|bad object|unable to read (tree|sha1|object|[0-9a-f]{40})|unable to unpack|missing (blob|tree|commit)|packfile .* (is|cannot)|not a git repository|reference broken|inflate|hash mismatch|did not send all necessary objects|unable to parse|Could not read [0-9a-f]{40}|failed to read object|bad signature|unable to resolve reference|bad tree object|unable to find all commit-graph|failed to unpack tree|Not a valid object name/i;
