/** What `agentos doctor` looks at. Each check says what it found and, where something is wrong, what to do. */
import { statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { AgentOsError, messageOf, toIoError } from '../../core/errors.ts';
import { exists } from '../../core/mailbox/tray-files.ts';
import { isPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { findProgram } from '../../core/process.ts';
import { cleanLine } from '../../core/text.ts';
import { gatherLoops } from './loop-health.ts';

export interface Check {
  name: string;
  /** `warn`: it works, and a person should know. */
  state: 'ok' | 'warn' | 'bad';
  what: string;
  remedy?: string;
}

const NODE_AT_LEAST = [20, 19] as const;
const GIT_AT_LEAST = [2, 38] as const;
const MB = 1024 * 1024;

/** File systems over a network: rename, link and locks do not hold there what they promise. */
const NETWORK_FILE_SYSTEMS: Record<number, string> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  1702057286: 'FUSE',
  16914839: '9p',
  12805120: 'Ceph',
  1397113167: 'AFS',
};

const ok = (name: string, what: string): Check => ({ name, state: 'ok', what });
const warn = (name: string, what: string, remedy: string): Check => ({ name, state: 'warn', what, remedy });
const bad = (name: string, what: string, remedy: string): Check => ({ name, state: 'bad', what, remedy });

/** What needs no configuration. */
export function checkMachine(version: string, path: string): Check[] {
  const node = atLeast(version, NODE_AT_LEAST)
    ? ok('node', version)
    : bad('node', `${version} is older than ${NODE_AT_LEAST.join('.')}`, 'Install a newer Node.');
  const flock = findProgram('flock', path);
  return [node, flock === undefined ? bad('flock', 'the program `flock` is not on PATH', 'Install util-linux.') : ok('flock', flock)];
}

/** True when `2.39.5` or `git version 2.39.5` is at least `[2, 38]`. */
export function atLeast(version: string, least: readonly [number, number]): boolean {
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

export async function checkGit(ports: Ports): Promise<Check[]> {
  return guard('git', async () => {
    const version = await (await ports.git()).version();
    if (atLeast(version, GIT_AT_LEAST)) return [ok('git', version)];
    return [
      bad('git', `${version} is older than ${GIT_AT_LEAST.join('.')}, which \`merge-tree --write-tree\` needs`, 'Install a newer git.'),
    ];
  });
}

/** Permissions, place, file system and free space of the state directory. */
export function checkState(ports: Ports): Check[] {
  const { root } = ports.paths;
  const checks: Check[] = [];
  const { mode, uid } = statSync(root);
  if (uid !== process.getuid?.())
    checks.push(bad('state', `\`${root}\` belongs to another user`, 'Run Agent OS as the user that owns it.'));
  if ((mode & 0o077) !== 0) checks.push(warn('state', `other users can look into \`${root}\``, `Run \`chmod 700 ${root}\`.`));
  const repository = findRepository(root);
  if (repository !== undefined) {
    checks.push(warn('state', `it lies in the git work tree \`${repository}\``, 'Set `state_dir` to a place outside of every repository.'));
  }
  const { type, bavail, bsize } = readFileSystem(root);
  const network = NETWORK_FILE_SYSTEMS[type];
  if (network !== undefined)
    checks.push(bad('state', `\`${root}\` is on ${network}, where locks and renames are not safe`, 'Set `state_dir` to a local disk.'));
  const free = Math.floor((bavail * bsize) / MB);
  if (free < 200) checks.push(bad('disk', `${free} MB are free`, 'Free disk space; `agentos gc` says what can go.'));
  else if (free < 2000) checks.push(warn('disk', `${free} MB are free`, 'Free disk space soon; `agentos gc` says what can go.'));
  else checks.push(ok('disk', `${free} MB are free`));
  return checks.some((check) => check.name === 'state') ? checks : [ok('state', root), ...checks];
}

function readFileSystem(path: string): { type: number; bavail: number; bsize: number } {
  try {
    return statfsSync(path);
  } catch (error) {
    throw toIoError(error, `look at the file system of \`${path}\``);
  }
}

/** The directory above with a `.git`, when there is one. */
function findRepository(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    if (exists(`${at}/.git`)) return at;
    if (dirname(at) === at) return undefined;
  }
}

export async function checkSandbox(ports: Ports): Promise<Check[]> {
  return guard('sandbox', async () => {
    const sandbox = await ports.sandbox();
    if (sandbox.kind === 'unconfined') {
      const remedy = 'Install bubblewrap (`apt install bubblewrap`) and set `sandbox.mode: required`.';
      return [warn('sandbox', 'agents run unconfined, as this user', remedy)];
    }
    const { proveDenials } = await import('../../core/sandbox/denials.ts');
    const { contains, realPath } = await import('../../core/sandbox/visible-paths.ts');
    const home = homedir();
    const kept = [ports.config.path, ...['.ssh', '.netrc', '.npmrc', '.gitconfig', '.config/gh'].map((name) => `${home}/${name}`)];
    const denials = await proveDenials(sandbox, ports.paths.root, kept.filter(exists));
    const shown = sandbox.listShown().filter((path) => contains(realPath(home) ?? home, realPath(path) ?? path));
    const told = shown.length === 0 ? [] : [`of HOME, agents read for the sake of PATH: ${cleanLine(shown.join(', '), 500)}`];
    const open = denials.filter(({ state }) => state === 'open');
    const unlimited = denials.filter(({ state }) => state === 'unlimited');
    const denied = denials.filter(({ state }) => state === 'denied').map(({ what }) => what);
    return [
      ...(open.length === 0 ? [ok('sandbox', `${sandbox.kind}: tried and denied: ${denied.join(', ')}`)] : []),
      ...told.map((what) => ok('sandbox', what)),
      ...open.map(({ what, how }) =>
        bad('sandbox', `not denied: ${what}: ${how}`, 'Install a newer bubblewrap, or allow user namespaces; run no agent until then.'),
      ),
      ...unlimited.map(({ what, how }) =>
        warn('sandbox', `not bounded: ${what}: ${how}`, 'Run Agent OS as an ordinary user, with bubblewrap 0.7 and util-linux.'),
      ),
    ];
  });
}

/** Each agent; none that can run is bad, one that cannot is worth knowing. */
export async function checkAgents(ports: Ports): Promise<Check[]> {
  return guard('agents', async () => {
    const checks: Check[] = [];
    for (const [name, agent] of await ports.agents()) {
      const probe = await agent.probe();
      if (probe.ready) checks.push(ok(`agent ${name}`, agent.kind));
      else checks.push(warn(`agent ${name}`, probe.reason, 'Put it right, or take the agent out of `routing`.'));
    }
    if (checks.some((check) => check.state === 'ok')) return checks;
    return [...checks, bad('agents', 'no agent can run', 'Put at least one right; `kind: patch` needs nothing.')];
  });
}

/** Effects are told apart by the journal, whoever's the account is. */
const SHARED = {
  local: 'Nothing, or give Agent OS an account of its own: its effects are told apart by its journal.',
  github:
    'Nothing: its effects are told apart by its journal. GitHub takes no approval of your own pull requests: approve with `agentos approve --sha`. For an account that Agent OS uses alone, set `machine_account: true`.',
} as const;

export async function checkForge(ports: Ports): Promise<Check[]> {
  return guard('forge', async () => {
    const forge = await ports.forge();
    const own = await forge.getIdentity();
    const identity = own.shared
      ? warn('forge', `${own.login} is a person's account too`, SHARED[ports.config.forge.kind])
      : ok('forge', `${ports.config.forge.kind}, as ${own.login}`);
    const checks = [identity];
    if (ports.access) {
      const { decideGitHubChecks } = await import('./doctor-github.ts');
      return [...checks, ...decideGitHubChecks({ facts: await ports.access(), repos: ports.config.repos, now: ports.clock.now() })];
    }
    for (const repo of ports.config.repos) checks.push(...(await checkRepo(ports, repo.name)));
    return checks;
  });
}

async function checkRepo(ports: Ports, name: string): Promise<Check[]> {
  return guard(name, async () => {
    const forge = await ports.forge();
    const config = ports.config.repos.find((repo) => repo.name === name);
    const repository = await forge.getRepository(name);
    if (repository.archived) return [bad(name, 'the repository is archived', 'Unarchive it, or take it out of `repos`.')];
    const base = config?.base ?? repository.defaultBranch;
    if ((await forge.findBranch(name, base)) === undefined) return [bad(name, `there is no branch \`${base}\``, 'Push it, or set `base`.')];
    if (config && !repository.mergeMethods.includes(config.merge_method)) {
      return [
        bad(
          name,
          `the repository does not allow \`merge_method: ${config.merge_method}\``,
          `Use one of: ${repository.mergeMethods.join(', ')}.`,
        ),
      ];
    }
    if (config?.verify.length === 0) {
      return [warn(name, 'there is no `verify`: only checks of the forge can prove a change', 'Set `verify` to what must pass.')];
    }
    return [ok(name, `onto ${base}`)];
  });
}

/** A loop that ran and does not run any more is bad; one that never ran may not be wanted yet. */
export function checkHeartbeats(ports: Ports): Check[] {
  const paused = isPaused(ports.paths);
  const switched = paused ? [warn('paused', 'everything is paused', 'Run `agentos resume` when it may go on.')] : [];
  const loops = gatherLoops(ports.paths, ports.clock.now(), paused).filter((loop) => loop.overdue || (loop.lastExit ?? 0) !== 0);
  if (loops.length === 0) return [...switched, ok('loops', 'none is overdue')];
  return [
    ...switched,
    ...loops.map((loop) => {
      const what = `${loop.overdue ? '' : `the last pass ended with ${loop.lastExit}: `}${cleanLine(loop.reason, 300)}`;
      const remedy = 'Compare the crontab with `agentos cron print`; `cron.log` in the state directory has the errors.';
      const serious = loop.overdue ? loop.lastStartedAt !== null : loop.lastExit !== 75;
      return serious ? bad(loop.command, what, remedy) : warn(loop.command, what, remedy);
    }),
  ];
}

/** What a check throws is what it found. */
export async function guard(name: string, check: () => Check[] | Promise<Check[]>): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    return [bad(name, messageOf(error), error.hint ?? 'Put it right, then run `agentos doctor` again.')];
  }
}
