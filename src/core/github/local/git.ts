/**
 * git on the bare repositories of the local forge: merges on paper, commits,
 * guarded moves of branches. Every call has an exact environment, no hook, no
 * configuration but the repository's own, and no shell.
 */
import { spawnSync } from 'node:child_process';
import { AgentOsError, errnoOf } from '../../errors.ts';
import { removeStaleLock } from '../../git/stale-lock.ts';

export interface Signature {
  name: string;
  email: string;
  /** ISO 8601; now when absent. */
  date?: string;
}

interface GitOptions {
  env?: Record<string, string>;
  input?: string;
  /** Exit statuses that are an answer; any other is an error. */
  answers?: readonly number[];
  cwd?: string;
}

const SETTINGS = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'gc.auto=0',
  '-c',
  'maintenance.auto=false',
  '-c',
  'core.fsync=all',
  '-c',
  'core.alternateRefsCommand=',
  '-c',
  'protocol.ext.allow=never',
];
const TIMEOUT_MS = 10 * 60_000;

/** Runs git; @throws `io` for an exit status that is no answer, `config` where there is no git. */
function runGit(args: readonly string[], options: GitOptions = {}): { status: number; stdout: string; stderr: string } {
  const result = spawnSync('git', [...SETTINGS, ...args], {
    cwd: options.cwd ?? '/',
    env: { ...environment(), ...options.env },
    input: options.input ?? '',
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: TIMEOUT_MS,
  });
  if (errnoOf(result.error) === 'ENOENT')
    throw new AgentOsError('config', 'the program `git` is not on PATH', { hint: 'Install git 2.38 or newer.' });
  const { status, stdout, stderr } = result;
  if (status !== null && (options.answers ?? [0]).includes(status)) return { status, stdout, stderr };
  const why = result.error?.message ?? (stderr.trim().split('\n').at(-1) || `exit status ${status}`);
  throw new AgentOsError('io', `\`git ${args.find((arg) => /^[a-z]+(?:-[a-z]+)*$/.test(arg)) ?? ''}\` failed: ${why}`);
}

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_DEFAULT_REF_FORMAT: 'files',
  };
}

function inRepository(
  gitDir: string,
  args: readonly string[],
  options: GitOptions = {},
): { status: number; stdout: string; stderr: string } {
  return runGit([`--git-dir=${gitDir}`, ...args], options);
}

export interface PaperMerge {
  /** `undefined` when they conflict. */
  tree?: string;
  /** Paths that conflict; empty also where the histories have nothing in common. */
  conflicts: string[];
}

/** Merges two commits without touching anything. */
export function mergeTree(gitDir: string, ours: string, theirs: string): PaperMerge {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--end-of-options', ours, theirs];
  const { status, stdout, stderr } = inRepository(gitDir, args, { answers: [0, 1, 128] });
  if (status === 128) {
    if (stderr.includes('unrelated histories')) return { conflicts: [] };
    throw new AgentOsError('io', `\`git merge-tree\` failed: ${stderr.trim()}`);
  }
  const [tree = '', ...rest] = stdout.split('\0').filter((part) => part !== '');
  return status === 0 ? { tree, conflicts: [] } : { conflicts: [...new Set(rest)] };
}

export function commitTree(
  gitDir: string,
  commit: { tree: string; parents: readonly string[]; message: string; author: Signature; committer: Signature },
): string {
  const { author, committer } = commit;
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    ...(author.date !== undefined && { GIT_AUTHOR_DATE: author.date }),
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    ...(committer.date !== undefined && { GIT_COMMITTER_DATE: committer.date }),
  };
  const parents = commit.parents.flatMap((parent) => ['-p', parent]);
  return inRepository(gitDir, ['commit-tree', ...parents, '-F', '-', commit.tree], { env, input: commit.message }).stdout.trim();
}

/**
 * Moves a branch from the expected commit to another (`undefined`: removes it); false when it is elsewhere.
 * @throws `locked` while another git moves it.
 */
export function updateBranchRef(gitDir: string, branch: string, to: string | undefined, expected: string): boolean {
  const ref = `refs/heads/${branch}`;
  const args = to === undefined ? ['update-ref', '-d', ref, expected] : ['update-ref', ref, to, expected];
  const move = () => inRepository(gitDir, args, { answers: [0, 1, 128] });
  let { status, stderr } = move();
  if (status !== 0 && removeStaleLock(gitDir, stderr)) ({ status, stderr } = move());
  if (status === 0) return true;
  if (/\.lock': File exists/.test(stderr)) throw new AgentOsError('locked', `another git is moving \`${branch}\` in \`${gitDir}\``);
  // A refused move and a broken repository both exit 128 or 1: only the words tell.
  if (/but expected|unable to resolve/.test(stderr)) return false;
  throw new AgentOsError('io', `\`git update-ref\` failed: ${stderr.trim()}`);
}

export interface CommitInfo {
  sha: string;
  parents: string[];
  author: Signature;
  message: string;
}

/** Commits of `base..head` that are no merges, oldest first. */
export function listCommits(gitDir: string, base: string, head: string, limit?: number): CommitInfo[] {
  const format = '--format=%H%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00';
  const args = [
    'log',
    '--no-merges',
    '--no-show-signature',
    '--no-mailmap',
    format,
    ...(limit === undefined ? [] : [`--max-count=${limit}`]),
  ];
  const { stdout } = inRepository(gitDir, [...args, '--end-of-options', `${base}..${head}`]);
  const fields = stdout.split('\0');
  return Array.from({ length: Math.floor(fields.length / 6) }, (_, index): CommitInfo => {
    const [sha = '', parents = '', name = '', email = '', date = '', message = ''] = fields.slice(index * 6, index * 6 + 6);
    return {
      sha: sha.trim(),
      parents: parents.split(' ').filter((parent) => parent !== ''),
      author: { name: name || 'unknown', email, date },
      message,
    };
  }).reverse();
}

export function commitMessage(gitDir: string, sha: string): string {
  return inRepository(gitDir, ['log', '--max-count=1', '--no-show-signature', '--format=%B', '--end-of-options', sha]).stdout.trimEnd();
}

/** True when `head` holds a commit that `base` does not. */
export function isAhead(gitDir: string, base: string, head: string): boolean {
  return inRepository(gitDir, ['rev-list', '--max-count=1', '--end-of-options', `${base}..${head}`]).stdout.trim() !== '';
}

export function isAncestor(gitDir: string, ancestor: string, commit: string): boolean {
  return inRepository(gitDir, ['merge-base', '--is-ancestor', ancestor, commit], { answers: [0, 1] }).status === 0;
}

/** True when the repository has the commit: a crash may have left a name whose object never reached the disk. */
export function hasCommit(gitDir: string, sha: string): boolean {
  return inRepository(gitDir, ['cat-file', '-e', `${sha}^{commit}`], { answers: [0, 1, 128] }).status === 0;
}

export function treeOf(gitDir: string, commit: string): string {
  return inRepository(gitDir, ['rev-parse', '--verify', `${commit}^{tree}`]).stdout.trim();
}

/** Writes the files of a tree into an empty directory, which gets no git dir; `index` is a file that does not exist yet. */
export function checkOutTree(gitDir: string, tree: string, directory: string, index: string): void {
  const options = { env: { GIT_INDEX_FILE: index }, cwd: directory };
  const work = [`--work-tree=${directory}`, `--git-dir=${gitDir}`];
  runGit([...work, 'read-tree', tree], options);
  runGit([...work, 'checkout-index', '--all', '--force'], options);
}

/** Clones the branches of a repository into a bare one that depends on nothing else. */
export function cloneBare(source: string, gitDir: string): void {
  const settings = ['gc.auto=0', 'receive.autogc=false', 'core.hooksPath=/dev/null', 'core.fsync=all', 'core.logAllRefUpdates=false'];
  const args = [
    'clone',
    '--bare',
    '--no-local',
    '--no-tags',
    '--quiet',
    '--template=',
    ...settings.flatMap((entry) => ['--config', entry]),
  ];
  try {
    runGit([...args, '--', source, gitDir]);
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code !== 'io') throw error;
    throw new AgentOsError('not_found', `cannot clone \`${source}\`: ${error.message}`, {
      hint: 'Name the directory of a git repository that this user owns.',
      cause: error,
    });
  }
  inRepository(gitDir, ['config', '--remove-section', 'remote.origin']);
}
