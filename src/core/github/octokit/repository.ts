/** A repository and its branches. */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { GitRemote, Repository } from '../github.ts';
import { sha as commit, parseAnswer } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName, sameRepo } from './client/request-names.ts';

const repository = z.object({
  full_name: z.string(),
  default_branch: z.string().min(1),
  archived: z.boolean(),
  // Told only to those who may write.
  allow_squash_merge: z.boolean().optional(),
  allow_merge_commit: z.boolean().optional(),
  allow_rebase_merge: z.boolean().optional(),
});

/**
 * Other reads follow a repository to its new name; here the operator learns of it.
 * @throws AgentOsError `refused` when the repository has another name now, or tells too little to this token
 */
export async function readRepository(client: GitHubClient, repo: string): Promise<Repository> {
  // An answer that is kept counts only when GitHub has just said that it still holds.
  const { data } = await client.read('GET /repos/{owner}/{repo}', ownerAndName(repo), { cache: true });
  const node = parseAnswer(repository, data, `the repository ${repo}`);
  if (!sameRepo(node.full_name, repo)) {
    throw new AgentOsError('refused', `\`${repo}\` is now \`${node.full_name}\``, {
      hint: `Change \`repos[].name\` to \`${node.full_name}\`.`,
    });
  }
  const { allow_squash_merge: squash, allow_merge_commit: merge, allow_rebase_merge: rebase } = node;
  if (squash === undefined || merge === undefined || rebase === undefined) {
    throw new AgentOsError('refused', `GitHub does not tell this token how \`${repo}\` may be merged`, {
      hint: 'Give the token write permission for the contents of the repository.',
    });
  }
  const allowed = { squash, merge, rebase };
  const mergeMethods = (['squash', 'merge', 'rebase'] as const).filter((method) => allowed[method]);
  return { name: repo, defaultBranch: node.default_branch, mergeMethods, archived: node.archived };
}

export function remoteOf(client: GitHubClient, repo: string, access: 'read' | 'write'): GitRemote {
  const { owner, repo: name } = ownerAndName(repo);
  return { url: `${client.host.gitUrl}/${owner}/${name}.git`, password: () => client.gitPassword(repo, access) };
}

const reference = z.object({ object: z.object({ type: z.string(), sha: commit }) });

/** @throws AgentOsError `not_found` when it is the repository that is not there */
export async function findBranch(client: GitHubClient, repo: string, branch: string): Promise<string | undefined> {
  try {
    const route = 'GET /repos/{owner}/{repo}/git/ref/{ref}';
    const { data } = await client.read(route, { ...ownerAndName(repo), ref: `heads/${branch}` });
    return parseAnswer(reference, data, `the branch \`${branch}\` of ${repo}`).object.sha;
  } catch (error) {
    if (!(error instanceof AgentOsError && error.code === 'not_found')) throw error;
    // GitHub says the same of a repository that the token does not see; then nothing is known of its branches.
    await client.read('GET /repos/{owner}/{repo}', ownerAndName(repo));
    return undefined;
  }
}

/** Nothing happens when the branch is gone or has moved. */
export async function deleteBranch(client: GitHubClient, repo: string, branch: string, expectedSha: string): Promise<void> {
  if ((await findBranch(client, repo, branch)) !== expectedSha) return;
  try {
    await client.write(repo, 'DELETE /repos/{owner}/{repo}/git/refs/{ref}', { ...ownerAndName(repo), ref: `heads/${branch}` });
  } catch (error) {
    const answered = error instanceof AgentOsError && ['refused', 'conflict', 'not_found'].includes(error.code);
    if (!answered || (await findBranch(client, repo, branch)) === expectedSha) throw error;
  }
}
