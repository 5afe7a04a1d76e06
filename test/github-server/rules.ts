/**
 * The rules a merge must obey: rulesets and classic protection of a branch, and
 * why GitHub would refuse a merge now, in its words.
 */
import { latestStatuses, runsOf } from './checks.ts';
import { behindBy } from './pulls.ts';
import type { Issue, Pull, Repository, Rule, Ruleset } from './records.ts';
import type { Store } from './store.ts';

export interface RequiredCheck {
  context: string;
  appId: number | null;
}

/** Rules of the active rulesets that apply to a branch. */
export function rulesFor(repo: Repository, branch: string): { ruleset: Ruleset; rule: Rule }[] {
  return repo.rulesets
    .filter((ruleset) => ruleset.enforcement === 'active' && applies(repo, ruleset, branch))
    .flatMap((ruleset) => ruleset.rules.map((rule) => ({ ruleset, rule })));
}

function applies(repo: Repository, ruleset: Ruleset, branch: string): boolean {
  const matches = (pattern: string): boolean => {
    if (pattern === '~ALL') return true;
    if (pattern === '~DEFAULT_BRANCH') return branch === repo.defaultBranch;
    const source = pattern
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('**', '.+')
      .replace(/(?<!\.)\*/g, '[^/]*');
    return new RegExp(`^${source}$`).test(`refs/heads/${branch}`);
  };
  return ruleset.include.some(matches) && !ruleset.exclude.some(matches);
}

export function requiredChecks(repo: Repository, branch: string): RequiredCheck[] {
  const classic = repo.protections.get(branch)?.requiredChecks ?? [];
  const ruled = rulesFor(repo, branch).flatMap(({ rule }) => {
    if (rule.type !== 'required_status_checks') return [];
    const list = (rule.parameters?.['required_status_checks'] ?? []) as { context: string; integration_id?: number }[];
    return list.map((one) => ({ context: one.context, appId: one.integration_id ?? null }));
  });
  return [...classic, ...ruled];
}

function isStrict(repo: Repository, branch: string): boolean {
  const ruled = rulesFor(repo, branch).some(({ rule }) => rule.parameters?.['strict_required_status_checks_policy'] === true);
  return ruled || (repo.protections.get(branch)?.strict ?? false);
}

export function hasMergeQueue(repo: Repository, branch: string): boolean {
  return rulesFor(repo, branch).some(({ rule }) => rule.type === 'merge_queue');
}

/** A required name satisfied by every run and status of that name, of the App it is pinned to where it is. */
function checkState(repo: Repository, sha: string, { context, appId }: RequiredCheck): 'expected' | 'pending' | 'failing' | 'ok' {
  const runs = runsOf(repo, sha, true).filter((run) => run.name === context && (appId === null || run.appId === appId));
  const statuses = appId === null ? latestStatuses(repo, sha).filter((one) => one.context === context) : [];
  if (runs.length + statuses.length === 0) return 'expected';
  const bad = runs.some((run) => run.status === 'completed' && !['success', 'neutral', 'skipped'].includes(run.conclusion ?? ''));
  if (bad || statuses.some((one) => ['failure', 'error'].includes(one.state))) return 'failing';
  return runs.some((run) => run.status !== 'completed') || statuses.some((one) => one.state === 'pending') ? 'pending' : 'ok';
}

/** Approvals that stand: the last opinion of each reviewer with write access, none asking for changes. */
function approvals(repo: Repository, pull: Pull): { count: number; objection: boolean } {
  const last = new Map<number, string>();
  for (const review of pull.reviews) if (review.state !== 'COMMENTED') last.set(review.authorId, review.state);
  const able = [...last].filter(([id]) => repo.ownerId === id || ['write', 'maintain', 'admin'].includes(repo.collaborators.get(id) ?? ''));
  return {
    count: able.filter(([, state]) => state === 'APPROVED').length,
    objection: able.some(([, state]) => state === 'CHANGES_REQUESTED'),
  };
}

/** Why a direct merge is refused; empty when nothing is in the way. A merge queue and conflicts are judged elsewhere. */
export function blockers(store: Store, repo: Repository, issue: Issue): string[] {
  const pull = issue.pull as Pull;
  const words = { expected: 'is expected.', pending: 'is in progress.', failing: 'is failing.' };
  const problems = requiredChecks(repo, pull.baseRef).flatMap((check) => {
    const state = checkState(repo, pull.headSha, check);
    return state === 'ok' ? [] : [`Required status check "${check.context}" ${words[state]}`];
  });
  if (isStrict(repo, pull.baseRef) && behindBy(store, repo, pull) > 0)
    problems.push('This branch must not be out-of-date with the base branch before merging.');
  const ruled = rulesFor(repo, pull.baseRef).map(({ rule }) => Number(rule.parameters?.['required_approving_review_count'] ?? 0));
  const wanted = Math.max(0, repo.protections.get(pull.baseRef)?.requiredReviews ?? 0, ...ruled);
  const { count, objection } = approvals(repo, pull);
  if (count < wanted) problems.push(`At least ${wanted} approving review is required by reviewers with write access.`);
  else if (wanted > 0 && objection) problems.push('Changes have been requested by reviewers with write access.');
  return problems;
}

/** REST's `mergeable_state`. */
export function mergeableState(store: Store, repo: Repository, issue: Issue, mergeable: boolean | null): string {
  const pull = issue.pull as Pull;
  if (mergeable === null) return 'unknown';
  if (!mergeable) return 'dirty';
  if (pull.draft) return 'draft';
  if (isStrict(repo, pull.baseRef) && behindBy(store, repo, pull) > 0) return 'behind';
  if (blockers(store, repo, issue).length > 0) return 'blocked';
  const runs = runsOf(repo, pull.headSha, true).map((run) => (run.status === 'completed' ? run.conclusion : 'pending'));
  const good = runs.every((one) => ['success', 'neutral', 'skipped'].includes(one ?? ''));
  return good && latestStatuses(repo, pull.headSha).every((one) => one.state === 'success') ? 'clean' : 'unstable';
}
