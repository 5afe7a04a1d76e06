/**
 * Parks what cannot be a task file, with the reason beside it. Never removes
 * and never overwrites: the file of the reason reserves the name.
 */
import { createFileAtomic, moveFile, unlinkIfThere } from '../atomic-file.ts';
import { errnoOf, toIoError } from '../errors.ts';
import type { Quarantined, Tray } from './mailbox.ts';
import { exists } from './tray-files.ts';

export const REASON_SUFFIX = '.reason.txt';

/** A name has at most 255 bytes, and a number and the suffix are added. */
const LONGEST_NAME = 200;

/**
 * Moves `<tray>/<file>` to `quarantine`, under the first free of `<file>`, `<stem>.1.md`, `<stem>.2.md`, ….
 * The caller holds the mailbox lock.
 * @returns `undefined` when the file is gone.
 */
export function quarantineFile(root: string, at: { tray: Tray; file: string }, reason: string, now: Date): Quarantined | undefined {
  const from = `${root}/${at.tray}/${at.file}`;
  const note = `from: ${at.tray}/${at.file}\nat: ${now.toISOString()}\nreason: ${reason}\n`;
  const to = reserve(root, at.file, note);
  try {
    moveFile(from, to);
  } catch (error) {
    unlinkIfThere(`${to}${REASON_SUFFIX}`);
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toIoError(error, `move \`${from}\` to quarantine`);
  }
  return { file: at.file, from: at.tray, reason };
}

function reserve(root: string, file: string, note: string): string {
  const name = Buffer.byteLength(file) > LONGEST_NAME ? 'long-name.md' : file;
  const stem = name.replace(/\.md$/, '');
  for (let n = 0; ; n++) {
    const path = `${root}/quarantine/${n === 0 ? name : `${stem}.${n}.md`}`;
    if (!exists(path) && createFileAtomic(`${path}${REASON_SUFFIX}`, note, { tmpDir: `${root}/tmp` })) return path;
  }
}
