/**
 * Replaces the content of a file in two steps: the new content is made durable
 * first, so that a full disk is met before anything moves; then it takes the
 * name, which must be there. Renaming over a name that has left would make a
 * second copy of a task.
 */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory, uniqueMark, unlinkIfThere, writeFully } from '../atomic-file.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, toIoError } from '../errors.ts';
import { exists } from './tray-files.ts';

/** Writes new content to a temporary file, hands it to `use`, and removes it if that fails. @throws AgentOsError `io`. */
export function withStaged<T>(text: string, tmpDir: string, use: (staged: string) => T): T {
  const staged = `${tmpDir}/.${uniqueMark()}.tmp`;
  try {
    writeSynced(staged, text);
    crashPoint('mailbox:staged');
    return use(staged);
  } catch (error) {
    unlinkIfThere(staged);
    throw toIoError(error, `write \`${staged}\``);
  }
}

/** Gives a staged file its name. @throws AgentOsError `conflict`: nothing has that name any more; `io`: the old content stays. */
export function placeStaged(staged: string, path: string): void {
  if (!exists(path)) throw new AgentOsError('conflict', `\`${path}\` has left`);
  try {
    renameSync(staged, path);
  } catch (error) {
    throw toIoError(error, `replace \`${path}\``);
  }
  crashPoint('mailbox:replaced');
  syncDirectory(dirname(path));
}

function writeSynced(path: string, text: string): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeFully(fd, Buffer.from(text));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
