/** `./demo.sh --agent` with a real command-line agent on PATH, as a user would try it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ModelServer, openModelServer } from '../support/model-server.ts';
import { removeItemScript } from '../support/remove-item.ts';
import { ROOT } from '../support/world.ts';

let dir: string;
let server: ModelServer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-demo-agent-'));
  server = await openModelServer(removeItemScript());
});
afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

function demo(args: string[], env: Record<string, string>): Promise<{ status: number | null; text: string }> {
  const path = `${process.env['AGENTOS_CLIS']}/node_modules/.bin:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const child = spawn(join(ROOT, 'demo.sh'), args, { cwd: ROOT, env: { PATH: path, HOME: dir, TMPDIR: dir, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      text += data;
    });
  }
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, text })));
}

describe('./demo.sh --agent', () => {
  it.each([
    ['claude', 'ANTHROPIC_API_KEY', ''],
    ['codex', 'OPENAI_API_KEY', '/v1'],
    ['gemini', 'GEMINI_API_KEY', ''],
    ['deepseek', 'DEEPSEEK_API_KEY', '/anthropic'],
  ])('%s does one task, from the issue to the merge', async (name, key, path) => {
    const ended = await demo(['--agent', name, '--base-url', `${server.url}${path}`, '--dir', join(dir, 'walk')], { [key]: 'sk-demo-key' });
    expect(ended.status, ended.text).toBe(0);
    expect(ended.text).toContain('ok: issue 1 is closed, its change is on main');
    expect(ended.text).not.toContain('sk-demo-key');
    expect(server.seen[0]).toMatchObject({ key: 'sk-demo-key' });
  });
});
