/** Reads one task file. Pays for the schema only when there is something to read, and for YAML only where a person wrote it. */
import { AgentOsError, messageOf } from '../errors.ts';
import { readFrontMatter } from '../front-matter-read.ts';
import type { Letter } from './mailbox.ts';
import { pathOf, readContent, type TrayFile } from './tray-files.ts';

/** `held`: a newer version wrote it. `mark` tells this content from a later one of the same name. */
export type Reading =
  | { kind: 'gone' }
  | { kind: 'bad'; reason: string; mark: string }
  | { kind: 'held'; error: AgentOsError; mark: string }
  | { kind: 'letter'; letter: Letter; mark: string };

/** Kept after the first use: asking the module loader again for every file would cost more than reading it. */
let codec: typeof import('./message.ts') | undefined;

/** @throws AgentOsError `io`: the disk, not the file, is at fault. */
export async function readLetter(root: string, at: TrayFile): Promise<Reading> {
  const content = readContent(pathOf(root, at));
  if (content.kind !== 'bytes') return content;
  const { mark } = content;
  codec ??= await import('./message.ts');
  const { decodeMessage, toMessage } = codec;
  try {
    const { task, body } = toMessage(await readFrontMatter(decodeMessage(content.bytes)), at.id);
    return { kind: 'letter', letter: { task, body, tray: at.tray, ...(at.owner && { owner: at.owner }) }, mark };
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    return error.code === 'refused' ? { kind: 'held', error, mark } : { kind: 'bad', reason: messageOf(error), mark };
  }
}
