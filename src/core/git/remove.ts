/**
 * Removes a directory whatever an agent did to it. It is first moved aside, so
 * that its path is free at once and a crash in between leaves nothing that
 * could be taken for a workspace. What a killed process left aside is removed
 * on the next call.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';

const PREFIX = '.trash-';
/** After this nobody works on a removal any more. */
const ABANDONED_MS = 60 * 60_000;

/**
 * @param trash the directory, on the same file system, in which it is moved aside.
 * @param path the PATH for `rm`, `chmod` and `chattr`, which reach paths longer than the system's limit.
 * @throws AgentOsError `io` when something of it cannot be removed.
 */
export async function removeDirectory(directory: string, trash: string, path: string): Promise<void> {
  const aside = join(trash, `${PREFIX}${Date.now()}-${randomBytes(6).toString('hex')}`);
  if (await moveAside(directory, aside, path)) {
    crashPoint('git:workspace-aside');
    await erase(aside, path);
  }
  for (const name of abandoned(trash)) await erase(join(trash, name), path);
}

/** Removes a directory that holds nothing; one that does stays. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw toIoError(error, `remove \`${directory}\``);
  }
}

async function moveAside(directory: string, aside: string, path: string): Promise<boolean> {
  try {
    return rename(directory, aside);
  } catch (error) {
    if (!['EPERM', 'EACCES'].includes(errnoOf(error) ?? '')) throw toIoError(error, `move \`${directory}\` aside`);
  }
  await soften(directory, path);
  try {
    return rename(directory, aside);
  } catch (error) {
    throw toIoError(error, `move \`${directory}\` aside`);
  }
}

function rename(directory: string, aside: string): boolean {
  try {
    renameSync(directory, aside);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && lstatSync(directory, { throwIfNoEntry: false }) === undefined) return false;
    throw error;
  }
}

async function erase(directory: string, path: string): Promise<void> {
  if (await run(['rm', '-rf', '--', directory], path)) return;
  await soften(directory, path);
  if (await run(['rm', '-rf', '--', directory], path)) return;
  if (!existsSync(directory)) return;
  throw new AgentOsError('io', `cannot remove \`${directory}\``, { hint: 'Remove it by hand as root.' });
}

/** Takes back write permission and, where we may, immutable and append-only bits. */
async function soften(directory: string, path: string): Promise<void> {
  await run(['chattr', '-R', '-f', '-i', '-a', '--', directory], path);
  try {
    chmodSync(directory, 0o700);
  } catch {
    // The removal that follows says what is wrong.
  }
  await run(['chmod', '-R', 'u+rwX', '--', directory], path);
}

async function run([program = '', ...args]: string[], path: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, args, { env: { PATH: path, LC_ALL: 'C' }, maxBuffer: 64 * 1024 * 1024 });
    return true;
  } catch {
    return false; // the caller looks whether the directory is gone
  }
}

function abandoned(trash: string): string[] {
  if (!existsSync(trash)) return [];
  return readdirSync(trash).filter((name) => {
    const since = new RegExp(`^\\${PREFIX}(\\d+)-`).exec(name)?.[1];
    return since !== undefined && Date.now() - Number(since) > ABANDONED_MS;
  });
}
