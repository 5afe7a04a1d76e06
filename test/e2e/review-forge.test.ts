/** What the forge and a crash do to single items: no other item loses its turn, nothing is done twice, nobody is starved. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { act, forgeAs, openScripted } from '../support/scripted-agent.ts';
import { REPO, World } from '../support/world.ts';

describe('one bad item', () => {
  let world: World;
  beforeEach(() => {
    world = openScripted();
  });
  afterEach(() => world.close());

  const ready = (title = 'Add a file') => world.issue(title, 'Please.');

  it('costs no other task its start: an issue that is gone', () => {
    const [gone, good] = [ready('One'), ready('Two')];
    world.must('dispatch');
    rmSync(world.path(`forge/demo/shop/issues/${gone}.md`));
    const queue = world.run(['queue']);
    expect(queue.status).toBe(1);
    expect(queue.stderr).toContain(`${REPO}#${gone}`);
    expect(world.task(gone)?.tray).toBe('inbox');
    expect(world.task(good)?.tray).toBe('review');
  });

  it('costs no other pull request its merge: one that cannot be read', () => {
    const [bad, good] = [ready('One'), ready('Two')];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    const number = /pull_request: (\d+)/.exec(world.task(bad)?.text ?? '')?.[1];
    writeFileSync(world.path(`forge/demo/shop/pulls/${number}.md`), 'broken');
    const monitor = world.run(['pr-monitor', '--json']);
    expect(monitor.status).toBe(1);
    expect(JSON.parse(monitor.stdout).actions).toMatchObject([
      { kind: 'merge', outcome: 'applied' },
      { kind: 'unreadable', outcome: 'failed', error: { code: expect.any(String) } },
    ]);
    expect(world.task(good)?.tray).toBe('done');
    expect(world.task(bad)?.tray).toBe('review');
  });

  it('costs no other repository its dispatch', () => {
    world.must('local', 'init', 'demo/other', '--from', world.path('shop'));
    world.write('config.yaml', world.read('config.yaml').replace('repos:\n', 'repos:\n  - name: demo/other\n'));
    world.must('local', 'issue', 'create', 'demo/other', '--title', 'x', '--label', 'ready');
    writeFileSync(world.path('forge/demo/other/issues/1.md'), 'broken');
    const good = ready();
    const dispatch = world.run(['dispatch']);
    expect(dispatch.status).toBe(1);
    expect(dispatch.stderr).toContain('demo/other');
    expect(world.task(good)?.tray).toBe('inbox');
  });

  it('says what is paused, and merges nothing there', () => {
    const issue = ready();
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pause', '--repo', REPO]]) world.must(...args);
    expect(world.json('pr-monitor').actions).toMatchObject([{ kind: 'hold', reason: `${REPO} is paused` }]);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('of a task that may not be merged: a protected path longer than any list', () => {
    const dir = `.github/${'d'.repeat(200)}`.padEnd(200, 'd');
    act(
      world,
      1,
      `p=${dir}; for k in 1 2 3 4 5 6 7 8 9 10 11; do p=$p/$(printf %0200d $k); done; mkdir -p "$p" && (cd "$p" && echo x > x.yml)`,
    );
    const issue = ready();
    for (const args of [['dispatch'], ['queue']]) world.must(...args);
    expect(world.task(issue)?.tray).toBe('review');
    expect(world.json('local', 'pr', 'list', REPO)).toHaveLength(1);
  });

  it('is held with a word when its text is longer than a task file', () => {
    const issue = world.issue('Long', '漢字'.repeat(30_000));
    const run = world.json('dispatch');
    expect(run.actions).toMatchObject([{ kind: 'hold', reason: expect.stringContaining('larger than 120 kB') }]);
    expect(world.task(issue)).toBeUndefined();
  });

  it('does not starve the tasks behind 250 that cannot start', () => {
    const config = world.read('config.yaml').replace('repos:\n', 'repos:\n  - name: demo/other\n');
    world.must('local', 'init', 'demo/other', '--from', world.path('shop'));
    world.write('config.yaml', config);
    const issue = ready();
    world.must('dispatch');
    const text = world.task(issue)?.text ?? '';
    const id = `demo__shop-${issue}-1`;
    for (let k = 0; k < 250; k++) {
      const other = text
        .replaceAll(id, `demo__other-${k + 1}-1`)
        .replace(/^repo: .*$/m, 'repo: demo/other')
        .replace(/^issue: .*$/m, `issue: ${k + 1}`)
        .replace(/^created_at: .*$/m, 'created_at: 2026-01-01T00:00:00.000Z');
      world.write(`state/mailbox/inbox/demo__other-${k + 1}-1.md`, other);
    }
    world.must('pause', '--repo', 'demo/other');
    world.must('queue');
    expect(world.task(issue)?.tray).toBe('review');
  });
});

describe('a kill between the content and the tray of a move', () => {
  let world: World;
  beforeEach(() => {
    world = openScripted();
  });
  afterEach(() => world.close());

  /** Kills the pass at the content of its first move out of the tray. */
  const killed = (...args: string[]) => world.run(args, { AGENTOS_CRASH: 'mailbox:content-written:1' }).signal;

  it('pays no agent twice for a published attempt', async () => {
    const issue = world.issue('Add a file', 'Please.');
    world.must('dispatch');
    expect(killed('queue')).toBe('SIGKILL');
    expect(world.task(issue)).toMatchObject({ tray: 'processing', text: expect.stringContaining('pull_request: 2') });
    world.must('queue');
    expect(world.task(issue)?.tray).toBe('review');
    expect(world.task(issue)?.text.match(/started_at/g)).toHaveLength(1);
    expect(existsSync(world.path(`state/runs/demo__shop-${issue}-1/2`))).toBe(false);
    expect(await forgeAs(world).listPullRequests(REPO, { state: 'all' })).toHaveLength(1);
  });

  it('loses no fix', () => {
    act(world, 1, 'touch BAD');
    act(world, 2, 'rm BAD; echo good > good.txt');
    const issue = world.issue('Add a file', 'Please.');
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    expect(killed('pr-monitor')).toBe('SIGKILL');
    expect(world.task(issue)).toMatchObject({ tray: 'review', text: expect.stringContaining('fixes: 1') });
    world.tickUntil(issue, 'done');
    expect(world.task(issue)?.text).toContain('fixes: 1');
  });
});

describe('a repository that is gone', () => {
  it('is said by fsck, which looks at the others all the same', () => {
    const world = World.open({
      config: `repos: [{ name: demo/gone, automation: full }, { name: ${REPO}, automation: full }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`,
    });
    try {
      const ended = world.run(['fsck', '--json']);
      expect(ended.status).toBe(1);
      expect(JSON.parse(ended.stdout).findings).toEqual([
        expect.objectContaining({ invariant: 'I5', subject: 'demo/gone', what: expect.stringContaining('the forge does not show it') }),
      ]);
    } finally {
      world.close();
    }
  });
});

describe('two installations on one machine', () => {
  it("leave each other's processes alone, though their tasks have the same names", async () => {
    const worlds = [openScripted(), openScripted()] as const;
    try {
      const [slow, quick] = worlds;
      const issues = worlds.map((world) => world.issue('Add a file', 'Please.'));
      act(slow, 1, `touch "${slow.dir}/started"; while [ ! -e "${slow.dir}/go" ]; do sleep 0.1; done; echo x > x.txt`);
      for (const world of worlds) world.must('dispatch');
      const queue = slow.start(['queue']);
      while (!existsSync(slow.path('started'))) await new Promise((resolve) => setTimeout(resolve, 50));
      quick.must('queue');
      slow.write('go', '');
      await queue.ended;
      expect(worlds.map((world, k) => world.task(issues[k] ?? 0)?.tray)).toEqual(['review', 'review']);
    } finally {
      for (const world of worlds) world.close();
    }
  });
});
