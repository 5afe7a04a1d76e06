/**
 * Merging: always bound to the head that was judged, never with a bypass, one
 * request. Where the server can merge in the background that is asked for, as
 * it reports what the rules say; otherwise the plain request.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import { afterWrite, type Wait } from './after-write.ts';
import { sha as commit, parseAnswer } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { Busy } from './client/errors.ts';
import { ownerAndName } from './client/request-names.ts';
import { asMergeError, mergeFailed } from './failure.ts';
import { readPull } from './pulls.ts';

export interface MergeRequest {
  method: 'squash' | 'merge' | 'rebase';
  expectedHeadSha: string;
  title: string;
  message: string;
}

export type Merged = { sha: string } | { enqueued: true };

/** What one process has learned of its server. */
export interface Server {
  /** It has no merging in the background. */
  withoutAsync: boolean;
}

interface Merge {
  client: GitHubClient;
  wait: Wait;
  repo: string;
  number: number;
  merge: MergeRequest;
  name: string;
}

const POLL_MS = 1000;
const POLLS = 20;

/**
 * @throws AgentOsError `conflict` when the head moved or there are merge conflicts, `refused` when a rule forbids it,
 *   `unknown_outcome` while GitHub is still at it
 */
export async function mergePullRequest(
  by: { client: GitHubClient; wait: Wait; server: Server },
  repo: string,
  number: number,
  merge: MergeRequest,
): Promise<Merged> {
  const { client, wait, server } = by;
  const one: Merge = { client, wait, repo, number, merge, name: `${repo}#${number}` };
  await checkMergeable(one);
  if (!server.withoutAsync) {
    const merged = await mergeAsync(one);
    if (merged) return merged;
    server.withoutAsync = true;
  }
  return mergeNow(one);
}

/** GitHub checks all of this too, and answers most of it with the same words. */
async function checkMergeable({ client, repo, number, merge, name }: Merge): Promise<void> {
  const pull = await readPull(client, repo, number);
  if (pull.state !== 'open') throw new AgentOsError('refused', `${name} is ${pull.state}`);
  if (pull.draft) throw new AgentOsError('refused', `${name} is a draft`);
  if (pull.headSha !== merge.expectedHeadSha)
    throw new AgentOsError('conflict', `the head of ${name} is ${pull.headSha}, not ${merge.expectedHeadSha}`);
}

/** A rebase keeps the messages of its commits. */
function parametersOf({ repo, number, merge }: Merge) {
  const { method, expectedHeadSha, title, message } = merge;
  return {
    ...ownerAndName(repo),
    pull_number: number,
    merge_method: method,
    sha: expectedHeadSha,
    ...(method !== 'rebase' && { commit_title: title, commit_message: message }),
  };
}

async function mergeNow(one: Merge): Promise<Merged> {
  const route = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge';
  const { data } = await one.client.write(one.repo, route, parametersOf(one)).catch((error: unknown) => {
    throw asMergeError(error);
  });
  const { sha } = parseAnswer(z.object({ sha: commit, merged: z.literal(true) }), data, `the merge of ${one.name}`, 'unknown_outcome');
  return { sha };
}

const asyncAnswer = z.object({
  status: z.string(),
  details: z.object({
    message: z.string().nullish(),
    uuid: z.string().nullish(),
    sha: commit.nullish(),
    expected_head_sha: z.string().nullish(),
    merge_method: z.string().nullish(),
  }),
});
type AsyncAnswer = z.output<typeof asyncAnswer>;

/** @returns `undefined` where the server has no such route */
async function mergeAsync(one: Merge): Promise<Merged | undefined> {
  const route = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge-async';
  let first: AsyncAnswer;
  let adopted = false;
  try {
    first = parseAsync(one, (await one.client.writeRoute(one.repo, route, parametersOf(one))).data);
  } catch (error) {
    // The pull request itself was read a moment ago.
    if (error instanceof AgentOsError && error.code === 'not_found') return undefined;
    if (!(error instanceof AgentOsError && error.cause instanceof Busy)) throw asMergeError(error);
    first = parseAsync(one, error.cause.body);
    adopted = true;
  }
  return follow(one, first, adopted);
}

/**
 * Waits for the end of a request.
 * @param adopted it was there before ours; only one for the same head and method is as good
 */
async function follow(one: Merge, first: AsyncAnswer, adopted: boolean): Promise<Merged> {
  const uuid = first.details.uuid ?? undefined;
  let ours = !adopted;
  let answer = first;
  for (let poll = 0; poll < POLLS; poll++) {
    if (poll > 0 || adopted) answer = await pollOnce(one, uuid);
    if (answer.status === 'pending' && !ours) ours = isSame(one, answer);
    const end = await endOf(one, answer, ours);
    if (end) return end;
    await one.wait(POLL_MS);
  }
  throw new AgentOsError('unknown_outcome', `GitHub is still merging ${one.name}`);
}

function isSame(one: Merge, { details }: AsyncAnswer): boolean {
  const method = details.merge_method?.toLowerCase();
  if (details.expected_head_sha === one.merge.expectedHeadSha && method === one.merge.method) return true;
  throw new AgentOsError('conflict', `GitHub is still at another request to merge ${one.name}: of an earlier head, or by another method`, {
    hint: 'Nothing, where it ends by itself; otherwise look at the pull request.',
  });
}

async function endOf(one: Merge, { status, details }: AsyncAnswer, ours: boolean): Promise<Merged | undefined> {
  if (status === 'pending') return undefined;
  if (status === 'enqueued') return { enqueued: true };
  if (status === 'merged') return ours && details.sha ? { sha: details.sha } : readMerge(one);
  if (status === 'failed') throw mergeFailed(one.name, details.message ?? 'it gave no reason');
  throw new AgentOsError('unknown_outcome', `GitHub says \`${status}\` about the merge of ${one.name}`);
}

/** By the pull request itself: the merge counts when it is of the head that was judged. */
async function readMerge(one: Merge): Promise<Merged> {
  const { state, mergeSha, headSha } = await afterWrite(`the merge of ${one.name}`, () => readPull(one.client, one.repo, one.number));
  if (state === 'merged' && mergeSha !== undefined && headSha === one.merge.expectedHeadSha) return { sha: mergeSha };
  throw new AgentOsError('unknown_outcome', `GitHub says that ${one.name} is merged, but does not show it yet`);
}

/** Whatever goes wrong here, the merge may happen. */
async function pollOnce(one: Merge, uuid: string | undefined): Promise<AsyncAnswer> {
  const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/merge-async/{uuid}';
  return afterWrite(`the merge of ${one.name}`, async () => {
    if (uuid === undefined) throw new AgentOsError('unavailable', 'GitHub gave the request no name');
    const { data } = await one.client.readRoute(route, { ...ownerAndName(one.repo), pull_number: one.number, uuid });
    return parseAsync(one, data);
  });
}

function parseAsync(one: Merge, data: unknown): AsyncAnswer {
  return parseAnswer(asyncAnswer, data, `the merge of ${one.name}`, 'unknown_outcome');
}
