/** Files that this user may not read, as an ordinary user meets them: root passes every one of them, so root steps down first. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, type Ended, REPO, ROOT, World } from '../support/world.ts';

const BIN = join(ROOT, 'bin/agentos.js');
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const stepDown = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
/** Another user must be able to read the program, and there must be a way to become one. */
const canStepDown =
  !isRoot ||
  spawnSync('setpriv', [...stepDown.slice(1), process.execPath, '-e', `require('fs').accessSync(${JSON.stringify(BIN)})`]).status === 0;

describe.skipIf(!canStepDown)('an ordinary user', () => {
  let world: World;
  let good: number;
  let closed: number;
  let shut: number;
  beforeEach(() => {
    world = World.open({
      files: { 'README.md': '# shop\n' },
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents:
  patch: { kind: patch }
  closed: { kind: command, command: ["./rogue-agent.mjs", closed] }
  shut: { kind: command, command: ["./rogue-agent.mjs", closed, all] }
routing: { default: [patch] }
queue: { max_parallel: 3, max_attempts: 1 }
sandbox: { mode: "off" }
`,
    });
    copyFileSync(join(ROOT, 'test/support/rogue-agent.mjs'), world.path('rogue-agent.mjs'));
    chmodSync(world.path('rogue-agent.mjs'), 0o755);
    good = world.issue('Add a sum', addsFile('sum.js', 'export const sum = 2;'));
    closed = world.issue('Close a directory', 'Do it.', ['ready', 'agent:closed']);
    shut = world.issue('Close all', 'Do it.', ['ready', 'agent:shut']);
    world.must('dispatch');
    if (isRoot)
      for (const name of ['', ...readdirSync(world.dir, { recursive: true, encoding: 'utf8' })])
        chownSync(join(world.dir, name), NOBODY, NOBODY);
  });
  afterEach(() => {
    spawnSync('chmod', ['-R', 'u+rwX', world.dir]);
    world.close();
  });

  const run = (...args: string[]): Ended => {
    const [program = '', ...rest] = [...stepDown, process.execPath, BIN, ...args];
    const { status, signal, stdout, stderr } = spawnSync(program, rest, { cwd: '/', env: world.env(), encoding: 'utf8' });
    expect(stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
    return { status, signal, stdout, stderr };
  };

  it('is not stopped by what an agent closed, and loses none of it', () => {
    expect(run('queue')).toMatchObject({ status: 0 });
    expect([good, closed].map((issue) => world.task(issue)?.tray)).toEqual(['review', 'review']);
    expect(world.task(shut)?.text).toMatch(/n: 1, agent: shut.*outcome: (failed|complete)/);
    expect(existsSync(world.path('state/workspaces')) ? readdirSync(world.path('state/workspaces')) : []).toEqual([]);
    const refs = spawnSync('git', ['--git-dir', world.path('state/preserved/demo__shop.git'), '-c', 'safe.directory=*', 'for-each-ref'], {
      encoding: 'utf8',
    });
    expect(refs.stdout).toContain(`refs/agentos/preserved/demo__shop-${shut}-1/1`);
  });

  it('is told what cannot be read, and goes on when it can', () => {
    for (const [name, status] of [
      ['config.yaml', 78],
      ['state', 74],
      ['state/loops', 74],
      ['state/mailbox', 74],
      ['state/mailbox/inbox', 74],
      ['state/locks', 74],
      ['forge/demo/shop/issues', 74],
    ] as const) {
      const path = world.path(name);
      chmodSync(path, 0);
      const ended = run('queue');
      expect({ name, ...ended }).toMatchObject({ name, status, stderr: expect.stringContaining(name) });
      expect(ended.stderr).toMatch(/EACCES|permission denied/i);
      chmodSync(path, name.endsWith('.yaml') ? 0o600 : 0o700);
    }
    expect(run('queue')).toMatchObject({ status: 0 });
    expect(world.task(good)?.tray).toBe('review');
  });

  it('counts a switch that cannot be read as thrown, and a task file that cannot be read as bad', () => {
    chmodSync(world.path(`state/mailbox/inbox/demo__shop-${closed}-1.md`), 0);
    expect(run('queue', '--json')).toMatchObject({ status: 0 });
    expect(world.task(good)?.tray).toBe('review');
    expect(readdirSync(world.path('state/mailbox/quarantine'))).toContain(`demo__shop-${closed}-1.md`);
    mkdirSync(world.path('state/paused'), { mode: 0 });
    expect(JSON.parse(run('pr-monitor', '--json').stdout).actions).toMatchObject([{ reason: expect.stringContaining('paused') }]);
    rmSync(world.path('state/paused'), { recursive: true });
  });
});
