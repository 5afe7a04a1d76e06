/**
 * Pushes a finished attempt and opens its pull request. Everything it needs is
 * in the evidence, every write goes through the journal, so it can be run again
 * from any point at which it was cut off.
 */

import type { Effects } from '../../core/effects/effects.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Evidence } from '../../core/evidence.ts';
import type { Git, HostRepository } from '../../core/git/git.ts';
import type { GitHub, PullRequest } from '../../core/github/github.ts';
import { findOwnPullRequest, listOwnPullRequest, OPEN_PULL_REQUEST } from '../../core/github/own-pull-request.ts';
import type { Task } from '../../core/mailbox/task.ts';

export interface Publisher {
  forge: GitHub;
  effects: Effects;
  git: Git;
  host: HostRepository;
}

export interface Published {
  pullRequest: number;
  head: string;
}

/**
 * @throws `conflict` when somebody else moved the branch or closed the pull
 *   request, `refused` when the forge forbids it, a temporary error otherwise.
 */
export async function publish(by: Publisher, task: Task, evidence: Evidence): Promise<Published> {
  const { commit } = evidence;
  if (commit === undefined || evidence.title === undefined || evidence.body === undefined) {
    throw new AgentOsError('corrupt', `the evidence of attempt ${evidence.attempt} of ${task.id} names no commit to publish`);
  }
  await pushCommit(by, task, commit);
  const pullRequest = await openPullRequest(by, task, evidence.title, evidence.body);
  return { pullRequest, head: commit };
}

async function pushCommit(by: Publisher, task: Task, commit: string): Promise<void> {
  const { forge, effects, git, host } = by;
  await effects.ensure({
    repo: task.repo,
    subject: task.branch,
    kind: 'push-branch',
    key: commit,
    nature: 'once',
    probe: async () => ((await forge.findBranch(task.repo, task.branch)) === commit ? commit : undefined),
    act: async () => {
      const remote = await forge.getRemote(task.repo, 'write');
      const expected = await expectedHead(by, task);
      try {
        await git.push(host, remote, { commit, branch: task.branch, ...(expected !== undefined && { expected }) });
      } catch (error) {
        // Sent twice on the way, it is refused the second time: the branch tells.
        if (!isRefusal(error) || (await forge.findBranch(task.repo, task.branch)) !== commit) throw error;
      }
      return commit;
    },
  });
}

/**
 * Where the branch must stand for us to move it: at the head that a fix mends,
 * or else at whatever commit of ours it is at, also one whose push or update a
 * crash kept from the task file. Anything else on it is somebody's work.
 */
async function expectedHead({ forge, effects }: Publisher, task: Task): Promise<string | undefined> {
  if (task.fix) return task.fix.head;
  const tip = await forge.findBranch(task.repo, task.branch);
  if (tip === undefined || tip === task.pushed) return tip;
  const pushed = await effects.find({ repo: task.repo, subject: task.branch, kind: 'push-branch', key: tip });
  const ours =
    (pushed !== undefined && pushed.state !== 'failed') ||
    (await effects.list(task.repo, 'update-branch')).some(({ state, result }) => state === 'done' && shaOf(result) === tip);
  return ours ? tip : task.pushed;
}

function shaOf(result: unknown): unknown {
  return typeof result === 'object' && result !== null ? (result as { sha?: unknown }).sha : undefined;
}

/** What of a publishing that failed is on the forge all the same. */
export async function findPublished(by: Publisher, task: Task, evidence: Evidence): Promise<Pick<Task, 'pushed' | 'pull_request'>> {
  const push = await by.effects.find({ repo: task.repo, subject: task.branch, kind: 'push-branch', key: evidence.commit ?? '' });
  const number = await findOwnPullRequest(by, task);
  return {
    ...(push?.state === 'done' && evidence.commit !== undefined && { pushed: evidence.commit }),
    ...(number !== undefined && { pull_request: number }),
  };
}

/** One pull request a task: an open one of ours is adopted, one that a person closed is their decision. */
async function openPullRequest(by: Publisher, task: Task, title: string, body: string): Promise<number> {
  const { forge, effects } = by;
  if (task.pull_request !== undefined) {
    mustBeOpen(await forge.getPullRequest(task.repo, task.pull_request));
    return task.pull_request;
  }
  const { number } = await effects.ensure({
    repo: task.repo,
    subject: `#${task.issue}`,
    kind: OPEN_PULL_REQUEST,
    key: task.id,
    nature: 'once',
    probe: async () => {
      const number = await listOwnPullRequest(forge, task);
      return number === undefined ? undefined : { number };
    },
    act: () => forge.createPullRequest(task.repo, { title, body, head: task.branch, base: task.base }),
  });
  mustBeOpen(await readOwn(forge, task.repo, number));
  return number;
}

/** A pull request that we opened is never deleted: where the forge does not show it, its reads are behind. */
async function readOwn(forge: GitHub, repo: string, number: number): Promise<PullRequest> {
  try {
    return await forge.getPullRequest(repo, number);
  } catch (error) {
    if (!(error instanceof AgentOsError && error.code === 'not_found')) throw error;
    throw new AgentOsError('unavailable', `the forge does not show our pull request ${repo}#${number} yet`, { cause: error });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AgentOsError && (error.code === 'conflict' || error.code === 'refused');
}

function mustBeOpen(pull: PullRequest): void {
  // Merged already is fine: the PR monitor finishes it.
  if (pull.state === 'closed') {
    const who = pull.closedBy ? ` by ${pull.closedBy.login}` : '';
    throw new AgentOsError('conflict', `pull request #${pull.number} was closed${who}`, { hint: 'Reopen it, or put `ready` on again.' });
  }
}
