/**
 * A real cron daemon runs the printed crontab once. The daemon is started in a
 * mount and pid namespace of its own, with an empty spool, so that the crontab
 * of this machine is neither read nor touched.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, World } from '../support/world.ts';

const CRON = ['/usr/sbin/cron', '/usr/bin/cron'].find((path) => existsSync(path));
const isRoot = process.getuid?.() === 0;
const canUnshare = spawnSync('unshare', ['--mount', '--pid', '--mount-proc', '--fork', 'true']).status === 0;

describe.skipIf(!CRON || !isRoot || !canUnshare)('a real cron daemon (needs cron, root and unshare)', () => {
  let world: World;
  beforeEach(() => {
    world = World.open();
  });
  afterEach(() => world.close());

  it('runs the printed crontab: a Ready issue becomes a task', { timeout: 180_000 }, async () => {
    const issue = world.issue('Add a sum', addsFile('src/sum.js', 'export const sum = 1;'));
    const crontab = world.must('cron', 'print');
    expect(crontab).toContain(process.execPath);
    mkdirSync(world.path('spool/crontabs'), { recursive: true });
    writeFileSync(world.path('spool/crontabs/root'), crontab, { mode: 0o600 });
    const script = `mount --bind ${world.path('spool')} /var/spool/cron && exec ${CRON} -f`;
    const daemon = spawn('unshare', ['--mount', '--pid', '--mount-proc', '--fork', '--kill-child', '/bin/sh', '-c', script], {
      stdio: 'ignore',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    try {
      const until = Date.now() + 150_000;
      while (Date.now() < until && !['review', 'done'].includes(world.task(issue)?.tray ?? '')) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      expect(world.task(issue)?.tray, existsSync(world.path('state/cron.log')) ? world.read('state/cron.log') : '').toMatch(/review|done/);
      const { loops } = world.json('status');
      for (const name of ['dispatch', 'queue']) {
        expect(loops.find((loop: { command: string }) => loop.command === name)).toMatchObject({ lastExit: 0, overdue: false });
      }
    } finally {
      daemon.kill('SIGKILL');
    }
  });
});
