/** What many issues wait for: the blockers of those that have some, without a request for each of the others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findUnblocked } from '../../../../src/core/github/octokit/unblocked.ts';
import { type OctokitHarness, openHarness, REPO } from './harness.ts';

describe('what many issues wait for', () => {
  let harness: OctokitHarness;
  beforeEach(async () => {
    harness = await openHarness();
  });
  afterEach(() => harness.close());

  const open = (count: number) =>
    Array.from({ length: count }, (_, k) =>
      harness.server.as('operator').openIssue(REPO, { title: `Issue ${k}`, body: '', labels: ['ready'] }),
    );

  it.each([
    { issues: 19, others: 0, requests: 19, because: 'few are asked one by one' },
    { issues: 150, others: 0, requests: 2 + 1, because: 'two pages tell of all, and one issue waits' },
    { issues: 20, others: 120, requests: 1 + 20, because: 'the list tells of newer ones: each is asked' },
  ])('$because: $issues issues, $requests requests', async ({ issues, others, requests }) => {
    const numbers = open(issues);
    const [first = 0, second = 0] = numbers;
    harness.server.as('operator').block(REPO, second, first);
    harness.server.advance(60);
    open(others);
    harness.server.advance(60);
    const from = harness.server.requests.length;
    const found = await harness.forge.listDependencies(REPO, numbers);
    expect(found).toEqual(new Map([[second, [{ repo: REPO, issue: first, state: 'open' }]]]));
    expect(harness.server.requests.length - from).toBe(requests);
  });

  it('is asked of each where the server counts nothing', async () => {
    const numbers = open(30);
    const asked: string[] = [];
    const client = {
      read: async (route: string) => {
        asked.push(route);
        return { data: numbers.map((number) => ({ number })) };
      },
    };
    expect(await findUnblocked(client as never, REPO, numbers)).toEqual(new Set());
    expect(asked).toEqual(['GET /repos/{owner}/{repo}/issues']);
  });
});
