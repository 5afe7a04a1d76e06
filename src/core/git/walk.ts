/**
 * Walks a directory that an agent had in its hands, before git looks at it: a
 * nested repository is refused here, because git would read the configuration
 * of one that it meets (fact 3 of docs/threat-model.md). Follows no link, opens
 * no file, makes unreadable things of ours readable again.
 */
import { chmodSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { cleanLine } from '../text.ts';
import { isDotGit } from './names.ts';

export interface WalkReport {
  /** Relative paths of regular files larger than the limit. */
  large: Buffer[];
  /** Relative paths of FIFOs, sockets and devices, which no tree can hold. */
  special: Buffer[];
  /** Bytes of all regular files, ignored ones included. */
  totalBytes: number;
  /** Regular files and symlinks below each directory, ignored ones included; the root is `''`. */
  filesBelow: Map<string, number>;
}

/** Directories after which others get their turn: several attempts share one process. */
const BREATH = 256;

/**
 * Walks everything but the top `.git`, whatever that has become.
 * @throws AgentOsError `refused` for a nested repository or a path too long for
 *   the system, `corrupt` for what cannot be read, `io` for a failing disk.
 */
export async function walkTree(root: string, largeBytes: number): Promise<WalkReport> {
  const report: WalkReport = { large: [], special: [], totalBytes: 0, filesBelow: new Map() };
  const top = Buffer.from(root);
  const open: Buffer[] = [Buffer.alloc(0)];
  for (let count = 1; open.length > 0; count++) {
    const directory = open.pop() ?? Buffer.alloc(0);
    let files = 0;
    for (const name of readNames(top, directory)) {
      if (isDotGit(name.toString())) {
        if (directory.length === 0 && name.toString() === '.git') continue;
        throw new AgentOsError('refused', `\`${show(join(directory, name))}\` looks like a nested git repository`);
      }
      files += visit(top, join(directory, name), open, report, largeBytes);
    }
    countFiles(report.filesBelow, directory.toString(), files);
    if (count % BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return report;
}

function visit(top: Buffer, path: Buffer, open: Buffer[], report: WalkReport, largeBytes: number): 0 | 1 {
  const stats = onPath(path, () => lstatSync(join(top, path)));
  if (stats.isDirectory()) {
    open.push(path);
    return 0;
  }
  if (stats.isFile()) {
    makeReadable(top, path, stats);
    report.totalBytes += stats.size;
    if (stats.size > largeBytes) report.large.push(path);
  } else if (!stats.isSymbolicLink()) {
    report.special.push(path);
  }
  return stats.isFile() || stats.isSymbolicLink() ? 1 : 0;
}

function countFiles(counts: Map<string, number>, directory: string, files: number): void {
  for (const at of ancestors(directory)) counts.set(at, (counts.get(at) ?? 0) + files);
}

/** A directory and all above it, the root `''` last. */
function ancestors(directory: string): string[] {
  const found = [];
  for (let at = directory; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) found.push(at);
  return [...found, ''];
}

/** An agent may have taken the read permission away; the execute bits, which git records, stay. */
function makeReadable(top: Buffer, path: Buffer, stats: Stats): void {
  if ((stats.mode & 0o400) === 0) onPath(path, () => chmodSync(join(top, path), (stats.mode & 0o777) | 0o600));
}

function readNames(top: Buffer, directory: Buffer): Buffer[] {
  const absolute = join(top, directory);
  return onPath(directory, () => {
    try {
      return readdirSync(absolute, { encoding: 'buffer' });
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error;
      chmodSync(absolute, 0o700);
      return readdirSync(absolute, { encoding: 'buffer' });
    }
  });
}

function onPath<T>(path: Buffer, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENAMETOOLONG')
      throw new AgentOsError('refused', `the path \`${show(path)}\` is too long for the system`, { cause: error });
    if (errno === 'EIO' || errno === 'EMFILE' || errno === 'ENFILE') throw toIoError(error, `read \`${show(path)}\``);
    throw new AgentOsError('corrupt', `cannot read \`${show(path) || '.'}\` in the workspace: ${errno ?? String(error)}`, { cause: error });
  }
}

function join(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, SLASH, name]);
}

const SLASH = Buffer.from('/');

function show(path: Buffer): string {
  return cleanLine(path.toString(), 200);
}
