/**
 * What the choice of the next task needs to know of every waiting task, so
 * that thousands of files are not read again each minute. Derived: it may be
 * removed at any time, and a wrong one is made anew. An entry counts only while
 * inode, size and time of its file are the ones it was made of; and whoever
 * claims a task reads the file itself.
 */
import { readIfThere, writeFileAtomic } from '../atomic-file.ts';
import type { Waiting } from './mailbox.ts';

/** Fewer files than this are read as fast as an index. */
export const INDEX_FROM = 64;

const VERSION = 4;

interface IndexEntry {
  /** `markOf` the file. */
  mark: string;
  waiting: Waiting;
}

/** By file name in `inbox`. */
export type WaitingIndex = Map<string, IndexEntry>;

type Row = [
  file: string,
  mark: string,
  repo: string,
  issue: number,
  priority: string,
  createdAt: string,
  notBefore: string | 0,
  pull: number,
  preparing: 'pending' | 'split' | 0,
  waitsFor: 'agent' | 'program' | 0,
  agents: readonly string[] | 0,
];

/** The index, as far as it can be read. */
export function readIndex(root: string): WaitingIndex {
  const index: WaitingIndex = new Map();
  for (const row of readRows(`${root}/.index.json`)) {
    if (!isRow(row)) continue;
    const [file, mark, repo, issue, priority, createdAt, notBefore, pull, preparing, waitsFor, agents] = row;
    const waiting: Waiting = { id: file.slice(0, -3), repo, issue, priority: priority as Waiting['priority'], createdAt };
    if (notBefore !== 0) waiting.notBefore = notBefore;
    if (pull !== 0) waiting.pullRequest = pull;
    if (preparing !== 0) waiting.preparing = preparing;
    if (waitsFor !== 0) waiting.waitsFor = waitsFor;
    if (agents !== 0) waiting.agents = agents;
    index.set(file, { mark, waiting });
  }
  return index;
}

export function writeIndex(root: string, index: WaitingIndex): void {
  const rows = Array.from(index, ([file, { mark, waiting }]): Row => {
    const { repo, issue, priority, createdAt, notBefore = 0, pullRequest = 0, preparing = 0, waitsFor = 0, agents = 0 } = waiting;
    return [file, mark, repo, issue, priority, createdAt, notBefore, pullRequest, preparing, waitsFor, agents];
  });
  writeFileAtomic(`${root}/.index.json`, JSON.stringify({ version: VERSION, rows }), { durable: false, tmpDir: `${root}/tmp` });
}

function readRows(path: string): unknown[] {
  try {
    const { version, rows } = JSON.parse(readIfThere(path) ?? '{}') as { version?: unknown; rows?: unknown };
    return version === VERSION && Array.isArray(rows) ? rows : [];
  } catch {
    return []; // derived: whatever is wrong with it, it is made anew
  }
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row) || row.length !== 11) return false;
  const [file, mark, repo, issue, priority, createdAt, notBefore, pull, preparing, waitsFor, agents] = row as unknown[];
  return (
    [file, mark, repo, createdAt].every((text) => typeof text === 'string') &&
    [issue, pull].every(Number.isSafeInteger) &&
    (notBefore === 0 || typeof notBefore === 'string') &&
    (preparing === 0 || preparing === 'pending' || preparing === 'split') &&
    (waitsFor === 0 ? agents === 0 : (waitsFor === 'agent' || waitsFor === 'program') && isChain(agents)) &&
    (priority === 'high' || priority === 'normal' || priority === 'low')
  );
}

function isChain(agents: unknown): boolean {
  return Array.isArray(agents) && agents.length > 0 && agents.every((name) => typeof name === 'string');
}
