/** `agentos retry`: an escalated or failed task goes back to the inbox with a fresh allowance of attempts. */
import type { Command } from 'commander';
import type { RepoConfig } from '../../core/config/schema.ts';
import { endOpenAttempt } from '../../core/end-attempt.ts';
import { AgentOsError } from '../../core/errors.ts';
import { askReadiness, snapshotSha } from '../../core/github/ask-readiness.ts';
import { showLetter } from '../../core/github/projection.ts';
import { taskId } from '../../core/ids.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { afresh, type Task, withoutWait } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { clearRequest } from '../../core/requests.ts';
import { findTask, idPrefix, listIds } from './find-task.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerRetry(program: Command, tools: OperatorTools): void {
  program
    .command('retry')
    .summary('give an escalated or failed task a fresh start')
    .description(
      'Moves a task from `escalated` or `failed` back to the inbox with a fresh allowance of attempts. Its history stays; trust and text of the issue are checked again. A task that waits in the inbox for a time or an agent is looked at by the next pass.',
    )
    .argument('<task>', 'task id, or `owner/name#N`')
    .addHelpText('after', '\nExit status: 0; 1 when the task cannot be retried.\n\nExample:\n  agentos retry acme__shop-12-1')
    .action(tools.action(retry));
}

async function retry(call: Call): Promise<number> {
  const ports = await call.ports();
  const letter = await findTask(ports, call.args[0] ?? '');
  const { id } = letter.task;
  if (letter.tray === 'inbox') return retryWaiting(call, ports, letter);
  refuseTray(letter);
  refuseActive(ports, letter);
  const outlook = await look(ports, letter.task);
  clearRequest(ports.paths.requests, id);
  const mailbox = await ports.mailbox();
  const now = ports.clock.now();
  const ended = endOpenAttempt(ports.paths, letter.task, now);
  const moved = await mailbox.move(letter, 'inbox', afresh(ended, now, 'Retried by the operator.'));
  await logRetry(ports, moved.task, `retried from ${letter.tray}`);
  await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, moved);
  tell(call, moved, `task ${id} is in the inbox; ${outlook}`);
  return 0;
}

/** What waits in the inbox is to be looked at now: its attempts and its allowance stay. */
async function retryWaiting(call: Call, ports: Ports, letter: Letter): Promise<number> {
  const { task } = letter;
  if (task.not_before === undefined && task.waits_for === undefined) {
    tell(call, letter, `task ${task.id} waits in the inbox already`);
    return 0;
  }
  const moved = await (await ports.mailbox()).update(letter, { ...withoutWait(task), note: 'Retried by the operator.' });
  await logRetry(ports, task, 'its wait is over');
  await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, moved);
  tell(call, moved, `task ${task.id} waits no longer; the next pass of \`queue\` looks at it`);
  return 0;
}

async function logRetry(ports: Ports, { repo, issue, id }: Task, reason: string): Promise<void> {
  await ports.log.write({ event: 'operator.task.retried', repo, issue, task: id, outcome: 'inbox', reason });
}

function refuseTray({ task, tray }: Letter): void {
  if (tray === 'escalated' || tray === 'failed') return;
  const hints: Partial<Record<typeof tray, string>> = {
    processing: `Wait for it, or run \`agentos cancel ${task.id}\` first.`,
    review: `Its pull request #${task.pull_request} is open: \`agentos explain ${task.repo}#${task.issue}\` says what it waits for.`,
    done: 'Open a new issue for what is missing.',
  };
  throw new AgentOsError('refused', `task \`${task.id}\` is in ${tray}; only escalated and failed tasks are retried`, {
    hint: hints[tray],
  });
}

/** One task of an issue at a time (docs/contracts.md, "State directory"). */
function refuseActive(ports: Ports, { task }: Letter): void {
  const prefix = idPrefix(task.repo, task.issue);
  const other = listIds(ports).find(({ id, tray }) => id.startsWith(prefix) && id !== task.id && tray !== 'done' && tray !== 'failed');
  if (!other) return;
  throw new AgentOsError('refused', `the issue has another task under way: \`${other.id}\` in ${other.tray}`, {
    hint: `Go on with that one: \`agentos show ${other.id}\`.`,
  });
}

/** What happens next. @throws AgentOsError `refused` when a retry would come to nothing. */
async function look(ports: Ports, task: Task): Promise<string> {
  const repo = ports.config.repos.find((entry) => entry.name === task.repo);
  if (!repo)
    throw new AgentOsError('config', `\`${task.repo}\` is not in \`repos\` any more`, { hint: 'Add it to the configuration again.' });
  const forge = await ports.forge();
  const view = await forge.viewIssue(task.repo, task.issue);
  const { issue } = view;
  const readiness = await askReadiness({ forge, effects: await ports.effects(), pins: ports.paths.pins }, repo, view);
  const anew = { hint: `Put \`${repo.ready.label}\` on #${task.issue} again: that makes a new task.` };
  if (!readiness.ready) throw new AgentOsError('refused', `issue #${task.issue} is not ready: ${readiness.reason}`, anew);
  if (taskId(task.repo, task.issue, readiness.n) !== task.id) {
    throw new AgentOsError('refused', `a newer \`${repo.ready.label}\` has taken the place of task \`${task.id}\``, {
      hint: `Run \`agentos explain ${task.repo}#${task.issue}\`.`,
    });
  }
  if (snapshotSha(issue) !== task.snapshot.sha256) {
    throw new AgentOsError('refused', `issue #${task.issue} no longer reads as it did when it was made ready`, anew);
  }
  return describeNext(ports, repo, task);
}

async function describeNext(ports: Ports, repo: RepoConfig, task: Task): Promise<string> {
  const agent = `the next pass of \`queue\` tries ${task.agents.join(', ')}, in that order`;
  if (task.pull_request === undefined) return agent;
  const pull = await (await ports.forge()).getPullRequest(repo.name, task.pull_request);
  if (pull.state === 'open') return `${agent}, and pull request #${pull.number} is gone on with`;
  if (pull.state === 'merged') return `pull request #${pull.number} is merged`;
  return `pull request #${pull.number} is closed, so \`queue\` hands it back to you: reopen it, or put \`${repo.ready.label}\` on again for a new one`;
}

function tell(call: Call, { task, tray }: Letter, text: string): void {
  print(call, { task: task.id, tray, attemptsForgiven: task.attempts_forgiven ?? 0 }, call.globals.quiet ? '' : `${text}\n`);
}
