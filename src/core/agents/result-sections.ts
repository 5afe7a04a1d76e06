/**
 * Splits a result file into sections: `KEY: text`, `**KEY:** text`, `## KEY`,
 * with the text on the same line or below. Pure; knows no section by name.
 */
import { cleanLine } from '../text.ts';

export interface FoundSection {
  /** The known key; `undefined` for a section of the agent's own. */
  key: string | undefined;
  title: string;
  /** Without blank lines around it. */
  text: string;
}

const FENCE = /^\s{0,3}(?:`{3,}|~{3,})/;
/** A line in capitals with a colon; only such a line, or a heading, begins a section that is not known. */
const CAPITALS = /^([A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+)*)[ \t]*:(?!\/\/)[ \t]*(.*)$/;
const HEADING = /^#{1,6}[ \t]+(\S.*)$/;
const BOLD = /^(?:\*\*|__)([^*:]{1,60}?)(?::[ \t]*(?:\*\*|__)|(?:\*\*|__)[ \t]*:?)[ \t]*(.*)$/;

/** The sections in order; what stands before the first one is left out. `keys` are in capitals with `_`. */
export function splitSections(text: string, keys: readonly string[]): FoundSection[] {
  const sections: { key: string | undefined; title: string; lines: string[] }[] = [];
  let fenced = false;
  for (const line of text.split('\n')) {
    const head = readHead(line, keys);
    // A fence protects code that looks like a heading, but an unclosed one must not swallow the rest of the form.
    if (head && (head.key !== undefined || !fenced)) {
      fenced = false;
      sections.push({ key: head.key, title: head.title, lines: [head.rest] });
      continue;
    }
    if (FENCE.test(line)) fenced = !fenced;
    sections.at(-1)?.lines.push(withoutEscape(line, keys));
  }
  return sections.map(({ lines, ...head }) => ({
    ...head,
    text: lines
      .join('\n')
      .replace(/^\s*\n/, '')
      .trim(),
  }));
}

interface Head {
  key: string | undefined;
  title: string;
  rest: string;
}

function readHead(line: string, keys: readonly string[]): Head | undefined {
  const capitals = CAPITALS.exec(line);
  if (capitals) return toHead(capitals[1] ?? '', capitals[2] ?? '', keys);
  const heading = HEADING.exec(line)?.[1];
  if (heading !== undefined) {
    const words = heading.length > 200 ? heading : heading.replace(/[ \t]+#+[ \t]*$/, '');
    const [, name = '', rest = ''] = BOLD.exec(words) ?? /^([^:]*):?[ \t]*(.*)$/.exec(words) ?? [];
    const head = toHead(name, rest, keys);
    // A heading of the agent's own keeps its words, colon and all.
    return head.key === undefined ? { key: undefined, title: cleanLine(words, 80), rest: '' } : head;
  }
  const bold = BOLD.exec(line);
  const head = bold ? toHead(bold[1] ?? '', bold[2] ?? '', keys) : undefined;
  return head?.key === undefined ? undefined : head;
}

function toHead(name: string, rest: string, keys: readonly string[]): Head {
  const key = name.trim().toUpperCase().replace(/[ -]+/g, '_');
  return { key: keys.includes(key) ? key : undefined, title: cleanLine(name, 80), rest };
}

/** Takes away the backslash before a line that would otherwise begin a section. */
function withoutEscape(line: string, keys: readonly string[]): string {
  const bare = line.replace(/^\\+/, '');
  return bare !== line && readHead(bare, keys) ? line.slice(1) : line;
}
