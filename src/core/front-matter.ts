/**
 * Markdown files with front matter, written in a plain subset of YAML: one key
 * a line, a value that is a word, an instant, a number or JSON-like flow, lists
 * of objects as `- { … }` lines. What this file writes it reads back without a
 * YAML parser, which keeps an idle tick cheap; what a person wrote by hand in
 * other YAML is read by `front-matter-yaml.ts`. Both give the same value for
 * every text that this file accepts (`test/core/front-matter.test.ts` holds
 * them against each other). Pure.
 */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };
export type FrontMatter = Record<string, Plain>;

export interface Document {
  data: FrontMatter;
  /** The text after the closing `---` line, without leading blank lines. */
  body: string;
}

/** Flow collections deeper than this are not plain; the YAML reader refuses them as well (docs/threat-model.md, row 46). */
export const MAX_DEPTH = 20;

/** Keys that would reach an object's prototype where somebody copies carelessly. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const KEY_LINE = /^([a-z][a-z0-9_]*):(?: (.+))?$/;
const KEY = /[a-z][a-z0-9_]*/y;
/** Words that every YAML reads as a string: no leading sign or digit, none of its special characters. */
const WORD = /[A-Za-z/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9(][A-Za-z0-9_./@+()-]*)*/y;
const INSTANT = /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A JSON string; the raw characters that YAML or a terminal would not take are escaped in what we write. */
const STRING =
  /"(?:[^"\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
/** Words that some YAML reads as something else than a string. */
const SPECIAL = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** True for a key that no front matter may hold, in either reader. */
export function isForbiddenKey(key: string): boolean {
  return FORBIDDEN_KEYS.has(key);
}

/** Splits `---` front matter from the body; `undefined` when the file does not start with one. */
export function splitFrontMatter(text: string): { head: string; body: string } | undefined {
  if (!text.startsWith('---\n')) return undefined;
  const end = text.indexOf('\n---\n', 3);
  if (end < 0) {
    return text.endsWith('\n---') && text.length > 7 ? { head: text.slice(4, -3), body: '' } : undefined;
  }
  return { head: text.slice(4, end + 1), body: text.slice(end + 5).replace(/^\n+/, '') };
}

/** Reads what `renderFrontMatter` wrote; `undefined` when the text uses any other YAML (or is not YAML at all). */
export function parsePlainFrontMatter(text: string): Document | undefined {
  const parts = splitFrontMatter(text);
  if (!parts) return undefined;
  const data: FrontMatter = {};
  let list: Plain[] | undefined;
  for (const line of parts.head.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('  - ')) {
      const item = list ? parseFlow(line.slice(4)) : undefined;
      if (item === undefined) return undefined;
      list?.push(item);
      continue;
    }
    // `key:` with nothing below it is null in YAML, not an empty list: left to the YAML reader.
    if (list?.length === 0) return undefined;
    const match = KEY_LINE.exec(line);
    const key = match?.[1];
    if (key === undefined || SPECIAL.test(key) || isForbiddenKey(key) || Object.hasOwn(data, key)) return undefined;
    list = match?.[2] === undefined ? [] : undefined;
    const value = list ?? parseFlow(match?.[2] ?? '');
    if (value === undefined) return undefined;
    data[key] = value;
  }
  return list?.length === 0 ? undefined : { data, body: parts.body };
}

/** Reads one value as `renderFlow` writes it; `undefined` for anything else. */
export function parseFlow(text: string): Plain | undefined {
  const cursor: Cursor = { text, at: 0 };
  const value = readValue(cursor, 0);
  return cursor.at === text.length ? value : undefined;
}

interface Cursor {
  readonly text: string;
  at: number;
}

function readValue(cursor: Cursor, depth: number): Plain | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const first = cursor.text.charCodeAt(cursor.at);
  if (first === 0x7b) return readObject(cursor, depth);
  if (first === 0x5b) return readArray(cursor, depth);
  if (first === 0x22) return readString(cursor);
  const instant = take(cursor, INSTANT);
  if (instant !== undefined) return instant;
  const number = take(cursor, NUMBER);
  if (number !== undefined) return Number(number);
  const word = take(cursor, WORD);
  if (word === undefined || !SPECIAL.test(word)) return word;
  if (word === 'true') return true;
  if (word === 'false') return false;
  return word === 'null' ? null : undefined;
}

function readString(cursor: Cursor): string | undefined {
  const quoted = take(cursor, STRING);
  return quoted === undefined ? undefined : (JSON.parse(quoted) as string);
}

function readArray(cursor: Cursor, depth: number): Plain[] | undefined {
  const items: Plain[] = [];
  if (takeText(cursor, '[]')) return items;
  cursor.at += 1;
  do {
    const item = readValue(cursor, depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
  } while (takeText(cursor, ', '));
  return takeText(cursor, ']') ? items : undefined;
}

function readObject(cursor: Cursor, depth: number): { [key: string]: Plain } | undefined {
  const fields: { [key: string]: Plain } = {};
  if (takeText(cursor, '{}')) return fields;
  if (!takeText(cursor, '{ ')) return undefined;
  do {
    const bare = take(cursor, KEY);
    const key = bare ?? readString(cursor);
    if (key === undefined || isForbiddenKey(key) || Object.hasOwn(fields, key)) return undefined;
    if (bare !== undefined && /^(?:true|false|null)$/.test(bare)) return undefined;
    if (!takeText(cursor, ': ')) return undefined;
    const value = readValue(cursor, depth + 1);
    if (value === undefined) return undefined;
    fields[key] = value;
  } while (takeText(cursor, ', '));
  return takeText(cursor, ' }') ? fields : undefined;
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

function takeText(cursor: Cursor, text: string): boolean {
  if (!cursor.text.startsWith(text, cursor.at)) return false;
  cursor.at += text.length;
  return true;
}

/**
 * The file text: front matter in the order of the keys given (`undefined`
 * values left out), a blank line, the body without blank lines around it. Keys
 * are lower case words with digits and `_`; any other is a bug of the caller.
 */
export function renderFrontMatter(data: Record<string, Plain | undefined>, body: string): string {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (value === undefined) continue;
    if (!KEY_LINE.test(`${key}:`) || SPECIAL.test(key) || isForbiddenKey(key)) throw new RangeError(`not a key of front matter: ${key}`);
    if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && item !== null)) {
      lines.push(`${key}:`, ...value.map((item) => `  - ${renderFlow(item)}`));
    } else {
      lines.push(`${key}: ${renderFlow(value)}`);
    }
  }
  return `---\n${lines.map((line) => `${line}\n`).join('')}---\n\n${body.replace(/^\n+/, '').trimEnd()}\n`;
}

/** One value in flow style: YAML that is easy on the eye, on one line whatever the value holds. */
export function renderFlow(value: Plain): string {
  if (typeof value === 'string') return renderString(value);
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return fields.length === 0 ? '{}' : `{ ${fields.map(([key, field]) => `${renderKey(key)}: ${renderFlow(field)}`).join(', ')} }`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`not a number that can be written: ${value}`);
  return JSON.stringify(value);
}

function renderKey(key: string): string {
  if (isForbiddenKey(key)) throw new RangeError(`not a key of front matter: ${key}`);
  return /^[a-z][a-z0-9_]*$/.test(key) && !/^(?:true|false|null)$/.test(key) ? key : jsonString(key);
}

function renderString(text: string): string {
  return isWhole(text, WORD) && !SPECIAL.test(text) ? text : isWhole(text, INSTANT) ? text : jsonString(text);
}

function isWhole(text: string, pattern: RegExp): boolean {
  pattern.lastIndex = 0;
  return pattern.exec(text)?.[0].length === text.length;
}

/** JSON leaves C1 controls, bidi marks and line separators as they are; YAML and terminals do not like them raw. */
function jsonString(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
