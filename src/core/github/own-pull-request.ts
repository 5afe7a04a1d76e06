/** The pull request of a task, also one whose number a failure kept from the task file. */
import type { Task } from '../mailbox/task.ts';
import type { Projector } from './projection.ts';

/** Kind of the effect that opens it; its key is the task's id, its result `{number}`. */
export const OPEN_PULL_REQUEST = 'open-pull-request';

/** `undefined` where none was opened. Asks the forge only when the journal does not know how opening it ended. */
export async function findOwnPullRequest({ forge, effects }: Projector, task: Task): Promise<number | undefined> {
  if (task.pull_request !== undefined) return task.pull_request;
  const opened = await effects.find({ repo: task.repo, subject: `#${task.issue}`, kind: OPEN_PULL_REQUEST, key: task.id });
  if (!opened || opened.state === 'failed') return undefined;
  const { number } = (opened.result ?? {}) as { number?: unknown };
  return typeof number === 'number' ? number : listOwnPullRequest(forge, task);
}

/** The newest pull request of the task's branch that our account opened. */
export async function listOwnPullRequest(forge: Projector['forge'], { repo, branch }: Task): Promise<number | undefined> {
  const own = await forge.getIdentity();
  const pulls = await forge.listPullRequests(repo, { state: 'all', head: branch });
  return pulls.filter((pull) => pull.author.id === own.id).at(-1)?.number;
}
