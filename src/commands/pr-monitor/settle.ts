/** Moves a task out of `review`: to a person, to a fix, or withdrawn; then shows it. */
import { AgentOsError } from '../../core/errors.ts';
import type { EventName } from '../../core/events/event.ts';
import { closePullRequest } from '../../core/github/close-pull-request.ts';
import { showLetter } from '../../core/github/projection.ts';
import type { Letter, Tray } from '../../core/mailbox/mailbox.ts';
import type { Fix, Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { clearRequest } from '../../core/requests.ts';
import { truncate } from '../../core/text.ts';

/** @param merged the merge that could not be verified, when it is about one. */
export async function settleEscalated(ports: Ports, letter: Letter, reason: string, merged?: string): Promise<Letter> {
  const task: Task = { ...letter.task, ...(merged !== undefined && { merged }) };
  const finish =
    merged === undefined ? `Finish #${task.pull_request} by hand, close it` : `Mend or revert it and close issue #${task.issue}`;
  const next = `${finish}, or put the label on #${task.issue} again for a new start; \`agentos show ${task.id}\` has the evidence.`;
  return move(ports, letter, 'escalated', { ...task, note: `${reason}. ${next}` }, 'pr-monitor.task.escalated', reason);
}

/** The task file holds so much of a note. */
const NOTE_LIMIT = 7000;

export async function settleFix(ports: Ports, letter: Letter, fix: Fix, reason: string): Promise<Letter> {
  const { fix: cutOff, fixes = 0 } = letter.task;
  const task: Task = { ...letter.task, fix, fixes: cutOff ? fixes : fixes + 1, note: `${reason}.` };
  return move(ports, letter, 'inbox', task, 'pr-monitor.fix.queued', reason);
}

export async function settleWithdrawn(ports: Ports, letter: Letter, reason: string): Promise<Letter> {
  const { task } = letter;
  const to = { forge: await ports.forge(), effects: await ports.effects() };
  const state = task.pull_request === undefined ? 'closed' : await closePullRequest(to, task.repo, task.pull_request);
  if (state === 'merged' && task.merged === undefined) {
    throw new AgentOsError('conflict', `#${task.pull_request} was merged while it was looked at; the next pass finishes it`);
  }
  const moved = await move(ports, letter, 'failed', { ...task, note: `Withdrawn: ${reason}.` }, 'pr-monitor.task.withdrawn', reason);
  clearRequest(ports.paths.requests, task.id);
  return moved;
}

async function move(ports: Ports, letter: Letter, tray: Tray, task: Task, event: EventName, reason: string): Promise<Letter> {
  const mailbox = await ports.mailbox();
  const same = letter.tray === tray;
  const note = task.note === undefined ? {} : { note: truncate(task.note, NOTE_LIMIT) };
  const settled = { ...task, ...note, settled_at: ports.clock.now().toISOString() };
  const moved = same ? await mailbox.update(letter, settled) : await mailbox.move(letter, tray, settled);
  await ports.log.write({
    event,
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    type: task.type,
    outcome: tray,
    reason,
    ...(task.pull_request !== undefined && { pr: task.pull_request }),
  });
  await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, moved);
  return moved;
}
