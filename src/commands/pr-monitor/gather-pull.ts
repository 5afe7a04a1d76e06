/**
 * Everything that is to be known of one pull request: the cheap facts first,
 * git only where everything cheaper is in order.
 */
import { readApproval } from '../../core/approvals.ts';
import { isVerified } from '../../core/checkout/verify-tree.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import type { EffectRecord } from '../../core/effects/effects.ts';
import type { HostRepository } from '../../core/git/git.ts';
import { judgeTree } from '../../core/git/tree-policy.ts';
import { askReadiness, askTrust, snapshotSha } from '../../core/github/ask-readiness.ts';
import type { PullRequest, Review } from '../../core/github/github.ts';
import { isTrusted } from '../../core/github/readiness.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest } from '../../core/requests.ts';
import { cleanLine } from '../../core/text.ts';
import { listOwnHeads } from './own-heads.ts';
import type { PullFacts, TreeFacts } from './policy.ts';
import { newestOpinions, type ReviewFacts } from './reviews.ts';

/** How long after its last change a pull request is given for its first check to begin. */
const BEGIN_MS = 10 * 60_000;

/** How long a merge that the forge refused is not asked for again. */
const REFUSED_MS = 10 * 60_000;

/** The facts of one pull request; also read again right before a merge. */
export async function gatherPull(ports: Ports, repo: RepoConfig, letter: Letter, number: number): Promise<PullFacts> {
  const forge = await ports.forge();
  const { task } = letter;
  // The issue first: when a person merges in between, the merge is seen before what it closed.
  const view = await forge.viewIssue(task.repo, task.issue);
  const { issue } = view;
  const pull = await forge.getPullRequest(task.repo, number);
  const request = readRequest(ports.paths.requests, task.id);
  const facts: PullFacts = {
    task,
    tray: letter.tray === 'escalated' ? 'escalated' : 'review',
    automation: repo.automation,
    readyLabel: repo.ready.label,
    hasVerify: repo.verify.length > 0,
    issue,
    sameText: snapshotSha(issue) === task.snapshot.sha256,
    pull,
    ours: false,
    checks: [],
    reviews: { trusted: [], approvedShas: [] },
    ...(request && { request: request.reason }),
  };
  if (pull.state !== 'open' || letter.tray === 'escalated') return facts;
  facts.ours = (await listOwnHeads(ports, task, pull.headSha)).length > 0;
  facts.readiness = await askReadiness({ forge, effects: await ports.effects(), pins: ports.paths.pins }, repo, view);
  facts.checks = await forge.listCheckRuns(task.repo, pull.headSha, pull.base);
  if (facts.checks.length === 0 && (await mayStillBegin(ports, pull, task.repo))) facts.checksMayCome = true;
  facts.reviews = await gatherReviews(ports, repo, facts);
  const quiet = facts.checks.every((check) => check.state === 'success' || check.state === 'neutral');
  if (!(facts.ours && facts.sameText && pull.mergeable && quiet)) return facts;
  const merge = await findEffect(ports, task, pull, 'merge-pull-request');
  facts.refusedMerge = refusalOf(ports, merge);
  facts.refusedUpdate = refusalOf(ports, await findEffect(ports, task, pull, 'update-branch'));
  const queue = await readQueue(ports, task, pull, merge);
  if (queue) facts.queue = queue;
  else await addTree(ports, repo, facts);
  return facts;
}

/** Where the base has checks and the head has none, they have hardly been skipped: a service may need a while to begin. */
async function mayStillBegin(ports: Ports, { base, updatedAt }: PullRequest, repo: string): Promise<boolean> {
  if (ports.clock.now().getTime() - Date.parse(updatedAt) > BEGIN_MS) return false;
  const forge = await ports.forge();
  const tip = await forge.findBranch(repo, base);
  return tip !== undefined && (await forge.listCheckRuns(repo, tip, base)).length > 0;
}

type HeadEffect = 'merge-pull-request' | 'update-branch';

/** What we did with this very head, as far as it came. */
async function findEffect(
  ports: Ports,
  { repo }: Task,
  { number, headSha }: PullRequest,
  kind: HeadEffect,
): Promise<EffectRecord | undefined> {
  return (await ports.effects()).find({ repo, subject: `#${number}`, kind, key: headSha });
}

/** Why the forge refused it a moment ago. */
function refusalOf(ports: Ports, effect: EffectRecord | undefined): string | undefined {
  const age = ports.clock.now().getTime() - Date.parse(effect?.recordedAt ?? '');
  return effect?.state === 'failed' && age >= 0 && age < REFUSED_MS ? cleanLine(effect.error ?? '', 500) : undefined;
}

/** Whether the forge's merge queue still has the head that we gave to it; `undefined` when we gave it none. */
async function readQueue(
  ports: Ports,
  { repo }: Task,
  { number }: PullRequest,
  merge: EffectRecord | undefined,
): Promise<PullFacts['queue']> {
  const { result } = merge?.state === 'done' ? merge : {};
  if (typeof result !== 'object' || result === null || !('enqueued' in result)) return undefined;
  return (await (await ports.forge()).isEnqueued?.(repo, number)) ? 'in' : 'out';
}

async function gatherReviews(ports: Ports, repo: RepoConfig, facts: PullFacts): Promise<ReviewFacts> {
  const forge = await ports.forge();
  const { task, pull } = facts;
  const reviews = await forge.listReviews(task.repo, pull.number);
  const own = await forge.getIdentity();
  const people = reviews.filter((review) => review.author.id !== own.id || own.shared);
  const trust = await askTrust(
    { forge, pins: ports.paths.pins },
    repo,
    people.map((review) => review.author),
  );
  const trusted = people.filter((review) => isTrusted({ trusted: repo.trusted, ...trust }, review.author));
  const approved = approvedHeads(ports, task.repo, pull, trusted);
  return { trusted, approvedShas: approved };
}

function approvedHeads(ports: Ports, repo: string, pull: PullRequest, trusted: Review[]): string[] {
  // Of one's own work there is no approval, as GitHub has it: the account may be a person's, and the change is an agent's.
  const byReview = newestOpinions(trusted)
    .filter((review) => review.state === 'approved' && review.author.id !== pull.author.id)
    .map((review) => review.sha);
  const byOperator = readApproval(ports.paths.approvals, repo, pull.number)?.sha;
  return byOperator === undefined ? byReview : [...byReview, byOperator];
}

async function addTree(ports: Ports, repo: RepoConfig, facts: PullFacts): Promise<void> {
  const { task, pull } = facts;
  const forge = await ports.forge();
  const git = await ports.git();
  const baseTip = await forge.findBranch(task.repo, pull.base);
  if (baseTip === undefined) return;
  const host = await git.openHost(task.repo);
  await git.fetch(host, await forge.getRemote(task.repo, 'read'), [
    { branch: pull.base, sha: baseTip },
    { branch: pull.head, sha: pull.headSha },
  ]);
  facts.tree = await gatherTree(ports, repo, host, facts, baseTip);
  await carryApproval(ports, host, facts, baseTip);
}

async function gatherTree(ports: Ports, repo: RepoConfig, host: HostRepository, facts: PullFacts, baseTip: string): Promise<TreeFacts> {
  const { task, pull } = facts;
  const git = await ports.git();
  const headTree = await git.treeOf(host, pull.headSha);
  const upToDate = await git.isAncestor(host, baseTip, pull.headSha);
  const merged = upToDate ? headTree : (await git.mergeTree(host, baseTip, pull.headSha)).tree;
  const judged = judgeTree(await git.diff(host, baseTip, merged), { protectedGlobs: repo.protected_paths });
  return {
    baseTip,
    upToDate,
    headTree,
    verified: repo.verify.length > 0 && isVerified(ports.paths, repo, task.id, headTree),
    protected: judged.protected,
    refused: judged.refused.map(({ path, reason }) => `${path}: ${reason}`),
  };
}

/** An approval holds for a head that is our clean merge of the base into the approved one, and for nothing else. */
async function carryApproval(ports: Ports, host: HostRepository, facts: PullFacts, baseTip: string): Promise<void> {
  const { task, pull, reviews } = facts;
  if (reviews.approvedShas.includes(pull.headSha) || reviews.approvedShas.length === 0) return;
  const git = await ports.git();
  const heads = await listOwnHeads(ports, task, pull.headSha);
  for (const [index, head] of heads.entries()) {
    if (index > 0 && reviews.approvedShas.includes(head)) {
      reviews.approvedShas.push(pull.headSha);
      return;
    }
    const before = heads[index + 1];
    const base = await git.findCommit(host.mirror, `${head}^2`);
    if (before === undefined || base === undefined || !(await git.isAncestor(host, base, baseTip))) return;
    const merged = await git.mergeTree(host, before, base);
    if (merged.conflicts.length > 0 || merged.tree !== (await git.treeOf(host, head))) return;
  }
}
