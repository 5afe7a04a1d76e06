/**
 * What differs between two trees, with what the tree policy needs to know of
 * each path. Reads objects alone, never a work tree: in-tree attributes may
 * have converted what lies there.
 */
import { AgentOsError } from '../errors.ts';
import type { HostRepository } from './git.ts';
import type { HostGit } from './host-git.ts';
import { checkSha } from './names.ts';
import { type ObjectFound, type ObjectWish, readObjects } from './objects.ts';
import { manifestDiffers } from './protected-paths.ts';
import { crossesLink, type TreeChange } from './tree-policy.ts';

/** One line of `diff-tree --raw`. */
export interface RawChange {
  path: string;
  oldMode: string;
  newMode: string;
  oldSha: string;
  newSha: string;
}

/** Compares two commits or trees. @throws AgentOsError `refused` for a path that is not UTF-8. */
export async function listRawChanges(git: HostGit, host: HostRepository, from: string, to: string): Promise<RawChange[]> {
  // Every submodule counts: `--ignore-submodules` would hide a changed gitlink.
  const args = [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-abbrev',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--ignore-submodules=none',
  ];
  const call = { gitDir: host.preserved, args: [...args, '--end-of-options', checkSha(from), checkSha(to)] };
  return parseRaw(await git.output(call, `compare ${from} with ${to}`));
}

/** Reads the output of `diff-tree -r -z --raw --no-abbrev`. */
function parseRaw(output: Buffer): RawChange[] {
  const changes: RawChange[] = [];
  for (let at = 0; at < output.length; ) {
    const middle = output.indexOf(0, at);
    const end = output.indexOf(0, middle + 1);
    const match = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [AMDT]$/.exec(output.subarray(at, middle).toString());
    if (middle < 0 || end < 0 || !match) throw new AgentOsError('corrupt', 'git gave a list of changes that cannot be read');
    const [, oldMode = '', newMode = '', oldSha = '', newSha = ''] = match;
    changes.push({ path: decodePath(output.subarray(middle + 1, end)), oldMode, newMode, oldSha, newSha });
    at = end + 1;
  }
  return changes;
}

/** @throws AgentOsError `refused` when the bytes are not UTF-8: no forge, and no message of ours, could name that path. */
export function decodePath(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AgentOsError('refused', `the path \`${Buffer.from(bytes).toString('latin1')}\` is not UTF-8`);
  }
}

/** Adds sizes, symlink targets and the verdict on manifests. */
export async function describeChanges(git: HostGit, host: HostRepository, raw: RawChange[], to: string): Promise<TreeChange[]> {
  const objects = await readObjects(git, host, raw.flatMap(wishesOf));
  const links = raw.some((change) => change.newMode === LINK) ? await listLinks(git, host, to) : new Set<string>();
  return raw.map((change) => describe(change, objects, links));
}

const LINK = '120000';
const GITLINK = '160000';

function isFile(mode: string): boolean {
  return mode !== '000000' && mode !== GITLINK;
}

function isManifest(change: RawChange): boolean {
  return change.path === 'package.json' || change.path.endsWith('/package.json');
}

function wishesOf(change: RawChange): ObjectWish[] {
  const manifest = isManifest(change);
  const wishes = isFile(change.newMode) ? [{ sha: change.newSha, content: manifest || change.newMode === LINK }] : [];
  return manifest && isFile(change.oldMode) ? [...wishes, { sha: change.oldSha, content: true }] : wishes;
}

function describe(change: RawChange, objects: Map<string, ObjectFound>, links: Set<string>): TreeChange {
  const object = isFile(change.newMode) ? objects.get(change.newSha) : undefined;
  const target = change.newMode === LINK ? object?.content?.toString() : undefined;
  return {
    path: change.path,
    kind: change.oldMode === '000000' ? 'added' : change.newMode === '000000' ? 'deleted' : 'modified',
    oldMode: change.oldMode,
    newMode: change.newMode,
    size: object?.size ?? 0,
    ...(target === undefined ? {} : { linkTarget: target, throughLink: crossesLink(change.path, target, links) }),
    ...(isManifest(change) ? { manifestChanged: manifestOf(change, objects) } : {}),
  };
}

function manifestOf(change: RawChange, objects: Map<string, ObjectFound>): boolean {
  const textOf = (mode: string, sha: string) => (isFile(mode) ? (objects.get(sha)?.content?.toString() ?? '') : undefined);
  return manifestDiffers(textOf(change.oldMode, change.oldSha), textOf(change.newMode, change.newSha));
}

async function listLinks(git: HostGit, host: HostRepository, to: string): Promise<Set<string>> {
  const call = { gitDir: host.preserved, args: ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', to] };
  const entries = (await git.output(call, `list ${to}`)).toString().split('\0');
  return new Set(entries.filter((entry) => entry.startsWith(LINK)).map((entry) => entry.slice(entry.indexOf('\t') + 1)));
}
