/**
 * Pull requests and their reviews, from GitHub's words into the port's. A head
 * in another repository is written `owner:branch`, so that no branch of ours is
 * ever taken for it. Pure.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { PullRequest, Review } from '../github.ts';
import { account, instant, number, parseAnswer, sha, toActor, toText } from './answer.ts';

const side = { ref: z.string().min(1), sha, label: z.string().nullish() };
const pull = z.object({
  number,
  title: z.string(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']),
  user: account,
  base: z.object({ ...side, repo: z.object({ id: number }) }),
  // The repository of a head is gone when its fork was deleted.
  head: z.object({ ...side, repo: z.object({ id: number }).nullable(), user: account.optional() }),
  draft: z.boolean().nullish(),
  labels: z.array(z.object({ name: z.string() })),
  merged_at: instant.nullable(),
  // Only where one pull request is read.
  mergeable: z.boolean().nullish(),
  merge_commit_sha: sha.nullish(),
  created_at: instant,
  updated_at: instant,
});
type Pull = z.output<typeof pull>;

/**
 * `closedBy` is not in it: GitHub tells that of the issue behind a pull request.
 * @throws AgentOsError `unavailable`
 */
export function toPullRequest(answer: unknown, name: string): PullRequest {
  const node = parseAnswer(pull, answer, name);
  const state = node.merged_at !== null ? 'merged' : node.state;
  return {
    number: node.number,
    title: node.title,
    body: toText(node.body),
    state,
    author: toActor(node.user),
    base: node.base.ref,
    head: headOf(node),
    headSha: node.head.sha,
    draft: node.draft ?? false,
    labels: node.labels.map((label) => label.name),
    ...(state === 'open' && typeof node.mergeable === 'boolean' && { mergeable: node.mergeable }),
    // Of an open one it is a merge on trial.
    ...(state === 'merged' && node.merge_commit_sha && { mergeSha: node.merge_commit_sha }),
    createdAt: node.created_at,
    updatedAt: node.updated_at,
  };
}

function headOf({ head, base }: Pull): string {
  if (head.repo?.id === base.repo.id) return head.ref;
  return head.label?.includes(':') ? head.label : `${toActor(head.user ?? null).login}:${head.ref}`;
}

const review = z.object({
  user: account,
  body: z.string().nullish(),
  state: z.enum(['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED', 'PENDING']),
  // The commit may be gone after a force push; then it is the head of nothing.
  commit_id: sha.nullable(),
  submitted_at: instant.optional(),
});

const REVIEW_STATES = { APPROVED: 'approved', CHANGES_REQUESTED: 'changes_requested', COMMENTED: 'commented' } as const;

/** `undefined` for one that is not submitted yet, or was dismissed: an approval taken back is none. @throws AgentOsError `unavailable` */
export function toReview(answer: unknown, name: string): Review | undefined {
  const { user, body, state, commit_id, submitted_at: at } = parseAnswer(review, answer, `the reviews of ${name}`);
  if (state === 'PENDING' || state === 'DISMISSED') return undefined;
  if (at === undefined) throw new AgentOsError('unavailable', `GitHub's answer about the reviews of ${name} lacks \`submitted_at\``);
  return { author: toActor(user), state: REVIEW_STATES[state], sha: commit_id ?? '', body: toText(body), at };
}
