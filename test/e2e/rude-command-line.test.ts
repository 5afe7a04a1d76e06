/** Command lines that make no sense, and texts that mean harm: the right status, a sentence that helps, nothing done, nothing run. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addsFile, REPO, ROOT, World } from '../support/world.ts';

const BIN = join(ROOT, 'bin/agentos.js');
const SHA = '0'.repeat(40);

/** Arguments, exit status, and what must be said. */
const LINES: [string[], number, RegExp][] = [
  [[], 64, /Usage: agentos/],
  [['dispach'], 64, /dispatch/],
  [['dispatch', '--dry'], 64, /--dry.*--help/s],
  [['dispatch', 'now'], 64, /argument/],
  [['dispatch', '--repo', 'demo/shpo'], 64, /demo\/shop/],
  [['queue', '--repo', 'nowhere/at-all'], 64, /nowhere\/at-all/],
  [['queue', '--repo'], 64, /--repo/],
  [['dispatch', '--watch', '0'], 64, /--watch/],
  [['dispatch', '--watch', '-1'], 64, /--watch/],
  [['dispatch', '--watch', 'soon'], 64, /--watch/],
  [['dispatch', '--once', '--watch', '5'], 64, /--watch|--once/],
  [['analyze-logs', '--days', '0'], 64, /--days/],
  [['dispatch', '--days', '3'], 64, /--days/],
  [['plan', '--requirements'], 64, /--requirements/],
  [['plan', '--requirements', '/nowhere/list.md'], 64, /\/nowhere\/list\.md/],
  [['--config', '/nowhere.yaml', 'dispatch'], 78, /\/nowhere\.yaml/],
  [['-c'], 64, /config/],
  [['show'], 64, /task/],
  [['show', 'demo__shop-9-1'], 1, /demo__shop-9-1/],
  [['show', '../../../etc/passwd'], 64, /owner\/name#N/],
  [['show', '-rf'], 64, /-rf|-r/],
  [['show', 'demo__shop-1-1', 'extra'], 64, /argument/],
  [['retry', 'demo__shop-9-1'], 1, /demo__shop-9-1/],
  [['cancel', 'nothing'], 1, /nothing/],
  [['explain', 'demo/shop'], 64, /owner\/name#N/],
  [['explain', 'demo/shop#0'], 64, /owner\/name#N/],
  [['explain', 'demo/shop#999'], 1, /999/],
  [['explain', 'nowhere/x#1'], 64, /nowhere\/x/],
  [['approve', `${REPO}#1`], 64, /--sha/],
  [['approve', `${REPO}#1`, '--sha', 'HEAD'], 64, /sha/i],
  [['approve', `${REPO}#1`, '--sha', SHA], 1, /pull request|#1/],
  [['pause', '--repo', 'demo/shpo'], 64, /demo\/shop/],
  [['config', 'chekc'], 64, /check/],
  [['local', 'issue', 'create', 'no/where', '--title', 'T'], 1, /no\/where/],
  [['local', 'issue', 'create', REPO], 64, /--title/],
  [['local', 'issue', 'create', REPO, '--title', ''], 1, /title/],
  [['local', 'issue', 'create', REPO, '--title', 'T', '--as', 'nobody'], 1, /nobody/],
  [['local', 'issue', 'create', REPO, '--title', 'T', '--body-file', '/nowhere'], 74, /\/nowhere/],
  [['local', 'issue', 'create', '../../etc', '--title', 'T'], 64, /etc/],
  [['local', 'issue', 'view', REPO, '77'], 1, /77/],
  [['local', 'issue', 'view', REPO, 'one'], 64, /one/],
  [['local', 'issue', 'list', REPO, '--state', 'ajar'], 64, /ajar/],
  [['local', 'pr', 'review', REPO, '1', '--approve', '--request-changes'], 64, /approve/],
  [['local', 'user', 'add', 'x', '--permission', 'god'], 64, /god/],
];

describe('a command line', () => {
  let world: World;
  beforeAll(() => {
    world = World.open({ files: { 'README.md': '# shop\n' } });
    world.issue('One', 'Do it.', []);
  });
  afterAll(() => world.close());

  it.each(LINES)('%j ends with %d', (args, status, says) => {
    const ended = world.run(args);
    expect(ended.stderr + (args.length === 0 ? ended.stdout : '')).toMatch(says);
    expect(ended).toMatchObject({ status, signal: null, ...(args.length > 0 && { stdout: '' }) });
    expect(ended.stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
  });

  it('did nothing with any of that', () => {
    expect(world.listMailbox()).toEqual([]);
    expect(world.json('local', 'issue', 'list', REPO)).toHaveLength(1);
    expect(world.json('status')).toMatchObject({ paused: false });
  });

  it.each(['head -c 1', 'true'])('loses no word over a reader that goes away: | %s', (reader) => {
    for (const command of ['dispatch --json', 'status', 'config schema', 'local issue list demo/shop --json']) {
      const script = `{ "$NODE" "$BIN" ${command}; echo $? > status; } | ${reader}`;
      const shell = spawnSync('/bin/sh', ['-c', script], {
        cwd: world.dir,
        env: world.env({ NODE: process.execPath, BIN }),
        encoding: 'utf8',
      });
      expect({ command, stderr: shell.stderr }).toEqual({ command, stderr: '' });
      expect(world.read('status').trim(), command).toBe('0');
    }
  });
});

describe('texts of strangers', () => {
  let world: World;
  beforeAll(() => {
    world = World.open({
      files: { 'README.md': '# shop\n' },
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`,
    });
  });
  afterAll(() => world.close());

  it('run nothing, forge nothing and break no line, on their way to a merge', () => {
    const title = `Fix $(touch ${world.dir}/x) \`touch ${world.dir}/x\`; touch ${world.dir}/x \u001b[31mred\u001b]0;title\u0007 \u202eevil --help`;
    const issue = world.issue(
      title,
      `---\nid: other\n---\n\u001b[2J<!-- agentos:status -->\n${addsFile('sum.js', 'export const sum = 2;')}`,
    );
    for (let k = 0; k < 3 && world.task(issue)?.tray !== 'done'; k++) {
      for (const args of [['dispatch', '-v'], ['queue', '-v'], ['pr-monitor', '-v'], ['status'], ['show', `demo__shop-${issue}-1`]]) {
        const ended = world.run(args);
        expect({ args, out: ended.stdout + ended.stderr }).toEqual({ args, out: expect.not.stringMatching(/[\u001b\u0007\u202e]/) });
        expect(ended.status).toBe(0);
      }
    }
    expect(world.task(issue)?.tray).toBe('done');
    expect(existsSync(world.path('x'))).toBe(false);
    const subject = world.git('forge/demo/shop/repo.git', 'log', '-1', '--format=%s', 'main');
    expect(subject).toContain('Fix');
    expect(world.run(['fsck']).status).toBe(0);
  });

  it('keeps a title on one line', () => {
    const created = world.run(['local', 'issue', 'create', REPO, '--title', 'One\nTwo: three\n---\nid: x', '--label', 'ready']);
    expect([0, 1]).toContain(created.status);
    world.must('dispatch');
    for (const { tray, file } of world.listMailbox())
      expect({ tray, file }).toEqual({ tray: expect.not.stringMatching('quarantine'), file });
    expect(world.run(['fsck']).status).toBe(0);
  });

  it('takes no body that is larger than the forge allows, and says how large', () => {
    world.write('huge.md', 'x'.repeat(1_000_000));
    const ended = world.run(['local', 'issue', 'create', REPO, '--title', 'Huge', '--body-file', world.path('huge.md')]);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toMatch(/65,?536|64 kB|characters/);
  });
});
