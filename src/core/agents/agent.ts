/**
 * The port of an agent. What it says and writes is data: the host reads the
 * tree and the result file, computes the outcome itself, and an agent can only
 * lower it (docs/adr/0011-outcome.md).
 */
import type { SandboxExit } from '../sandbox/sandbox.ts';
import type { AgentFailure, TokenUsage } from './report.ts';

export interface AgentRequest {
  task: string;
  attempt: number;
  prompt: string;
  /** Absolute path of the file that holds the same prompt. */
  promptFile: string;
  /** The attempt's clone: the working directory, and all that the agent may write besides its HOME. */
  workspace: string;
  /** The text of the issue (the task's body), for agents that need no prompt. */
  issueText: string;
  /** Where the agent must leave its result. */
  resultFile: string;
  /** Host directories that the sandbox must show read-only for git to work in the clone. */
  objects: string[];
  /** Private HOME. */
  home: string;
  transcript: string;
  timeoutMs: number;
  silenceMs: number;
  /** In US dollars: all that the run may spend, where there is a limit. */
  maxCostUsd?: number;
  mark: string;
}

export interface AgentReply {
  ended: SandboxExit['ended'];
  exitCode: number | null;
  durationMs: number;
  /** How the run failed beyond the tree, where it did. Only `denied` is outweighed by a tree that passes every gate (`outcome.ts`). */
  failure?: AgentFailure;
  usage?: TokenUsage;
  /** In US dollars; absent when unknown. */
  costUsd?: number;
  /** Whether a part of `costUsd` is an estimate: an answer broke off, and nobody counted it. */
  costIsEstimate?: true;
  /** The agent's last words, one clean line. */
  text?: string;
  /** The agent's own name of its session. */
  session?: string;
}

export interface Agent {
  readonly name: string;
  readonly kind: string;
  /** Offline and free: can it run at all? */
  probe(): Promise<{ ready: true } | { ready: false; reason: string }>;
  /**
   * Resolves when the agent and all it started are gone.
   * @throws AgentOsError `unavailable`, `auth`, `config`: it could not begin, and no model was asked. `rate_limit` (with `retryAt`)
   *   and any other: nothing to do with the task, and nobody knows what it cost.
   */
  run(request: AgentRequest, signal: AbortSignal): Promise<AgentReply>;
}
