/** Constructs the one adapter of the port `Git`: the git program of this machine. */
import { dirname } from 'node:path';
import type { StatePaths } from '../config/paths.ts';
import { AgentOsError } from '../errors.ts';
import { describeChanges, listRawChanges } from './changes.ts';
import type { Git } from './git.ts';
import { findCommit, isAncestor, mergeOnPaper, renderPatch, treeOf, writeCommit } from './history.ts';
import { openHostGit, toGitError } from './host-git.ts';
import { ensureHostRepository } from './host-repository.ts';
import { importDirectory, stampUntracked } from './import.ts';
import { fetchBranches } from './mirror.ts';
import { preserveCommit, pushCommit } from './publish.ts';
import { PATIENCE, type Patience } from './remote.ts';
import { removeDirectory, removeIfEmpty } from './remove.ts';
import { dropIndex, makeWorkspace } from './workspace.ts';

export interface GitOptions {
  paths: StatePaths;
  /** The PATH for git and for `rm`; nothing else of the environment is used. */
  path: string;
  patience?: Patience;
}

export function openGit({ paths, path, patience = PATIENCE }: GitOptions): Git {
  const git = openHostGit(path);
  return {
    async version() {
      const exit = await git.run({ gitDir: '/', args: ['version'] });
      const version = /(\d+(?:\.\d+)+)/.exec(exit.stdout.toString())?.[1];
      if (exit.status !== 0 || version === undefined) throw toGitError(exit, 'ask git for its version', 'config');
      return version;
    },
    openHost: async (repo) => ensureHostRepository(paths, repo),
    fetch: (host, remote, branches) => fetchBranches(git, paths, host, remote, branches, patience),
    findCommit: (gitDir, rev) => findCommit(git, gitDir, rev),
    treeOf: (host, commit) => treeOf(git, host, commit),
    isAncestor: (host, ancestor, commit) => isAncestor(git, host, ancestor, commit),
    async createWorkspace(host, workspace) {
      try {
        await makeWorkspace(git, paths, host, workspace);
      } catch (error) {
        if (!(error instanceof AgentOsError && error.code === 'conflict')) await this.removeWorkspace(workspace.path);
        throw error;
      }
    },
    listUntracked: (host, workspace, commit) => stampUntracked(git, paths, host, workspace, commit),
    importTree: (host, source) => importDirectory(git, paths, host, source),
    diff: async (host, from, to) => describeChanges(git, host, await listRawChanges(git, host, from, to), to),
    renderPatch: (host, from, to, maxBytes) => renderPatch(git, host, from, to, maxBytes),
    commitTree: (host, commit) => writeCommit(git, host, commit),
    preserve: (host, task, attempt, commit) => preserveCommit(git, host, task, attempt, commit),
    mergeTree: (host, ours, theirs) => mergeOnPaper(git, host, ours, theirs),
    push: (host, remote, push) => pushCommit(git, host, remote, push, patience),
    async removeWorkspace(workspace) {
      await removeDirectory(workspace, paths.workspaces, path);
      dropIndex(paths, workspace);
      if (dirname(dirname(workspace)) === paths.workspaces) removeIfEmpty(dirname(workspace));
    },
  };
}
