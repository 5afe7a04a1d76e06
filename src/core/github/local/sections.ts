/**
 * How a body and what follows it (comments, reviews, output of checks) share
 * one Markdown file: each entry begins with a line `<!-- comment { … } -->`.
 * Texts come back exactly as they were stored, whatever they hold: a line of a
 * text that looks like such a line is kept with a backslash before it. Pure.
 */
import { AgentOsError } from '../../errors.ts';
import { type FrontMatter, parseFlow, renderFlow } from '../../front-matter.ts';

export interface Section {
  kind: 'comment' | 'review' | 'output';
  fields: FrontMatter;
  text: string;
}

const LINE = /^<!-- (?:comment|review|output) .*$/gm;
const MARK = /^<!-- (comment|review|output) (\{ .* \}) -->$/;

/** What a text loses on its way into a file: carriage returns, NUL, blank lines at its start. */
export function storedText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replaceAll('\0', '').replace(/^\n+/, '');
}

/** The part of the file below the front matter; the texts are stored ones (`storedText`). */
export function renderSections(body: string, sections: readonly Section[]): string {
  const rest = sections.map(({ kind, fields, text }) => `\n\n<!-- ${kind} ${renderFlow(fields)} -->\n\n${escapeText(text)}`);
  return `${escapeText(body)}${rest.join('')}\n`;
}

/** @throws AgentOsError `corrupt`: a line that begins an entry cannot be read. */
export function parseSections(text: string): { body: string; sections: Section[] } {
  const marks = Array.from(text.matchAll(LINE));
  const body = unescapeText(textBetween(text, 0, marks[0]?.index));
  const sections = marks.map((mark, index): Section => {
    const start = mark.index + mark[0].length;
    return { ...parseMark(mark[0]), text: unescapeText(textBetween(text, start, marks[index + 1]?.index).replace(/^\n+/, '')) };
  });
  return { body, sections };
}

function textBetween(text: string, from: number, to: number | undefined): string {
  return to === undefined ? text.slice(from).replace(/\n$/, '') : text.slice(from, to).replace(/\n{1,2}$/, '');
}

function parseMark(line: string): Pick<Section, 'kind' | 'fields'> {
  const match = MARK.exec(line);
  const fields = parseFlow(match?.[2] ?? '');
  if (!match || typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new AgentOsError('corrupt', `the line \`${line}\` cannot be read`, {
      hint: 'Put the line back as it was, or a backslash before it if it is part of a text.',
    });
  }
  return { kind: match[1] as Section['kind'], fields };
}

function escapeText(text: string): string {
  return text.replace(/^(\\*<!-- (?:comment|review|output) )/gm, '\\$1');
}

function unescapeText(text: string): string {
  return text.replace(/^\\(\\*<!-- (?:comment|review|output) )/gm, '$1');
}
