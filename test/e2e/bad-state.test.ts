/** State directories that cannot be used: status 74, nothing lost, and everything goes on once they can. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, type Ended, REPO, World } from '../support/world.ts';

const LOOPS = ['dispatch', 'queue', 'pr-monitor', 'analyze-logs', 'groom', 'plan'];
const CONFIG = `repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents: { patch: { kind: patch }, glutton: { kind: command, command: ["./glutton.sh"] } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`;

/** True where this user may mount. */
const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

function expectIo(ended: Ended, says: RegExp): void {
  expect(ended, ended.stderr).toMatchObject({ status: 74, signal: null });
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
}

async function until(holds: () => boolean): Promise<void> {
  for (let k = 0; k < 400 && !holds(); k++) await sleep(50);
  expect(holds()).toBe(true);
}

describe('a state directory that cannot be used', () => {
  let world: World;
  let issue: number;
  beforeEach(() => {
    world = World.open({ files: { 'README.md': '# shop\n' }, config: CONFIG });
    issue = world.issue('Add a sum', addsFile('sum.js', 'export const sum = 2;'));
  });
  afterEach(() => {
    spawnSync('umount', ['-l', world.path('state')]);
    world.close();
  });

  it.each([
    ['a file', () => writeFileSync(world.path('state'), 'x')],
    ['a link to nothing', () => symlinkSync('/nowhere/at/all', world.path('state'))],
    ['a link to itself', () => symlinkSync(world.path('state'), world.path('state'))],
  ])('%s in its place', (_, make) => {
    rmSync(world.path('state'), { recursive: true, force: true });
    make();
    for (const loop of LOOPS.slice(0, 3)) expectIo(world.run([loop]), /state/);
    for (const args of [['status'], ['pause']]) expectIo(world.run(args), /state/);
    rmSync(world.path('state'));
    world.tickUntil(issue, 'done', 3);
  });

  it('says which of its directories is none, and makes one that was removed anew', () => {
    world.must('dispatch');
    for (const [name, status] of [
      ['mailbox', 78],
      ['locks', 74],
      ['loops', 74],
      ['effects', 74],
      ['requests', 74],
    ] as const) {
      const aside = world.path(`aside-${name}`);
      if (existsSync(world.path(`state/${name}`))) renameSync(world.path(`state/${name}`), aside);
      world.write(`state/${name}`, 'x');
      const ended = world.run(['queue']);
      expect({ name, status: ended.status }).toEqual({ name, status });
      expect(ended.stderr).toContain(`state/${name}`);
      expect(ended.stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
      rmSync(world.path(`state/${name}`));
      if (existsSync(aside)) renameSync(aside, world.path(`state/${name}`));
    }
    for (const name of ['locks', 'loops', 'cache']) rmSync(world.path(`state/${name}`), { recursive: true });
    world.tickUntil(issue, 'done', 3);
  });

  it('does not end a `--watch`, which goes on when it can', async () => {
    const watch = world.start(['dispatch', '--watch', '1']);
    try {
      await until(() => world.task(issue)?.tray === 'inbox');
      // A first pass that fails ends the command; this one is over.
      await until(() => JSON.parse(world.read('state/loops/dispatch.json')).finished?.exit === 0);
      renameSync(world.path('state/mailbox'), world.path('aside'));
      world.write('state/mailbox', 'x');
      await until(() => JSON.parse(world.read('state/loops/dispatch.json')).finished?.exit === 78);
      rmSync(world.path('state/mailbox'));
      renameSync(world.path('aside'), world.path('state/mailbox'));
      const other = world.issue('Add a product', addsFile('product.js', 'export const product = 2;'));
      await until(() => world.task(other)?.tray === 'inbox');
    } finally {
      watch.kill('SIGTERM');
    }
    const ended = await watch.ended;
    expect(ended).toMatchObject({ status: 143, stderr: expect.stringContaining('is not a directory of the mailbox') });
  });

  it('refuses one that others can write', () => {
    world.must('dispatch');
    chmodSync(world.path('state'), 0o777);
    expect(world.run(['queue'])).toMatchObject({ status: 78, stderr: expect.stringContaining('chmod go-w') });
  });

  it.each([
    ['a link to nothing', () => symlinkSync('/nowhere', world.path('state/paused'))],
    ['a link to itself', () => symlinkSync(world.path('state/paused'), world.path('state/paused'))],
    ['an empty file', () => world.write('state/paused', '')],
    ['a directory', () => mkdirSync(world.path('state/paused'))],
  ])('counts as paused when the switch is %s', (_, make) => {
    world.must('status');
    make();
    expect(world.json('dispatch').actions).toMatchObject([{ kind: 'skip', reason: expect.stringContaining('paused') }]);
    expect(world.listMailbox()).toEqual([]);
    expect(world.json('status').paused).toBe(true);
  });

  describe.skipIf(!canMount)('on a file system of its own (needs root)', () => {
    const mount = (...options: string[]) => execFileSync('mount', options);

    const ownDisk = () => {
      rmSync(world.path('state'), { recursive: true, force: true });
      mkdirSync(world.path('state'), { mode: 0o700 });
      mount('-t', 'tmpfs', '-o', 'size=4m,mode=700', 'none', world.path('state'));
    };

    /** Takes all the space there is. */
    const fill = () => {
      spawnSync('dd', ['if=/dev/zero', `of=${world.path('state/ballast')}`, 'bs=4096'], { stdio: 'ignore' });
      expect(statfsSync(world.path('state')).bavail).toBe(0);
    };
    const free = () => rmSync(world.path('state/ballast'));

    it('read-only: says so, and goes on where it was', () => {
      ownDisk();
      world.must('dispatch');
      const before = world.task(issue);
      mount('-o', 'remount,ro', world.path('state'));
      for (const loop of LOOPS) expectIo(world.run([loop]), /read-only/i);
      expectIo(world.run(['pause']), /read-only/i);
      mount('-o', 'remount,rw', world.path('state'));
      expect(world.task(issue)).toEqual(before);
      world.tickUntil(issue, 'done', 3);
      expect(world.run(['fsck']).status).toBe(0);
    });

    it('full, before each step: says so, loses nothing, and goes on when there is space', () => {
      ownDisk();
      for (const step of ['dispatch', 'queue', 'pr-monitor']) {
        const before = world.task(issue)?.text;
        fill();
        for (const loop of LOOPS.slice(0, 3)) expectIo(world.run([loop]), /space/i);
        expectIo(world.run(['pause']), /space/i);
        free();
        expect(world.task(issue)?.text).toBe(before);
        world.must(step);
      }
      expect(world.task(issue)?.tray).toBe('done');
      expect(world.run(['fsck']).status).toBe(0);
    });

    it('filled by an agent: its work is kept, and the task goes on', () => {
      ownDisk();
      world.write(
        'glutton.sh',
        `#!/bin/sh
echo work > work.txt
[ "$AGENTOS_ATTEMPT" = 1 ] && dd if=/dev/zero of=big bs=4096 2>/dev/null && :
printf 'STATUS: complete\\nBLOCKER_CODE: none\\nSUMMARY: Did it.\\n' > "$AGENTOS_RESULT_FILE"
`,
      );
      chmodSync(world.path('glutton.sh'), 0o755);
      const other = world.issue('Eat it all', 'Do it.', ['ready', 'agent:glutton']);
      world.must('dispatch');
      expectIo(world.run(['queue']), /space/i);
      mount('-o', 'remount,size=64m', world.path('state'));
      for (let k = 0; k < 6 && [issue, other].some((one) => world.task(one)?.tray !== 'done'); k++) world.tick();
      expect([issue, other].map((one) => world.task(one)?.tray)).toEqual(['done', 'done']);
      expect(world.git('state/preserved/demo__shop.git', 'show', `refs/agentos/preserved/demo__shop-${other}-1/1:work.txt`)).toBe('work\n');
      expect(world.run(['fsck']).status).toBe(0);
    });
  });
});
