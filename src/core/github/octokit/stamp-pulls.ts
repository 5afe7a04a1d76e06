/**
 * A cheap look at many pull requests: one request without a connection, one
 * point, and of each a text that stays the same as long as nothing has changed
 * that the PR monitor decides on. Checks show in it by GitHub's own summary,
 * which may lag, so a stamp says when to look, never what to do. What cannot be
 * read as a whole, or what GitHub is still computing, has no stamp.
 */
import { AgentOsError } from '../../errors.ts';
import type { GitHubClient, PartError } from './client/client.ts';
import { isIssueNumber, stampQuery } from './issue-query.ts';
import { type Fields, isFields, numberedPart, repositoryPart } from './repository-part.ts';

const PULLS_PER_REQUEST = 100;

export interface AskedPull {
  repo: string;
  pull: number;
  issue: number;
}

/** @returns by `owner/name#N` of the pull request. @throws AgentOsError what concerns every repository */
export async function stampPullRequests(
  client: Pick<GitHubClient, 'queryPartial'>,
  asked: readonly AskedPull[],
): Promise<Map<string, string>> {
  const stamps = new Map<string, string>();
  const askable = asked.filter(({ pull, issue }) => isIssueNumber(pull) && isIssueNumber(issue));
  for (let at = 0; at < askable.length; at += PULLS_PER_REQUEST) {
    const groups = groupByRepository(askable.slice(at, at + PULLS_PER_REQUEST));
    const { text, variables } = stampQuery(groups);
    const answer = await client.queryPartial(text, variables);
    for (const [index, group] of groups.entries()) stampGroup(answer, `r${index}`, group, stamps);
  }
  return stamps;
}

interface Group {
  repo: string;
  pulls: number[];
  issues: number[];
  asked: AskedPull[];
}

function groupByRepository(asked: readonly AskedPull[]): Group[] {
  const groups = new Map<string, AskedPull[]>();
  for (const one of asked) groups.set(one.repo, [...(groups.get(one.repo) ?? []), one]);
  return Array.from(groups, ([repo, ofRepo]) => ({
    repo,
    pulls: [...new Set(ofRepo.map(({ pull }) => pull))],
    issues: [...new Set(ofRepo.map(({ issue }) => issue))],
    asked: ofRepo,
  }));
}

function stampGroup(answer: { data: Fields; errors: readonly PartError[] }, alias: string, group: Group, into: Map<string, string>): void {
  const errors = answer.errors.filter(({ path }) => path[0] === alias);
  const part = repositoryPart({ data: answer.data, errors: errors.filter(({ path }) => path.length === 1) }, alias, group.repo);
  if (part instanceof AgentOsError) return;
  const broken = new Set(errors.map(({ path }) => path[1]));
  for (const { pull, issue } of group.asked) {
    if (broken.has(`p${pull}`) || broken.has(`i${issue}`)) continue;
    const stamp = stampOf(numberedPart(part, `p${pull}`, group.repo, pull), numberedPart(part, `i${issue}`, group.repo, issue));
    if (stamp !== undefined) into.set(`${group.repo}#${pull}`, stamp);
  }
}

/** Every field in a fixed order; `undefined` where one is missing that there always is. */
function stampOf(pull: unknown, issue: unknown): string | undefined {
  if (!isFields(pull) || !isFields(issue) || pull instanceof AgentOsError || issue instanceof AgentOsError) return undefined;
  const { state, updatedAt, headRefOid, mergeable, isDraft, baseRef, statusCheckRollup, reviewDecision } = pull;
  if (mergeable === 'UNKNOWN' || [baseRef, statusCheckRollup, reviewDecision].includes(undefined)) return undefined;
  const base = isFields(baseRef) ? [baseRef['name'], oidOf(baseRef['target'])] : [];
  const checks = isFields(statusCheckRollup) ? [statusCheckRollup['state']] : [];
  const always = [state, updatedAt, headRefOid, mergeable, ...base, ...checks, issue['updatedAt'], issue['state']];
  if (!always.every((value) => typeof value === 'string') || typeof isDraft !== 'boolean') return undefined;
  const now = [state, updatedAt, headRefOid, mergeable, isDraft, base, checks, reviewDecision, issue['updatedAt'], issue['state']];
  return JSON.stringify(now);
}

function oidOf(target: unknown): unknown {
  return isFields(target) ? target['oid'] : undefined;
}
