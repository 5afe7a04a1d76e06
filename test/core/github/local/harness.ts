/** A local forge in a temporary directory with one repository, real git, and people. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../../src/core/clock.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { type LocalForge, openLocalForge } from '../../../../src/core/github/local/forge.ts';
import type { GitHubHarness } from '../../../contract/github.ts';

export interface LocalHarness extends GitHubHarness {
  forge: LocalForge;
  /** The temporary directory, the forge in `forge/` below it. */
  dir: string;
  root: string;
  gitDir: string;
  as(login: string): LocalForge;
  git(...args: string[]): string;
}

export interface HarnessOptions {
  clock?: Clock;
  localCi?: string[];
}

export const REPO = 'acme/shop';

/** Runs git with an environment of the test's own. */
export function git(cwd: string, ...args: string[]): string {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** A git repository with one commit on `main`. */
export function makeSource(dir: string): string {
  mkdirSync(dir, { recursive: true });
  git(dir, 'init', '-q', '-b', 'main');
  writeFileSync(join(dir, 'README.md'), '# Shop\n');
  git(dir, 'add', '.');
  git(dir, 'commit', '-qm', 'Start');
  return dir;
}

export async function openHarness({ clock = systemClock, localCi = [] }: HarnessOptions = {}): Promise<LocalHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'agentos-forge-'));
  const root = join(dir, 'forge');
  const source = makeSource(join(dir, 'work'));
  const as = (login: string) => openLocalForge({ root, clock, as: login, localCi: { [REPO]: localCi } });
  const forge = as('agentos');
  await forge.createRepository(REPO, source);
  const gitDir = join(root, REPO, 'repo.git');
  git(source, 'remote', 'add', 'forge', gitDir);
  return {
    repo: REPO,
    forge,
    dir,
    root,
    gitDir,
    as,
    git: (...args) => git(gitDir, ...args),
    person: async (permission) => {
      await as('operator').addUser(`${permission}er`, permission);
      return as(`${permission}er`);
    },
    approve: (number) => as('operator').reviewPullRequest(REPO, number, { state: 'approved', body: '' }),
    push: async (branch, files, from) => {
      git(source, 'fetch', '-q', 'forge');
      git(source, 'checkout', '-q', '-B', branch, `forge/${from ?? branch}`);
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(source, path)), { recursive: true });
        writeFileSync(join(source, path), text);
      }
      if (Object.keys(files).length > 0) {
        git(source, 'add', '-A');
        git(source, 'commit', '-qm', `Change ${branch}`);
      }
      git(source, 'push', '-q', 'forge', branch);
      return git(source, 'rev-parse', 'HEAD');
    },
    removeBranch: async (branch) => {
      git(source, 'push', '-q', 'forge', `:${branch}`);
    },
    read: async (branch, path) => {
      try {
        const shown = execFileSync('git', ['show', `${branch}:${path}`], {
          cwd: gitDir,
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        return shown;
      } catch {
        return undefined;
      }
    },
    close: async () => {
      if (existsSync(dir)) rmSync(dir, { recursive: true, force: true });
    },
  };
}
