/**
 * The port of git on the host. The host never runs git inside an agent's
 * directory with the agent's own git dir: it reads the tree with a git dir,
 * an index and a configuration of its own, so nothing that an agent configured
 * ever runs (rows 19-26 of docs/threat-model.md). A repository has a bare
 * mirror (forge branches only) and a bare preserved repository (agents' trees,
 * never mounted), whose objects stand on the mirror's.
 */
import type { GitRemote } from '../github/github.ts';
import type { TreeChange } from './tree-policy.ts';

/** The two host-owned repositories of one forge repository. */
export interface HostRepository {
  repo: string;
  /** Absolute paths of bare repositories. */
  mirror: string;
  preserved: string;
}

/** What the host made of an agent's directory. */
export interface ImportedTree {
  tree: string;
  /** Changed against the recorded base, by path; empty when nothing changed. */
  changes: TreeChange[];
}

export interface CommitRequest {
  tree: string;
  parents: string[];
  message: string;
  author: { name: string; email: string };
  /** Author and committer date. */
  at: Date;
}

export interface Git {
  /** Version of the program, as `2.39.5`. @throws `config` when there is none. */
  version(): Promise<string>;

  /** Creates mirror and preserved repository where they are missing, and makes a broken one anew (it holds nothing that the forge lacks; the preserved one is never removed). */
  openHost(repo: string): Promise<HostRepository>;
  /**
   * Fetches these branches of the forge into the mirror, with explicit refspecs; deletes nothing. Branches already at the given SHA are not fetched.
   * @throws `not_found` for a branch or a repository that is not there, `auth`, `unavailable` or `timeout` when the remote does not answer.
   */
  fetch(host: HostRepository, remote: GitRemote, branches: { branch: string; sha?: string }[]): Promise<void>;
  /** The commit a ref of mirror or preserved repository names. */
  findCommit(gitDir: string, rev: string): Promise<string | undefined>;
  treeOf(host: HostRepository, commit: string): Promise<string>;
  isAncestor(host: HostRepository, ancestor: string, commit: string): Promise<boolean>;

  /**
   * Makes a throw-away clone at `path` (which must not exist) whose objects are
   * shared with the mirror, with `commit` checked out on a local branch.
   * `tree`, when given, is laid over it uncommitted (a conflict to solve, or a
   * tree to verify); it may be in the preserved repository.
   */
  createWorkspace(host: HostRepository, workspace: { path: string; commit: string; branch: string; tree?: string }): Promise<void>;
  /** Paths that are untracked in the workspace now, with what tells a later change: left by `setup`. Ignored files are not in it. */
  listUntracked(host: HostRepository, workspace: string, commit: string): Promise<Record<string, string>>;
  /**
   * Reads the directory as a tree against `base`: refuses nested repositories,
   * new or changed gitlinks and `.git` tricks; leaves out ignored files, the
   * control files given, and `untracked` files that have not changed.
   * @throws `refused` with the path, `corrupt` when the directory cannot be read.
   */
  importTree(
    host: HostRepository,
    source: { path: string; base: string; exclude: string[]; untracked: Record<string, string> },
  ): Promise<ImportedTree>;
  /** Changes between two commits or trees, by path. */
  diff(host: HostRepository, from: string, to: string): Promise<TreeChange[]>;
  /** The change as a patch for people and for the next agent, at most `maxBytes`. */
  renderPatch(host: HostRepository, from: string, to: string, maxBytes: number): Promise<string>;
  /** Makes a commit in the preserved repository. Same request, same commit. */
  commitTree(host: HostRepository, commit: CommitRequest): Promise<string>;
  /** Keeps a commit under `refs/agentos/preserved/<task>/<attempt>`. */
  preserve(host: HostRepository, task: string, attempt: number, commit: string): Promise<void>;
  /** Merges two commits on paper. `tree` holds conflict markers where `conflicts` is not empty. */
  mergeTree(host: HostRepository, ours: string, theirs: string): Promise<{ tree: string; conflicts: string[] }>;
  /**
   * Pushes one commit of the preserved repository to one branch.
   * @param expected the branch's SHA at the remote, `undefined` when it must not exist.
   * @throws `conflict` when the branch is elsewhere, `refused` when a rule of the remote forbids it, `auth`, `not_found`,
   * `unavailable` when the remote does not answer, `unknown_outcome` when it was cut off after the commit was sent.
   */
  push(host: HostRepository, remote: GitRemote, push: { commit: string; branch: string; expected?: string }): Promise<void>;
  /** Removes a directory whatever an agent did to it; moves it aside first so that a slow removal delays nobody. */
  removeWorkspace(path: string): Promise<void>;
}
