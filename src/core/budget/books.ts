/**
 * The books on disk, `budget/<YYYY-MM>.ndjson`: lines are only ever added, under
 * a lock, and are durable before anybody acts on them. The books of this month
 * and its neighbours are read. A book that cannot be read stops spending; it never
 * counts as empty.
 */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync } from 'node:fs';
import { ensureDirectory, readIfThere, syncDirectory, writeFully } from '../atomic-file.ts';
import type { Clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { takeLock } from '../lock.ts';
import { type Line, readBook, TORN } from './book-lines.ts';
import { type BudgetLimits, decideGrant, type Entry, type Grant, type RunRequest } from './ledger.ts';

export interface Books {
  /** What `reserve` would say now; writes nothing. */
  quote(request: RunRequest): Grant;
  /** Reserves before a run; again for the same id replaces it. Durable when it returns. */
  reserve(request: RunRequest): Grant;
  /** After a run. @param usd `undefined`: nobody knows, and it counts as what was reserved. */
  settle(id: string, usd: number | undefined): void;
  /** Takes back the reservation of a run that never began. */
  release(id: string): void;
  /** The runs of this month and its neighbours. */
  list(): Entry[];
}

export interface BooksOptions {
  /** `<state>/budget`. */
  root: string;
  /** `<state>/locks`. */
  locks: string;
  limits: BudgetLimits;
  clock: Clock;
}

export function openBooks({ root, locks, limits, clock }: BooksOptions): Books {
  const locked = <T>(act: () => T): T => {
    ensureDirectory(root);
    const lock = takeLock(`${locks}/budget.lock`);
    try {
      return act();
    } finally {
      lock.release();
    }
  };
  const list = () => months(clock.now()).flatMap((month) => read(`${root}/${month}.ndjson`));
  // A clock that went back gives no day a second time.
  const laterOf = (entries: readonly Entry[]) =>
    new Date(entries.reduce((latest, { at }) => Math.max(latest, Date.parse(at)), clock.now().getTime()));
  const find = (id: string) => list().find((entry) => entry.id === id);
  // A run is settled in the book of the month that it was reserved in.
  const add = (at: string, line: Line) => append(root, `${at.slice(0, 7)}.ndjson`, line);
  return {
    list,
    quote: (request) => {
      const entries = list();
      return decideGrant(entries, limits, request, laterOf(entries));
    },
    reserve: (request) => {
      // Nothing counts it: the books need not know.
      if (!request.paid && limits.per_agent_day_runs[request.agent] === undefined) return { granted: true };
      return locked(() => {
        const entries = list();
        const now = laterOf(entries);
        const grant = decideGrant(entries, limits, request, now);
        if (!grant.granted) return grant;
        const { id, task, agent } = request;
        const at = now.toISOString();
        // The same run, begun again in another month, must not stand in two books.
        const before = find(id);
        if (before && before.at.slice(0, 7) !== at.slice(0, 7)) add(before.at, { op: 'release', id, at });
        add(at, { op: 'reserve', id, task, agent, at, usd: grant.usd ?? 0 });
        crashPoint('budget:reserved');
        return grant;
      });
    },
    settle: (id, usd) => {
      if (!find(id)) return;
      locked(() => {
        const entry = find(id);
        if (!entry || entry.settledUsd !== undefined) return;
        add(entry.at, { op: 'settle', id, at: clock.now().toISOString(), usd: usd ?? entry.reservedUsd });
        crashPoint('budget:settled');
      });
    },
    release: (id) => {
      if (!find(id)) return;
      locked(() => {
        const entry = find(id);
        if (entry && entry.settledUsd === undefined) add(entry.at, { op: 'release', id, at: clock.now().toISOString() });
      });
    },
  };
}

/** The month before, this one, and the next: a clock may have been ahead. */
function months(now: Date): string[] {
  return [-1, 0, 1].map((step) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + step, 1)).toISOString().slice(0, 7));
}

function read(path: string): Entry[] {
  const book = readBook(readIfThere(path) ?? '');
  if ('entries' in book) return book.entries;
  throw new AgentOsError('corrupt', `\`${path}\` cannot be read at line ${book.badLine}: nothing is spent until it can`, {
    hint: 'Correct or remove that line; what it said is not counted then.',
  });
}

function append(root: string, name: string, line: Line): void {
  const path = `${root}/${name}`;
  try {
    const isNew = readIfThere(path) === undefined;
    const fd = openSync(path, 'a+', 0o600);
    try {
      const text = `${isTorn(fd) ? `${TORN}\n` : ''}${JSON.stringify(line)}\n`;
      writeFully(fd, Buffer.from(text));
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (isNew) syncDirectory(root);
  } catch (error) {
    if (error instanceof AgentOsError || errnoOf(error) === undefined) throw error;
    throw toIoError(error, `append to \`${path}\``);
  }
}

/** Whether the last line has no end: whoever wrote it died, or the disk was full. */
function isTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] !== 0x0a;
}
