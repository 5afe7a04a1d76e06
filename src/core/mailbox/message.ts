/**
 * A task file as text. Writing gives what reading takes back; reading is
 * strict, and refuses what is not wholly a task. Pure.
 */
import { AgentOsError } from '../errors.ts';
import { type Document, type FrontMatter, renderFrontMatter } from '../front-matter.ts';
import { MAX_FILE_BYTES } from './mailbox.ts';
import { Task } from './task.ts';

/** What `submit` takes, so that the history has room beside it for as long as the task lives. */
export const MAX_BODY_BYTES = 128 * 1024;

const VERSION = 1;

export interface Message {
  task: Task;
  body: string;
}

/**
 * The file text. The body is kept but for blank lines before it and white space after it.
 * @throws AgentOsError `refused`: the task is not valid, or the file would be too large.
 */
export function renderMessage(task: Task, body: string): string {
  const checked = Task.safeParse(task);
  if (!checked.success) {
    throw new AgentOsError('refused', `task \`${task.id}\` cannot be written: ${describe(checked.error.issues)}`);
  }
  if (Buffer.byteLength(body) > MAX_BODY_BYTES) {
    throw new AgentOsError('refused', `the text of task \`${task.id}\` is larger than ${MAX_BODY_BYTES / 1024} kB`, {
      hint: 'Shorten the issue, and link to what it quotes.',
    });
  }
  const text = renderFrontMatter(checked.data as FrontMatter, body);
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    throw new AgentOsError('refused', `the file of task \`${task.id}\` would be larger than ${MAX_FILE_BYTES / 1024} kB`);
  }
  return text;
}

/** The text of a file's bytes. @throws AgentOsError `corrupt`: they are not UTF-8, or hold NUL, which no editor writes and a torn file does. */
export function decodeMessage(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw new AgentOsError('corrupt', 'it holds zero bytes');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AgentOsError('corrupt', 'it is not UTF-8 text', { cause: error });
  }
}

/**
 * The task in a file whose front matter was read, and whose name says `id`.
 * @throws AgentOsError `corrupt`: it is not a task, or another one than the name says;
 *   `refused`: a newer version wrote it, so it must be left alone.
 */
export function toMessage(document: Document, id: string): Message {
  const { version } = document.data;
  if (typeof version === 'number' && version > VERSION) {
    throw new AgentOsError('refused', `task file \`${id}\` was written by a newer version of agentos (format ${version}): left alone`, {
      hint: 'Run the newer version, or move the file away.',
    });
  }
  const parsed = Task.safeParse(document.data);
  if (!parsed.success) throw new AgentOsError('corrupt', `it is not a task: ${describe(parsed.error.issues)}`);
  if (parsed.data.id !== id) throw new AgentOsError('corrupt', `its name says \`${id}\`, its content \`${parsed.data.id}\``);
  return { task: parsed.data, body: document.body };
}

function describe(issues: readonly { path: PropertyKey[]; message: string }[]): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `\`${path.join('.')}\`: ${message}`))
    .join('; ');
}
