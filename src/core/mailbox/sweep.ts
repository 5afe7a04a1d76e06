/**
 * What a crash, a person or a bad disk left in the mailbox, found by names and
 * kinds of files alone, so that a pass can look every minute. Contents are read
 * only where an id lies in two places. Acting is the mailbox's, under its lock.
 */
import { lstatSync } from 'node:fs';
import { errnoOf, toIoError } from '../errors.ts';
import { isAlive } from '../liveness.ts';
import { TRAYS, type Tray } from './mailbox.ts';
import type { Reading } from './read-letter.ts';
import { listNames, markOf, parseName, pathOf, type TrayFile, whyNotRead } from './tray-files.ts';

/** qmail's figure: whoever writes gives up long before it (maildir(5)). */
const STALE_MS = 36 * 3600 * 1000;

/** Each file of a tray is looked at up to this many; what lies in a larger tray is looked at when it is read. */
const LOOK_LIMIT = 64;

export interface Oddity {
  tray: Tray;
  file: string;
  reason: string;
  mark: string;
}

export interface Suspects {
  /** Temporary files that nobody writes any more, as paths. */
  stale: string[];
  /** Names and kinds of files that no task file has. */
  odd: Oddity[];
  /** Files of one id that were seen in several places, latest state first. Moves during the look may show one file twice. */
  duplicates: TrayFile[][];
}

export function findSuspects(root: string, now: Date): Suspects {
  const suspects: Suspects = { stale: findStale(root, now), odd: [], duplicates: [] };
  const byId = new Map<string, TrayFile[]>();
  // Against the order in which tasks move on: a task that moves meanwhile is missed rather than seen twice.
  for (const tray of [...TRAYS].reverse()) {
    const names = listNames(root, tray);
    for (const file of names) {
      const at = parseName(tray, file);
      const odd = at && names.length > LOOK_LIMIT ? undefined : findOddity(root, tray, file, at === undefined);
      if (odd) suspects.odd.push(odd);
      if (!at) continue;
      const seen = byId.get(at.id);
      if (seen) seen.push(at);
      else byId.set(at.id, [at]);
    }
  }
  for (const files of byId.values()) if (files.length > 1) suspects.duplicates.push(files);
  return suspects;
}

function findStale(root: string, now: Date): string[] {
  const paths = listNames(root, 'tmp', { hidden: true }).map((name) => `${root}/tmp/${name}`);
  return paths.filter((path) => {
    const stat = look(path);
    return stat?.isFile() && now.getTime() - Number(stat.mtimeMs) > STALE_MS;
  });
}

function findOddity(root: string, tray: Tray, file: string, misnamed: boolean): Oddity | undefined {
  const stat = look(pathOf(root, { tray, file }));
  if (!stat) return undefined;
  const reason = misnamed ? 'its name is not that of a task file' : whyNotRead(stat);
  return reason === undefined ? undefined : { tray, file, reason, mark: markOf(stat) };
}

function look(path: string) {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toIoError(error, `look at \`${path}\``);
  }
}

/** One of several files of an id, read. */
export interface Copy {
  at: TrayFile;
  reading: Exclude<Reading, { kind: 'gone' }>;
}

/**
 * Which copy of an id stays: the later state in the order of `TRAYS` that can
 * be read; of two claims the one whose owner lives.
 * @returns what leaves, with its reason, and the copy that stays when one can be read.
 */
export function resolveCopies(copies: readonly Copy[]): { stays: Copy | undefined; leave: { copy: Copy; reason: string }[] } {
  const [stays] = copies.filter(({ reading }) => reading.kind !== 'bad').sort((a, b) => rank(b) - rank(a));
  const leave = copies.flatMap((copy) => {
    if (copy === stays) return [];
    if (copy.reading.kind === 'bad') return [{ copy, reason: copy.reading.reason }];
    return [{ copy, reason: `the same id is in \`${stays?.at.tray}\` too, and that state is kept` }];
  });
  return { stays, leave };
}

function rank({ at }: Copy): number {
  return TRAYS.indexOf(at.tray) * 2 + (at.owner && isAlive(at.owner) ? 1 : 0);
}
