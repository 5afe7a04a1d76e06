/** Reads the books, `budget/<YYYY-MM>.ndjson`, and each only once as long as it stays as it is. */
import { readdirSync, statSync } from 'node:fs';
import { readIfThere } from '../atomic-file.ts';
import { errnoOf, toIoError } from '../errors.ts';
import { type BookContent, type BookEntry, readBook } from './book-lines.ts';
import { toCorrupt } from './judge-books.ts';

/** One month as it was read. */
export interface Book extends BookContent {
  path: string;
  /** `2026-11` */
  month: string;
}

export interface Shelf {
  /** Books in the order of their months. @param from the first month; without it all. @throws AgentOsError `io` */
  read(from?: string): Book[];
}

const NAME = /^(\d{4}-\d{2})\.ndjson$/;

/** @param root `<state>/budget`, which need not be there. */
export function openShelf(root: string): Shelf {
  const known = new Map<string, { stamp: string; book: Book }>();
  const readOne = (month: string): Book[] => {
    const path = `${root}/${month}.ndjson`;
    const stamp = stampOf(path);
    const before = known.get(month);
    if (before?.stamp === stamp) return [before.book];
    const text = readIfThere(path);
    if (text === undefined) return [];
    const book = { path, month, ...readBook(text) };
    known.set(month, { stamp, book });
    return [book];
  };
  return { read: (from = '') => listMonths(root).flatMap((month) => (month >= from ? readOne(month) : [])) };
}

/** @throws AgentOsError `corrupt` where one of the books cannot be read. */
export function toEntries(books: readonly Book[]): BookEntry[] {
  for (const { path, badLines } of books) if (badLines[0] !== undefined) throw toCorrupt(path, badLines[0]);
  return books.flatMap(({ entries }) => entries);
}

function listMonths(root: string): string[] {
  try {
    return readdirSync(root)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${root}\``);
  }
}

/** Changes with every write; a file that is gone has none. */
function stampOf(path: string): string {
  try {
    const { ino, size, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${ctimeNs}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw toIoError(error, `look at \`${path}\``);
  }
}
