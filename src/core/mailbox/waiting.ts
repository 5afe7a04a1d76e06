/** Lists the waiting tasks, reading only files that are not as they were when they were last read. */
import { AgentOsError } from '../errors.ts';
import { INDEX_FROM, readIndex, type WaitingIndex, writeIndex } from './index-file.ts';
import type { Letter, Waiting } from './mailbox.ts';
import { readLetter } from './read-letter.ts';
import { findMark, listNames, parseName } from './tray-files.ts';

/** So many newly read files are worth writing the index again. */
const WORTH_WRITING = 32;

export interface UnreadableFile {
  file: string;
  reason: string;
  mark: string;
}

/** What the inbox holds; `known` is the index of the last look of this process, and is brought up to date. */
export async function listInbox(root: string, known: WaitingIndex): Promise<{ waiting: Waiting[]; unreadable: UnreadableFile[] }> {
  const names = listNames(root, 'inbox').sort();
  if (known.size === 0 && names.length >= INDEX_FROM) for (const [file, entry] of readIndex(root)) known.set(file, entry);
  const unreadable: UnreadableFile[] = [];
  const present: WaitingIndex = new Map();
  let read = 0;
  for (const file of names) {
    const mark = findMark(`${root}/inbox/${file}`);
    const entry = known.get(file);
    if (entry && entry.mark === mark) {
      present.set(file, entry);
      continue;
    }
    if (mark === undefined) continue;
    read++;
    const at = parseName('inbox', file);
    const reading = at ? await readLetter(root, at) : { kind: 'bad' as const, reason: 'its name is not that of a task file', mark };
    if (reading.kind === 'bad') unreadable.push({ file, reason: reading.reason, mark: reading.mark });
    if (reading.kind === 'letter') present.set(file, { mark: reading.mark, waiting: toWaiting(reading.letter) });
  }
  const gone = known.size - (present.size - read);
  known.clear();
  for (const [file, entry] of present) known.set(file, entry);
  if (present.size >= INDEX_FROM && (read >= WORTH_WRITING || gone > present.size)) keep(root, present);
  return { waiting: Array.from(present.values(), (entry) => entry.waiting), unreadable };
}

function toWaiting({ task }: Letter): Waiting {
  return {
    id: task.id,
    repo: task.repo,
    issue: task.issue,
    priority: task.priority,
    createdAt: task.created_at,
    ...(task.not_before !== undefined && { notBefore: task.not_before }),
    ...(task.waits_for !== undefined && { waitsFor: task.waits_for, agents: task.agents }),
    ...(task.pull_request !== undefined && { pullRequest: task.pull_request }),
    ...((task.refine === 'pending' || task.refine === 'split') && { preparing: task.refine }),
  };
}

/** A disk that takes no index still holds the tasks: the next pass reads them again. */
function keep(root: string, index: WaitingIndex): void {
  try {
    writeIndex(root, index);
  } catch (error) {
    if (!(error instanceof AgentOsError && error.code === 'io')) throw error;
  }
}
