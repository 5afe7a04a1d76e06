/**
 * Keeps commits and pushes them. A preserved commit cannot lose what it stands
 * on: its own objects are in the preserved repository, the rest are in a mirror
 * from which nothing is ever removed. A fetch may move a branch there after a
 * force push, but no garbage collection runs in either repository (`gc.auto`
 * and `maintenance.auto` are off and `pruneExpire` is `never`), and a damaged
 * mirror is set aside and goes on lending its objects.
 */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDirectory, syncDirectory, writeFileAtomic } from '../atomic-file.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError } from '../errors.ts';
import type { GitRemote } from '../github/github.ts';
import { isTaskId } from '../ids.ts';
import { cleanLine } from '../text.ts';
import type { HostRepository } from './git.ts';
import { findCommit } from './history.ts';
import { type HostGit, toGitError } from './host-git.ts';
import { checkBranch, checkSha } from './names.ts';
import { isLoose } from './objects.ts';
import { readRef } from './refs.ts';
import { type Patience, runRemote, toRemoteError } from './remote.ts';
import type { GitExit } from './simple-git.ts';

/** The ref that keeps the work of one attempt. */
function preservedRef(task: string, attempt: number): string {
  if (!isTaskId(task) || !Number.isSafeInteger(attempt) || attempt < 1) {
    throw new AgentOsError('refused', `\`${task}\`, attempt ${attempt}, names no attempt`);
  }
  return `refs/agentos/preserved/${task}/${attempt}`;
}

/**
 * Points the attempt's ref at the commit, durably. Another commit that stood
 * there stays under the ref's name and its own first digits.
 * @throws AgentOsError `not_found` when the commit is not in the preserved repository.
 */
export async function preserveCommit(git: HostGit, host: HostRepository, task: string, attempt: number, commit: string): Promise<void> {
  const ref = preservedRef(task, attempt);
  if (!isLoose(host.preserved, checkSha(commit)) && (await findCommit(git, host.preserved, commit)) === undefined) {
    throw new AgentOsError('not_found', `the commit ${commit} is not in \`${host.preserved}\``);
  }
  const before = readRef(host.preserved, ref);
  if (before === commit) return;
  syncObjects(host.preserved);
  if (before !== undefined) writeRef(host.preserved, `${ref}.${before.slice(0, 12)}`, before);
  writeRef(host.preserved, ref, commit);
  crashPoint('git:preserved');
}

/** Git syncs the objects but not their directories, and a name that is lost in a power failure loses the object. */
function syncObjects(gitDir: string): void {
  for (const name of readdirSync(`${gitDir}/objects`)) {
    if (/^([0-9a-f]{2}|pack)$/.test(name)) syncDirectory(`${gitDir}/objects/${name}`);
  }
  syncDirectory(`${gitDir}/objects`);
}

function writeRef(gitDir: string, ref: string, commit: string): void {
  const path = `${gitDir}/${ref}`;
  ensureDirectory(dirname(path));
  writeFileAtomic(path, `${commit}\n`, { tmpDir: gitDir });
  for (let at = dirname(path); at !== gitDir; at = dirname(at)) syncDirectory(dirname(at));
}

/**
 * Pushes one commit to one branch, guarded by where the branch is expected.
 * A branch that is at the commit already is a success.
 * @throws AgentOsError `conflict` when the branch is elsewhere, `refused` when a
 *   rule of the remote forbids it, `auth`, `not_found`, `unavailable` when it does not answer,
 *   `unknown_outcome` or `timeout` when the commit may have arrived.
 */
export async function pushCommit(
  git: HostGit,
  host: HostRepository,
  remote: GitRemote,
  push: { commit: string; branch: string; expected?: string },
  patience: Patience,
): Promise<void> {
  const ref = `refs/heads/${checkBranch(push.branch)}`;
  const lease = `--force-with-lease=${ref}:${push.expected === undefined ? '' : checkSha(push.expected)}`;
  const options = ['--porcelain', '--no-verify', '--atomic', '--no-follow-tags', '--no-signed', '--recurse-submodules=no', lease];
  const args = ['push', ...options, '--end-of-options', remote.url, `${checkSha(push.commit)}:${ref}`];
  crashPoint('git:before-push');
  // On a connection that was used before, git's HTTP library sends a request whose answer is lost a second time, by itself.
  const config = { 'http.version': 'HTTP/1.1', 'http.extraHeader': 'Connection: close' };
  const exit = await runRemote(git, remote, { gitDir: host.preserved, args, config }, patience);
  crashPoint('git:after-push');
  if (exit.status !== 0) throw toPushError(exit, remote.url, push.branch);
}

function toPushError(exit: GitExit, remote: string, branch: string): AgentOsError {
  const reason = /^!\t[^\t]*\t(.*)$/m.exec(exit.stdout.toString())?.[1];
  const doing = `push \`${branch}\` to \`${remote}\``;
  // An object that we lack shows as a broken transfer on the other side.
  if (/fatal: bad object|src refspec|not a valid object/i.test(exit.stderr)) return toGitError(exit, doing, 'not_found');
  if (reason === undefined || WITHOUT_REPORT.test(reason)) {
    return toRemoteError(exit, doing, reason !== undefined || CUT_OFF.test(exit.stderr) ? 'unknown_outcome' : 'unavailable');
  }
  if (/unpacker error|unpack failed/i.test(reason)) return toGitError(exit, doing, 'unavailable');
  const isElsewhere =
    /stale info|fetch first|non-fast-forward|already exists|cannot lock ref|failed to lock|failed to update ref|reference already/i;
  if (isElsewhere.test(reason)) return new AgentOsError('conflict', `cannot ${doing}: ${cleanLine(reason)}`);
  const said = [reason, ...remoteLines(exit.stderr)].join('; ');
  return new AgentOsError('refused', `cannot ${doing}: ${cleanLine(said, 600)}`, {
    hint: /refusing to allow .*workflow/i.test(said)
      ? 'Give the credential the permission to change workflows, or keep the change out of `.github/workflows`.'
      : 'Look at the rules of the branch on the forge.',
  });
}

/** The other side took the commit, and its answer never came. */
const CUT_OFF = /hung up unexpectedly|RPC failed|unexpected disconnect|Connection reset|Operation too slow|early EOF/i;
const WITHOUT_REPORT = /^\[remote failure\]|failed to report status/i;

/** What hooks and rules of the remote say, which is more than the one line of the report. */
function remoteLines(stderr: string): string[] {
  return stderr.split('\n').flatMap((line) => {
    const said = /^remote:\s*(?:error:\s*)?(.*\S)/.exec(line)?.[1];
    return said === undefined ? [] : [said];
  });
}
