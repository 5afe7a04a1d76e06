/** Acts on one verdict of the queue. */
import { runPath } from '../../core/config/paths.ts';
import { AgentOsError } from '../../core/errors.ts';
import { readEvidence } from '../../core/evidence.ts';
import { type Owner, renderOwner, thisProcess } from '../../core/liveness.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest } from '../../core/requests.ts';
import { turnOrder } from '../../core/routing/chain.ts';
import { cleanLine } from '../../core/text.ts';
import type { Applied, LongWork } from '../run-command.ts';
import { runAttempt } from './attempt.ts';
import { nextAttempt, runIdOf, toRunRequest } from './choose.ts';
import { giveFreshStart } from './fresh-start.ts';
import { markOf } from './job.ts';
import { decideCutOff } from './outcome.ts';
import type { QueueAction } from './policy.ts';
import { salvage } from './salvage.ts';
import { settleEscalated, settleMerged, settleOutcome, settleWithdrawn, show } from './settle.ts';

type Settling = QueueAction & { kind: 'escalate' | 'withdraw' | 'hand-over'; id: string };

export async function applyQueue(ports: Ports, action: QueueAction): Promise<Applied | LongWork> {
  switch (action.kind) {
    case 'reclaim':
      return reclaim(ports, action.id);
    case 'start-attempt':
      return start(ports, action.id);
    case 'escalate':
    case 'withdraw':
    case 'hand-over':
      return settleWaiting(ports, action);
    case 'unreadable':
      throw action.error;
    default:
      return { outcome: 'skipped' };
  }
}

/** Ends the wait of a task that must not start. */
async function settleWaiting(ports: Ports, action: Settling): Promise<Applied> {
  const letter = await claim(ports, action.id);
  if (!letter) return { outcome: 'skipped', reason: 'another process took it' };
  const settle: Record<Settling['kind'], () => Promise<Letter>> = {
    escalate: () => settleEscalated(ports, letter, { reason: action.reason, advice: '' }),
    withdraw: () =>
      settleWithdrawn(ports, letter, readRequest(ports.paths.requests, action.id) ?? { kind: 'cancel', reason: action.reason }),
    'hand-over': () => settleMerged(ports, letter),
  };
  const settled = await orPutBack(ports, action.id, settle[action.kind]);
  await show(ports, settled);
  return { outcome: 'applied', detail: { task: action.id, tray: settled.tray } };
}

async function start(ports: Ports, id: string): Promise<Applied | LongWork> {
  // A sandbox that is missing, or books that cannot be read, are no task's fault: nothing is claimed that needs them.
  await ports.sandbox();
  const waiting = await (await ports.mailbox()).find(id);
  if (waiting) (await ports.books()).assertReadable(turnOrder(waiting.task).map((name) => toRunRequest(ports, waiting.task, name)));
  const letter = await claim(ports, id);
  if (!letter) return { outcome: 'skipped', reason: 'another process took it' };
  const repo = ports.config.repos.find((entry) => entry.name === letter.task.repo);
  if (!repo) throw new AgentOsError('config', `${letter.task.repo} is not in \`repos\``);
  return { long: () => orPutBack(ports, id, async () => runAttempt(ports, repo, await giveFreshStart(ports, letter))) };
}

/** A claim that this process cannot go on with goes back at once: the process may live on, with other attempts or `--watch`. */
async function orPutBack<T>(ports: Ports, id: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
    const letter = await (await ports.mailbox()).find(id);
    if (letter?.owner && isThisProcess(letter.owner)) await putBack(ports, letter, error.message);
    throw error;
  }
}

async function claim(ports: Ports, id: string): Promise<Letter | undefined> {
  return (await ports.mailbox()).claim(id);
}

/** Takes a task back from an owner that is gone, after killing what is left of its attempt. */
async function reclaim(ports: Ports, id: string): Promise<Applied> {
  const mailbox = await ports.mailbox();
  const left = await mailbox.find(id);
  const letter = left && (await mailbox.takeOver(left));
  if (!letter) return { outcome: 'skipped', reason: 'it was taken back already' };
  const last = letter.task.attempts.at(-1);
  const moved = await putBack(ports, letter, 'the process that ran it is gone');
  await ports.log.write({
    event: 'queue.task.reclaimed',
    level: 'warn',
    repo: letter.task.repo,
    issue: letter.task.issue,
    task: id,
    outcome: moved.tray,
    reason: 'its process is gone',
    ...(last && { attempt: last.n }),
  });
  await show(ports, moved);
  return { outcome: 'applied', detail: { task: id, tray: moved.tray } };
}

async function putBack(ports: Ports, letter: Letter, why: string): Promise<Letter> {
  const last = letter.task.attempts.at(-1);
  if (last && last.ended_at === undefined) await clearAway(ports, letter, last.n);
  await bookCutOff(ports, letter.task);
  return settleReclaimed(ports, letter, why);
}

/** A run that was cut off costs what its evidence says, or all that it reserved; one that never began, nothing. */
async function bookCutOff(ports: Ports, task: Task): Promise<void> {
  const last = task.attempts.at(-1);
  const books = await ports.books();
  try {
    if (last?.ended_at !== undefined || !last) books.release(runIdOf(task, nextAttempt(task)));
    else books.settle(runIdOf(task, last.n), readEvidence(runPath(ports.paths, task.id, last.n))?.cost_usd);
  } catch (error) {
    // Books that cannot be read keep what was reserved, and let nothing new begin.
    if (!(error instanceof AgentOsError) || error.code !== 'corrupt') throw error;
  }
}

async function settleReclaimed(ports: Ports, letter: Letter, why: string): Promise<Letter> {
  const { task } = letter;
  const request = readRequest(ports.paths.requests, task.id);
  const outcome = { outcome: 'infrastructure' as const, code: 'infrastructure', summary: cleanLine(why, 500) };
  if (request) return settleWithdrawn(ports, letter, request, { outcome });
  const last = task.attempts.at(-1);
  const open = last !== undefined && last.ended_at === undefined;
  const publishable = open && readEvidence(runPath(ports.paths, task.id, last.n))?.outcome === 'complete';
  if (open && !publishable) return settleOutcome(ports, letter, { outcome });
  // All but publishing was done: the next claim goes on from there. Or a move was cut off: it is finished.
  const tray = open ? 'inbox' : decideCutOff(task, ports.config.queue, ports.clock.now());
  return (await ports.mailbox()).move(letter, tray, task);
}

function isThisProcess(owner: Owner): boolean {
  return renderOwner(owner) === renderOwner(thisProcess());
}

async function clearAway(ports: Ports, letter: Letter, attempt: number): Promise<void> {
  const { task } = letter;
  await (await ports.sandbox()).killLeftovers(markOf(ports.paths, task.id, attempt));
  await salvage(ports, task, attempt);
  await (await ports.git()).removeWorkspace(`${ports.paths.workspaces}/${task.id}`);
}
