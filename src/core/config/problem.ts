/**
 * A complaint about the configuration file, and how all of them are told at
 * once: `config.yaml:12: repos[0].verfiy: unknown key; did you mean …?`. Pure.
 */
import { AgentOsError } from '../errors.ts';
import { cleanLine, plural } from '../text.ts';

export type Path = readonly (string | number)[];

export interface Problem {
  /** Where in the document; empty for the document as a whole. */
  path: Path;
  /** Points at the key itself (an unknown or misspelt one), not at its value. */
  atKey?: boolean;
  /** What is wrong and what to do, without the place. */
  what: string;
}

/** A problem and its line in the file, counted from 1. */
export interface PlacedProblem extends Problem {
  line: number;
}

const MOST = 50;

/** `repos[0].verify`; keys that are not plain words are quoted. */
export function renderPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(cleanLine(part, 60))}]`;
  }
  return text;
}

/**
 * One `config` error for all problems, in the order of the file, each on a line
 * of its own; beyond 50 they are counted.
 */
export function toConfigError(file: string, problems: readonly PlacedProblem[]): AgentOsError {
  const sorted = [...problems].sort((a, b) => a.line - b.line);
  const lines = sorted.slice(0, MOST).map(({ line, path, what }) => {
    const place = path.length === 0 ? '' : `${renderPath(path)}: `;
    return `${file}:${line}: ${place}${what}`;
  });
  if (sorted.length > MOST) lines.push(`and ${sorted.length - MOST} more`);
  if (lines.length > 1) lines.unshift(`${plural(sorted.length, 'problem')} in the configuration`);
  return new AgentOsError('config', lines.join('\n'), { hint: 'Correct the file, then run `agentos config check`.' });
}
