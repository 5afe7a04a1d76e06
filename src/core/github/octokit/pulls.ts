/** Pull requests and their reviews; merging is in `merge.ts`. */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { PullRequest, Review } from '../github.ts';
import { parseAnswer, number as positive } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';
import { readThread } from './issues.ts';
import { checkBody, checkTitle } from './text-limits.ts';
import { toPullRequest, toReview } from './to-pull.ts';

/** Twenty thousand pull requests. */
const MAX_LIST_PAGES = 200;

/** Oldest first. `closedBy` is told where a head is asked for: one request for each that was closed. */
export async function listPullRequests(
  client: GitHubClient,
  repo: string,
  { state, head }: { state: 'open' | 'closed' | 'merged' | 'all'; head?: string },
): Promise<PullRequest[]> {
  const { owner, repo: name } = ownerAndName(repo);
  const parameters = {
    ...({ owner, repo: name, sort: 'created', direction: 'asc' } as const),
    state: state === 'merged' ? ('closed' as const) : state,
    ...(head !== undefined && { head: `${owner}:${head}` }),
  };
  const answers = await client.readAll('GET /repos/{owner}/{repo}/pulls', parameters, { maxPages: MAX_LIST_PAGES });
  const pulls = answers
    .map((answer) => toPullRequest(answer, `a pull request of ${repo}`))
    .filter((pull) => (state === 'all' || pull.state === state) && (head === undefined || pull.head === head))
    .sort((a, b) => a.number - b.number);
  if (head === undefined) return pulls;
  const told: PullRequest[] = [];
  for (const pull of pulls) told.push(await addClosedBy(client, repo, pull));
  return told;
}

/** GitHub computes `mergeable` when one pull request is read; this read starts it, a later one has it. */
export async function getPullRequest(client: GitHubClient, repo: string, number: number): Promise<PullRequest> {
  return addClosedBy(client, repo, await readPull(client, repo, number));
}

/** Without `closedBy`. */
export async function readPull(client: GitHubClient, repo: string, pull_number: number): Promise<PullRequest> {
  const parameters = { ...ownerAndName(repo), pull_number };
  const { data } = await client.read('GET /repos/{owner}/{repo}/pulls/{pull_number}', parameters);
  return toPullRequest(data, `the pull request ${repo}#${pull_number}`);
}

const queueState = z.object({ repository: z.object({ pullRequest: z.object({ isInMergeQueue: z.boolean() }) }) });

/** REST does not tell. */
export async function isEnqueued(client: GitHubClient, repo: string, number: number): Promise<boolean> {
  const text = `query Queue($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { isInMergeQueue } }
}`;
  const { owner, repo: name } = ownerAndName(repo);
  const { repository } = await client.query(text, { owner, name, number }, queueState);
  return repository.pullRequest.isInMergeQueue;
}

async function addClosedBy(client: GitHubClient, repo: string, pull: PullRequest): Promise<PullRequest> {
  if (pull.state !== 'closed') return pull;
  const { closedBy } = await readThread(client, repo, pull.number);
  return closedBy ? { ...pull, closedBy } : pull;
}

/** Oldest first. */
export async function listReviews(client: GitHubClient, repo: string, pull_number: number): Promise<Review[]> {
  const parameters = { ...ownerAndName(repo), pull_number };
  const answers = await client.readAll('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', parameters);
  return answers
    .map((answer) => toReview(answer, `${repo}#${pull_number}`))
    .filter((review) => review !== undefined)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export async function createPullRequest(
  client: GitHubClient,
  repo: string,
  { title, body, head, base }: { title: string; body: string; head: string; base: string },
): Promise<{ number: number }> {
  checkTitle(title);
  checkBody(body);
  const parameters = { ...ownerAndName(repo), title, body, head, base };
  const { data } = await client.write(repo, 'POST /repos/{owner}/{repo}/pulls', parameters, { creates: true });
  return parseAnswer(z.object({ number: positive }), data, `the new pull request of ${repo}`, 'unknown_outcome');
}

/** Nothing happens when it is closed already. */
export async function closePullRequest(client: GitHubClient, repo: string, pull_number: number): Promise<void> {
  const { state } = await readPull(client, repo, pull_number);
  if (state === 'merged') throw new AgentOsError('refused', `${repo}#${pull_number} is merged`);
  if (state === 'closed') return;
  const parameters = { ...ownerAndName(repo), pull_number, state: 'closed' } as const;
  await client.write(repo, 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}', parameters, { creates: true });
}
