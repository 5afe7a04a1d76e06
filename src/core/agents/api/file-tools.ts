/** The tools `list`, `read`, `edit` and `write`. */
import { type Dirent, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { plural, truncate } from '../../text.ts';
import { findPlace, type Place, ToolProblem } from './inside.ts';
import type { ToolInput } from './tool-forms.ts';

/** What is larger is no text that somebody wrote. */
export const LARGEST_FILE = 5_000_000;
const MOST_WRITTEN = 1_000_000;
const MOST_ENTRIES = 400;
const USUAL_LINES = 500;
const LONGEST_LINE = 2000;
const MOST_READ = 30_000;
const LEFT_OUT = new Set(['.git', 'node_modules']);

/** Entries of a directory that tools look at, by name. */
export function listEntries(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !LEFT_OUT.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What may not be read, or is gone by now, is passed over. */
export function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}

export function list(root: string, { path = '.' }: ToolInput<'list'>): string {
  const place = findPlace(root, path);
  if (place.kind !== 'directory') throw new ToolProblem(place.kind === 'file' ? `\`${place.shown}\` is a file; use read` : absent(place));
  const lines: string[] = [];
  // Level by level, so that the bound cuts the deepest.
  for (let level = ['']; level.length > 0; ) {
    const next: string[] = [];
    for (const prefix of level) {
      const look = () => listEntries(join(place.real, prefix));
      for (const entry of (prefix === '' ? look() : orNothing(look)) ?? []) {
        if (lines.length === MOST_ENTRIES) return `${lines.join('\n')}\n… and more; list one of the directories`;
        const name = `${prefix}${entry.name}${entry.isDirectory() ? '/' : entry.isSymbolicLink() ? '@' : ''}`;
        lines.push(name);
        if (entry.isDirectory()) next.push(name);
      }
    }
    level = next;
  }
  return lines.length === 0 ? 'empty' : lines.join('\n');
}

export function read(root: string, { path, from = 1, lines = USUAL_LINES }: ToolInput<'read'>): string {
  const place = findPlace(root, path);
  const text = readText(place);
  if (text === '') return `${place.shown} is empty`;
  const all = text.replace(/\n$/, '').split('\n');
  if (from > all.length) throw new ToolProblem(`\`${place.shown}\` has ${plural(all.length, 'line')} only`);
  const shown: string[] = [];
  let length = 0;
  for (const line of all.slice(from - 1, from - 1 + lines)) {
    const short = truncate(line, LONGEST_LINE);
    if (shown.length > 0 && length + short.length > MOST_READ) break;
    length += short.length + 1;
    shown.push(short);
  }
  const last = from + shown.length - 1;
  const rest = last < all.length ? `\n… ${plural(all.length - last, 'more line')}; read on from ${last + 1}` : '';
  return `${place.shown}, lines ${from} to ${last} of ${all.length}:\n${shown.join('\n')}${rest}`;
}

export function edit(root: string, input: ToolInput<'edit'>): string {
  const place = findPlace(root, input.path);
  const text = readText(place);
  // Models write line feeds whatever the file has.
  const crlf = text.includes('\r\n') && !/(?<!\r)\n/.test(text);
  const [old, next] = crlf ? [toCrlf(input.old), toCrlf(input.new)] : [input.old, input.new];
  const at = text.indexOf(old);
  if (at === -1) throw new ToolProblem(notFound(text, old, place.shown));
  const count = text.split(old).length - 1;
  if (count > 1 || text.indexOf(old, at + 1) !== -1) {
    throw new ToolProblem(`the old text stands in \`${place.shown}\` ${Math.max(count, 2)} times; give more of the lines around it`);
  }
  if (old === next) throw new ToolProblem('old and new are the same');
  save(place, text.slice(0, at) + next + text.slice(at + old.length));
  return `${place.shown}: replaced at line ${text.slice(0, at).split('\n').length}`;
}

export function write(root: string, { path, content }: ToolInput<'write'>): string {
  const place = findPlace(root, path);
  if (place.kind === 'directory') throw new ToolProblem(`\`${place.shown}\` is a directory`);
  mkdirSync(dirname(place.real), { recursive: true });
  save(place, content);
  return `${place.shown}: ${place.kind === 'absent' ? 'made' : 'replaced'}, ${plural(content === '' ? 0 : content.replace(/\n$/, '').split('\n').length, 'line')}`;
}

function save(place: Place, text: string): void {
  if (text.length > MOST_WRITTEN) throw new ToolProblem(`that is more than ${MOST_WRITTEN / 1e6} MB; make such a file with run`);
  writeFileSync(place.real, text);
}

/** @throws ToolProblem for what is no text file of a bearable size */
function readText(place: Place): string {
  if (place.kind === 'directory') throw new ToolProblem(`\`${place.shown}\` is a directory; use list`);
  if (place.kind === 'absent') throw new ToolProblem(absent(place));
  const { size } = statSync(place.real);
  if (size > LARGEST_FILE) throw new ToolProblem(`\`${place.shown}\` has ${Math.round(size / 1e6)} MB; use run with head, tail or sed`);
  const text = decode(readFileSync(place.real));
  if (text === undefined) throw new ToolProblem(`\`${place.shown}\` is no text (${plural(size, 'byte')})`);
  return text;
}

/** Text of a file; `undefined` for what is none: an edit would change bytes that it was not asked to change. */
export function decode(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function absent({ shown }: Place): string {
  return `there is no \`${shown}\`; use list to see what there is`;
}

function notFound(text: string, old: string, shown: string): string {
  const loose = (words: string) => words.replace(/\s+/g, ' ').trim();
  const near = loose(old) !== '' && loose(text).includes(loose(old)) ? '; it is there with other white space' : '';
  return `the old text does not stand in \`${shown}\`${near}; read the file and copy it exactly`;
}

function toCrlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}
