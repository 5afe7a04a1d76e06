/**
 * One attempt of one claimed task: choose the agent, prepare, run, judge,
 * publish, settle. It may be cut off anywhere; what the next pass must know is
 * on the task file, in the evidence or in the journal before the step after it.
 */
import { runPath, workspacePath } from '../../core/config/paths.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError } from '../../core/errors.ts';
import { type Evidence, readEvidence } from '../../core/evidence.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Task } from '../../core/mailbox/task.ts';
import { isPaused, isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest } from '../../core/requests.ts';
import { endProbe } from '../../core/routing/breakers.ts';
import { tryRead } from '../../core/try-read.ts';
import type { Action, Applied } from '../run-command.ts';
import { type Begun, begin } from './begin.ts';
import { chooseAgent, noteRun, runIdOf } from './choose.ts';
import { gatherStart } from './gather.ts';
import { type Job, markOf } from './job.ts';
import type { Agents } from './outcome.ts';
import { findPublished, publish } from './publish.ts';
import {
  type Ending,
  settleEscalated,
  settleMerged,
  settleOutcome,
  settlePublishLater,
  settleReview,
  settleWithdrawn,
  show,
} from './settle.ts';
import { decideStart } from './start.ts';
import { watchStop } from './watch-stop.ts';
import { type Failure, work } from './work.ts';

const PUBLISH_AGAIN_MS = 60_000;

/** Runs the claimed letter's next attempt, or publishes the one that a crash cut off. */
export async function runAttempt(ports: Ports, repo: RepoConfig, claimed: Letter): Promise<Applied> {
  const cutOff = claimed.task.attempts.at(-1);
  if (cutOff && cutOff.ended_at === undefined) {
    const evidence = readEvidence(runPath(ports.paths, claimed.task.id, cutOff.n));
    if (evidence?.outcome === 'complete') {
      await bookRun(ports, claimed.task, evidence);
      return tell(await finish(ports, repo, claimed, evidence));
    }
  }
  const begun = await begin(ports, claimed);
  if ('tray' in begun) return tellUntried(await settled(ports, begun));
  const { letter } = begun;
  const stop = watchStop(ports, letter.task.id);
  try {
    await show(ports, letter);
    const job = await openJob(ports, repo, begun, stop.signal);
    const evidence = await work(job);
    if ('version' in evidence) return tell(await end(ports, repo, letter, evidence, stop));
    return tell(await settleOther(job, evidence, stop));
  } finally {
    stop.end();
    endProbe(ports.paths, begun.agent.name, runIdOf(letter.task, begun.attempt));
  }
}

async function openJob(
  ports: Ports,
  repo: RepoConfig,
  { letter, agent, attempt, maxCostUsd, cutShort = false }: Begun,
  signal: AbortSignal,
): Promise<Job> {
  const git = await ports.git();
  const root = workspacePath(ports.paths, letter.task.id, attempt);
  return {
    ports,
    repo,
    git,
    letter,
    attempt,
    ...(maxCostUsd !== undefined && { maxCostUsd }),
    cutShort,
    signal,
    agent,
    forge: await ports.forge(),
    host: await git.openHost(letter.task.repo),
    runDir: runPath(ports.paths, letter.task.id, attempt),
    tree: `${root}/tree`,
    home: `${root}/home`,
    mark: markOf(ports.paths, letter.task.id, attempt),
  };
}

async function end(
  ports: Ports,
  repo: RepoConfig,
  letter: Letter,
  evidence: Evidence,
  stop: ReturnType<typeof watchStop>,
): Promise<Letter> {
  const request = stop.request();
  await bookRun(ports, letter.task, evidence);
  if (request) return settled(ports, await settleWithdrawn(ports, letter, request, toEnding(evidence)));
  if (evidence.outcome === 'complete') return finish(ports, repo, letter, evidence);
  return settled(ports, await settleOutcome(ports, letter, toEnding(evidence), await lookAround(ports, letter)));
}

/** Books what the run cost, and what it met of its provider: so too when its process was killed after it. */
async function bookRun(ports: Ports, task: Task, evidence: Evidence): Promise<void> {
  await settleCost(ports, task, evidence.cost_usd);
  const retryAt = evidence.retry_at === undefined ? undefined : new Date(evidence.retry_at);
  await noteRun(ports, evidence.agent, task, { ...evidence, retryAt });
}

/** Books what the last attempt cost; what nobody knows counts as what was reserved. */
async function settleCost(ports: Ports, task: Task, usd: number | undefined): Promise<void> {
  const last = task.attempts.at(-1);
  if (last) (await ports.books()).settle(runIdOf(task, last.n), usd);
}

/** Who could take the next attempt now, or when. What cannot be told, as of books that cannot be read, the next pass asks anew. */
async function lookAround(ports: Ports, letter: Letter): Promise<Agents> {
  const choice = await tryRead(() => chooseAgent(ports, letter.task));
  if (choice instanceof AgentOsError) return {};
  return choice.kind === 'wait' ? { nextAt: choice.until } : { free: choice.kind === 'run' };
}

async function settleOther({ ports, letter, agent, attempt }: Job, failure: Failure, stop: ReturnType<typeof watchStop>): Promise<Letter> {
  const { retryAt, asked, costUsd, ...outcome } = failure;
  const request = stop.request();
  if (asked) await settleCost(ports, letter.task, costUsd);
  else (await ports.books()).release(runIdOf(letter.task, attempt));
  if (request) return settled(ports, await settleWithdrawn(ports, letter, request, { outcome }));
  await noteRun(ports, agent.name, letter.task, { ...outcome, retryAt });
  return settled(ports, await settleOutcome(ports, letter, { outcome }, { ...(await lookAround(ports, letter)), retryAt }));
}

/** Publishes a complete attempt, unless a person took the issue back, held or changed it, or pulled the switch meanwhile. */
async function finish(ports: Ports, repo: RepoConfig, letter: Letter, evidence: Evidence): Promise<Letter> {
  const again = () => new Date(ports.clock.now().getTime() + PUBLISH_AGAIN_MS);
  const ending = toEnding(evidence);
  const git = await ports.git();
  const by = { forge: await ports.forge(), effects: await ports.effects(), git, host: await git.openHost(letter.task.repo) };
  try {
    if (isPaused(ports.paths) || isRepoPaused(ports.paths, repo.name)) {
      return await settlePublishLater(ports, letter, `${isPaused(ports.paths) ? 'everything' : repo.name} is paused`, again());
    }
    const stopped = await mayPublish(ports, repo, letter, ending, again());
    if (stopped) return settled(ports, stopped);
    const published = await publish(by, letter.task, evidence);
    crashPoint('queue:published');
    return settled(ports, await settleReview(ports, letter, ending, published, evidence.protected));
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
    if (error.temporary || error.code === 'auth') {
      const waiting = await settled(ports, await settlePublishLater(ports, letter, error.message, error.retryAt ?? again()));
      // A credential is the operator's affair: the pass says so, and the task only waits.
      if (error.code === 'auth') throw error;
      return waiting;
    }
    const reason = `attempt ${evidence.attempt} succeeded but could not be published: ${error.message}`;
    return settled(ports, await settleEscalated(ports, letter, { reason }, ending, await findPublished(by, letter.task, evidence)));
  }
}

/** Asks everything again that was asked before the start. @returns the letter where the answer took it; `undefined`: go on. */
async function mayPublish(ports: Ports, repo: RepoConfig, letter: Letter, ending: Ending, again: Date): Promise<Letter | undefined> {
  const request = readRequest(ports.paths.requests, letter.task.id);
  if (request) return settleWithdrawn(ports, letter, request, ending);
  const verdict = decideStart(await gatherStart(ports, repo, letter));
  switch (verdict.kind) {
    case 'start':
      return undefined;
    case 'hold':
      return settlePublishLater(ports, letter, verdict.reason, again);
    case 'escalate':
      return settleEscalated(ports, letter, { reason: verdict.reason, advice: '' }, ending);
    case 'hand-over':
      return settleMerged(ports, letter, ending);
    case 'skip':
      return settleWithdrawn(ports, letter, { kind: verdict.request, reason: verdict.reason }, ending);
    case 'withdraw':
      return settleWithdrawn(ports, letter, { kind: 'cancel', reason: verdict.reason }, ending);
  }
}

async function settled(ports: Ports, letter: Letter): Promise<Letter> {
  crashPoint('queue:settled');
  await show(ports, letter);
  return letter;
}

function toEnding(evidence: Evidence): Ending {
  const { outcome, code, summary, base, tree, commit, usage, cost_usd } = evidence;
  return { outcome: { outcome, code, summary }, evidence: { base, tree, commit, usage, cost_usd } };
}

function tell(letter: Letter): Applied {
  const { task, tray } = letter;
  const last = task.attempts.at(-1);
  const what = tray === 'review' ? `pull request #${task.pull_request}` : (last?.code ?? 'not ended');
  return {
    outcome: 'applied',
    reason: `attempt ${last?.n} by ${last?.agent}: ${what}; task ${task.id} is in ${tray}`,
    detail: { task: task.id, tray, attempt: last?.n ?? 0, agent: last?.agent ?? '', code: last?.code ?? '' },
    ledTo: ledTo(letter),
  };
}

/** Of a task that was claimed, and nobody could begin. */
function tellUntried(letter: Letter): Applied {
  const { task, tray } = letter;
  return {
    outcome: 'applied',
    reason: `no attempt; task ${task.id} is in ${tray}: ${task.note ?? ''}`,
    detail: { task: task.id, tray },
    ledTo: ledTo(letter),
  };
}

/** What came of the attempt, in words that other programs rely on (docs/contracts.md, "Command line"). */
function ledTo({ task, tray }: Letter): Action[] {
  const subject = `${task.repo}#${task.issue}`;
  const last = task.attempts.at(-1);
  if (tray === 'review' && last?.kind === 'work')
    return [{ kind: 'open-pull-request', subject, reason: `#${task.pull_request} for ${task.branch}` }];
  if (tray === 'inbox') return [{ kind: 'requeue', subject, reason: task.note ?? `task ${task.id} waits for its next attempt` }];
  if (tray === 'escalated') return [{ kind: 'escalate', subject, reason: task.note ?? 'a person must decide' }];
  return [];
}
