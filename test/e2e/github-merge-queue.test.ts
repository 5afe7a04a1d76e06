/** A base branch with a merge queue: what we gave to it is left to it, and what it gives back is told to a person. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GitHubWorld, PERSON } from '../support/github-world.ts';
import { REPO, ROOT } from '../support/world.ts';

const QUEUE = {
  check_response_timeout_minutes: 60,
  grouping_strategy: 'ALLGREEN',
  max_entries_to_build: 5,
  max_entries_to_merge: 5,
  merge_method: 'SQUASH',
  min_entries_to_merge: 1,
  min_entries_to_merge_wait_minutes: 5,
};

let world: GitHubWorld;
beforeEach(async () => {
  world = await GitHubWorld.begin();
});
afterEach(async () => {
  const { violations } = world.server;
  await world.end();
  expect(violations).toEqual([]);
});

const pullOf = () => [...world.server.repo(REPO).issues.values()].find((one) => one.pull !== undefined)?.pull;

async function roundsUntilQueued(): Promise<number> {
  world.server.addRuleset(REPO, [{ type: 'merge_queue', parameters: QUEUE }]);
  const issue = world.open('Give a discount on the total', readFileSync(join(ROOT, 'examples/issues/discount.md'), 'utf8'));
  for (let k = 0; k < 5 && pullOf()?.queuedAt === undefined; k++) await world.round();
  expect(pullOf()?.queuedAt).toBeDefined();
  return issue;
}

it('is not disturbed by a base that moves on, and merges it', { timeout: 60_000 }, async () => {
  const issue = await roundsUntilQueued();
  const { headSha } = pullOf() ?? {};
  world.server.as(PERSON).push(REPO, 'main', { 'notes.md': 'somebody else was here\n' });
  await world.round();
  expect(pullOf()).toMatchObject({ headSha, queuedAt: expect.any(String) });
  expect(world.server.runMergeQueue(REPO, 'squash')).toHaveLength(1);
  await world.roundsUntil(issue, 'done', 2);
});

it('tells a person of what it gives back', { timeout: 60_000 }, async () => {
  await roundsUntilQueued();
  delete pullOf()?.queuedAt;
  await world.round();
  expect(await world.done('pr-monitor', '--verbose')).toContain('the merge queue gave it back');
  expect(pullOf()?.queuedAt).toBeUndefined();
});
