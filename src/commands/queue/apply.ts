/** Acts on one verdict of the queue. */
import { runPath } from '../../core/config/paths.ts';
import { AgentOsError } from '../../core/errors.ts';
import { readEvidence } from '../../core/evidence.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest } from '../../core/requests.ts';
import type { Applied, LongWork } from '../run-command.ts';
import { runAttempt } from './attempt.ts';
import { markOf } from './job.ts';
import type { QueueAction } from './policy.ts';
import { salvage } from './salvage.ts';
import { settleEscalated, settleOutcome, settleWithdrawn, show } from './settle.ts';

export async function applyQueue(ports: Ports, action: QueueAction): Promise<Applied | LongWork> {
  switch (action.kind) {
    case 'reclaim':
      return reclaim(ports, action.id);
    case 'start-attempt':
      return start(ports, action.id);
    case 'escalate': {
      const letter = await claim(ports, action.id);
      if (!letter) return { outcome: 'skipped', reason: 'another process took it' };
      await show(ports, await settleEscalated(ports, letter, action.reason));
      return { outcome: 'applied' };
    }
    default:
      return { outcome: 'skipped' };
  }
}

async function start(ports: Ports, id: string): Promise<Applied | LongWork> {
  // A sandbox that is missing concerns no task: nothing is claimed without it.
  await ports.sandbox();
  const letter = await claim(ports, id);
  if (!letter) return { outcome: 'skipped', reason: 'another process took it' };
  const repo = ports.config.repos.find((entry) => entry.name === letter.task.repo);
  if (!repo) throw new AgentOsError('config', `${letter.task.repo} is not in \`repos\``);
  return { long: () => runAttempt(ports, repo, letter) };
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
  if (last && last.ended_at === undefined) await clearAway(ports, letter, last.n);
  const moved = await settleReclaimed(ports, letter);
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

async function settleReclaimed(ports: Ports, letter: Letter): Promise<Letter> {
  const { task } = letter;
  const request = readRequest(ports.paths.requests, task.id);
  const outcome = { outcome: 'infrastructure' as const, code: 'infrastructure', summary: 'the process that ran it is gone' };
  if (request) return settleWithdrawn(ports, letter, request, { outcome });
  const last = task.attempts.at(-1);
  const open = last !== undefined && last.ended_at === undefined;
  const publishable = open && readEvidence(runPath(ports.paths, task.id, last.n))?.outcome === 'complete';
  if (open && !publishable) return settleOutcome(ports, letter, { outcome });
  // Nothing was begun, or all but publishing was done: the next claim goes on from there.
  return (await ports.mailbox()).move(letter, 'inbox', task);
}

async function clearAway(ports: Ports, letter: Letter, attempt: number): Promise<void> {
  const { task } = letter;
  await (await ports.sandbox()).killLeftovers(markOf(task.id, attempt));
  await salvage(ports, task, attempt);
  await (await ports.git()).removeWorkspace(`${ports.paths.workspaces}/${task.id}`);
}
