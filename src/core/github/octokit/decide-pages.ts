/**
 * How much of a repository's list of issues must be read? The list comes newest
 * update first, so whatever changed since it was last read as a whole stands
 * before the first entry that did not; and nothing leaves it without lowering
 * its total. One page is enough where both agree with what is known, every page
 * is read where they do not. Pages of a list that moved meanwhile are never
 * joined: an issue that jumped to the top would be lost between them. Pure.
 */

/** An issue as the list tells it. Instants are ISO 8601, by the forge's clock. */
export interface Entry {
  number: number;
  updatedAt: string;
}

/** One page of the list. */
export interface Page {
  /** Entries of the whole list. */
  total: number;
  entries: readonly Entry[];
  /** Where the next page begins; absent on the last one. */
  cursor?: string;
}

/** The list as it was last read as a whole. */
export interface KnownList {
  /** No later than the moment it was read, by the forge's clock. */
  readAt: string;
  /** `updatedAt` by number. */
  entries: ReadonlyMap<number, string>;
}

export type PageDecision =
  /** This is the whole list; `updatedAt` by number. */
  | { kind: 'complete'; entries: Map<number, string> }
  | { kind: 'next'; cursor: string }
  /** The list moved while it was read; begin with the first page. */
  | { kind: 'again' };

/**
 * The forge's times are whole seconds, so what is read in the second of a
 * change may miss another change of that second; and its clock is known to
 * about a second only.
 */
const SETTLED_AFTER_MS = 2000;

/** Whether what was read at `readAt` would show a later change by another `updatedAt`. */
export function isSettled(updatedAt: string, readAt: string): boolean {
  return Date.parse(updatedAt) + SETTLED_AFTER_MS <= Date.parse(readAt);
}

/** @param pages what was read so far, in order, one at least */
export function decidePages(pages: readonly Page[], known?: KnownList): PageDecision {
  const first = pages[0];
  const last = pages.at(-1);
  if (!first || !last || pages.some((page) => page.total !== first.total)) return { kind: 'again' };
  const found = join(pages.slice(0, -1));
  const before = found.size;
  join([last], found);
  if (last.cursor === undefined) return found.size === first.total ? { kind: 'complete', entries: found } : { kind: 'again' };
  if (found.size === before) return { kind: 'again' }; // pages that bring nothing would never end
  const whole = pages.length === 1 && known ? extend(known, first) : undefined;
  return whole?.size === first.total ? { kind: 'complete', entries: whole } : { kind: 'next', cursor: last.cursor };
}

/** Every number once, with its newest time. */
function join(pages: readonly Page[], into = new Map<number, string>()): Map<number, string> {
  for (const { number, updatedAt } of pages.flatMap((page) => page.entries)) {
    const had = into.get(number);
    if (had === undefined || Date.parse(had) < Date.parse(updatedAt)) into.set(number, updatedAt);
  }
  return into;
}

/** The known list brought up to date by its first page, where that page holds all that is new or changed. */
function extend(known: KnownList, page: Page): Map<number, string> | undefined {
  if (!isNewestFirst(page.entries)) return undefined;
  const reached = page.entries.some(
    ({ number, updatedAt }) => known.entries.get(number) === updatedAt && isSettled(updatedAt, known.readAt),
  );
  return reached ? new Map([...known.entries, ...join([page])]) : undefined;
}

function isNewestFirst(entries: readonly Entry[]): boolean {
  return entries.every((entry, at) => at === 0 || Date.parse(entries[at - 1]?.updatedAt ?? '') >= Date.parse(entry.updatedAt));
}
