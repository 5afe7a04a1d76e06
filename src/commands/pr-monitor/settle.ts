/** Moves a task out of `review`: to a person, to a fix, or withdrawn; then shows it. */
import type { EventName } from '../../core/events/event.ts';
import { closePullRequest } from '../../core/github/close-pull-request.ts';
import { showLetter } from '../../core/github/projection.ts';
import type { Letter, Tray } from '../../core/mailbox/mailbox.ts';
import type { Fix, Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';

export async function settleEscalated(ports: Ports, letter: Letter, reason: string): Promise<Letter> {
  const { task } = letter;
  const next = `Finish #${task.pull_request} by hand, close it, or put the label on #${task.issue} again for a new start; \`agentos show ${task.id}\` has the evidence.`;
  return move(ports, letter, 'escalated', { ...task, note: `${reason}. ${next}` }, 'pr-monitor.task.escalated', reason);
}

export async function settleFix(ports: Ports, letter: Letter, fix: Fix, reason: string): Promise<Letter> {
  const task: Task = { ...letter.task, fix, fixes: (letter.task.fixes ?? 0) + 1, note: `${reason}.` };
  return move(ports, letter, 'inbox', task, 'pr-monitor.fix.queued', reason);
}

export async function settleWithdrawn(ports: Ports, letter: Letter, reason: string): Promise<Letter> {
  const { task } = letter;
  const to = { forge: await ports.forge(), effects: await ports.effects() };
  if (task.pull_request !== undefined) await closePullRequest(to, task.repo, task.pull_request);
  return move(ports, letter, 'failed', { ...task, note: `Withdrawn: ${reason}.` }, 'pr-monitor.task.withdrawn', reason);
}

async function move(ports: Ports, letter: Letter, tray: Tray, task: Task, event: EventName, reason: string): Promise<Letter> {
  const mailbox = await ports.mailbox();
  const same = letter.tray === tray;
  const settled = { ...task, settled_at: ports.clock.now().toISOString() };
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
