/**
 * Markdown from outside, reduced to what a reader of the rendered page sees
 * (row 8 of docs/threat-model.md): a person judged the page, so an agent must
 * not read more than it showed. The text is parsed; ranges of the source are cut
 * or written differently, and everything else stays as written, code byte for
 * byte. Repeated until nothing changes, because a cut may join what was apart.
 * A text that cannot be parsed in bounded time is left out as a whole: shown
 * unparsed, it would show what was hidden in it. Pure.
 */
import type { Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { cleanText, plural } from '../text.ts';
import { applyEdits } from './edits.ts';
import { listHidden } from './hidden-parts.ts';
import { isTooCostly } from './parse-cost.ts';

export interface Sanitised {
  text: string;
  /** How often each kind of thing was removed, by a singular noun. */
  removed: Record<string, number>;
}

/** More passes than this are only needed by a text made for it. */
const MAX_PASSES = 8;
const LEFT_OUT = '(This text is left out: it is too large or too deeply nested to be read safely.)';

/** Idempotent. The input may have any line ends; the output has `\n`. */
export function sanitiseMarkdown(markdown: string): Sanitised {
  const removed: Record<string, number> = {};
  let text = cleanText(markdown);
  const invisible = markdown.replace(/\r\n?/g, '\n').length - text.length;
  if (invisible > 0) removed['invisible character'] = invisible;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    if (isTooCostly(text)) break;
    const next = applyEdits(text, listHidden(text, parseMarkdown(text)), removed);
    if (next === text) return { text, removed };
    text = next;
  }
  return { text: LEFT_OUT, removed: { 'unreadable text': 1 } };
}

/** `2 hidden comments, 1 image`; empty when nothing was removed. */
export function renderRemoved(removed: Record<string, number>): string {
  return Object.entries(removed)
    .map(([what, count]) => plural(count, what))
    .join(', ');
}

/** GFM with a position on every node: the transforms that would make nodes without one are left out. */
export function parseMarkdown(markdown: string): Root {
  const mdastExtensions = gfmFromMarkdown().map(({ transforms: _, ...rest }) => rest);
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions });
}
