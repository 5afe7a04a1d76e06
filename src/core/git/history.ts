/**
 * Questions about commits and trees, commits and merges on paper. Works in the
 * preserved repository, which sees the mirror's objects as well.
 */

import { crashPoint } from '../crash-point.ts';
import { AgentOsError } from '../errors.ts';
import { decodePath } from './changes.ts';
import type { CommitRequest, HostRepository } from './git.ts';
import { DURABLE, type HostGit, toGitError } from './host-git.ts';
import { checkSha } from './names.ts';
import { readRef } from './refs.ts';

/** A full ref name is read from its file; anything else is resolved by git. */
export async function findCommit(git: HostGit, gitDir: string, rev: string): Promise<string | undefined> {
  if (rev.startsWith('refs/') && !rev.includes('..')) return readRef(gitDir, rev);
  const exit = await git.run({ gitDir, args: ['rev-parse', '--quiet', '--verify', '--end-of-options', `${rev}^{commit}`] });
  return exit.status === 0 ? exit.stdout.toString().trim() : undefined;
}

/** The tree of a commit. @throws AgentOsError `not_found` when the commit is not there. */
export async function treeOf(git: HostGit, host: HostRepository, commit: string): Promise<string> {
  const call = { gitDir: host.preserved, args: ['rev-parse', '--quiet', '--verify', '--end-of-options', `${checkSha(commit)}^{tree}`] };
  const exit = await git.run(call);
  if (exit.status !== 0) throw new AgentOsError('not_found', `the commit ${commit} is not in \`${host.repo}\` on this machine`);
  return exit.stdout.toString().trim();
}

/** @throws AgentOsError `not_found` when one of the commits is not there. */
export async function isAncestor(git: HostGit, host: HostRepository, ancestor: string, commit: string): Promise<boolean> {
  const call = { gitDir: host.preserved, args: ['merge-base', '--is-ancestor', '--end-of-options', checkSha(ancestor), checkSha(commit)] };
  const exit = await git.run(call);
  if (exit.status === 0 || exit.status === 1) return exit.status === 0;
  throw toGitError(exit, `relate ${ancestor} to ${commit}`, 'not_found');
}

/** The change as text, cut at `maxBytes` after a whole line, with a line that says so. Large and binary files are named only. */
export async function renderPatch(git: HostGit, host: HostRepository, from: string, to: string, maxBytes: number): Promise<string> {
  const note = '(the rest of the change is left out)\n';
  const options = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames', '--ignore-submodules=none', '--full-index', '-p', '-r'];
  const args = ['diff-tree', ...options, '--end-of-options', checkSha(from), checkSha(to)];
  const call = { gitDir: host.preserved, args, maxBytes, config: { 'core.bigFileThreshold': '1m' } };
  const output = await git.output(call, `compare ${from} with ${to}`);
  if (output.length < maxBytes) return output.toString();
  const room = Math.max(0, maxBytes - Buffer.byteLength(note));
  return `${output.subarray(0, output.lastIndexOf(10, room - 1) + 1).toString()}${room > 0 ? note : ''}`;
}

/** Same request, same commit: names, dates and message are all that enters it. @throws AgentOsError `corrupt` when tree or parent is missing. */
export async function writeCommit(git: HostGit, host: HostRepository, commit: CommitRequest): Promise<string> {
  const date = `@${Math.floor(commit.at.getTime() / 1000)} +0000`;
  const { name, email } = commit.author;
  const call = {
    gitDir: host.preserved,
    args: ['commit-tree', ...commit.parents.flatMap((parent) => ['-p', checkSha(parent)]), checkSha(commit.tree)],
    input: `${commit.message.replaceAll('\0', '').trimEnd()}\n`,
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    },
    config: DURABLE,
  };
  const sha = (await git.output(call, `commit the tree ${commit.tree}`)).toString().trim();
  crashPoint('git:commit-made');
  return sha;
}

/** Merges on paper. @throws AgentOsError `not_found` when one of the commits is not there, `conflict` when they share no history. */
export async function mergeOnPaper(
  git: HostGit,
  host: HostRepository,
  ours: string,
  theirs: string,
): Promise<{ tree: string; conflicts: string[] }> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', checkSha(ours), checkSha(theirs)];
  const exit = await git.run({ gitDir: host.preserved, args, config: DURABLE });
  // Status 1 with a tree is a conflict, without one a commit that is not there.
  if (exit.status !== 0 && (exit.status !== 1 || exit.stdout.length === 0)) {
    const code = /unrelated histories/.test(exit.stderr) ? 'conflict' : 'not_found';
    throw toGitError(exit, `merge ${theirs} into ${ours}`, code);
  }
  const [tree = '', ...conflicts] = splitNul(exit.stdout);
  return { tree: checkSha(tree), conflicts: [...new Set(conflicts)] };
}

function splitNul(output: Buffer): string[] {
  const parts: string[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0, at);
    const stop = end < 0 ? output.length : end;
    if (stop > at) parts.push(decodePath(output.subarray(at, stop)).replace(/\n$/, ''));
    at = stop + 1;
  }
  return parts;
}
