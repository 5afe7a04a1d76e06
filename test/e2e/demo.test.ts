import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelServer } from '../support/model-server.ts';
import { removeItemScript } from '../support/remove-item.ts';
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
      'No real agent was found.',
      'id: demo__shop-1-1',
    ]) {
      expect(ended.stdout).toContain(said);
    }
    expect(existsSync(join(dir, 'walk/state/mailbox/done/demo__shop-1-1.md'))).toBe(true);
  });

  it('lets a real agent do one task where there is a key, and says before what was found', { timeout: 120_000 }, async () => {
    const server = await openModelServer(removeItemScript());
    const env = {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: dir,
      TMPDIR: dir,
      ANTHROPIC_API_KEY: 'sk-demo-key',
    };
    const found = spawnSync('bash', [join(ROOT, 'scripts/demo-agent.sh'), '--found'], { encoding: 'utf8', env });
    expect(found.stdout.split('\n')).toContain('api');
    const args = ['--agent', 'api', '--base-url', server.url, '--dir', join(dir, 'agent')];
    const child = spawn(join(ROOT, 'demo.sh'), args, { cwd: ROOT, env });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        text += data;
      });
    }
    const status = await new Promise((resolve) => child.on('close', resolve));
    await server.close();
    expect(status, text).toBe(0);
    expect(text).toContain('ok: issue 1 is closed, its change is on main');
    expect(text).not.toContain('sk-demo-key');
  });

  it('names what an agent needs that is not there', () => {
    expect(demo('--agent', 'api', '--dir', join(dir, 'none'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no key: set ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY or DEEPSEEK_API_KEY'),
    });
    expect(demo('--agent', 'nobody')).toMatchObject({ status: 64, stderr: expect.stringContaining('there is no agent `nobody`') });
    expect(demo('--model', 'm').status).toBe(64);
  });

  it('refuses a directory that holds something, and options it does not know', () => {
    writeFileSync(join(dir, 'something'), 'x');
    expect(demo('--dir', dir)).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') });
    expect(demo('--nonsense').status).toBe(64);
  });
});
