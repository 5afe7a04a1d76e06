/**
 * Reads the result file from a directory that an agent had for itself (row 25
 * of docs/threat-model.md): a symlink, FIFO, device, hard link, directory or
 * huge file there ends in a reason, never in a read outside, a hang or a full
 * memory. Called when nothing of the agent lives any more.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { AgentOsError, errnoOf, messageOf } from '../errors.ts';
import { type AgentResult, parseResult, RESULT_LIMIT_BYTES } from './result.ts';

/** Where agents leave their result, in the workspace. */
export const RESULT_FILE = '.agent_result.md';

export type ReadResult = { result: AgentResult } | { problem: 'no_result' | 'invalid_result'; reason: string };

/** @param file absolute path inside `workspace` */
export function readResultFile(workspace: string, file = join(workspace, RESULT_FILE)): ReadResult {
  try {
    const text = readSafely(workspace, file);
    if (text === undefined) return { problem: 'no_result', reason: 'the agent left no result file' };
    if (text.trim() === '') return { problem: 'no_result', reason: 'the result file is empty' };
    return { result: parseResult(text) };
  } catch (error) {
    if (error instanceof AgentOsError || errnoOf(error) !== undefined) return { problem: 'invalid_result', reason: messageOf(error) };
    throw error;
  }
}

function readSafely(workspace: string, file: string): string | undefined {
  try {
    checkParents(workspace, file);
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
    const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    try {
      return readRegular(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP') throw invalid('is a symlink');
    if (errno === 'ENXIO') throw invalid('is not a regular file');
    throw error;
  }
}

/** O_NOFOLLOW looks at the last component only. */
function checkParents(workspace: string, file: string): void {
  const inside = relative(workspace, dirname(file));
  if (inside === '..' || inside.startsWith(`..${sep}`)) throw invalid('is outside the workspace');
  let at = workspace;
  for (const part of ['', ...inside.split(sep).filter((name) => name !== '')]) {
    at = join(at, part);
    if (!lstatSync(at).isDirectory()) throw invalid('lies behind a symlink');
  }
}

function readRegular(fd: number): string {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw invalid('is not a regular file');
  if (stat.nlink !== 1) throw invalid('is a hard link');
  if (stat.size > RESULT_LIMIT_BYTES) throw invalid(`is larger than ${RESULT_LIMIT_BYTES / 1024} kB`);
  const bytes = Buffer.alloc(stat.size);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) read = readSync(fd, bytes, length, bytes.length - length, null);
  return bytes.toString('utf8', 0, length);
}

function invalid(reason: string): AgentOsError {
  return new AgentOsError('corrupt', `the result file ${reason}`);
}
