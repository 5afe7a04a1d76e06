import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, runProcess, startProcess } from '../../src/core/process.ts';

const PATH = process.env['PATH'] ?? '/usr/bin:/bin';
let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aos-process-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const node = (script: string) => [process.execPath, '-e', script];

describe('runProcess', () => {
  it('gives the program exactly the environment named, its input, and returns both outputs', async () => {
    process.env['AGENTOS_TEST_CANARY'] = 'canary';
    try {
      const script = `process.stdin.on('data', (d) => process.stdout.write(d)); process.stderr.write(JSON.stringify(process.env)); process.exitCode = 3`;
      const result = await runProcess(node(script), { cwd, env: { PATH, ONLY: 'this' }, input: 'grüße\n\n' });
      expect(result).toEqual({ ended: 'exited', exitCode: 3, stdout: 'grüße\n\n', stderr: JSON.stringify({ PATH, ONLY: 'this' }) });
    } finally {
      delete process.env['AGENTOS_TEST_CANARY'];
    }
  });

  it('passes arguments as they are: no shell looks at them', async () => {
    const argument = '$(touch marker); `id` "quoted" * \n-x';
    const result = await runProcess([process.execPath, '-e', 'process.stdout.write(process.argv[1])', argument], { cwd, env: { PATH } });
    expect(result.stdout).toBe(argument);
  });

  it('does not wait for what a program left behind with its pipes', { timeout: 30_000 }, async () => {
    const began = Date.now();
    const result = await runProcess(['/bin/sh', '-c', 'echo $$; sleep 25; echo late'], { cwd, env: { PATH }, timeoutMs: 200 });
    expect(result).toMatchObject({ ended: 'timeout', stdout: expect.stringMatching(/^\d+\n$/) });
    expect(Date.now() - began).toBeLessThan(15_000);
  });

  it('ends a program at its deadline, and one that prints too much', async () => {
    expect(await runProcess(node('setInterval(() => {}, 1000)'), { cwd, env: { PATH }, timeoutMs: 200 })).toMatchObject({
      ended: 'timeout',
      exitCode: null,
    });
    const endless = await runProcess(node(`setInterval(() => process.stdout.write('x'.repeat(9999)), 0)`), {
      cwd,
      env: { PATH },
      maxOutputBytes: 50_000,
    });
    expect(endless.ended).toBe('overflow');
    expect(endless.stdout.length).toBe(50_000);
  });

  it('says which program is missing', async () => {
    const missing = runProcess(['no-such-program-here'], { cwd, env: { PATH } });
    await expect(missing).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('`no-such-program-here`') });
    await expect(runProcess([join(cwd)], { cwd, env: { PATH } })).rejects.toMatchObject({ code: 'io' });
  });
});

describe('startProcess', () => {
  it('reports the errno of a program that is not there', async () => {
    expect(await startProcess(['/nowhere/at/all'], { cwd, env: {} })).toEqual({ errno: 'ENOENT' });
    expect(await startProcess([cwd], { cwd, env: {} })).toEqual({ errno: 'EACCES' });
  });

  it('does not mind a program that never reads its input', async () => {
    const child = await startProcess(node(''), { cwd, env: { PATH }, input: 'x'.repeat(1_000_000) });
    if ('errno' in child) throw new Error(child.errno);
    expect(await child.exited).toEqual({ exitCode: 0, signal: null });
  });
});

describe('findProgram', () => {
  it('finds executable files on absolute PATH entries only', () => {
    expect(findProgram('sh', `relative:${cwd}:/nowhere:/bin`)).toBe('/bin/sh');
    expect(findProgram('sh', 'bin')).toBeUndefined();
    expect(findProgram('passwd', '/etc')).toBeUndefined();
    expect(findProgram('/bin/sh', '')).toBe('/bin/sh');
  });
});
