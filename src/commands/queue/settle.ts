/** Ends an attempt: the outcome goes into the task file, the task into its next tray, and the forge shows it. */

import { endOpenAttempt } from '../../core/end-attempt.ts';
import type { EventName } from '../../core/events/event.ts';
import type { Evidence } from '../../core/evidence.ts';
import { closePullRequest } from '../../core/github/close-pull-request.ts';
import { findOwnPullRequest } from '../../core/github/own-pull-request.ts';
import { showLetter } from '../../core/github/projection.ts';
import type { Letter, Tray } from '../../core/mailbox/mailbox.ts';
import { type Attempt, type Task, withoutWait } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { clearRequest, type TaskRequest } from '../../core/requests.ts';
import { cleanLine, truncate } from '../../core/text.ts';
import { type Agents, decideDestination, type Outcome, whatNow } from './outcome.ts';
import type { Published } from './publish.ts';

/** The task file holds so much of a note, and of a list of paths. */
const NOTE_LIMIT = 7000;
const LISTED_PATHS = 50;

/** What happened to the attempt that is being settled. */
export interface Ending {
  outcome: Outcome;
  evidence?: Pick<Evidence, 'tree' | 'commit' | 'base' | 'usage' | 'cost_usd'>;
}

/** A published attempt: the pull request is open, the task waits for checks and people. */
export async function settleReview(
  ports: Ports,
  letter: Letter,
  ending: Ending,
  published: Published,
  protectedPaths: string[],
): Promise<Letter> {
  const { note: _, fix: __, ...task } = endAttempt(ports, letter.task, ending);
  await logAttempt(ports, task, ending);
  const moved = await move(ports, letter, 'review', {
    ...task,
    pull_request: published.pullRequest,
    pushed: published.head,
    ...(protectedPaths.length > 0 && { protected: protectedPaths.slice(0, LISTED_PATHS).map((path) => cleanLine(path, 500)) }),
  });
  if (letter.task.pull_request === undefined)
    await log(ports, moved.task, 'queue.pull_request.opened', 'opened', `#${published.pullRequest}`);
  return moved;
}

/** An attempt that did not lead to a pull request: next agent, wait, or a person. */
export async function settleOutcome(ports: Ports, letter: Letter, ending: Ending, agents: Agents = {}): Promise<Letter> {
  const task = endAttempt(ports, letter.task, ending);
  await logAttempt(ports, task, ending);
  const goes = decideDestination(task, ports.config.queue, ports.clock.now(), agents);
  const { note: _, ...rest } = withoutWait(task);
  const next: Task = { ...rest, ...(goes.note !== undefined && { note: goes.note }) };
  if (goes.tray === 'inbox' && goes.notBefore !== undefined) next.not_before = goes.notBefore;
  if (goes.tray === 'inbox' && goes.waitsFor !== undefined) next.waits_for = goes.waitsFor;
  const moved = await move(ports, letter, goes.tray, next);
  const event = goes.tray === 'escalated' ? 'queue.task.escalated' : 'queue.task.requeued';
  await log(ports, moved.task, event, goes.tray, goes.note ?? 'stopped', task.attempts.at(-1)?.code);
  return moved;
}

/** A person took the task back: its work is preserved, its open pull request closed; one that was merged meanwhile is finished instead. */
export async function settleWithdrawn(ports: Ports, letter: Letter, request: TaskRequest, ending?: Ending): Promise<Letter> {
  const task = ended(ports, letter.task, ending);
  const to = { forge: await ports.forge(), effects: await ports.effects() };
  const pull = await findOwnPullRequest(to, task);
  if (pull !== undefined && (await closePullRequest(to, task.repo, pull)) === 'merged')
    return settleMerged(ports, { ...letter, task: { ...task, pull_request: pull } });
  const word = request.kind === 'supersede' ? 'Superseded' : 'Withdrawn';
  const moved = await move(ports, letter, 'failed', { ...task, note: `${word}: ${request.reason}.` });
  clearRequest(ports.paths.requests, task.id);
  await log(ports, task, 'queue.task.withdrawn', 'failed', request.reason);
  return moved;
}

/** Somebody merged our pull request: the PR monitor finishes what is in `review`. */
export async function settleMerged(ports: Ports, letter: Letter, ending?: Ending): Promise<Letter> {
  const { fix: _, ...task } = ended(ports, letter.task, ending);
  const reason = `pull request #${task.pull_request} was merged meanwhile`;
  const moved = await move(ports, letter, 'review', { ...task, note: `${reason}.` });
  clearRequest(ports.paths.requests, task.id);
  await log(ports, task, 'queue.task.requeued', 'review', reason);
  return moved;
}

/** Why a person must decide, and what can be done about it where the usual ways are not it. */
export interface Escalation {
  reason: string;
  /** A sentence; empty where the reason says it. */
  advice?: string;
}

/** A person must decide, whatever the attempts say. @param known what of it is on the forge already. */
export async function settleEscalated(
  ports: Ports,
  letter: Letter,
  { reason, advice }: Escalation,
  ending?: Ending,
  known: Pick<Task, 'pushed' | 'pull_request'> = {},
): Promise<Letter> {
  const task = { ...ended(ports, letter.task, ending), ...known };
  const moved = await move(ports, letter, 'escalated', { ...task, note: `${reason}. ${advice ?? whatNow(task)}`.trim() });
  await log(ports, task, 'queue.task.escalated', 'escalated', reason);
  return moved;
}

/** Back to the inbox with the attempt still open: its evidence stands, and only publishing is left. */
export async function settlePublishLater(ports: Ports, letter: Letter, reason: string, at: Date): Promise<Letter> {
  const moved = await move(ports, letter, 'inbox', {
    ...letter.task,
    note: `Waits to be published: ${reason}.`,
    not_before: at.toISOString(),
  });
  await log(ports, moved.task, 'queue.task.requeued', 'deferred', reason);
  return moved;
}

/** Back to the inbox untried: nobody can work on it. @param at when somebody can, where that is known */
export async function settleWait(ports: Ports, letter: Letter, waitsFor: 'agent' | 'program', reason: string, at?: Date): Promise<Letter> {
  const moved = await move(ports, letter, 'inbox', {
    ...withoutWait(letter.task),
    note: `Waits: ${reason}.`,
    ...(at && { not_before: at.toISOString() }),
    waits_for: waitsFor,
  });
  await log(ports, moved.task, 'queue.task.requeued', 'deferred', reason);
  return moved;
}

/** Shows the letter on the forge. */
export async function show(ports: Ports, letter: Letter): Promise<void> {
  await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, letter);
}

/** Without an ending the task was waiting; an attempt of it may wait to be published. */
function ended(ports: Ports, task: Task, ending: Ending | undefined): Task {
  return ending ? endAttempt(ports, task, ending) : endOpenAttempt(ports.paths, task, ports.clock.now());
}

function endAttempt(ports: Ports, task: Task, ending: Ending): Task {
  const last = task.attempts.at(-1);
  if (!last || last.ended_at !== undefined) return task;
  const { outcome, evidence } = ending;
  const ended: Attempt = {
    ...last,
    ended_at: ports.clock.now().toISOString(),
    ...outcome,
    ...(evidence?.base !== undefined && { base: evidence.base }),
    ...(evidence?.tree !== undefined && { tree: evidence.tree }),
    ...(evidence?.commit !== undefined && { commit: evidence.commit }),
  };
  return { ...task, attempts: [...task.attempts.slice(0, -1), ended] };
}

async function move(ports: Ports, letter: Letter, to: Tray, settled: Task): Promise<Letter> {
  const mailbox = await ports.mailbox();
  const task = to === 'inbox' ? settled : withoutWait(settled);
  const note = task.note === undefined ? {} : { note: truncate(task.note, NOTE_LIMIT) };
  return mailbox.move(letter, to, { ...task, ...note, settled_at: ports.clock.now().toISOString() });
}

async function logAttempt(ports: Ports, task: Task, { evidence }: Ending): Promise<void> {
  const last = task.attempts.at(-1);
  if (!last?.ended_at) return;
  await ports.log.write({
    event: 'queue.attempt.finished',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    attempt: last.n,
    agent: last.agent,
    type: task.type,
    outcome: last.outcome ?? 'failed',
    reason: last.summary ?? '',
    ...(last.code !== undefined && { code: last.code }),
    duration_ms: Date.parse(last.ended_at) - Date.parse(last.started_at),
    ...(evidence?.usage && { usage: evidence.usage }),
    ...(evidence?.cost_usd !== undefined && { cost_usd: evidence.cost_usd }),
  });
}

async function log(ports: Ports, task: Task, event: EventName, outcome: string, reason: string, code?: string): Promise<void> {
  await ports.log.write({
    event,
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    type: task.type,
    outcome,
    reason,
    ...(code !== undefined && { code }),
    ...(task.pull_request !== undefined && { pr: task.pull_request }),
  });
}
