/**
 * Markdown files with front matter, written in a plain subset of YAML: one key
 * a line, a value that is a bare word or JSON, lists of objects as `- {…}`
 * lines. What this file writes it reads back without a YAML parser, which keeps
 * an idle tick cheap; what a person wrote by hand in other YAML is read by
 * `front-matter-yaml.ts`. Both give the same value for the same text
 * (`test/core/front-matter.test.ts` holds them against each other).
 */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };
export type FrontMatter = Record<string, Plain>;

export interface Document {
  data: FrontMatter;
  /** The text after the closing `---` line, without leading blank lines. */
  body: string;
}

const KEY = /^([a-z][a-z0-9_]*):(?: (.*))?$/;
/** Bare words that YAML reads as a string: no leading sign or digit, none of its special words or characters. */
const BARE = /^[A-Za-z/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+()-]+)*$/;
const SPECIAL = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

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
      const item = list ? parseScalar(line.slice(4)) : undefined;
      if (item === undefined) return undefined;
      list?.push(item);
      continue;
    }
    const match = KEY.exec(line);
    const key = match?.[1];
    if (key === undefined || Object.hasOwn(data, key)) return undefined;
    const value = match?.[2];
    if (value === undefined) {
      list = [];
      data[key] = list;
      continue;
    }
    list = undefined;
    const parsed = parseScalar(value);
    if (parsed === undefined) return undefined;
    data[key] = parsed;
  }
  // `key:` with nothing below it is null in YAML, not an empty list.
  for (const value of Object.values(data)) if (Array.isArray(value) && value.length === 0 && !parts.head.includes(': []')) return undefined;
  return { data, body: parts.body };
}

function parseScalar(text: string): Plain | undefined {
  if (BARE.test(text) && !SPECIAL.test(text)) return text;
  if (!/^(?:["[{]|-?(?:0|[1-9][0-9]{0,14})$|true$|false$|null$)/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Plain;
  } catch {
    return undefined;
  }
}

/** The file text: front matter in the order of the keys given (`undefined` values left out), a blank line, the body. */
export function renderFrontMatter(data: Record<string, Plain | undefined>, body: string): string {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (value === undefined) continue;
    if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'object' && item !== null)) {
      lines.push(`${key}:`, ...value.map((item) => `  - ${renderFlow(item)}`));
    } else {
      lines.push(`${key}: ${typeof value === 'string' ? renderString(value) : renderFlow(value)}`);
    }
  }
  return `---\n${lines.join('\n')}\n---\n\n${body.replace(/^\n+/, '').trimEnd()}\n`;
}

function renderString(text: string): string {
  return BARE.test(text) && !SPECIAL.test(text) ? text : jsonString(text);
}

/** JSON with a space after `:` and `,`: valid YAML flow style, and easy on the eye. */
function renderFlow(value: Plain): string {
  if (typeof value === 'string') return jsonString(value);
  if (Array.isArray(value)) return `[${value.map(renderFlow).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return fields.length === 0 ? '{}' : `{ ${fields.map(([key, field]) => `${jsonString(key)}: ${renderFlow(field)}`).join(', ')} }`;
  }
  return JSON.stringify(value);
}

/** JSON leaves C1 controls, bidi marks and line separators as they are; YAML and terminals do not like them raw. */
function jsonString(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
