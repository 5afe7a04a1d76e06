/** Many processes at once, and processes that die at every instant: nothing is lost, repeated or torn. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { openLocalForge } from '../../../../src/core/github/local/forge.ts';
import { git, type LocalHarness, openHarness, REPO } from './harness.ts';

let h: LocalHarness;
let worker: string;

beforeAll(async () => {
  h = await openHarness();
  worker = join(h.dir, 'worker.cjs');
  const entry = new URL('worker.ts', import.meta.url).pathname;
  buildSync({ entryPoints: [entry], outfile: worker, bundle: true, platform: 'node', format: 'cjs', target: 'node20.19' });
});
afterAll(() => h.close());

function ended(args: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    spawn(process.execPath, [worker, ...args], { stdio: ['ignore', 'inherit', 'inherit'] }).on('exit', resolve);
  });
}

describe('eight processes at one issue', () => {
  it('lose nothing and repeat no number', { timeout: 60_000 }, async () => {
    const { forge } = h;
    const { number } = await forge.createIssue(REPO, { title: 'Busy', body: '', labels: [] });
    const names = Array.from({ length: 8 }, (_, index) => `w${index}`);
    const codes = await Promise.all(names.map((name) => ended([h.root, 'operator', 'mixed', String(number), name])));
    expect(codes).toEqual(names.map(() => 0));
    const wanted = names.flatMap((name) => [0, 1, 2, 3, 4].map((round) => `${name}-${round}`)).sort();
    const comments = await forge.listComments(REPO, number);
    expect(comments.map((comment) => comment.body).sort()).toEqual(wanted);
    expect((await forge.getIssue(REPO, number)).labels.toSorted()).toEqual(wanted);
    const issues = await forge.listIssues(REPO, { state: 'all' });
    expect(issues.map((issue) => issue.title).sort()).toEqual(['Busy', ...wanted]);
    expect(issues.map((issue) => issue.number)).toEqual(issues.map((_, index) => index + 1));
    const events = await forge.listIssueEvents(REPO, number);
    const ids = [...events.map((event) => event.id), ...comments.map((comment) => comment.id)];
    expect(new Set(ids).size).toBe(ids.length);
    expect(events.map((event) => event.at)).toEqual([...new Set(events.map((event) => event.at))].sort());
  });

  it('calls of one process stand in line as well', async () => {
    const { forge } = h;
    const { number } = await forge.createIssue(REPO, { title: 'Line', body: '', labels: [] });
    const operator = h.as('operator');
    const calls = Array.from({ length: 10 }, (_, index) => (index % 2 ? forge : operator).createComment(REPO, number, `c${index}`));
    await Promise.all(calls);
    expect((await forge.listComments(REPO, number)).map((comment) => comment.body)).toEqual(calls.map((_, index) => `c${index}`));
  });
});

interface Scene {
  root: string;
  gitDir: string;
}

/** A copy of the prepared forge, one for each death. */
function copyOf(prepared: string, index: number): Scene {
  const root = join(h.dir, `copy-${index}`);
  rmSync(root, { recursive: true, force: true });
  cpSync(prepared, root, { recursive: true });
  return { root, gitDir: join(root, REPO, 'repo.git') };
}

function run(root: string, args: string[], env: Record<string, string> = {}): number | null {
  return spawnSync(process.execPath, [worker, root, 'agentos', ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' })
    .status;
}

/** The points that a job passes, as `NAME:N`. */
function pointsOf(prepared: string, args: string[]): string[] {
  const record = join(h.dir, 'points');
  rmSync(record, { force: true });
  expect(run(copyOf(prepared, 0).root, args, { AGENTOS_CRASH_RECORD: record })).toBe(0);
  const seen = new Map<string, number>();
  return (existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n') : []).map((name) => {
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return `${name}:${seen.get(name)}`;
  });
}

describe('killed at every crash point', () => {
  let prepared: string;
  beforeAll(async () => {
    prepared = join(h.dir, 'prepared');
    const source = join(h.dir, 'work');
    const forge = openLocalForge({ root: prepared, clock: systemClock, as: 'agentos', localCi: {} });
    await forge.createRepository(REPO, source);
    await forge.createIssue(REPO, { title: 'By the body', body: '', labels: [] });
    await forge.createIssue(REPO, { title: 'By the message', body: '', labels: [] });
    const gitDir = join(prepared, REPO, 'repo.git');
    const tree = git(gitDir, 'rev-parse', 'main^{tree}');
    const blob = git(gitDir, 'hash-object', '-w', 'HEAD');
    const changed = git(gitDir, 'rev-parse', `${git(gitDir, 'commit-tree', tree, '-m', 'x')}^{tree}`);
    expect(changed).toBe(tree);
    const index = join(h.dir, 'index');
    const env = (...args: string[]) =>
      spawnSync('git', args, { cwd: gitDir, env: { PATH: process.env['PATH'], GIT_INDEX_FILE: index }, encoding: 'utf8' }).stdout.trim();
    env('read-tree', tree);
    env('update-index', '--add', '--cacheinfo', `100644,${blob},new.txt`);
    const head = git(gitDir, 'commit-tree', env('write-tree'), '-p', 'main', '-m', 'Add a file');
    git(gitDir, 'update-ref', 'refs/heads/change', head);
    const pull = await forge.createPullRequest(REPO, { title: 'Change', body: 'Closes #1', head: 'change', base: 'main' });
    expect(pull.number).toBe(3);
  });

  it('a merge happens once and closes its issues', { timeout: 120_000 }, async () => {
    const points = pointsOf(prepared, ['merge', '3']);
    expect(points).toContain('local-forge:after-merge:1');
    expect(points.length).toBeGreaterThan(8);
    for (const [index, point] of points.entries()) {
      const { root, gitDir } = copyOf(prepared, index);
      expect(run(root, ['merge', '3'], { AGENTOS_CRASH: point }), point).toBeNull();
      const forge = openLocalForge({ root, clock: systemClock, localCi: {} });
      const main = git(gitDir, 'rev-list', '--count', 'main');
      expect((await forge.getPullRequest(REPO, 3)).state, point).toBe(main === '2' ? 'merged' : 'open');
      expect(run(root, ['merge', '3']), point).toBe(0);
      // Any write settles what the dead process left.
      await forge.closePullRequest(REPO, 3).catch(() => undefined);
      expect(git(gitDir, 'rev-list', '--count', 'main'), point).toBe('2');
      expect(await forge.getPullRequest(REPO, 3), point).toMatchObject({ state: 'merged', mergeSha: git(gitDir, 'rev-parse', 'main') });
      expect(
        (await forge.listIssues(REPO, { state: 'closed' })).map((issue) => issue.number),
        point,
      ).toEqual([1, 2]);
      for (const issue of [1, 2]) expect((await forge.listIssueEvents(REPO, issue)).length, point).toBe(1);
      rmSync(root, { recursive: true });
    }
  });

  it.each([
    ['label', '1'],
    ['issue', ''],
  ])('%s is there as a whole or not at all', { timeout: 60_000 }, async (job, argument) => {
    const points = pointsOf(prepared, [job, argument]);
    expect(points.length).toBeGreaterThan(2);
    for (const [index, point] of points.entries()) {
      const { root } = copyOf(prepared, index);
      expect(run(root, [job, argument], { AGENTOS_CRASH: point }), point).toBeNull();
      const forge = openLocalForge({ root, clock: systemClock, localCi: {} });
      for (const issue of await forge.listIssues(REPO, { state: 'all' })) {
        const labels = (await forge.listIssueEvents(REPO, issue.number)).map((event) => (event.kind === 'labeled' ? event.label : ''));
        expect(labels, point).toEqual(issue.labels);
        expect(issue.title === 'New' ? issue.labels : ['a', 'b'], point).toEqual(['a', 'b']);
      }
      expect(run(root, [job, argument]), point).toBe(0);
      const numbers = (await forge.listIssues(REPO, { state: 'all' })).map((issue) => issue.number);
      expect(new Set(numbers).size, point).toBe(numbers.length);
      rmSync(root, { recursive: true });
    }
  });
});
