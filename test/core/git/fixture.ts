/** A small forge repository, the state directory of a box, and a git whose processes are counted. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type StatePaths, statePaths } from '../../../src/core/config/paths.ts';
import type { Git, HostRepository } from '../../../src/core/git/git.ts';
import { openGit } from '../../../src/core/git/open-git.ts';

const IDENTITY = { name: 'Agent OS', email: 'agentos@example.com' };
const ENV = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'dev',
  GIT_AUTHOR_EMAIL: 'dev@example.com',
  GIT_COMMITTER_NAME: 'dev',
  GIT_COMMITTER_EMAIL: 'dev@example.com',
  GIT_AUTHOR_DATE: '@1700000000 +0000',
  GIT_COMMITTER_DATE: '@1700000000 +0000',
};

/** Plain git, as a developer (or an agent) runs it. */
export function sh(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, env: ENV, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

export function write(root: string, files: Record<string, string | Uint8Array>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

export interface Box {
  root: string;
  paths: StatePaths;
  git: Git;
  host: HostRepository;
  /** The forge's bare repository. */
  remote: string;
  /** A developer's checkout of it. */
  dev: string;
  /** Tip of `main` when the box was made. */
  base: string;
  /** Argument lists of the git processes started since the last call. */
  started(): string[];
}

export const FILES = { 'README.md': '# Shop\n', 'src/cart.js': 'export const total = 1;\n', '.gitignore': 'dist/\n*.log\n' };

/** A box whose mirror holds `main` of a forge with these files. */
export async function makeBox(files: Record<string, string | Uint8Array> = FILES, prepare?: (dev: string) => void): Promise<Box> {
  const root = mkdtempSync(join(tmpdir(), 'agentos-git-'));
  onTestFinished(() => {
    execFileSync('chmod', ['-R', 'u+rwX', root]);
    rmSync(root, { recursive: true, force: true });
  });
  const dev = join(root, 'dev');
  const remote = join(root, 'forge.git');
  mkdirSync(dev);
  sh(dev, 'init', '-q', '-b', 'main');
  write(dev, files);
  prepare?.(dev);
  sh(dev, 'add', '-A');
  sh(dev, 'commit', '-q', '--allow-empty', '-m', 'first');
  sh(root, 'clone', '-q', '--bare', dev, remote);
  sh(dev, 'remote', 'add', 'origin', remote);
  const paths = statePaths(join(root, 'state'));
  const log = join(root, 'processes');
  const git = openGit({ paths, path: `${countingGit(root, log)}:${ENV.PATH}` });
  const host = await git.openHost('acme/shop');
  await git.fetch(host, { url: remote }, [{ branch: 'main' }]);
  const started = () => {
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    rmSync(log, { force: true });
    return lines;
  };
  started();
  return { root, paths, git, host, remote, dev, base: sh(dev, 'rev-parse', 'HEAD'), started };
}

/** A `git` before the real one on PATH that writes down how it was called. */
function countingGit(root: string, log: string): string {
  const bin = join(root, 'bin');
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { env: ENV, encoding: 'utf8' }).trim();
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$*" | tr '\\n' ' ' >> '${log}'; echo >> '${log}'\nexec '${real}' "$@"\n`);
  chmodSync(join(bin, 'git'), 0o755);
  return bin;
}

/** A workspace of `base`, as an agent finds it. */
export async function makeWorkspace(box: Box, name = '1', more: { commit?: string; tree?: string } = {}): Promise<string> {
  const path = join(box.paths.workspaces, 'acme__shop-1-1', name);
  await box.git.createWorkspace(box.host, { path, commit: box.base, branch: 'agent/acme__shop-1-1', ...more });
  return path;
}

/** Imports a workspace with nothing to leave out. */
export function importFrom(box: Box, path: string, more: { base?: string; exclude?: string[]; untracked?: Record<string, string> } = {}) {
  return box.git.importTree(box.host, { path, base: box.base, exclude: [], untracked: {}, ...more });
}

/** A commit of a tree on the base. */
export function commit(box: Box, tree: string, message = 'Change'): Promise<string> {
  return box.git.commitTree(box.host, { tree, parents: [box.base], message, author: IDENTITY, at: new Date(1_700_000_000_000) });
}

/** What `ls-tree -r` shows of a tree: `mode path` lines. */
export function listTree(box: Box, tree: string): string[] {
  return sh(box.host.preserved, 'ls-tree', '-r', '-z', '--format=%(objectmode) %(path)', tree).split('\0').filter(Boolean);
}
