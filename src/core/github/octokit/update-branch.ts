/**
 * Bringing a pull request up to date: GitHub merges the base into the head, in
 * the background, bound to the head that was looked at. Done when the branch
 * shows the merge commit.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import { afterWrite, type Wait } from './after-write.ts';
import { sha as commit, parseAnswer } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';
import { asMergeError } from './failure.ts';
import { readPull } from './pulls.ts';
import { findBranch } from './repository.ts';

/** About ten seconds in all. */
const LOOK_AGAIN_MS = [250, 500, 1000, 1500, 2000, 2500, 2500];

const gitCommit = z.object({ parents: z.array(z.object({ sha: commit })) });

/**
 * @returns the head as it is when it holds the base already
 * @throws AgentOsError `conflict` when the head is not the expected one or they conflict; `unknown_outcome` when the merge does not show
 */
export async function updateBranch(
  by: { client: GitHubClient; wait: Wait },
  repo: string,
  pull_number: number,
  expected_head_sha: string,
): Promise<{ sha: string }> {
  const { client, wait } = by;
  const name = `${repo}#${pull_number}`;
  const pull = await readPull(client, repo, pull_number);
  if (pull.state !== 'open') throw new AgentOsError('refused', `${name} is ${pull.state}`);
  if (pull.headSha !== expected_head_sha)
    throw new AgentOsError('conflict', `the head of ${name} is ${pull.headSha}, not ${expected_head_sha}`);
  try {
    const parameters = { ...ownerAndName(repo), pull_number, expected_head_sha };
    await client.write(repo, 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/update-branch', parameters);
  } catch (error) {
    if (error instanceof AgentOsError && /no new commits/i.test(error.message)) return { sha: expected_head_sha };
    throw asMergeError(error);
  }
  return afterWrite(`the update of ${name}`, async () => {
    for (const ms of LOOK_AGAIN_MS) {
      await wait(ms);
      const tip = await findBranch(client, repo, pull.head);
      if (tip === undefined || tip === expected_head_sha) continue;
      if (await isMergeInto(client, repo, tip, expected_head_sha)) return { sha: tip };
      throw new AgentOsError('unknown_outcome', `${name} got another head, ${tip}, while GitHub updated its branch`);
    }
    throw new AgentOsError('unknown_outcome', `GitHub has not updated the branch of ${name} yet`);
  });
}

/** A commit of two parents, of which the first is the head that was looked at. */
async function isMergeInto(client: GitHubClient, repo: string, commit_sha: string, head: string): Promise<boolean> {
  const { data } = await client.read('GET /repos/{owner}/{repo}/commits/{ref}', { ...ownerAndName(repo), ref: commit_sha });
  const { parents } = parseAnswer(gitCommit, data, `the commit ${commit_sha} of ${repo}`);
  return parents.length === 2 && parents[0]?.sha === head;
}
