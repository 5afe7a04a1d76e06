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
      const { url } = await forge.getRemote(task.repo);
      await git.push(host, url, { commit, branch: task.branch, ...(task.pushed !== undefined && { expected: task.pushed }) });
      return commit;
    },
  });
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
    kind: 'open-pull-request',
    key: task.id,
    nature: 'once',
    probe: async () => {
      const own = await forge.getIdentity();
      const pulls = await forge.listPullRequests(task.repo, { state: 'all', head: task.branch });
      const ours = pulls.filter((pull) => pull.author.id === own.id).at(-1);
      return ours ? { number: ours.number } : undefined;
    },
    act: () => forge.createPullRequest(task.repo, { title, body, head: task.branch, base: task.base }),
  });
  mustBeOpen(await forge.getPullRequest(task.repo, number));
  return number;
}

function mustBeOpen(pull: PullRequest): void {
  // Merged already is fine: the PR monitor finishes it.
  if (pull.state === 'closed') {
    const who = pull.closedBy ? ` by ${pull.closedBy.login}` : '';
    throw new AgentOsError('conflict', `pull request #${pull.number} was closed${who}`, { hint: 'Reopen it, or put `ready` on again.' });
  }
}
