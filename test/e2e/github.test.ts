/** The walk of `demo.sh` over HTTP: the same issues, the same loops, real pushes, and nothing said that GitHub does not describe. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOT, GitHubWorld, PERSON } from '../support/github-world.ts';
import { REPO, ROOT } from '../support/world.ts';

const example = (name: string) => readFileSync(join(ROOT, 'examples/issues', name), 'utf8');

describe('the whole way on GitHub', { timeout: 120_000 }, () => {
  let world: GitHubWorld;
  beforeEach(async () => {
    world = await GitHubWorld.begin();
  });
  afterEach(async () => {
    const { violations } = world.server;
    await world.end();
    expect(violations).toEqual([]);
  });
  const commentsOf = (issue: number) => world.server.issue(REPO, issue).comments.map((comment) => comment.body);
  const pullsOf = () => [...world.server.repo(REPO).issues.values()].filter((one) => one.pull !== undefined);
  const labelsOf = (issue: number) => {
    const { labels } = world.server.repo(REPO);
    return world.server.issue(REPO, issue).labelIds.map((id) => labels.find((label) => label.id === id)?.name);
  };

  it('1. an issue with a change and its test is merged and closed', async () => {
    const issue = world.open('Give a discount on the total', example('discount.md'));
    await world.roundsUntil(issue, 'done', 4);
    expect(world.server.issue(REPO, issue)).toMatchObject({ state: 'closed' });
    expect(commentsOf(issue)).toEqual([expect.stringContaining('**Done**')]);
    expect(pullsOf()).toMatchObject([{ state: 'closed', pull: { mergeSha: expect.any(String), headRef: `agent/demo__shop-${issue}-1` } }]);
    expect(world.server.tip(REPO, `agent/demo__shop-${issue}-1`)).toBeNull();
    expect(labelsOf(issue)).toEqual([]);
    expect(await world.done('fsck')).toContain('clean');
  });

  it('2. an issue that the first agent gives up and the second one finishes', async () => {
    const issue = world.open('Describe what every function does', example('document.md'));
    await world.roundsUntil(issue, 'done', 5);
    expect(world.server.issue(REPO, issue).state).toBe('closed');
    expect(world.task(issue)?.text).toMatch(/agent: patch[\s\S]*agent: scribe/);
  });

  it('3. a change that breaks a check of the forge: fixed once in vain, then a person is asked', async () => {
    const issue = world.open('Print a receipt', example('receipt.md'));
    await world.roundsUntil(issue, 'escalated', 6);
    await world.round();
    expect(world.server.issue(REPO, issue).state).toBe('open');
    expect(pullsOf()).toMatchObject([{ state: 'open' }]);
    expect(labelsOf(issue)).toEqual(['ready', 'agentos:needs-human']);
    expect(commentsOf(issue)).toEqual([expect.stringContaining(`@${PERSON}`)]);
    expect(world.task(issue)?.text).toContain('lint');
  });

  it('4. a requirements list becomes issues, once, and the log tells what happened', async () => {
    const requirements = join(ROOT, 'examples/requirements.md');
    await world.done('plan', '--requirements', requirements);
    const titles = [...world.server.repo(REPO).issues.values()].map((one) => one.title);
    expect(titles.length).toBeGreaterThan(1);
    await world.done('plan', '--requirements', requirements);
    expect([...world.server.repo(REPO).issues.values()].map((one) => one.title)).toEqual(titles);
    const authors = [...world.server.repo(REPO).issues.values()].map((one) => one.authorId);
    expect(new Set(authors)).toEqual(new Set([world.server.as(BOT).id]));
    expect(await world.done('analyze-logs')).not.toBe('');
    expect(await world.done('groom')).not.toBe('');
    expect(await world.document('status')).toMatchObject({ paused: false });
  });

  it('asks once, and not on every pass, for a merge that a rule of GitHub forbids', async () => {
    world.server.protect(REPO, 'main', { requiredReviews: 1 });
    const issue = world.open('Give a discount on the total', example('discount.md'));
    const puts = () => world.server.requests.filter((request) => request.method === 'PUT' && /\/merge(-async)?$/.test(request.path));
    for (let k = 0; k < 3 && puts().length === 0; k++) await world.round();
    expect(puts()).toHaveLength(1);
    const { actions } = await world.document('pr-monitor');
    expect(actions).toMatchObject([{ kind: 'hold', reason: expect.stringContaining('refused the merge') }]);
    await world.done('pr-monitor');
    expect(puts()).toHaveLength(1);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('leaves strangers, edits and holds alone, and asks once for the label again', async () => {
    world.server.createUser('stranger');
    const stranger = world.server.as('stranger').openIssue(REPO, { title: 'Mine first', body: 'x', labels: ['ready'] });
    const edited = world.open('Edited', 'first');
    const held = world.open('Held', 'x', ['ready', 'hold']);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // GitHub's times have whole seconds
    world.server.as(PERSON).edit(REPO, edited, 'second');
    for (let k = 0; k < 3; k++) await world.round();
    expect(world.listMailbox()).toEqual([]);
    expect(commentsOf(edited)).toEqual([expect.stringContaining('put it on again')]);
    expect([commentsOf(stranger), commentsOf(held)]).toEqual([[], []]);
  });

  it('says nothing that is not described when there is nothing to do', async () => {
    for (const loop of ['dispatch', 'queue', 'pr-monitor']) await world.done(loop);
    expect(world.server.requests.map((request) => request.path)).toEqual(['/graphql']);
    const { summary } = await world.document('dispatch');
    expect(summary).toMatchObject({ decided: 0, requests: 1, points: 1 });
  });
});
