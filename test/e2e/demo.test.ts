import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/world.ts';

describe('./demo.sh', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'agentos-demo-test-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const demo = (...args: string[]) =>
    spawnSync(join(ROOT, 'demo.sh'), args, {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, HOME: dir, TMPDIR: dir },
    });

  it('walks the whole way with an empty HOME, says what it did, and keeps its directory', { timeout: 180_000 }, () => {
    const ended = demo('--dir', join(dir, 'walk'));
    expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    for (const said of [
      'issue 1 is closed',
      'is escalated',
      'number of open issues is 4',
      'clean; looked at',
      'Everything is in',
      'id: demo__shop-1-1',
    ]) {
      expect(ended.stdout).toContain(said);
    }
    expect(existsSync(join(dir, 'walk/state/mailbox/done/demo__shop-1-1.md'))).toBe(true);
  });

  it('refuses a directory that holds something, and options it does not know', () => {
    writeFileSync(join(dir, 'something'), 'x');
    expect(demo('--dir', dir)).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') });
    expect(demo('--nonsense').status).toBe(64);
  });
});
