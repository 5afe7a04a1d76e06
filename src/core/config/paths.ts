/** Where everything lies in the state directory (docs/contracts.md, "State directory"). Pure. */
import { repoKey, shortHash } from '../ids.ts';

/** Where the state lies unless `state_dir` says otherwise. */
export const DEFAULT_STATE_DIR = '~/.local/state/agentos';

export interface StatePaths {
  root: string;
  mailbox: string;
  workspaces: string;
  runs: string;
  mirrors: string;
  preserved: string;
  memory: string;
  events: string;
  effects: string;
  locks: string;
  /** Heartbeats of the loops: `<command>.json`. */
  loops: string;
  /** What a person approved: `<owner>__<name>-<pull request>.json`. */
  approvals: string;
  /** Agents whose provider asked to wait: `<agent>.json`. */
  breakers: string;
  /** What runs reserved and cost: `<YYYY-MM>.ndjson`. */
  budget: string;
  cache: string;
  /** What a person (or a newer `ready`) asks of a running task: `<task>.json`. */
  requests: string;
  /** The numeric id that a login of `trusted` was first seen with. */
  pins: string;
  plan: string;
  /** The kill switch: a file for everything, `paused.d/<owner>__<name>` for one repository. */
  paused: string;
  pausedRepos: string;
}

export function statePaths(root: string): StatePaths {
  const at = (name: string) => `${root}/${name}`;
  return {
    root,
    mailbox: at('mailbox'),
    workspaces: at('workspaces'),
    runs: at('runs'),
    mirrors: at('mirrors'),
    preserved: at('preserved'),
    memory: at('memory'),
    events: at('events'),
    effects: at('effects'),
    locks: at('locks'),
    loops: at('loops'),
    approvals: at('approvals'),
    breakers: at('breakers'),
    budget: at('budget'),
    cache: at('cache'),
    requests: at('requests'),
    pins: at('pins'),
    plan: at('plan'),
    paused: at('paused'),
    pausedRepos: at('paused.d'),
  };
}

/** `mirrors/<owner>__<name>.git`: bare, host-owned, forge branches only. */
export function mirrorPath(paths: StatePaths, repo: string): string {
  return `${paths.mirrors}/${repoKey(repo)}.git`;
}

/** `preserved/<owner>__<name>.git`: bare, host-owned, agents' trees; never mounted. */
export function preservedPath(paths: StatePaths, repo: string): string {
  return `${paths.preserved}/${repoKey(repo)}.git`;
}

/** `workspaces/<task>/<attempt>`: the directory of one attempt. */
export function workspacePath(paths: StatePaths, task: string, attempt: number): string {
  return `${paths.workspaces}/${task}/${attempt}`;
}

/**
 * Marks every process of one run in its environment. Other installations on
 * this machine have runs of the same name, and must not be killed for ours.
 */
export function runMark(dir: string, name: string): string {
  return `${name}@${shortHash(dir)}`;
}

/** `runs/<task>/<attempt>`: what is kept of one attempt. */
export function runPath(paths: StatePaths, task: string, attempt: number): string {
  return `${paths.runs}/${task}/${attempt}`;
}
