/** An update of a branch that somebody's push overtakes: GitHub's answer says that it began, not whose commit stands there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { git } from '../github-server/git-store.ts';
import { GitHubWorld, PERSON } from '../support/github-world.ts';
import { REPO, ROOT } from '../support/world.ts';

let world: GitHubWorld;
beforeEach(async () => {
  world = await GitHubWorld.begin();
});
afterEach(async () => {
  const { violations } = world.server;
  await world.end();
  expect(violations).toEqual([]);
});

it('does not take a merge that a person pushed at that moment for its own', { timeout: 60_000 }, async () => {
  const issue = world.open('Give a discount on the total', readFileSync(join(ROOT, 'examples/issues/discount.md'), 'utf8'));
  await world.done('dispatch');
  await world.done('queue');
  world.server.runChecks(REPO);
  const person = world.server.as(PERSON);
  person.push(REPO, 'main', { 'notes.md': 'somebody else was here\n' });
  const foreign = person.push(REPO, 'other', { 'foreign.js': 'somebody else\n' }, { from: 'main' });
  const repo = world.server.repo(REPO);
  const pull = [...repo.issues.values()].find((one) => one.pull !== undefined)?.pull;
  if (!pull) throw new Error('no pull request');
  const before = pull.headSha;
  let asked = false;
  const overtake = (method: string, path: string): boolean => {
    if (method === 'PUT' && path.endsWith('/update-branch')) asked = true;
    if (asked && method === 'GET' && path.includes('/git/ref/') && path.includes(`-${issue}-1`)) {
      asked = false;
      const args = ['-c', 'user.name=o', '-c', 'user.email=o@example.test', 'commit-tree', `${foreign}^{tree}`];
      const merge = git(repo.gitDir, [...args, '-p', before, '-p', foreign, '-m', 'Merge']).trim();
      person.forcePush(REPO, pull.headRef, merge);
    }
    return false;
  };
  world.server.fault({ kind: 'hang-before', when: ({ method, path }) => overtake(method, path) });
  await world.call(['pr-monitor']);
  expect(pull.headSha).not.toBe(before);
  world.server.runChecks(REPO);
  await world.call(['pr-monitor']);
  expect(await world.done('pr-monitor', '--verbose')).toContain('somebody else pushed');
  expect(world.task(issue)?.tray).toBe('review');
});
