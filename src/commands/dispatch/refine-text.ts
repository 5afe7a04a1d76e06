/**
 * A model's words as Markdown that does nothing: no block of code (the `patch`
 * agent applies those), no heading, no HTML, no link to another host, no mention,
 * no closing keyword, no line that dispatch reads as a dependency. The text of the issue stays below
 * them as it was written. Pure.
 */

import type { Part } from '../../core/mailbox/task.ts';
import { renderForeign } from '../../core/markdown/foreign.ts';
import { truncate } from '../../core/text.ts';

/** What a model says about a task, as it said it. */
export interface Sections {
  goal: string;
  success_criteria: readonly string[];
  constraints: readonly string[];
  context: string;
}

/** What begins a block in Markdown, at the start of a line. */
const BLOCK_START = /^(?:[#*+=_~`|-]|\d{1,9}(?=[.)]))/;
const DEPENDENCY = /\b(depends on|blocked by)(:?\s+)(?=#)/gi;

/** Making words harmless makes them longer: `<` becomes four characters. */
const MAX_LINE = 1000;
const MAX_TEXT = 4500;

/** One line of at most `max` characters. */
export function quietLine(text: string, max = MAX_LINE): string {
  // Before, so that what is no code is not taken for code; after, for what stood behind a link.
  const line = escapeStart(renderForeign(escapeStart(oneLine(text))));
  return truncate(oneLine(line).replace(DEPENDENCY, '$1$2issue '), max);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function escapeStart(line: string): string {
  return line.replace(BLOCK_START, (start) => (/^\d/.test(start) ? `${start}\\` : `\\${start}`));
}

/** Paragraphs of one line each, 4500 characters together. */
export function quietParagraphs(text: string): string {
  const paragraphs = text
    .split(/\n[^\S\n]*\n|\r\n?[^\S\n]*\r\n?/)
    .map((paragraph) => quietLine(paragraph, MAX_TEXT))
    .filter((paragraph) => paragraph !== '');
  return truncate(paragraphs.join('\n\n'), MAX_TEXT);
}

/** The body of the task file: the model's sections, then everything that stood there before. */
export function renderRefined(answer: Sections, title: string, written: string): string {
  const context = quietParagraphs(answer.context);
  const parts = [
    `# Goal\n\n${quietLine(title)}\n\n${quietParagraphs(answer.goal)}`,
    `# Success criteria\n\n${renderList(answer.success_criteria)}`,
    `# Constraints\n\n${renderList(answer.constraints)}`,
    `# Context${context === '' ? '' : `\n\n${context}`}`,
    '## As written',
    'The sections above were put in order by a model. What follows is the issue itself; where the two differ, it counts.',
    written,
  ];
  return parts.join('\n\n');
}

/** The text of the issue that is filed for a part. @param after numbers of the issues that come first. */
export function renderPartBody(part: Part, epic: number, after: readonly number[], marker: string): string {
  const order = after.map((number) => `depends on #${number}`);
  const criteria = part.success_criteria.length === 0 ? [] : [`## Success criteria\n\n${renderItems(part.success_criteria)}`];
  return [part.goal, ...criteria, [`Part of #${epic}`, ...order].join('\n'), marker].join('\n\n');
}

function renderList(lines: readonly string[]): string {
  return lines.length === 0 ? '(none given)' : renderItems(lines.map((line) => quietLine(line)));
}

function renderItems(lines: readonly string[]): string {
  return lines.flatMap((line) => (line === '' ? [] : [`- ${line}`])).join('\n');
}
