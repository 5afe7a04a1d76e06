/**
 * Five hundred issues made Ready at once: one pass makes all of their tasks,
 * and what the forge shows follows without the lock of the pass, in order, at
 * the permitted pace, over as many passes as that takes, each thing once.
 */
import { readdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoggedRequest } from '../github-server/server.ts';
import { GITHUB_CONFIG, GitHubWorld, PERSON } from '../support/github-world.ts';
import { REPO } from '../support/world.ts';

const MANY = 500;
/** Comments that an hour permits, after the first pass. */
const HOURLY = 15;

describe('five hundred Ready issues', { timeout: 120_000 }, () => {
  let world: GitHubWorld;
  beforeEach(async () => {
    world = await GitHubWorld.begin();
    allow(1200, 200);
    for (let k = 1; k <= MANY; k++) world.server.as(PERSON).openIssue(REPO, { title: `Order ${k}`, body: 'Round it.', labels: ['ready'] });
  });
  afterEach(async () => {
    const { violations } = world.server;
    await world.end();
    expect(violations).toEqual([]);
  });

  function allow(perMinute: number, perHour: number): void {
    const writes = `writes: { per_minute: ${perMinute}, per_hour: ${perHour} }`;
    const forge = `kind: github, api_url: "${world.server.apiUrl}", machine_account: true, ${writes}`;
    world.write('config.yaml', `state_dir: ./state\nforge: { ${forge} }\n${GITHUB_CONFIG}`);
  }
  /** Forgets the writes of the last hour. */
  function passAnHour(): void {
    const dir = world.path('state/forge');
    for (const name of readdirSync(dir).filter((one) => one.endsWith('.json'))) rmSync(`${dir}/${name}`);
    world.server.advance(3600);
  }
  const waiting = () => world.listMailbox().filter(({ tray }) => tray === 'inbox').length;
  const commented = () => commentsIn(world.server.requests);
  const since = async (work: () => Promise<unknown>): Promise<LoggedRequest[]> => {
    const from = world.server.requests.length;
    await work();
    return world.server.requests.slice(from);
  };
  async function until(isSo: () => boolean, ms: number): Promise<number> {
    const start = Date.now();
    while (!isSo()) {
      if (Date.now() - start > ms) throw new Error(`not so after ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Date.now() - start;
  }

  it('become tasks in one pass; what is shown follows in order, at the pace, and once', async () => {
    const first = world.start(['dispatch', '--json']);
    await until(() => waiting() === MANY, 60_000);
    await until(() => commented().length > 2, 20_000);
    // Everything was read, and every task written, before the first comment.
    const before = world.server.requests.slice(0, world.server.requests.findIndex(isWrite));
    expect(graphqlOf(before).length).toBeLessThanOrEqual(31);
    expect(before.length).toBeLessThanOrEqual(40);

    // The lock of the pass is free, the one of the projection is not: another pass looks, and writes nothing.
    const other = await world.document('dispatch');
    expect(other.summary).toMatchObject({ decided: MANY, applied: 0, skipped: MANY, failed: 0 });
    expect(other.summary.requests).toBeLessThan(60);
    expect(await Promise.race([first.ended.then(() => 'ended'), 'running'])).toBe('running');

    first.kill('SIGKILL');
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(waiting()).toBe(MANY);
    const shown = commented();
    expect(shown).toEqual(shown.map((_, k) => k + 1));
    const [last = 0] = shown.slice(-1);

    allow(6000, HOURLY);
    passAnHour();
    for (let hour = 0; hour < 2; hour++) {
      const from = commented().length;
      expect(await world.call(['dispatch'])).toMatchObject({ status: 0 });
      const now = commented().slice(from);
      // The one that was cut off waits until nobody can doubt what became of it.
      const expected = Array.from({ length: now.length }, (_, k) => last + 1 + hour * now.length + k);
      expect(now.length).toBeGreaterThanOrEqual(HOURLY - 1);
      expect(now.filter((number) => number !== last)).toEqual(expect.arrayContaining(expected.slice(1, -1)));
      expect(now).toEqual([...now].sort((a, b) => a - b));
      // Nothing is left to write with: the next passes learn what they wrote themselves, then ask next to nothing.
      world.server.advance(60);
      await world.done('dispatch');
      const quiet = await since(() => world.done('dispatch'));
      expect(quiet.filter(({ operation }) => operation === 'Tick').length).toBe(1);
      // The rest is for the next comment, which has no slot, and for the issue that was cut off.
      expect(quiet.length).toBeLessThanOrEqual(5);
      expect(commentsIn(quiet)).toEqual([]);
      passAnHour();
    }
    expect(new Set(commented()).size).toBe(commented().length);
    const [most] = [...world.server.repo(REPO).issues.values()].map(({ comments }) => comments.length).sort((a, b) => b - a);
    expect(most).toBe(1);
    expect(waiting()).toBe(MANY);
  });
});

function graphqlOf(requests: readonly LoggedRequest[]): LoggedRequest[] {
  return requests.filter(({ kind }) => kind === 'graphql');
}

function isWrite({ kind, method }: LoggedRequest): boolean {
  return kind === 'rest' && method !== 'GET';
}

/** Numbers of the issues that were commented on, in order. */
function commentsIn(requests: readonly LoggedRequest[]): number[] {
  return requests.flatMap(({ method, path }) => {
    const issue = /\/issues\/(\d+)\/comments$/.exec(path)?.[1];
    return method === 'POST' && issue !== undefined ? [Number(issue)] : [];
  });
}
