/**
 * Throw-away clones for agents (docs/adr/0003-isolation.md). The clone's git dir is written by
 * hand: no remote, no address of the forge, one line of alternates that lends
 * it the mirror's objects. Files are checked out by the host's git dir through
 * an index of the host, which stays outside the agent's reach, so that the
 * import later knows unchanged files without reading them.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDirectory, unlinkIfThere } from '../atomic-file.ts';
import type { StatePaths } from '../config/paths.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import type { HostRepository } from './git.ts';
import { type HostGit, toGitError } from './host-git.ts';
import { diagnoseMirror } from './mirror.ts';
import { checkBranch, checkSha } from './names.ts';

export interface WorkspaceRequest {
  path: string;
  commit: string;
  branch: string;
  tree?: string;
}

/** The agent commits as itself; its commits are looked at by nobody. */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[user]
\tname = agent
\temail = agent@localhost
[gc]
\tauto = 0
`;

/** Two threads write files twice as fast as one; below the threshold they are not worth starting. */
const CHECKOUT = { 'checkout.workers': '2', 'checkout.thresholdForParallelism': '500' };

/**
 * Makes the clone and checks out `commit`, then lays `tree` over it.
 * @throws AgentOsError `conflict` when the path exists, `not_found` for a commit
 *   that was not fetched, `unavailable` when the mirror was damaged and has to be filled again.
 */
export async function makeWorkspace(git: HostGit, paths: StatePaths, host: HostRepository, request: WorkspaceRequest): Promise<void> {
  const { path, commit, tree } = request;
  checkSha(commit);
  checkBranch(request.branch);
  makeDirectory(path);
  writeGitDir(host, request);
  const index = freshIndex(paths, path);
  const checkout = { workTree: path, index, config: CHECKOUT };
  const exit = await git.run({ ...checkout, gitDir: host.mirror, args: ['read-tree', '--reset', '-u', '--end-of-options', commit] });
  if (exit.status !== 0) throw await diagnoseMirror(git, paths, host, commit, exit);
  copyIndex(index, `${path}/.git/index`);
  if (tree !== undefined) {
    const over = await git.run({
      ...checkout,
      gitDir: host.preserved,
      args: ['read-tree', '-m', '-u', '--end-of-options', commit, checkSha(tree)],
    });
    if (over.status !== 0) throw toGitError(over, `lay ${tree} over ${commit}`);
  }
  crashPoint('git:workspace-made');
}

/** Where the host keeps its index of a workspace. */
export function indexPath(paths: StatePaths, workspace: string): string {
  return `${paths.cache}/index/${createHash('sha256').update(workspace).digest('hex').slice(0, 32)}`;
}

/**
 * The host's index of a workspace; where there is none, one of `base` whose
 * files are all read again.
 */
export async function openIndex(git: HostGit, paths: StatePaths, host: HostRepository, workspace: string, base: string): Promise<string> {
  const index = indexPath(paths, workspace);
  unlinkIfThere(`${index}.lock`);
  if (existsSync(index)) return index;
  ensureDirectory(dirname(index));
  const exit = await git.run({ gitDir: host.preserved, index, args: ['read-tree', '--end-of-options', checkSha(base)] });
  if (exit.status !== 0) throw toGitError(exit, `read ${base}`, 'not_found');
  return index;
}

/** Forgets the host's index of a workspace. */
export function dropIndex(paths: StatePaths, workspace: string): void {
  const index = indexPath(paths, workspace);
  for (const path of [index, `${index}.lock`, `${index}.exclude`]) unlinkIfThere(path);
}

function freshIndex(paths: StatePaths, workspace: string): string {
  dropIndex(paths, workspace);
  ensureDirectory(`${paths.cache}/index`);
  return indexPath(paths, workspace);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new AgentOsError('conflict', `the workspace \`${path}\` exists already`, { cause: error });
    throw toIoError(error, `create the workspace \`${path}\``);
  }
}

function writeGitDir(host: HostRepository, { path, commit, branch }: WorkspaceRequest): void {
  const ref = `refs/heads/${branch}`;
  const files: Record<string, string> = {
    HEAD: `ref: ${ref}\n`,
    config: CONFIG,
    'objects/info/alternates': `${host.mirror}/objects\n`,
    [ref]: `${commit}\n`,
  };
  try {
    for (const directory of ['objects/info', 'objects/pack', 'refs/tags', 'info', 'hooks', dirname(ref)]) {
      mkdirSync(`${path}/.git/${directory}`, { recursive: true });
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(`${path}/.git/${name}`, text);
  } catch (error) {
    throw toIoError(error, `write the git dir of \`${path}\``);
  }
}

/** With its time stamp, by which git knows entries too young to be trusted. */
function copyIndex(from: string, to: string): void {
  if (!existsSync(from)) return; // an empty tree leaves no index
  const { atime, mtime } = statSync(from);
  copyFileSync(from, to);
  utimesSync(to, atime, mtime);
}
