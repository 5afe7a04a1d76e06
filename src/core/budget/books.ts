/**
 * The books on disk, `budget/<YYYY-MM>.ndjson`: lines are only ever added, under
 * a lock, and are durable before anybody acts on them. A book that cannot be
 * read stops the spending that a limit concerns; it never counts as empty.
 */
import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import { ensureDirectory, readIfThere, syncDirectory, writeFully } from '../atomic-file.ts';
import type { Clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { AgentOsError, errnoOf, toIoError } from '../errors.ts';
import { takeLock } from '../lock.ts';
import { closeTail, type Line, renderLine, toSettledUsd } from './book-lines.ts';
import type { Inspection } from './judge-books.ts';
import { type BudgetLimits, decideGrant, type Entry, type Grant, laterOf, limitOf, type RunRequest } from './ledger.ts';
import { openShelf, toEntries } from './shelf.ts';

export interface Books {
  /** What `reserve` would say now; writes nothing. @throws AgentOsError as `assertReadable` */
  quote(request: RunRequest): Grant;
  /**
   * Reserves before a run, durable when it returns. An id that is reserved and
   * not settled is the same run, begun again: the reservation is replaced. An id
   * that is settled is a further run. @throws AgentOsError as `assertReadable`
   */
  reserve(request: RunRequest): Grant;
  /**
   * After a run; books that cannot be read elsewhere take it too.
   * @param usd US dollars; `undefined`: nobody knows, and it counts as what was reserved. A run that cost 0 is a run.
   */
  settle(id: string, usd: number | undefined): void;
  /** Takes back the reservation of a run in which nobody was asked anything: it counts neither as money nor as a run. */
  release(id: string): void;
  /** All runs that can be read, each with its place, and the lines that cannot; an id that was used again stands there once for each run. */
  inspect(): Inspection;
  /** @throws AgentOsError `corrupt` where a limit concerns one of these runs and a book that counts for it cannot be read. */
  assertReadable(runs: readonly Pick<RunRequest, 'agent' | 'paid'>[]): void;
}

export interface BooksOptions {
  /** `<state>/budget`. */
  root: string;
  /** `<state>/locks`. */
  locks: string;
  limits: BudgetLimits;
  clock: Clock;
}

type Run = Pick<RunRequest, 'agent' | 'paid'>;

export function openBooks({ root, locks, limits, clock }: BooksOptions): Books {
  const shelf = openShelf(root);
  const locked = <T>(act: () => T): T => {
    ensureDirectory(root);
    const lock = takeLock(`${locks}/budget.lock`);
    try {
      return act();
    } finally {
      lock.release();
    }
  };
  const isCounted = ({ paid, agent }: Run) => paid || limitOf(limits.per_agent_day_runs, agent) !== undefined;
  /** What a grant is decided on. A newer book than the clock's is read too: a clock that went back gives no day a second time. */
  const listFor = (run: Run): Entry[] => {
    if (!isLimited(limits, run)) return shelf.read(monthBefore(clock.now())).flatMap(({ entries }) => entries);
    return toEntries(shelf.read(run.paid && limits.per_task_usd !== undefined ? undefined : monthBefore(clock.now())));
  };
  /** The runs of an id that are not settled: one, or after months one in each of their books. */
  const findOpen = (id: string) =>
    shelf
      .read()
      .flatMap(({ month, entries }) =>
        entries.filter((entry) => entry.id === id && entry.settledUsd === undefined).map((entry) => ({ month, entry })),
      );
  const add = (month: string, line: Line) => append(root, month, line);
  return {
    quote: (request) => (isCounted(request) ? decideGrant(listFor(request), limits, request, clock.now()) : { granted: true }),
    reserve: (request) => {
      // Nothing counts it: the books need not know.
      if (!isCounted(request)) return { granted: true };
      return locked(() => {
        const entries = listFor(request);
        const grant = decideGrant(entries, limits, request, clock.now());
        if (!grant.granted) return grant;
        const { id, task, agent } = request;
        const at = laterOf(entries, clock.now()).toISOString();
        const month = at.slice(0, 7);
        // The same run, begun again in another month, must not stand in two books.
        for (const before of findOpen(id)) if (before.month !== month) add(before.month, { op: 'release', id, at });
        add(month, { op: 'reserve', id, task, agent, at, usd: grant.usd ?? 0 });
        crashPoint('budget:reserved');
        return grant;
      });
    },
    settle: (id, usd) => {
      if (findOpen(id).length === 0) return;
      locked(() => {
        // A run is settled in the book of the month that it was reserved in.
        for (const { month, entry } of findOpen(id)) {
          add(month, { op: 'settle', id, at: clock.now().toISOString(), usd: toSettledUsd(usd, entry.reservedUsd) });
        }
        crashPoint('budget:settled');
      });
    },
    release: (id) => {
      if (findOpen(id).length === 0) return;
      locked(() => {
        for (const { month } of findOpen(id)) add(month, { op: 'release', id, at: clock.now().toISOString() });
        crashPoint('budget:released');
      });
    },
    inspect: () => {
      const books = shelf.read();
      return {
        entries: books.flatMap(({ path, entries }) => entries.map((entry) => ({ ...entry, path }))),
        unreadable: books.flatMap(({ path, badLines }) => badLines.map((line) => ({ path, line }))),
      };
    },
    assertReadable: (runs) => {
      for (const run of runs) if (isLimited(limits, run)) listFor(run);
    },
  };
}

/** Whether any limit concerns the run. */
function isLimited(limits: BudgetLimits, { agent, paid }: Run): boolean {
  const { per_task_usd, per_day_usd, per_agent_month_usd, per_agent_day_runs } = limits;
  if (limitOf(per_agent_day_runs, agent) !== undefined) return true;
  return paid && [per_task_usd, per_day_usd, limitOf(per_agent_month_usd, agent)].some((limit) => limit !== undefined);
}

function monthBefore(now: Date): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

function append(root: string, month: string, line: Line): void {
  const path = `${root}/${month}.ndjson`;
  const text = renderLine(line);
  try {
    const before = readIfThere(path);
    const fd = openSync(path, 'a', 0o600);
    try {
      writeFully(fd, Buffer.from(`${closeTail(before ?? '')}${text}`));
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (before === undefined) syncDirectory(root);
  } catch (error) {
    if (error instanceof AgentOsError || errnoOf(error) === undefined) throw error;
    throw toIoError(error, `append to \`${path}\``);
  }
}
