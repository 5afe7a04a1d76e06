/** The tool `search`. */
import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createContext, Script } from 'node:vm';
import { cleanLine, truncate } from '../../text.ts';
import { decode, LARGEST_FILE, listEntries, orNothing } from './file-tools.ts';
import { findPlace, ToolProblem } from './inside.ts';
import type { ToolInput } from './tool-forms.ts';

const MOST_MATCHES = 100;
const MOST_FILES = 20_000;
const LONGEST_LINE = 300;
/** For the whole search; a pattern can take for ever. */
const MOST_MS = 5000;

/** Files that are looked through at once: a time limit costs more than a small file. */
const BATCH_FILES = 200;
const BATCH_CHARACTERS = 2_000_000;

/** Matches in some texts, as `[index of the text, line number, line]`; run with a time limit, which a plain call has not. */
const FIND = new Script(`(() => {
  const found = [];
  const expression = new RegExp(pattern, flags);
  texts.forEach((text, at) => {
    if (found.length >= most) return;
    text.split('\\n').forEach((line, index) => { if (found.length < most && expression.test(line)) found.push([at, index + 1, line]); });
  });
  return JSON.stringify(found);
})()`);
type Found = [text: number, line: number, words: string][];

/** @param now milliseconds of a clock that only runs forward */
export function search(root: string, { pattern, path = '.' }: ToolInput<'search'>, now: () => number): string {
  const place = findPlace(root, path);
  if (place.kind === 'absent') throw new ToolProblem(`there is no \`${place.shown}\``);
  const base = findPlace(root, '.').real;
  const find = compile(pattern);
  const end = now() + MOST_MS;
  const lines: string[] = [];
  let files = 0;
  for (const batch of toBatches(place.kind === 'file' ? [place.real] : walk(place.real))) {
    const left = end - now();
    const texts = batch.texts.map(({ text }) => text);
    const found = left > 0 ? find(texts, left) : undefined;
    if (!found) throw new ToolProblem('the search took too long; use a simpler pattern, or fewer files');
    for (const [at, line, words] of found) {
      if (lines.length === MOST_MATCHES) return `${lines.join('\n')}\n… there are more; make the pattern more exact`;
      lines.push(`${relative(base, batch.texts[at]?.file ?? base)}:${line}: ${truncate(words, LONGEST_LINE)}`);
    }
    files += batch.looked;
    if (files >= MOST_FILES) return `${lines.join('\n')}\n… there are more files; search one of the directories`.trim();
  }
  return lines.length === 0 ? 'no match' : lines.join('\n');
}

interface Batch {
  /** Files that were looked at, those that are no text among them. */
  looked: number;
  texts: { file: string; text: string }[];
}

/** Files with what is in them, some at a time. */
function* toBatches(files: Iterable<string>): Generator<Batch> {
  let batch: Batch = { looked: 0, texts: [] };
  let size = 0;
  for (const file of files) {
    const text = readIfText(file);
    batch.looked++;
    if (text !== undefined) batch.texts.push({ file, text });
    size += text?.length ?? 0;
    if (batch.looked < BATCH_FILES && size < BATCH_CHARACTERS) continue;
    yield batch;
    batch = { looked: 0, texts: [] };
    size = 0;
  }
  yield batch;
}

/** @throws ToolProblem for a pattern that is none */
function compile(pattern: string): (texts: string[], ms: number) => Found | undefined {
  const blind = pattern.startsWith('(?i)');
  const source = blind ? pattern.slice(4) : pattern;
  const flags = blind ? 'i' : '';
  try {
    new RegExp(source, flags);
  } catch (error) {
    throw new ToolProblem(`that is no regular expression: ${cleanLine((error as Error).message)}`);
  }
  // One for the whole search: making it takes far longer than looking through a file.
  const given = { pattern: source, flags, texts: [] as string[], most: MOST_MATCHES + 1 };
  const context = createContext(given);
  return (texts, ms) => {
    try {
      given.texts = texts;
      return JSON.parse(FIND.runInContext(context, { timeout: Math.ceil(ms) }) as string) as Found;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
      throw error;
    }
  };
}

function* walk(directory: string): Generator<string> {
  for (const entry of orNothing(() => listEntries(directory)) ?? []) {
    if (entry.isDirectory()) yield* walk(join(directory, entry.name));
    // Symlinks are not followed: their file is found where it is.
    else if (entry.isFile()) yield join(directory, entry.name);
  }
}

function readIfText(file: string): string | undefined {
  return orNothing(() => (statSync(file).size > LARGEST_FILE ? undefined : decode(readFileSync(file))));
}
