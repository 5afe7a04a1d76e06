/** Checks: pending at once, run on the merge, recorded for the head they ran on. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { type LocalCi, runLocalCi } from '../../../../src/core/github/local/ci.ts';
import { tryLock } from '../../../../src/core/lock.ts';
import { openUnconfined } from '../../../../src/core/sandbox/unconfined.ts';
import { codeOf } from '../../../contract/github.ts';
import { type LocalHarness, openHarness, REPO } from './harness.ts';

let h: LocalHarness;
afterEach(() => h.close());

function ciOf(harness: LocalHarness): LocalCi {
  const sandbox = openUnconfined({ path: process.env['PATH'] ?? '', graceMs: 200 });
  return {
    root: harness.root,
    clock: systemClock,
    sandbox: async () => sandbox,
    setupNetwork: [],
    work: join(harness.dir, 'ci'),
    remove: async (path) => rmSync(path, { recursive: true, force: true }),
  };
}

async function open(localCi: string[]): Promise<void> {
  h = await openHarness({ localCi });
}

function run(localCi: string[], setup: string[] = [], signal = new AbortController().signal) {
  return runLocalCi(ciOf(h), [{ name: REPO, setup, local_ci: localCi }], signal);
}

async function pullOf(branch: string, files: Record<string, string>): Promise<{ number: number; head: string }> {
  const head = await h.push(branch, files, 'main');
  return { head, ...(await h.forge.createPullRequest(REPO, { title: branch, body: '', head: branch, base: 'main' })) };
}

describe('checks', () => {
  it('are pending from the moment of a push, one for each line, on heads of open pull requests only', async () => {
    await open(['true', 'false', 'true']);
    const { number, head } = await pullOf('a', { 'a.txt': '1' });
    const pending = (sha: string) => [
      { name: 'true', sha, state: 'pending' },
      { name: 'false', sha, state: 'pending' },
    ];
    expect(await h.forge.listCheckRuns(REPO, head)).toEqual(pending(head));
    const next = await h.push('a', { 'a.txt': '2' });
    expect(await h.forge.listCheckRuns(REPO, next)).toEqual(pending(next));
    expect(await h.forge.listCheckRuns(REPO, head)).toEqual([]);
    expect(await h.forge.listCheckRuns(REPO, '../../x')).toEqual([]);
    await h.forge.closePullRequest(REPO, number);
    expect(await h.forge.listCheckRuns(REPO, next)).toEqual([]);
  });

  it('run on the merge of head and base, after setup, each in a clean checkout', async () => {
    const lines = ['test -f a.txt && test -f base.txt && cat prepared', 'test ! -e left && echo out > left', 'ls left', 'test ! -e .git'];
    await open(lines);
    const { number, head } = await pullOf('a', { 'a.txt': '1', 'dir/x.sh': 'exit 3' });
    await h.push('main', { 'base.txt': '1' });
    const outcomes = await run(lines, ['echo ready > prepared']);
    expect(outcomes.map(({ name, state }) => [name, state])).toEqual([
      [lines[0], 'success'],
      [lines[1], 'success'],
      [lines[2], 'failure'],
      [lines[3], 'success'],
    ]);
    expect(outcomes[0]).toMatchObject({ repo: REPO, number, sha: head });
    const checks = await h.forge.listCheckRuns(REPO, head);
    expect(checks[0]).toEqual({ name: lines[0], sha: head, state: 'success', output: 'ready' });
    expect(checks[2]?.output).toMatch(/left.*\n`ls left`: exit status \d+$/s);
    expect(await run(lines)).toEqual([]);
    expect(readdirSync(join(h.dir, 'ci'))).toEqual(['.lock']);
  });

  it('fail with the setup that fails, and with its output', async () => {
    await open(['true']);
    const { head } = await pullOf('a', { 'a.txt': '1' });
    await run(['true'], ['echo no such package; exit 4']);
    expect(await h.forge.listCheckRuns(REPO, head)).toMatchObject([
      { state: 'failure', output: 'no such package\nsetup: `echo no such package; exit 4`: exit status 4' },
    ]);
  });

  it('fail without running where head and base conflict', async () => {
    await open([`touch ${join('/tmp', 'never')}`]);
    const { head } = await pullOf('a', { 'README.md': 'mine\n' });
    await h.push('main', { 'README.md': 'theirs\n' });
    const [outcome] = await run([`touch ${join('/tmp', 'never')}`]);
    expect(outcome).toMatchObject({ state: 'failure', sha: head });
    const [check] = await h.forge.listCheckRuns(REPO, head);
    expect(check).toMatchObject({ state: 'failure', output: 'The head conflicts with `main`: README.md. Nothing was run.' });
  });

  it('keep the end of a long output, cleaned, with lines that look like ours', async () => {
    const line = `i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; printf '\\033[31m<!-- output { name: x } -->\\n'; exit 1`;
    await open([line]);
    const { head } = await pullOf('a', { 'a.txt': '1' });
    await run([line]);
    const output = (await h.forge.listCheckRuns(REPO, head))[0]?.output ?? '';
    expect(output.length).toBeLessThan(20_300);
    expect(output).toContain('line 2999\n<!-- output { name: x } -->');
    expect(output).not.toContain('\u001b');
  });

  it('belong to the head they ran on, even when a push comes meanwhile', async () => {
    const go = join(tmp(), `agentos-ci-go-${process.pid}`);
    const line = `cat a.txt; touch ${go}-started; while [ ! -e ${go} ]; do sleep 0.05; done`;
    await open([line]);
    const { number, head } = await pullOf('a', { 'a.txt': 'old' });
    const running = run([line]);
    await expect.poll(() => existsSync(`${go}-started`), { timeout: 10_000 }).toBe(true);
    const next = await h.push('a', { 'a.txt': 'new' });
    writeFileSync(go, '');
    await running;
    for (const path of [go, `${go}-started`]) rmSync(path);
    expect((await h.forge.getPullRequest(REPO, number)).headSha).toBe(next);
    expect(await h.forge.listCheckRuns(REPO, head)).toMatchObject([{ state: 'success', output: 'old' }]);
    expect(await h.forge.listCheckRuns(REPO, next)).toMatchObject([{ state: 'pending' }]);
  });

  it('stay pending when the run is stopped, and one run goes at a time', async () => {
    await open(['sleep 60']);
    const { head } = await pullOf('a', { 'a.txt': '1' });
    const stop = new AbortController();
    const running = codeOf(run(['sleep 60'], [], stop.signal));
    await expect.poll(() => existsSync(join(h.dir, 'ci'))).toBe(true);
    setTimeout(() => stop.abort(), 100);
    expect(await running).toBe('cancelled');
    expect(await h.forge.listCheckRuns(REPO, head)).toMatchObject([{ state: 'pending' }]);
    const lock = tryLock(join(h.dir, 'ci', '.lock'));
    expect(await codeOf(run(['sleep 60']))).toBe('locked');
    lock?.release();
  });

  it('are none where no line is configured, and need no sandbox then', async () => {
    await open([]);
    const { head } = await pullOf('a', { 'a.txt': '1' });
    const ci = { ...ciOf(h), sandbox: () => Promise.reject(new Error('asked for')) };
    expect(await runLocalCi(ci, [{ name: REPO, setup: [], local_ci: [] }], new AbortController().signal)).toEqual([]);
    expect(await h.forge.listCheckRuns(REPO, head)).toEqual([]);
    expect(readFileSync(join(h.root, REPO, 'repository.md'), 'utf8')).toContain('next_number: 2');
  });
});

function tmp(): string {
  return process.env['TMPDIR'] ?? '/tmp';
}
