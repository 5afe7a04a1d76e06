/**
 * Shortens a Markdown text to a budget by whole blocks, so that no fence is
 * ever cut in two and every gap says that it is one. Code goes first, the
 * largest block before the others, then what stands at the end. Pure.
 */
import type { Nodes } from 'mdast';
import { isTooCostly } from '../markdown/parse-cost.ts';
import { parseMarkdown } from '../markdown/sanitise.ts';
import { plural, truncate } from '../text.ts';

/** A careful estimate: English takes about four characters a token, code and other languages fewer. */
const CHARACTERS_PER_TOKEN = 3;

export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

interface Block {
  text: string;
  /** What stands for it when it is left out. */
  instead?: string;
}

/** The text in at most `tokens`, by our estimate. */
export function fitMarkdown(markdown: string, tokens: number): string {
  const most = tokens * CHARACTERS_PER_TOKEN;
  if (markdown.length <= most) return markdown;
  if (isTooCostly(markdown)) return '(This text is left out: it is too large or too deeply nested to be shortened safely.)';
  const blocks = splitBlocks(markdown);
  let length = markdown.length;
  const codes = blocks.filter((block) => block.instead !== undefined).sort((a, b) => b.text.length - a.text.length);
  for (const block of codes) {
    if (length <= most) break;
    length -= block.text.length - (block.instead?.length ?? 0);
    block.text = block.instead ?? '';
  }
  let dropped = 0;
  for (let last = blocks.pop(); last !== undefined; last = blocks.pop()) {
    const mark = dropped === 0 ? '' : `\n\n(${plural(dropped, 'more block')} of this text left out here)`;
    const text = [...blocks, last].map((block) => block.text).join('\n\n');
    if (text.length + mark.length <= most) return `${text}${mark}`;
    dropped++;
    // A first block that alone is too large is prose, or a placeholder: code was taken out above.
    if (blocks.length === 0) return truncate(last.text, most);
  }
  return '';
}

function splitBlocks(markdown: string): Block[] {
  return parseMarkdown(markdown).children.map((node) => {
    const text = markdown.slice(node.position?.start.offset ?? 0, node.position?.end.offset ?? 0);
    if (!holdsCode(node)) return { text };
    return { text, instead: `(a block with code, ${plural(text.split('\n').length, 'line')}, left out here)` };
  });
}

function holdsCode(node: Nodes): boolean {
  return node.type === 'code' || ('children' in node && node.children.some((child) => holdsCode(child)));
}
