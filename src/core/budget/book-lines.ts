/** The lines of `budget/<YYYY-MM>.ndjson`, and the entries that they add up to. Pure. */
import * as z from 'zod';
import type { Entry } from './ledger.ts';

z.config({ jitless: true });

const usd = z.number().min(0).max(1e9);

const Line = z.discriminatedUnion('op', [
  z.looseObject({ op: z.literal('reserve'), id: z.string(), task: z.string(), agent: z.string(), at: z.iso.datetime(), usd }),
  z.looseObject({ op: z.literal('settle'), id: z.string(), at: z.iso.datetime(), usd }),
  z.looseObject({ op: z.literal('release'), id: z.string(), at: z.iso.datetime() }),
]);
export type Line = z.infer<typeof Line>;

/** @returns the entries, in order, or the number (from 1) of the first line that cannot be read. */
export function readBook(text: string): { entries: Entry[] } | { badLine: number } {
  const entries = new Map<string, Entry>();
  const lines = text.split('\n');
  // What follows the last line feed was cut off by a crash before it was whole: it was never acted on.
  lines.pop();
  for (const [index, text] of lines.entries()) {
    // An append after a torn line ends it first: the piece before it is no line.
    if (text === '' || text.endsWith(TORN)) continue;
    const line = parse(text);
    if (!line) return { badLine: index + 1 };
    apply(entries, line);
  }
  return { entries: [...entries.values()] };
}

/** Ends a line that a crash cut off, so that it is not taken for damage. */
export const TORN = ' #torn';

function parse(text: string): Line | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function apply(entries: Map<string, Entry>, line: Line): void {
  const known = entries.get(line.id);
  switch (line.op) {
    case 'reserve':
      if (known?.settledUsd === undefined) {
        entries.set(line.id, { id: line.id, task: line.task, agent: line.agent, at: line.at, reservedUsd: line.usd });
      }
      break;
    case 'settle':
      // The first settlement stands: a later one is the same run, told again.
      if (known && known.settledUsd === undefined) entries.set(line.id, { ...known, settledUsd: line.usd });
      break;
    case 'release':
      if (known?.settledUsd === undefined) entries.delete(line.id);
      break;
  }
}
