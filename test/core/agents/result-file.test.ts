import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RESULT_FILE, readResultFile } from '../../../src/core/agents/result-file.ts';

const GOOD = 'STATUS: complete\nSUMMARY: Did it.\n';
let root: string;
let workspace: string;
let file: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'aos-result-'));
  workspace = join(root, 'tree');
  file = join(workspace, RESULT_FILE);
  mkdirSync(workspace);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const good = (path: string): string => {
  writeFileSync(path, GOOD);
  return path;
};
const other = () => good(join(root, 'other'));

describe('readResultFile', () => {
  it('reads a regular file', () => {
    writeFileSync(file, GOOD);
    expect(readResultFile(workspace)).toMatchObject({ result: { status: 'complete', summary: 'Did it.' } });
  });

  it.each([
    ['no file', () => {}],
    ['an empty file', () => writeFileSync(file, '\n')],
    ['no workspace', () => rmSync(workspace, { recursive: true })],
  ])('finds no result: %s', (_, make) => {
    make();
    expect(readResultFile(workspace)).toMatchObject({ problem: 'no_result' });
  });

  it.each([
    ['a symlink to a good one', /symlink/, () => symlinkSync(other(), file)],
    ['a symlink to nothing', /symlink/, () => symlinkSync('/nowhere', file)],
    ['a symlink to a secret', /symlink/, () => symlinkSync('/etc/passwd', file)],
    ['a FIFO', /not a regular file/, () => execFileSync('sh', ['-c', 'mkfifo "$0"', file])],
    ['a directory', /not a regular file/, () => mkdirSync(file)],
    ['a hard link', /hard link/, () => linkSync(other(), file)],
    ['5 GB', /larger than 64 kB/, () => truncateSync(good(file), 5 * 2 ** 30)],
    ['one byte too many', /larger than 64 kB/, () => writeFileSync(file, GOOD.padEnd(65_537, ' '))],
    ['no form', /no STATUS/, () => writeFileSync(file, 'all done!')],
    ['bytes that are no text', /no STATUS/, () => writeFileSync(file, Buffer.alloc(5000, 0xff))],
  ])('refuses %s, at once', (_, expected, make) => {
    make();
    const began = performance.now();
    const read = readResultFile(workspace);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(read).toMatchObject({ problem: 'invalid_result', reason: expect.stringMatching(expected) });
  });

  it('refuses a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(file, resolve));
    expect(readResultFile(workspace)).toMatchObject({ problem: 'invalid_result', reason: expect.stringMatching(/not a regular file/) });
    server.close();
  });

  it('refuses a workspace or a parent that became a symlink', () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, RESULT_FILE), GOOD);
    symlinkSync(elsewhere, join(workspace, 'sub'));
    expect(readResultFile(workspace, join(workspace, 'sub', RESULT_FILE))).toMatchObject({
      problem: 'invalid_result',
      reason: expect.stringMatching(/behind a symlink/),
    });
    expect(readResultFile(workspace, join(elsewhere, RESULT_FILE))).toMatchObject({
      problem: 'invalid_result',
      reason: expect.stringMatching(/outside/),
    });
    rmSync(workspace, { recursive: true });
    symlinkSync(elsewhere, workspace);
    expect(readResultFile(workspace)).toMatchObject({ problem: 'invalid_result', reason: expect.stringMatching(/behind a symlink/) });
  });
});
