/**
 * Git plumbing on the bare repositories: refs, commits, real merges. Every call
 * is synchronous, so a request that merges is one step for all others.
 * Refs of a stale snapshot come from the snapshot, objects always from disk.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Repository } from './records.ts';
import type { Store } from './store.ts';

export interface Person {
  name: string;
  email: string;
}
export interface CommitInfo {
  sha: string;
  tree: string;
  parents: string[];
  author: Person & { date: string };
  committer: Person & { date: string };
  message: string;
}

const GITHUB: Person = { name: 'GitHub', email: 'noreply@github.com' };

function env(author: Person = GITHUB, committer: Person = GITHUB, at?: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    ...(at !== undefined && { GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at }),
  };
}

/** @throws with git's words where git fails. */
export function git(dir: string, args: string[], input = '', as: NodeJS.ProcessEnv = env()): string {
  return execFileSync('git', ['-C', dir, ...args], {
    encoding: 'utf8',
    env: as,
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}
export function tryGit(dir: string, args: string[]): string | undefined {
  try {
    return git(dir, args);
  } catch {
    return undefined;
  }
}

const HOOK = `#!/bin/sh
# What GitHub refuses at a push; the server says in the environment what this pusher lacks.
while read -r old new ref; do
  for branch in $TEST_GITHUB_LOCKED; do
    if [ "$ref" = "$branch" ]; then echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1; fi
  done
  if [ "$TEST_GITHUB_WORKFLOWS" = deny ] && [ "\${new#0000000}" = "$new" ]; then
    touched=$(git log --format= --name-only "$new" --not --all -- .github/workflows | head -n 1)
    if [ -n "$touched" ]; then
      echo "refusing to allow $TEST_GITHUB_PUSHER to create or update workflow \\\`$touched\\\` without \\\`$TEST_GITHUB_PERMISSION" >&2
      exit 1
    fi
  fi
done
`;

export function createBare(gitDir: string, defaultBranch: string): void {
  mkdirSync(gitDir, { recursive: true });
  git(gitDir, ['init', '-q', '--bare', '-b', defaultBranch]);
  const config = { 'http.receivepack': 'true', 'uploadpack.allowFilter': 'true', 'uploadpack.allowAnySHA1InWant': 'true', 'gc.auto': '0' };
  for (const [key, value] of Object.entries({ ...config, 'receive.hideRefs': 'refs/pull', 'receive.autogc': 'false' }))
    git(gitDir, ['config', key, value]);
  const hook = join(gitDir, 'hooks/pre-receive');
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, HOOK);
  chmodSync(hook, 0o755);
}

/** Commits files (a text, or `null` to delete one) or a whole directory onto a branch, which it makes when it is new. @returns the commit. */
export function commitFiles(
  gitDir: string,
  branch: string,
  files: Record<string, string | null> | string,
  { message, author, at, from }: { message: string; author: Person; at: string; from?: string },
): string {
  const work = mkdtempSync(join(tmpdir(), 'test-github-'));
  const parent = tip(gitDir, branch) ?? (from === undefined ? undefined : (tip(gitDir, from) ?? from));
  const args = (rest: string[]) => [`--git-dir=${gitDir}`, `--work-tree=${work}`, '-c', 'core.bare=false', ...rest];
  const as = { ...env(author, author, at), GIT_INDEX_FILE: join(work, '..', `${work.split('/').at(-1)}.index`) };
  try {
    if (parent !== undefined) {
      git(work, args(['read-tree', parent]), '', as);
      git(work, args(['checkout-index', '-a', '-f']), '', as);
    }
    if (typeof files === 'string') cpSync(files, work, { recursive: true, filter: (path) => !path.endsWith('/.git') });
    else for (const [path, text] of Object.entries(files)) place(join(work, path), text);
    git(work, args(['add', '-A', '-f']), '', as);
    const tree = git(work, args(['write-tree']), '', as).trim();
    const sha = git(gitDir, ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message], '', as).trim();
    git(gitDir, ['update-ref', `refs/heads/${branch}`, sha]);
    return sha;
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(as.GIT_INDEX_FILE, { force: true });
  }
}

function place(path: string, text: string | null): void {
  rmSync(path, { force: true });
  if (text === null) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
}

function tip(gitDir: string, branch: string): string | undefined {
  return tryGit(gitDir, ['rev-parse', '-q', '--verify', `refs/heads/${branch}`])?.trim();
}

/** Every ref but those of pull requests: full name to sha, sorted by name. */
export function listRefs(store: Store, repo: Repository): Map<string, string> {
  return store.refs?.get(repo.id) ?? readRefs(repo);
}
export function readRefs(repo: Repository): Map<string, string> {
  const lines = git(repo.gitDir, ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads', 'refs/tags'])
    .split('\n')
    .filter(Boolean);
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}
export function branchTip(store: Store, repo: Repository, branch: string): string | undefined {
  return listRefs(store, repo).get(`refs/heads/${branch}`);
}

/** A branch, tag or (abbreviated) sha to a full commit sha. */
export function resolveCommit(store: Store, repo: Repository, ref: string): string | undefined {
  const refs = listRefs(store, repo);
  const named = refs.get(`refs/heads/${ref}`) ?? refs.get(`refs/tags/${ref}`) ?? refs.get(`refs/${ref}`) ?? refs.get(ref);
  const wanted = named ?? (/^[0-9a-f]{7,40}$/.test(ref) ? ref : undefined);
  return wanted && tryGit(repo.gitDir, ['rev-parse', '-q', '--verify', `${wanted}^{commit}`])?.trim();
}
export function objectType(repo: Repository, sha: string): string | undefined {
  return /^[0-9a-f]{40}$/.test(sha) ? tryGit(repo.gitDir, ['cat-file', '-t', sha])?.trim() : undefined;
}

/** Moves a ref only if it is where it is thought to be. */
export function moveRef(repo: Repository, ref: string, to: string, from: string): boolean {
  return tryGit(repo.gitDir, ['update-ref', ref, to, from]) !== undefined;
}
export function deleteRef(repo: Repository, ref: string): void {
  git(repo.gitDir, ['update-ref', '-d', ref]);
}
export function isAncestor(repo: Repository, older: string, newer: string): boolean {
  return tryGit(repo.gitDir, ['merge-base', '--is-ancestor', older, newer]) !== undefined;
}
export function mergeBase(repo: Repository, a: string, b: string): string | undefined {
  return tryGit(repo.gitDir, ['merge-base', a, b])?.trim();
}

const FORMAT = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x01';
/** In `git log` terms, oldest first. */
export function listCommits(repo: Repository, range: string[]): CommitInfo[] {
  const text = git(repo.gitDir, ['log', '--reverse', '--topo-order', `--format=${FORMAT}`, ...range, '--']);
  const parts = text.split('\u0001').map((part) => part.replace(/^\n/, ''));
  return parts.filter(Boolean).map((part) => {
    const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', message = ''] = part.split('\0');
    const date = (text: string) => `${new Date(text).toISOString().slice(0, 19)}Z`;
    return {
      ...{ sha, tree, parents: parents.split(' ').filter(Boolean), message: message.trimEnd() },
      author: { name: an, email: ae, date: date(ad) },
      committer: { name: cn, email: ce, date: date(cd) },
    };
  });
}

/** @returns the merged tree, or `undefined` when they conflict. */
export function mergeTree(repo: Repository, ours: string, theirs: string): string | undefined {
  return tryGit(repo.gitDir, ['merge-tree', '--write-tree', '--no-messages', ours, theirs])?.split('\n')[0];
}

export function commitTree(repo: Repository, tree: string, parents: string[], message: string, author: Person, at: string): string {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
  return git(repo.gitDir, args, message, env(author, GITHUB, at)).trim();
}

/** Replays the commits of `head` that `base` has not onto `base`. @returns the new tip, or `undefined` when one does not apply. */
export function rebase(repo: Repository, base: string, head: string, at: string): string | undefined {
  const work = mkdtempSync(join(tmpdir(), 'test-github-rebase-'));
  const committer = { ...env(), GIT_COMMITTER_DATE: at };
  try {
    git(repo.gitDir, ['worktree', 'add', '-q', '--detach', '-f', work, base]);
    const commits = git(repo.gitDir, ['rev-list', '--reverse', '--no-merges', `${base}..${head}`])
      .split('\n')
      .filter(Boolean);
    for (const commit of commits) git(work, ['cherry-pick', '--allow-empty', commit], '', committer);
    return git(work, ['rev-parse', 'HEAD']).trim();
  } catch {
    return undefined;
  } finally {
    tryGit(repo.gitDir, ['worktree', 'remove', '--force', work]);
    rmSync(work, { recursive: true, force: true });
  }
}
