/**
 * Whose turn is next. A loop that had to stop in the middle, because the forge
 * asked it to wait, begins its next pass with what it did not come to: the
 * first of a list must not be served for ever before the last. Owns
 * `loops/<command>.turn`; losing it costs fairness once.
 */
import { readIfThere, unlinkIfThere, writeFileAtomic } from './atomic-file.ts';
import type { StatePaths } from './config/paths.ts';

/** The subject that the last pass did not come to. */
export function readTurn(paths: StatePaths, command: string): string | undefined {
  return readIfThere(path(paths, command))?.trim();
}

/** @param subject what comes first in the next pass; `undefined` when this one came to everything. */
export function writeTurn(paths: StatePaths, command: string, subject: string | undefined): void {
  if (subject === readTurn(paths, command)) return;
  if (subject === undefined) unlinkIfThere(path(paths, command));
  else writeFileAtomic(path(paths, command), `${subject}\n`);
}

/** The list, turned so that it begins with the entry of that subject, or with the repository it belongs to. */
export function startAt<T>(list: readonly T[], subjectOf: (entry: T) => string, turn: string | undefined): T[] {
  const at = list.findIndex((entry) => turn === subjectOf(entry) || turn?.startsWith(`${subjectOf(entry)}#`));
  return at <= 0 ? [...list] : [...list.slice(at), ...list.slice(0, at)];
}

function path(paths: StatePaths, command: string): string {
  return `${paths.loops}/${command}.turn`;
}
