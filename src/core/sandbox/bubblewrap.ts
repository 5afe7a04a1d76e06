/**
 * Confinement by bubblewrap: a file system of its own that holds the system
 * read-only and the workspace, no network, and a process namespace that ends
 * with the run, whatever it forked. bubblewrap itself starts with the inner
 * environment and nothing else, for the first process of the namespace is
 * bubblewrap, and `/proc/1/environ` shows what it was started with (fact 5 of
 * docs/threat-model.md).
 */
import { ensureDirectory } from '../atomic-file.ts';
import { AgentOsError } from '../errors.ts';
import { killRun, MARK_VARIABLE } from '../process-tree.ts';
import { type Doors, openDoors } from './doors.ts';
import { listStarter, type SandboxLimits } from './limits.ts';
import { type Door, throughRelay } from './relay.ts';
import type { Sandbox, SandboxExit, SandboxProbe, SandboxRun } from './sandbox.ts';
import { supervise } from './supervise.ts';
import { toSyscallFilter } from './syscall-filter.ts';
import { contains, listProgramPaths, listSystemPaths, realPath } from './visible-paths.ts';

/** Of machines whose calls are not known there is none; `doctor` says so. */
const FILTER = toSyscallFilter(process.arch);

/** Without a user namespace of its own where only root may make the others (in a container). */
export type Namespaces = 'all' | 'all-but-user';

export interface BubblewrapOptions {
  /** Absolute path of `bwrap`. */
  program: string;
  namespaces: Namespaces;
  /** PATH of the programs inside. */
  path: string;
  /** Extra paths that every run sees read-only. */
  readable: readonly string[];
  /** Real paths of what no PATH entry may show: state, configuration, forge, HOME. */
  hidden: readonly string[];
  /** Real path of the user's HOME. */
  homeDir: string;
  /** Absolute; where a proxy of a run has its socket. */
  stateDir: string;
  graceMs: number;
  limits: SandboxLimits;
  /** Whether this bubblewrap can bound a tmpfs (0.7 and later). */
  sized: boolean;
  probe: () => Promise<SandboxProbe>;
}

export function openBubblewrap(options: BubblewrapOptions): Sandbox {
  // What PATH needs is looked up once for all runs.
  let programs: string[] | undefined;
  const listShown = () => {
    programs ??= listProgramPaths(options.path, options.hidden, options.homeDir);
    return programs;
  };
  return {
    kind: 'bubblewrap',
    listShown,
    probe: options.probe,
    async run(run: SandboxRun, signal: AbortSignal): Promise<SandboxExit> {
      ensureDirectory(run.home);
      const env = {
        PATH: options.path,
        HOME: run.home,
        LANG: 'C.UTF-8',
        TERM: 'dumb',
        TMPDIR: '/tmp',
        ...run.env,
        [MARK_VARIABLE]: run.mark,
      };
      const { limits, graceMs } = options;
      const doors = await openDoors(run, options.stateDir);
      try {
        const { argv: inner, env: outer } = throughRelay({ argv: run.argv, env: { ...doors.env, ...env } }, doors.list);
        const argv = [options.program, ...toArguments({ ...run, argv: inner }, doors.list, { ...options, programs: listShown() })];
        const onStart = (say: Doors['say']) => Object.assign(doors, { say });
        const supervision = { argv, env: outer, run, limits, graceMs, confined: true, filter: FILTER, onStart };
        const { status, ...exit } = await supervise(supervision, signal);
        return toExit(exit, status);
      } finally {
        await doors.close();
      }
    },
    async killLeftovers(mark: string): Promise<void> {
      await killRun({ mark });
    },
  };
}

interface Mount {
  path: string;
  writable: boolean;
}

/**
 * bubblewrap's arguments for one run.
 * @throws AgentOsError `config` when a path to be shown does not exist.
 */
function toArguments(run: SandboxRun, doors: readonly Door[], view: BubblewrapOptions & { programs: readonly string[] }): string[] {
  const system = listSystemPaths(run.network);
  const starter = listStarter(view.path, view.limits, view.namespaces === 'all');
  const toTmpfs = (path: string, bytes: number) => [...(view.sized ? ['--size', String(bytes)] : []), '--tmpfs', path];
  // A socket is one to its mount too: what can be connected to needs no writable mount.
  const relay = doors.length === 0 ? [] : [process.execPath, ...doors.map(({ socket }) => socket)];
  const named = [...view.readable, ...run.readable, ...relay].flatMap(bothNames);
  const mounts: Mount[] = [
    ...[...system.mounts, ...view.programs, ...named].map((path) => ({ path, writable: false })),
    ...[...run.writable, run.home].flatMap(bothNames).map((path) => ({ path, writable: true })),
  ];
  return [
    ...toNamespaceArguments(view.namespaces, run.network),
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--json-status-fd', '3'],
    ...(FILTER === undefined ? [] : ['--seccomp', '4']),
    ...['--proc', '/proc', '--dev', '/dev', '--dir', '/var/tmp', '--dir', '/run'],
    ...[...toTmpfs('/tmp', view.limits.tmpBytes), ...toTmpfs('/dev/shm', view.limits.sharedMemoryBytes), '--remount-ro', '/dev'],
    ...system.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    // The shorter path first: what is mounted later lies on top.
    ...withoutRepeats(mounts.sort((a, b) => a.path.length - b.path.length)).flatMap(toMountArguments),
    ...['--remount-ro', '/', '--chdir', run.cwd, '--', ...starter, ...run.argv],
  ];
}

function toNamespaceArguments(namespaces: Namespaces, network: boolean): string[] {
  if (namespaces === 'all') return ['--unshare-all', ...(network ? ['--share-net'] : [])];
  return ['--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try', ...(network ? [] : ['--unshare-net'])];
}

function toMountArguments({ path, writable }: Mount): string[] {
  return [writable ? '--bind' : '--ro-bind', realPath(path) ?? path, path];
}

/** The path as it was named and as it is, for a program may know either. */
function bothNames(path: string): string[] {
  const real = realPath(path);
  if (real === undefined) {
    throw new AgentOsError('config', `cannot show \`${path}\` in the sandbox: it does not exist`, {
      hint: 'Correct `sandbox.readable`, or create it.',
    });
  }
  return real === path ? [path] : [path, real];
}

/** Leaves out what is seen already, the same way, in a directory mounted before it. */
function withoutRepeats(mounts: Mount[]): Mount[] {
  const kept: Mount[] = [];
  for (const mount of mounts) {
    const around = kept.findLast(({ path }) => contains(path, mount.path));
    if (around === undefined || around.writable !== mount.writable) kept.push(mount);
  }
  return kept;
}

/** bubblewrap reports an exit status on its status pipe only when the program was started. */
function toExit(exit: SandboxExit, status: string): SandboxExit {
  if (exit.ended !== 'exited' || exit.exitCode === null || status.includes('"exit-code"')) return exit;
  if (exit.output.startsWith('bwrap: execvp')) return { ...exit, exitCode: exit.output.includes('No such file') ? 127 : 126 };
  const reason = exit.output.trim().split('\n').at(-1) ?? '';
  throw new AgentOsError('config', `the sandbox cannot start: ${reason === '' ? `exit ${exit.exitCode}` : reason}`, {
    hint: 'Run `agentos doctor`; bubblewrap needs user namespaces, or root.',
  });
}
