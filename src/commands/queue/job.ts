/** What the stages of one attempt share. */

import type { Agent } from '../../core/agents/agent.ts';
import { runMark, type StatePaths } from '../../core/config/paths.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import type { Git, HostRepository } from '../../core/git/git.ts';
import type { GitHub } from '../../core/github/github.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';

export interface Job {
  ports: Ports;
  repo: RepoConfig;
  forge: GitHub;
  git: Git;
  host: HostRepository;
  agent: Agent;
  /** Claimed by this process, with the running attempt as its last one. */
  letter: Letter;
  attempt: number;
  /** All that the run may spend, in US dollars, where there is a limit. */
  maxCostUsd?: number;
  /** That is less than a run may spend, for the day or the agent's month has no more. */
  cutShort: boolean;
  /** `runs/<task>/<attempt>`. */
  runDir: string;
  /** The agent's clone. */
  tree: string;
  /** The agent's HOME. */
  home: string;
  /** Names every process of the attempt. */
  mark: string;
  /** Aborted by a signal, a request or the kill switch. */
  signal: AbortSignal;
}

/** Names every process of an attempt in its environment. */
export function markOf(paths: StatePaths, task: string, attempt: number): string {
  return runMark(paths.root, `${task}.${attempt}`);
}
