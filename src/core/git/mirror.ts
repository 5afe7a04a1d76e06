/**
 * Fills the mirror from the forge: explicit refspecs of branches, nothing
 * deleted, nothing fetched that is there. A mirror that turns out to be damaged
 * is made anew once; it holds nothing that the forge lacks.
 */
import type { StatePaths } from '../config/paths.ts';
import { AgentOsError } from '../errors.ts';
import type { GitRemote } from '../github/github.ts';
import { cleanLine } from '../text.ts';
import type { HostRepository } from './git.ts';
import { type HostGit, isDamage, toGitError } from './host-git.ts';
import { replaceMirror } from './host-repository.ts';
import { checkBranch, isSha } from './names.ts';
import { dropTornRef, listHeads, readRef } from './refs.ts';
import { type Patience, runRemote, toRemoteError } from './remote.ts';
import type { GitExit } from './simple-git.ts';

export interface WantedBranch {
  branch: string;
  sha?: string;
}

/**
 * Brings branches to where the forge has them.
 * @throws AgentOsError `not_found` for a branch that the forge lacks, `unavailable` or `timeout` when it does not answer, `auth`, `locked`.
 */
export async function fetchBranches(
  git: HostGit,
  paths: StatePaths,
  host: HostRepository,
  remote: GitRemote,
  branches: WantedBranch[],
  patience: Patience,
): Promise<void> {
  const wanted = branches.filter(
    ({ branch, sha }) => sha === undefined || readRef(host.mirror, `refs/heads/${checkBranch(branch)}`) !== sha,
  );
  if (wanted.length === 0) return;
  const refs = wanted.map(({ branch }) => `refs/heads/${checkBranch(branch)}`);
  for (const ref of refs) dropTornRef(host.mirror, ref);
  const fetch = () => runFetch(git, host, remote, refs, patience);
  let exit = await fetch();
  if (exit.status !== 0 && isMirrorDamage(exit)) {
    await replaceMirror(paths, host, async () => {
      exit = await fetch();
      return exit.status !== 0;
    });
    if (exit.status !== 0) exit = await fetch();
  }
  if (exit.status !== 0) throw toFetchError(exit, remote.url);
}

function runFetch(git: HostGit, host: HostRepository, remote: GitRemote, refs: string[], patience: Patience): Promise<GitExit> {
  const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules', '--no-prune'];
  // `+`: the forge decides where its branches stand, also after a force push.
  const args = ['fetch', ...options, '--end-of-options', remote.url, ...refs.map((ref) => `+${ref}:${ref}`)];
  return runRemote(git, remote, { gitDir: host.mirror, args, config: { 'fetch.fsckObjects': 'true', ...TOLERATED } }, patience);
}

/** Flaws that old, honest histories have and that hurt nobody. */
const TOLERATED = Object.fromEntries(
  ['zeroPaddedFilemode', 'badTimezone', 'missingSpaceBeforeDate', 'missingSpaceBeforeEmail', 'missingNameBeforeEmail', 'missingEmail'].map(
    (flaw) => [`fetch.fsck.${flaw}`, 'ignore'],
  ),
);

/** The remote's own troubles come with `remote:` or name the remote; ours name our objects and refs. */
function isMirrorDamage(exit: GitExit): boolean {
  return (
    isDamage(exit.stderr) &&
    !/^remote:|RPC failed|unable to access|early EOF|does not appear to be a git repository|Could not read from remote/im.test(exit.stderr)
  );
}

function toFetchError(exit: GitExit, remote: string): AgentOsError {
  const missing = /couldn't find remote ref (\S+)/.exec(exit.stderr)?.[1];
  if (missing !== undefined) {
    return new AgentOsError('not_found', `\`${cleanLine(remote)}\` has no \`${cleanLine(missing.replace(/^refs\/heads\//, ''))}\``);
  }
  if (/fsck error|fsck failed|in fsck|unpack-objects failed/i.test(exit.stderr))
    return toGitError(exit, `accept what \`${remote}\` sent`, 'refused');
  return toRemoteError(exit, `fetch from \`${remote}\``);
}

/**
 * Tells a commit that nobody fetched from a mirror that lost its objects, and
 * replaces the latter.
 * @returns the error to throw.
 */
export async function diagnoseMirror(
  git: HostGit,
  paths: StatePaths,
  host: HostRepository,
  commit: string,
  exit: GitExit,
): Promise<AgentOsError> {
  const failure = toGitError(exit, `check out ${commit}`);
  if (failure.code !== 'corrupt') return failure;
  const exists = await git.run({ gitDir: host.mirror, args: ['cat-file', '-e', `${commit}^{commit}`] });
  if (exists.status !== 0 && !isPromised(host, commit)) {
    return new AgentOsError('not_found', `the commit ${commit} is not in the mirror of \`${host.repo}\``, {
      hint: 'Fetch its branch first.',
    });
  }
  let isDamaged = false;
  await replaceMirror(paths, host, async () => {
    isDamaged = !(await isWhole(git, host, commit));
    return isDamaged;
  });
  if (!isDamaged) return failure;
  return new AgentOsError('unavailable', `the mirror of \`${host.repo}\` had lost objects and was made anew; the next fetch fills it`);
}

/** Reads everything there is: an object may be in its place and damaged. Old flaws of an honest history are no damage. */
async function isWhole(git: HostGit, host: HostRepository, commit: string): Promise<boolean> {
  const listed = await git.run({
    gitDir: host.mirror,
    args: ['rev-list', '--objects', '--no-walk', '--quiet', '--end-of-options', commit],
  });
  if (listed.status !== 0) return false;
  const checked = await git.run({ gitDir: host.mirror, args: ['fsck', '--no-dangling', '--no-progress'] });
  const said = checked.stdout.toString() + checked.stderr;
  return checked.status === 0 || !/^missing |broken link|corrupt|mismatch|unable to|cannot|inflate/im.test(said);
}

/** True when a branch of the mirror says that the commit is there. */
function isPromised(host: HostRepository, commit: string): boolean {
  return isSha(commit) && listHeads(host.mirror).includes(commit);
}
