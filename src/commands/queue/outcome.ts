/**
 * How an attempt ended, computed from the tree and the checks; what the agent
 * says can lower it and never raise it (docs/adr/0011-outcome.md). And where the task goes
 * after it. Pure.
 */
import type { AgentFailure, FailureKind } from '../../core/agents/report.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { infrastructureStreak, type Task } from '../../core/mailbox/task.ts';
import { type Limits, whySpent } from '../../core/routing/chain.ts';
import { cleanLine, plural } from '../../core/text.ts';

export interface AttemptFacts {
  ended: 'exited' | 'timeout' | 'stalled' | 'stopped' | 'limit';
  durationMs: number;
  /** What the result file says, when there is a valid one. */
  result?: { status: 'complete' | 'partial' | 'blocked'; code?: string; summary: string };
  /** Why there is none. */
  problem?: { code: 'no_result' | 'invalid_result'; reason: string };
  /** The agent's last words, one clean line, where it is known to print them. */
  said?: string;
  /** Paths changed against the recorded base; absent when the tree could not be read. */
  changed?: number;
  /** Why the tree may not be pushed. */
  refused?: string[];
  /** How the run failed beyond the tree, where it did. */
  failure?: AgentFailure;
  /** It was ended for its money, which was less than a run may spend: the day or the agent's month had no more. */
  cutShort?: boolean;
  /** Absent when it did not come to that. */
  verified?: { ok: boolean; reason: string };
}

export interface Outcome {
  outcome: 'complete' | 'failed' | 'infrastructure' | 'stopped';
  code: string;
  summary: string;
}

/**
 * Success needs an agent that came to its end and a tree that passes every
 * gate; a refused permission alone is outweighed by such a tree. A failing
 * provider is nobody's fault.
 */
export function decideOutcome(facts: AttemptFacts): Outcome {
  const judged = judgeFacts(facts);
  const { failure } = facts;
  if (!failure || judged.outcome !== 'failed') return judged;
  const code = facts.cutShort ? 'budget' : (FAILURE_CODES[failure.kind] ?? judged.code);
  if (code === 'budget') return { outcome: 'infrastructure', code, summary: CUT_SHORT };
  if (code.startsWith('provider_')) return { outcome: 'infrastructure', code, summary: cleanLine(failure.message, 500) };
  return { outcome: 'failed', code, summary: cleanLine(`${failure.message}; ${judged.summary}`, 500) };
}

const CUT_SHORT = 'used up what the day, or the month of its agent, had left, which was less than a run may spend';

/** `denied` and `crashed` say why the tree is what it is: the code stays the tree's. */
const FAILURE_CODES: Partial<Record<FailureKind, string>> = {
  rate_limit: 'provider_rate_limit',
  quota: 'provider_rate_limit',
  auth: 'provider_auth',
  overloaded: 'provider_unavailable',
  stalled: 'provider_unavailable',
  context_too_long: 'resource_limit',
  limit: 'resource_limit',
};

/** Whether a tree that passes every gate makes up for it. */
export function isOutweighed(failure: AgentFailure): boolean {
  return failure.kind === 'denied';
}

/** For whoever reads why there is no result: what the agent itself said last. */
function quoteWords(said: string | undefined): string {
  return said === undefined ? '' : `; its last words: ${JSON.stringify(cleanLine(said, 200))}`;
}

function judgeFacts(facts: AttemptFacts): Outcome {
  const { result, problem } = facts;
  const failed = (code: string, summary: string): Outcome => ({ outcome: 'failed', code, summary: cleanLine(summary, 500) });
  if (facts.ended === 'stopped') return { outcome: 'stopped', code: 'cancelled', summary: 'stopped before it ended' };
  if (facts.ended === 'timeout') return failed('timeout', `ran longer than allowed (${Math.round(facts.durationMs / 1000)} s)`);
  if (facts.ended === 'stalled')
    return failed('stalled', `said nothing for longer than allowed (after ${Math.round(facts.durationMs / 1000)} s)`);
  if (facts.ended === 'limit') return failed('resource_limit', 'took more of the disk than a run may');
  if (problem) return failed(problem.code, problem.reason + quoteWords(facts.said));
  if (!result) return failed('no_result', 'left no `.agent_result.md`');
  if (result.status !== 'complete') return failed(result.code ?? 'missing_context', `${result.status}: ${result.summary}`);
  if (facts.refused && facts.refused.length > 0) return failed('policy_refused', facts.refused.join('; '));
  if (facts.changed === 0) return failed('no_diff', `reported complete, but changed nothing: ${result.summary}`);
  if (facts.failure && !isOutweighed(facts.failure)) return failed('no_result', 'it reported complete, but did not come to its end');
  if (!facts.verified?.ok) return failed('verify_failed', facts.verified?.reason ?? 'not verified');
  return { outcome: 'complete', code: 'complete', summary: cleanLine(result.summary, 500) };
}

const PROVIDER_CODES: Partial<Record<ErrorCode, string>> = {
  auth: 'provider_auth',
  rate_limit: 'provider_rate_limit',
  unavailable: 'provider_unavailable',
  timeout: 'provider_unavailable',
};

/**
 * What an error that is not the task's fault means for the attempt: nothing against the agent.
 * @param from `agent`: its run threw it, and so it tells of its provider; `machine`: git, the forge, `setup`, the checks.
 */
export function toInfrastructure(error: { code: ErrorCode; message: string }, from: 'agent' | 'machine'): Outcome {
  if (error.code === 'cancelled') return { outcome: 'stopped', code: 'cancelled', summary: error.message };
  const code = (from === 'agent' && PROVIDER_CODES[error.code]) || 'infrastructure';
  return { outcome: 'infrastructure', code, summary: cleanLine(error.message, 500) };
}

export type Destination = { tray: 'inbox'; note?: string; notBefore?: string; waitsFor?: 'agent' } | { tray: 'escalated'; note: string };

/** What is known of the agents when an attempt has ended. */
export interface Agents {
  /** When the first of the chain can run again, where none can now. */
  nextAt?: Date | undefined;
  /** Another one can run now. */
  free?: boolean;
  /** When what failed beside the agents may be asked again. */
  retryAt?: Date | undefined;
}

/** First wait for a provider; it doubles with every failure in a row. */
const PROVIDER_WAIT_MS = 60_000;

/**
 * Where a task goes whose attempt did not lead to a pull request. `task` holds
 * the ended attempt as its last one.
 */
export function decideDestination(task: Task, limits: Limits, now: Date, agents: Agents = {}): Destination {
  const last = task.attempts.at(-1);
  if (last?.outcome === 'stopped') return { tray: 'inbox' };
  if (last?.kind === 'fix' && last.outcome === 'failed') {
    return {
      tray: 'escalated',
      note: `the fix of pull request #${task.pull_request} by ${last.agent} came to nothing (${last.code}): ${last.summary}. ${whatNow(task)}`,
    };
  }
  const spent = whySpent(task, limits);
  if (spent !== undefined)
    return { tray: 'escalated', note: `${spent}. ${last?.outcome === 'infrastructure' ? mendFirst(task) : whatNow(task)}` };
  const note = `Attempt ${last?.n} by ${last?.agent}: ${last?.code}.`;
  if (last?.outcome === 'infrastructure' && (last.code?.startsWith('provider_') || last.code === 'budget') && !agents.free) {
    const doublings = Math.min(infrastructureStreak(task) - 1, 6);
    const at = agents.nextAt ?? new Date(now.getTime() + PROVIDER_WAIT_MS * 2 ** doublings);
    return { tray: 'inbox', note, notBefore: at.toISOString(), waitsFor: 'agent' };
  }
  const named = last?.code === 'infrastructure' ? agents.retryAt : undefined;
  return { tray: 'inbox', note, ...(named && named > now && { notBefore: named.toISOString() }) };
}

/**
 * Where a claim goes whose owner died with no attempt running: on where the
 * cut-off move was taking it (its content is written first), or back to the inbox.
 */
export function decideCutOff(task: Task, limits: Limits, now: Date): 'inbox' | 'review' | 'escalated' | 'failed' {
  if (task.rests_in) return task.rests_in;
  const last = task.attempts.at(-1);
  if (!last || last.n <= (task.attempts_forgiven ?? 0)) return 'inbox';
  if (last.outcome !== 'complete') return decideDestination(task, limits, now).tray;
  if (task.fix) return 'inbox';
  return task.pull_request === undefined ? 'escalated' : 'review';
}

function mendFirst(task: Task): string {
  return `${keptWork(task)}When that is mended, run \`agentos retry ${task.id}\`, or close the issue.`;
}

function keptWork(task: Task): string {
  const kept = task.attempts.filter((attempt) => attempt.tree !== undefined).length;
  return kept > 0 ? `The work of ${plural(kept, 'attempt')} is kept: \`agentos show ${task.id}\`. ` : '';
}

/** What a person can do about an escalated task, with the commands to type. */
export function whatNow(task: Task): string {
  const pull = task.pull_request === undefined ? '' : ` Pull request #${task.pull_request} stays open: finish it by hand, or close it.`;
  return `${keptWork(task)}Make the issue clearer and put the label on again, or run \`agentos retry ${task.id}\`, or close the issue.${pull}`;
}
