/** Which issues of a repository are pinned: GraphQL alone knows. */
import * as z from 'zod';
import { number } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';

// GitHub allows three.
const QUERY = `query Pinned($owner: String!, $repo: String!) {
  repository(owner: $owner, name: $repo) { pinnedIssues(first: 10) { nodes { issue { number } } } }
}`;

const answer = z.object({
  repository: z.object({ pinnedIssues: z.object({ nodes: z.array(z.object({ issue: z.object({ number }) })) }).nullable() }),
});

export async function readPinned(client: Pick<GitHubClient, 'query'>, repo: string): Promise<ReadonlySet<number>> {
  const { repository } = await client.query(QUERY, ownerAndName(repo), answer);
  return new Set(repository.pinnedIssues?.nodes.map((node) => node.issue.number) ?? []);
}
