/**
 * Reads what an agent left in a directory as a tree, with the git dir, index
 * and configuration of the host. Commits, refs and the index of the agent are
 * not looked at. In-tree `.gitattributes` are honoured as git without any
 * configured filter honours them: line ends and encodings are converted as for
 * any developer, no driver runs, and Git LFS is not supported (its pointers
 * pass as they are). Files inside the directory of a submodule that is not
 * checked out are left out, as git leaves them out.
 */
import { lstatSync, writeFileSync } from 'node:fs';
import { unlinkIfThere } from '../atomic-file.ts';
import type { StatePaths } from '../config/paths.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { cleanLine } from '../text.ts';
import { decodePath, describeChanges, listRawChanges, type RawChange } from './changes.ts';
import { toExcludePatterns } from './exclude.ts';
import type { HostRepository, ImportedTree } from './git.ts';
import { DURABLE, type GitCall, type HostGit, toGitError } from './host-git.ts';
import { checkSha } from './names.ts';
import type { GitExit } from './simple-git.ts';
import { isUnchanged, stampOf } from './untracked.ts';
import { type WalkReport, walkTree } from './walk.ts';
import { dropIndex, openIndex } from './workspace.ts';

/** Far above what policy lets through: this only keeps a runaway file out of the object store. */
const MAX_IMPORT_FILE_BYTES = 100 * 1024 * 1024;
const MAX_IMPORT_BYTES = 1024 * 1024 * 1024;

export interface ImportSource {
  path: string;
  base: string;
  exclude: string[];
  untracked: Record<string, string>;
}

interface Import {
  git: HostGit;
  host: HostRepository;
  /** How git is called on this work tree; `args` are added. */
  call: Omit<GitCall, 'args'>;
  source: ImportSource;
  /** True for a path that is no part of the change. */
  isLeftOut: (path: string) => boolean;
}

/** @throws AgentOsError `refused` with the path, `corrupt` when the directory cannot be read. */
export async function importDirectory(git: HostGit, paths: StatePaths, host: HostRepository, source: ImportSource): Promise<ImportedTree> {
  checkSha(source.base);
  const report = await walkTree(source.path, MAX_IMPORT_FILE_BYTES);
  const unchanged = Object.entries(source.untracked).flatMap(([path, stamp]) =>
    isUnchanged(`${source.path}/${path}`, stamp) ? [path] : [],
  );
  const index = await openIndex(git, paths, host, source.path, source.base);
  const exclude = `${index}.exclude`;
  writeExclude(exclude, toExcludePatterns([...source.exclude, ...unchanged], report.filesBelow));
  const work: Import = {
    git,
    host,
    source,
    isLeftOut: leftOut(source.exclude, new Set(unchanged)),
    call: { gitDir: host.preserved, workTree: source.path, index, config: { ...DURABLE, 'core.excludesFile': exclude } },
  };
  try {
    await refuseLarge(work, report);
    await forgetSpecial(work, report);
    await addAll(work, paths);
    return await toTree(work);
  } finally {
    unlinkIfThere(exclude);
  }
}

function writeExclude(path: string, patterns: string[]): void {
  try {
    writeFileSync(path, `${patterns.join('\n')}\n`);
  } catch (error) {
    throw toIoError(error, `write \`${path}\``);
  }
}

/** Paths that are untracked now, each with its stamp. @throws as `importDirectory`. */
export async function stampUntracked(
  git: HostGit,
  paths: StatePaths,
  host: HostRepository,
  workspace: string,
  commit: string,
): Promise<Record<string, string>> {
  await walkTree(workspace, MAX_IMPORT_FILE_BYTES);
  const index = await openIndex(git, paths, host, workspace, commit);
  const call = { gitDir: host.preserved, workTree: workspace, index, args: ['ls-files', '-z', '--others', '--exclude-standard'] };
  const listed = splitPaths(await git.output(call, `list \`${workspace}\``));
  return Object.fromEntries(
    listed.flatMap((path): [string, string][] => {
      const stamp = stampOf(`${workspace}/${path}`);
      return stamp === undefined ? [] : [[path, stamp]];
    }),
  );
}

function leftOut(exclude: string[], unchanged: Set<string>): (path: string) => boolean {
  return (path) => unchanged.has(path) || exclude.some((name) => path === name || path.startsWith(`${name}/`));
}

/** Only files that would enter the tree count, so git is asked which those are, but only when something is large at all. */
async function refuseLarge(work: Import, report: WalkReport): Promise<void> {
  if (report.large.length === 0 && report.totalBytes <= MAX_IMPORT_BYTES) return;
  const args = ['ls-files', '-z', '--others', '--modified', '--exclude-standard'];
  const listed = splitPaths(await work.git.output({ ...work.call, args }, `list \`${work.source.path}\``));
  let total = 0;
  for (const path of listed.filter((name) => !work.isLeftOut(name))) {
    const size = sizeOf(`${work.source.path}/${path}`);
    total += size;
    if (size > MAX_IMPORT_FILE_BYTES) {
      throw new AgentOsError('refused', `\`${cleanLine(path)}\` has ${size} bytes; no file above ${MAX_IMPORT_FILE_BYTES} is read`);
    }
  }
  if (total > MAX_IMPORT_BYTES) {
    throw new AgentOsError('refused', `the new and changed files have ${total} bytes; no more than ${MAX_IMPORT_BYTES} are read`);
  }
}

function sizeOf(path: string): number {
  try {
    const stats = lstatSync(path);
    return stats.isFile() ? stats.size : 0;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return 0;
  }
}

/** Git passes a FIFO, socket or device over, but gives up where one stands in the place of a file it knows. */
async function forgetSpecial(work: Import, report: WalkReport): Promise<void> {
  if (report.special.length === 0) return;
  const input = Buffer.concat(report.special.flatMap((path) => [path, Buffer.from([0])]));
  const args = ['update-index', '--force-remove', '-z', '--stdin'];
  await work.git.output({ ...work.call, args, input }, `leave out special files of \`${work.source.path}\``);
}

async function addAll(work: Import, paths: StatePaths): Promise<void> {
  const { git, host, source } = work;
  const add = () => git.run({ ...work.call, args: ['add', '--all'] });
  let exit = await add();
  if (exit.status !== 0 && /index file|bad signature|bad index|index uses|unordered stage/i.test(exit.stderr)) {
    dropIndex(paths, source.path);
    await openIndex(git, paths, host, source.path, source.base);
    exit = await add();
  }
  if (exit.status !== 0) throw toAddError(exit, source.path);
  crashPoint('git:tree-added');
}

function toAddError(exit: GitExit, path: string): AgentOsError {
  const ofTheTree =
    /invalid path|failed to encode|BOM is (required|prohibited)|unable to add|unable to index file|does not have a commit checked out|unsupported file type|beyond a symbolic link/i;
  return toGitError(exit, `read the tree of \`${path}\``, ofTheTree.test(exit.stderr) ? 'refused' : 'corrupt');
}

async function toTree(work: Import): Promise<ImportedTree> {
  let { tree, raw } = await writeTree(work);
  const undo = raw.filter((change) => work.isLeftOut(change.path) || isVanishedSubmodule(change));
  if (undo.length > 0) {
    await restore(work, undo);
    ({ tree, raw } = await writeTree(work));
  }
  const link = raw.find((change) => change.newMode === '160000' || change.oldMode === '160000');
  if (link) throw new AgentOsError('refused', `\`${cleanLine(link.path)}\` is a new or changed submodule`);
  crashPoint('git:tree-imported');
  return { tree, changes: await describeChanges(work.git, work.host, raw, tree) };
}

/** The empty directory of a submodule that is not checked out may get lost; that removes no submodule. */
function isVanishedSubmodule(change: RawChange): boolean {
  return change.oldMode === '160000' && change.newMode === '000000';
}

async function writeTree(work: Import): Promise<{ tree: string; raw: RawChange[] }> {
  const tree = (await work.git.output({ ...work.call, args: ['write-tree'] }, `write the tree of \`${work.source.path}\``))
    .toString()
    .trim();
  return { tree, raw: await listRawChanges(work.git, work.host, work.source.base, tree) };
}

/** Gives paths of the index back what the base has there. */
async function restore(work: Import, changes: RawChange[]): Promise<void> {
  const input = changes.map(({ oldMode, oldSha, path }) => `${oldMode === '000000' ? '0' : oldMode} ${oldSha}\t${path}\0`).join('');
  const args = ['update-index', '-z', '--index-info'];
  await work.git.output({ ...work.call, args, input }, `leave out files of \`${work.source.path}\``);
}

function splitPaths(output: Buffer): string[] {
  const paths: string[] = [];
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(0, at);
    paths.push(decodePath(output.subarray(at, end)));
    at = end + 1;
  }
  return paths;
}
