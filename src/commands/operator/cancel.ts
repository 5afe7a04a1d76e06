/** `agentos cancel`: a task ends in `failed`, its agent stopped, its pull request closed, its work kept. May be repeated. */
import type { Command } from 'commander';
import { endOpenAttempt } from '../../core/end-attempt.ts';
import { AgentOsError } from '../../core/errors.ts';
import { closePullRequest } from '../../core/github/close-pull-request.ts';
import { findOwnPullRequest } from '../../core/github/own-pull-request.ts';
import { showLetter } from '../../core/github/projection.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { withoutWait } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { writeRequest } from '../../core/requests.ts';
import { findTask } from './find-task.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

/** A task that changes tray meanwhile is looked for again. */
const TRIES = 5;

export function registerCancel(program: Command, tools: OperatorTools): void {
  program
    .command('cancel')
    .summary('end a task; its work is kept')
    .description(
      'Ends a task in `failed`: a running agent is stopped, an open pull request of it is closed, the work is kept. The issue is left alone; `agentos retry` goes on.',
    )
    .argument('<task>', 'task id, or `owner/name#N`')
    .addHelpText(
      'after',
      '\nExit status: 0, also when the task has ended already; 1 when it cannot be cancelled.\n\nExample:\n  agentos cancel acme__shop-12-1',
    )
    .action(tools.action(cancel));
}

async function cancel(call: Call): Promise<number> {
  const ports = await call.ports();
  const { id } = (await findTask(ports, call.args[0] ?? '')).task;
  const { tray, text } = await cancelTask(ports, id);
  print(call, { task: id, tray, reason: text }, call.globals.quiet ? '' : `${text}\n`);
  return 0;
}

async function cancelTask(ports: Ports, id: string): Promise<{ tray: string; text: string }> {
  for (let left = TRIES; ; left--) {
    const letter = await findTask(ports, id);
    try {
      return await cancelLetter(ports, letter);
    } catch (error) {
      if (!(error instanceof AgentOsError) || error.code !== 'conflict' || left <= 1) throw error;
    }
  }
}

async function cancelLetter(ports: Ports, letter: Letter): Promise<{ tray: string; text: string }> {
  const { tray } = letter;
  let { task } = letter;
  if (tray === 'done' || tray === 'failed') return { tray, text: `task ${task.id} has ended already: it is in ${tray}` };
  if (tray === 'processing') {
    writeRequest(ports.paths.requests, task.id, { kind: 'cancel', reason: 'cancelled by the operator' });
    return { tray, text: `task ${task.id} is running; its queue process stops the agent, keeps the work and ends the task` };
  }
  const to = { forge: await ports.forge(), effects: await ports.effects() };
  const pull = await findOwnPullRequest(to, task);
  if (pull !== undefined) {
    if ((await closePullRequest(to, task.repo, pull)) === 'merged') {
      throw new AgentOsError('refused', `pull request #${pull} of task \`${task.id}\` is merged already`, {
        hint: 'Let `agentos pr-monitor` finish the task; revert the merge by hand where it is wrong.',
      });
    }
    task = { ...task, pull_request: pull };
  }
  const now = ports.clock.now();
  // Work that only waits to be published is work of a run that has ended: a retry is to run an agent again.
  const ended = withoutWait(endOpenAttempt(ports.paths, task, now));
  const note = { note: 'Cancelled by the operator.', settled_at: now.toISOString() };
  const moved = await (await ports.mailbox()).move(letter, 'failed', { ...ended, ...note });
  await ports.log.write({
    event: 'operator.task.cancelled',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    outcome: 'failed',
    reason: `cancelled from ${tray}`,
    ...(task.pull_request !== undefined && { pr: task.pull_request }),
  });
  await showLetter(to, moved);
  const closed = task.pull_request === undefined ? '' : `; pull request #${task.pull_request} is closed`;
  return { tray: 'failed', text: `task ${task.id} is cancelled${closed}` };
}
