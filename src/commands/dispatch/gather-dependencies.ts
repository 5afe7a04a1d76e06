/** Asks what issues that are about to become tasks wait for: lines of their texts, and links of the forge. One look for all of them at each step. */
import { AgentOsError } from '../../core/errors.ts';
import { findCycle, parseDependencies } from '../../core/github/dependencies.ts';
import type { GitHub, Issue } from '../../core/github/github.ts';
import type { IssueFacts } from './policy.ts';

/** Issues followed through `depends on` lines before the search for circles gives up. */
const DEPENDENCY_LIMIT = 500;
/** Steps from one issue to the next that are followed. */
const DEPTH_LIMIT = 50;

/** Fills in `waitsFor` and `circle`. @throws AgentOsError when the forge cannot be asked. */
export async function addDependencies(forge: GitHub, repo: string, starting: readonly IssueFacts[]): Promise<void> {
  const linked = await forge.listDependencies(
    repo,
    starting.map(({ issue }) => issue.number),
  );
  const named = new Map(starting.map(({ issue }) => [issue.number, parseDependencies(issue.body)]));
  const { open, missing } = await follow(forge, repo, named);
  for (const facts of starting) {
    const { number } = facts.issue;
    facts.waitsFor = (named.get(number) ?? [])
      .filter((other) => other !== number && (open.has(other) || missing.has(other)))
      .map((other) => ({ issue: other, state: missing.has(other) ? ('missing' as const) : ('open' as const) }));
    for (const link of linked.get(number) ?? []) {
      const known = link.repo === repo && facts.waitsFor.some((one) => one.issue === link.issue);
      if (link.state === 'open' && !known)
        facts.waitsFor.push({ issue: link.issue, state: 'open', ...(link.repo !== repo && { repo: link.repo }) });
    }
    const circle = findCycle(number, open);
    if (circle) facts.circle = circle;
  }
}

/** The open issues that can be reached, with what they wait for, and the numbers that name none. */
async function follow(
  forge: GitHub,
  repo: string,
  from: ReadonlyMap<number, number[]>,
): Promise<{ open: Map<number, number[]>; missing: Set<number> }> {
  const open = new Map(from);
  const settled = new Set(from.keys());
  const missing = new Set<number>();
  let next = [...new Set([...from.values()].flat())].filter((number) => !settled.has(number));
  for (let depth = 0; next.length > 0 && depth < DEPTH_LIMIT && settled.size < DEPENDENCY_LIMIT; depth++) {
    const found = await read(forge, repo, next);
    for (const number of next) {
      settled.add(number);
      const issue = found.get(number);
      if (!issue) missing.add(number);
      else if (issue.state === 'open') open.set(number, parseDependencies(issue.body));
    }
    next = [...new Set(next.flatMap((number) => open.get(number) ?? []))].filter((number) => !settled.has(number));
  }
  return { open, missing };
}

async function read(forge: GitHub, repo: string, also: number[]): Promise<Map<number, Issue>> {
  const views = (await forge.findIssues([{ repo, labels: [], also }])).get(repo) ?? [];
  if (views instanceof AgentOsError) throw views;
  return new Map(views.map(({ issue }) => [issue.number, issue]));
}
