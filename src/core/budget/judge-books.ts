/** What a person should know of the books: lines that cannot be read, reservations that nobody settles, entries ahead of the clock. Pure. */
import { AgentOsError } from '../errors.ts';
import type { Tray } from '../mailbox/mailbox.ts';
import type { Task } from '../mailbox/task.ts';
import { plural } from '../text.ts';
import { type Entry, findAhead, renderUsd } from './ledger.ts';

/** An entry, and the file and line (from 1) that reserved it. */
export interface PlacedEntry extends Entry {
  path: string;
  line: number;
}

export interface Inspection {
  entries: PlacedEntry[];
  /** Lines (from 1) that cannot be read. */
  unreadable: { path: string; line: number }[];
}

export interface BookProblem {
  kind: 'unreadable' | 'left-behind' | 'ahead';
  /** The file and the line. */
  where: string;
  what: string;
  /** An imperative sentence. */
  remedy: string;
}

/** A task, as far as the books concern it. */
export interface BookedTask {
  task: Pick<Task, 'id' | 'attempts' | 'refine'>;
  tray: Tray;
}

/** Books and tasks are not read at one instant: what was reserved since is under way. */
const YOUNG_MS = 60_000;

/** @param tasks at least those in `inbox` and `processing`; no other has a run under way */
export function judgeBooks({ entries, unreadable }: Inspection, tasks: readonly BookedTask[], clock: Date): BookProblem[] {
  const byId = new Map(tasks.map((one) => [one.task.id, one]));
  const isOld = ({ at }: Entry) => clock.getTime() - Date.parse(at) > YOUNG_MS;
  const left = entries.filter((entry) => entry.settledUsd === undefined && isOld(entry) && !isUnderWay(entry, byId.get(entry.task)));
  return [
    ...unreadable.map(({ path, line }): BookProblem => {
      const { message, hint } = toCorrupt(path, line);
      return { kind: 'unreadable', where: `${path}:${line}`, what: message, remedy: hint ?? message };
    }),
    ...left.map(toLeftBehind),
    ...judgeAhead(findAhead(entries, clock)),
  ];
}

/** What is said of a line that cannot be read, wherever it is met. */
export function toCorrupt(path: string, line: number): AgentOsError {
  return new AgentOsError('corrupt', `\`${path}\` cannot be read at line ${line}: nothing that a limit concerns is spent until it can`, {
    hint: 'Correct or remove that line; what it said is not counted then.',
  });
}

/** The id of what models are asked about a task. */
export function questionId(task: string): string {
  return `${task}.models`;
}

function isUnderWay({ id }: Entry, found: BookedTask | undefined): boolean {
  if (!found) return false;
  const { task, tray } = found;
  if (id === questionId(task.id)) return tray === 'inbox' && task.refine === 'pending';
  const last = task.attempts.at(-1);
  if (last && last.ended_at === undefined) return id === `${task.id}.${last.n}`;
  // Reserved, and about to be noted on the task file.
  return tray === 'processing' && id === `${task.id}.${(last?.n ?? 0) + 1}`;
}

function toLeftBehind({ path, line, id, at, reservedUsd }: PlacedEntry): BookProblem {
  const settle = JSON.stringify({ op: 'settle', id, at, usd: reservedUsd });
  return {
    kind: 'left-behind',
    where: `${path}:${line}`,
    what: `${renderUsd(reservedUsd)} are reserved for \`${id}\` since ${at}, which is not under way: they count as spent`,
    remedy: `Append \`${settle}\` to that file, with what the run cost.`,
  };
}

/** One problem a file: the line of the first, and what the newest does. */
function judgeAhead(ahead: readonly PlacedEntry[]): BookProblem[] {
  return [...new Set(ahead.map(({ path }) => path))].map((path) => {
    const of = ahead.filter((entry) => entry.path === path);
    const lines = of.map(({ line }) => line);
    const newest = of.reduce((late, { at }) => (Date.parse(at) > Date.parse(late) ? at : late), '1970-01-01T00:00:00Z');
    return {
      kind: 'ahead',
      where: `${path}:${Math.min(...lines)}`,
      what: `${plural(of.length, 'entry', 'entries')} ahead of the clock, up to ${newest}: until then that day and month count as today`,
      remedy: `Set the clock right. If it is, correct \`at\` in ${plural(lines.length, 'line')} of that file: ${lines.slice(0, 20).join(', ')}${lines.length > 20 ? ', …' : ''}.`,
    };
  });
}
