/** The lines of `budget/<YYYY-MM>.ndjson`, and the entries that they add up to. Pure. */
import * as z from 'zod';
import { AgentOsError } from '../errors.ts';
import type { Entry } from './ledger.ts';

z.config({ jitless: true });

/** Above all that is ever limited, and small enough for exact sums. */
const MOST_USD = 1e9;
const usd = z.number().min(0).max(MOST_USD);

const Line = z.discriminatedUnion('op', [
  z.looseObject({ op: z.literal('reserve'), id: z.string(), task: z.string(), agent: z.string(), at: z.iso.datetime(), usd }),
  z.looseObject({ op: z.literal('settle'), id: z.string(), at: z.iso.datetime(), usd }),
  z.looseObject({ op: z.literal('release'), id: z.string(), at: z.iso.datetime() }),
]);
export type Line = z.infer<typeof Line>;

/** An entry, and the number (from 1) of the line that reserved it. */
export interface BookEntry extends Entry {
  line: number;
}

export interface BookContent {
  entries: BookEntry[];
  /** Numbers (from 1) of the lines that cannot be read: what they said is not in the entries. */
  badLines: number[];
}

/** @returns the entries, in order. */
export function readBook(text: string): BookContent {
  const entries = new Set<BookEntry>();
  // A run is the last one of its id that was not settled: what stands behind a settlement is another run.
  const open = new Map<string, BookEntry>();
  const badLines: number[] = [];
  const lines = text.split('\n');
  const tail = lines.pop() ?? '';
  if (parse(tail)) lines.push(tail);
  for (const [index, text] of lines.entries()) {
    // An append after a torn line ends it first: the piece before it is no line.
    if (text.trim() === '' || text.endsWith(TORN)) continue;
    const line = parse(text);
    if (line) apply(entries, open, line, index + 1);
    else badLines.push(index + 1);
  }
  return { entries: [...entries], badLines };
}

/** Ends a line that a crash cut off, so that it is not taken for damage. */
const TORN = ' #torn';

/**
 * What an append must write before its own line. A piece without a line feed
 * that is a whole line counts: a crash leaves a part of what was written, no
 * part of an object is an object, and so only the line feed is missing, by a
 * crash or by an editor. Any other piece was acted on by nobody.
 */
export function closeTail(text: string): string {
  const tail = text.slice(text.lastIndexOf('\n') + 1);
  if (tail === '') return '';
  return parse(tail) ? '\n' : `${TORN}\n`;
}

/** @returns the line with its end. @throws AgentOsError `refused` for one that could not be read again. */
export function renderLine(line: Line): string {
  const text = JSON.stringify(line);
  if (parse(text)) return `${text}\n`;
  throw new AgentOsError('refused', `nothing is booked that cannot be read again: \`${text.slice(0, 300)}\``);
}

/** What a run is settled with: a number that is none, or below zero, is a cost that nobody knows. @returns US dollars */
export function toSettledUsd(usd: number | undefined, reservedUsd: number): number {
  return usd === undefined || Number.isNaN(usd) || usd < 0 ? reservedUsd : Math.min(usd, MOST_USD);
}

function parse(text: string): Line | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function apply(entries: Set<BookEntry>, open: Map<string, BookEntry>, line: Line, number: number): void {
  const known = open.get(line.id);
  switch (line.op) {
    case 'reserve': {
      if (known) entries.delete(known);
      const entry = { id: line.id, task: line.task, agent: line.agent, at: line.at, reservedUsd: line.usd, line: number };
      entries.add(entry);
      open.set(line.id, entry);
      break;
    }
    case 'settle':
      // The first settlement stands: a later one is the same run, told again.
      if (known) known.settledUsd = line.usd;
      open.delete(line.id);
      break;
    case 'release':
      if (known) entries.delete(known);
      open.delete(line.id);
      break;
  }
}
