/** The one merge of a pass: through the journal, bound to the head that was judged. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { PullRequest } from '../../core/github/github.ts';
import { quietTitle } from '../../core/github/quiet-title.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';

/** @returns the merged pull request; `undefined` while the forge's merge queue has it. @throws `conflict` when the head is not the expected one any more. */
export async function merge(ports: Ports, repo: RepoConfig, letter: Letter, expectedHeadSha: string): Promise<PullRequest | undefined> {
  const forge = await ports.forge();
  const { task } = letter;
  const number = task.pull_request;
  if (number === undefined) throw new AgentOsError('corrupt', `task ${task.id} in review names no pull request`);
  const allowed = (await forge.getRepository(task.repo)).mergeMethods;
  if (!allowed.includes(repo.merge_method)) {
    throw new AgentOsError('refused', `${task.repo} does not allow \`merge_method: ${repo.merge_method}\``, {
      hint: `Use one of: ${allowed.join(', ')}.`,
    });
  }
  const agent = task.attempts.findLast((attempt) => attempt.outcome === 'complete')?.agent ?? 'unknown';
  const merged = await (await ports.effects()).ensure<{ sha: string } | { enqueued: true }>({
    repo: task.repo,
    subject: `#${number}`,
    kind: 'merge-pull-request',
    key: expectedHeadSha,
    nature: 'once',
    probe: async () => {
      const pull = await forge.getPullRequest(task.repo, number);
      return pull.state === 'merged' && pull.mergeSha !== undefined ? { sha: pull.mergeSha } : undefined;
    },
    act: () =>
      forge.mergePullRequest(task.repo, number, {
        method: repo.merge_method,
        expectedHeadSha,
        title: `${quietTitle(task.title)} (#${number})`,
        message: `Closes #${task.issue}\n\nTask: ${task.id}\nIssue: ${task.repo}#${task.issue}\nAgent: ${agent}\n`,
      }),
  });
  if ('enqueued' in merged) return undefined;
  await ports.log.write({
    event: 'pr-monitor.pull_request.merged',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    pr: number,
    agent,
    outcome: 'merged',
    reason: `as ${merged.sha}`,
  });
  return forge.getPullRequest(task.repo, number);
}
