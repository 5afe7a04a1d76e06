/** The work of one attempt between its beginning and its settling: prepare, run, judge. */
import type { AgentReply, AgentRequest } from '../../core/agents/agent.ts';
import { workspacePath } from '../../core/config/paths.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError, type ErrorCode } from '../../core/errors.ts';
import type { Evidence } from '../../core/evidence.ts';
import type { Job } from './job.ts';
import { judgeAttempt } from './judge.ts';
import { type Outcome, toInfrastructure } from './outcome.ts';
import { fetchBase, type Prepared, prepareAttempt } from './prepare.ts';
import { salvage } from './salvage.ts';

/** An attempt that never came to evidence. */
export interface Failure extends Outcome {
  retryAt?: Date | undefined;
  /** Whether a model may have been asked: then it cost what `costUsd` says. */
  asked: boolean;
  /** US dollars; absent when nobody knows. */
  costUsd?: number | undefined;
}

/** With these `run` says that no model was asked (`Agent.run`). */
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(['unavailable', 'auth', 'config']);

/**
 * Prepares, runs and judges. What is nobody's fault becomes an infrastructure outcome.
 * @throws AgentOsError `io`
 */
export async function work(job: Job): Promise<Evidence | Failure> {
  const { ports, letter } = job;
  const root = workspacePath(ports.paths, letter.task.id, job.attempt);
  let stage: 'before' | 'run' | 'after' = 'before';
  let reply: AgentReply | undefined;
  try {
    await job.git.removeWorkspace(root);
    const prepared = await prepareAttempt(job, await fetchBase(job));
    stage = 'run';
    reply = await job.agent.run(toRequest(job, prepared), job.signal);
    stage = 'after';
    crashPoint('queue:agent-ended');
    const evidence = await judgeAttempt(job, prepared, reply);
    await job.git.removeWorkspace(root);
    return evidence;
  } catch (error) {
    // What a full disk did not take is not removed: whoever reclaims the task preserves it.
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
    await salvage(ports, letter.task, job.attempt);
    await job.git.removeWorkspace(root);
    const asked = stage === 'after' || (stage === 'run' && !NOT_BEGUN.has(error.code));
    // Only the run itself tells of the provider: git and the forge have keys and limits of their own.
    const outcome = toInfrastructure(error, stage === 'run' ? 'agent' : 'machine');
    return { ...outcome, retryAt: error.retryAt, asked, costUsd: reply?.costUsd };
  }
}

function toRequest(job: Job, { prompt }: Prepared): AgentRequest {
  const { ports, letter, agent } = job;
  const limits = ports.config.agents[agent.name];
  return {
    task: letter.task.id,
    attempt: job.attempt,
    prompt,
    promptFile: `${job.runDir}/prompt.md`,
    workspace: job.tree,
    issueText: letter.body,
    resultFile: `${job.tree}/.agent_result.md`,
    objects: [`${job.host.mirror}/objects`],
    home: job.home,
    transcript: `${job.runDir}/transcript.log`,
    timeoutMs: (limits?.timeout_minutes ?? 45) * 60_000,
    silenceMs: (limits?.silence_minutes ?? 10) * 60_000,
    ...(job.maxCostUsd !== undefined && { maxCostUsd: job.maxCostUsd }),
    mark: job.mark,
  };
}
