/** Repositories of a given size, made in a second: `git fast-import` takes the files from a stream. */
import { execFileSync } from 'node:child_process';

const ENV = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

/** Plain git with default settings and no configuration of this machine. @returns trimmed stdout. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/**
 * A bare repository with one commit on `main` of so many source-like files, 25
 * in a directory, 2 kB each.
 * @returns the commit.
 */
export function makeBareRepository(path: string, files: number): string {
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path], { env: ENV });
  const parts = ['commit refs/heads/main\ncommitter Bench <bench@example.com> 1700000000 +0000\ndata 5\nfirst\n'];
  for (let k = 0; k < files; k++) {
    const text = fileText(k);
    parts.push(`M 100644 inline ${filePath(k)}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: path, env: ENV, input: parts.join('') });
  return git(path, 'rev-parse', 'main');
}

function filePath(k: number): string {
  const directory = Math.floor(k / 25);
  return `src/area-${Math.floor(directory / 20)}/part-${directory % 20}/file-${k}.js`;
}

function fileText(k: number): string {
  const lines = [`// File ${k}.`];
  for (let n = 0; n < 40; n++) lines.push(`export const value${n} = compute(${k * 31 + n}, "${(k * 2654435761 + n).toString(36)}");`);
  return `${lines.join('\n')}\n`;
}
