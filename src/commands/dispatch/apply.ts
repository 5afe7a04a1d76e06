/** Acts on one verdict of dispatch: the durable mailbox first, then what the forge shows. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { endOpenAttempt } from '../../core/end-attempt.ts';
import { AgentOsError } from '../../core/errors.ts';
import { snapshotSha } from '../../core/github/ask-readiness.ts';
import { closePullRequest } from '../../core/github/close-pull-request.ts';
import type { Issue } from '../../core/github/github.ts';
import { findOwnPullRequest } from '../../core/github/own-pull-request.ts';
import { ensureStatusComment, type Projector, projectLetter } from '../../core/github/projection.ts';
import { renderRelabelComment } from '../../core/github/status-comment.ts';
import { taskBranch } from '../../core/ids.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { type Task, withoutWait } from '../../core/mailbox/task.ts';
import { foldTitle } from '../../core/markdown/visible-text.ts';
import type { Ports } from '../../core/ports.ts';
import { clearRequest, writeRequest } from '../../core/requests.ts';
import { cleanLine } from '../../core/text.ts';
import type { Applied } from '../run-command.ts';
import { classify, unknownAgent } from './classify.ts';
import type { IssueAction } from './policy.ts';

/** The branch that work starts from, by repository: asked once a pass. */
export type Bases = Map<string, Promise<string>>;

export async function applyDispatch(ports: Ports, action: IssueAction, bases: Bases): Promise<Applied> {
  switch (action.kind) {
    case 'submit-task':
      return submitTask(ports, action, await baseOf(ports, action.repo, bases));
    case 'withdraw':
      return withdrawTask(ports, action);
    case 'ask-again': {
      const to = await projector(ports);
      const repo = repoOf(ports, action.repo);
      const asked = await ensureStatusComment(to, action.repo, action.issue, renderRelabelComment(action.by, repo.ready.label));
      return { outcome: asked ? 'applied' : 'skipped' };
    }
    case 'unreadable':
      throw action.error;
    default:
      return { outcome: 'skipped' };
  }
}

/** Text and approval were read in one go, and the queue holds the task to them before it starts: nothing is asked again here. */
async function submitTask(ports: Ports, action: IssueAction & { kind: 'submit-task' }, base: string): Promise<Applied> {
  const { of: issue, by: readiness } = action;
  const { formatTask } = await import('./format.ts');
  const unknown = unknownAgent(readiness.hints, ports.config);
  const note = unknown === undefined ? undefined : `There is no agent \`${cleanLine(unknown, 60)}\`, which a label asks for.`;
  const task = toTask(ports, issue, action, {
    base,
    readyBy: readiness.by.login,
    readyAt: readiness.at,
    note,
    ...classify(issue.title, readiness.hints, ports.config),
  });
  const mailbox = await ports.mailbox();
  if (!(await mailbox.submit(task, formatTask(issue)))) return { outcome: 'skipped', reason: `task ${action.id} exists already` };
  await ports.log.write({
    event: 'dispatch.task.submitted',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    type: task.type,
    outcome: 'submitted',
    reason: action.reason,
  });
  return {
    outcome: 'applied',
    reason: `${action.reason}; ${task.id} for ${task.agents.join(' → ')}${note === undefined ? '' : `. ${note}`}`,
    detail: { task: task.id, agents: task.agents, type: task.type },
  };
}

function toTask(
  ports: Ports,
  issue: Issue,
  action: IssueAction & { kind: 'submit-task' },
  from: Pick<Task, 'base' | 'type' | 'priority' | 'agents'> & { readyBy: string; readyAt: string; note: string | undefined },
): Task {
  return {
    version: 1,
    id: action.id,
    repo: action.repo,
    issue: issue.number,
    title: cleanLine(foldTitle(issue.title), 256),
    type: from.type,
    priority: from.priority,
    agents: from.agents,
    base: from.base,
    branch: taskBranch(action.id),
    created_at: ports.clock.now().toISOString(),
    snapshot: { sha256: snapshotSha(issue), ready_by: from.readyBy, ready_at: from.readyAt },
    ...(ports.config.models.length > 0 && { refine: 'pending' }),
    ...(from.note !== undefined && { note: from.note }),
    attempts: [],
  };
}

async function withdrawTask(ports: Ports, action: IssueAction & { kind: 'withdraw' }): Promise<Applied> {
  if (action.running) {
    writeRequest(ports.paths.requests, action.id, { kind: action.request, reason: action.reason });
    return { outcome: 'applied', reason: `${action.reason}; asked the queue to stop task ${action.id}` };
  }
  const mailbox = await ports.mailbox();
  const letter = await mailbox.find(action.id);
  if (!letter || letter.tray !== action.tray) throw new AgentOsError('conflict', `task ${action.id} has left ${action.tray}`);
  const to = await projector(ports);
  const pull = await findOwnPullRequest(to, letter.task);
  const state = pull === undefined ? 'closed' : await closePullRequest(to, action.repo, pull);
  // A merge by hand closes the issue and takes nothing back; one that could not be verified was told already.
  if (state === 'merged' && letter.task.merged === undefined) return handOver(ports, to, letter);
  const word = action.request === 'supersede' ? 'Superseded' : 'Withdrawn';
  const now = ports.clock.now();
  const ended = withoutWait(endOpenAttempt(ports.paths, letter.task, now));
  const task = { ...ended, note: `${word}: ${action.reason}.`, settled_at: now.toISOString() };
  const moved = await mailbox.move(letter, 'failed', task);
  clearRequest(ports.paths.requests, action.id);
  await ports.log.write({
    event: action.request === 'supersede' ? 'dispatch.task.superseded' : 'dispatch.task.withdrawn',
    repo: action.repo,
    issue: action.issue,
    task: action.id,
    outcome: 'failed',
    reason: action.reason,
  });
  await projectLetter(to, moved, (await to.forge.getIssue(action.repo, action.issue)).labels);
  return { outcome: 'applied', detail: { task: action.id } };
}

/** Our pull request is merged: the PR monitor finishes the task, whatever brought it back. */
async function handOver(ports: Ports, to: Projector, letter: Letter): Promise<Applied> {
  const reason = `pull request #${letter.task.pull_request} is merged; the PR monitor finishes task ${letter.task.id}`;
  if (letter.tray === 'inbox') {
    const now = ports.clock.now();
    const { fix: _, ...task } = withoutWait(endOpenAttempt(ports.paths, letter.task, now));
    const moved = await (await ports.mailbox()).move(letter, 'review', { ...task, settled_at: now.toISOString() });
    await projectLetter(to, moved, (await to.forge.getIssue(task.repo, task.issue)).labels);
  }
  return { outcome: 'applied', reason, detail: { task: letter.task.id } };
}

function baseOf(ports: Ports, name: string, bases: Bases): Promise<string> {
  const known = bases.get(name);
  if (known) return known;
  const { base } = repoOf(ports, name);
  const asked =
    base === undefined ? ports.forge().then(async (forge) => (await forge.getRepository(name)).defaultBranch) : Promise.resolve(base);
  bases.set(name, asked);
  return asked;
}

async function projector(ports: Ports): Promise<Projector> {
  return { forge: await ports.forge(), effects: await ports.effects() };
}

function repoOf(ports: Ports, name: string): RepoConfig {
  const repo = ports.config.repos.find((entry) => entry.name === name);
  if (!repo) throw new AgentOsError('config', `${name} is not in \`repos\``);
  return repo;
}
