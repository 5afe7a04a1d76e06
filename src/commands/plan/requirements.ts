/**
 * Reads a requirements list: Markdown headings or list items, each with its
 * text, word for word. Says clearly what it cannot read; never drops text of a
 * requirement silently. Pure. docs/commands/plan.md tells users the rules.
 */
import type { Heading, List, ListItem, Nodes, Root, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { AgentOsError } from '../../core/errors.ts';
import { shortHash } from '../../core/ids.ts';
import { cleanLine } from '../../core/text.ts';

export interface Requirement {
  /** Identity across runs: the title as a slug. */
  key: string;
  title: string;
  /** Markdown, as written, without the indentation of a list item. */
  text: string;
  /** Line of the file, from 1. */
  line: number;
  /** Ticked off in the list (`- [x]`). */
  done: boolean;
}

export const MAX_REQUIREMENTS = 100;
/** In characters; GitHub takes 256 for a title and 65,536 for a body. */
const MAX_TITLE = 250;
const MAX_TEXT = 60_000;
/** Headings that name a part of a requirement, never a requirement. */
const PART =
  /^(?:(?:acceptance|success) criteria|notes?|details?|context|background|constraints?|rationale|motivation|examples?|out of scope|done when|definition of done)[:.]?$/i;

/** @throws `usage` when there is no requirement, too many, one too long, or two with the same title. */
export function parseRequirements(markdown: string): Requirement[] {
  const source = markdown.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const root = fromMarkdown(source, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  const level = headingLevel(root);
  const found = level === undefined ? readLists(root, source) : readHeadings(root, source, level);
  check(found);
  return found;
}

/** `Show the total!` → `show-the-total`; long or symbol-only titles get a hash instead of their end. */
export function requirementKey(title: string): string {
  const slug = title
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, '-')
    .replace(/^-|-$/g, '');
  if (slug !== '' && slug.length <= 60) return slug;
  return `${[...slug].slice(0, 50).join('').replace(/-$/, '')}${slug === '' ? '' : '-'}${shortHash(slug === '' ? title : slug)}`;
}

function check(found: readonly Requirement[]): void {
  if (found.length === 0) {
    throw usage('the requirements file holds no requirement', 'Write each one as a list item or a heading, with its text below.');
  }
  if (found.length > MAX_REQUIREMENTS) {
    throw usage(`the requirements file holds ${found.length} requirements; at most ${MAX_REQUIREMENTS} are taken`, 'Split the file.');
  }
  const lines = new Map<string, number>();
  for (const { key, title, text, line } of found) {
    const other = lines.get(key);
    if (title === '') throw usage(`line ${line}: a requirement without a title`, 'Begin it with a line of text.');
    if (title.length > MAX_TITLE) {
      const hint = 'Begin with a short line and put the rest on the lines below.';
      throw usage(`line ${line}: the title has ${title.length} characters; at most ${MAX_TITLE} are allowed`, hint);
    }
    if (text.length > MAX_TEXT) {
      throw usage(`line ${line}: \`${title}\` has ${text.length} characters; at most ${MAX_TEXT} are allowed`, 'Split the requirement.');
    }
    if (other !== undefined) throw usage(`lines ${other} and ${line}: two requirements titled \`${title}\``, 'Give each its own title.');
    lines.set(key, line);
  }
}

function usage(message: string, hint: string): AgentOsError {
  return new AgentOsError('usage', message, { hint });
}

/**
 * The level of heading that stands for a requirement: the deepest one such that
 * every heading above it is divided by it, no text of an upper heading is lost
 * (but below the one title of the document), and none of them merely names a
 * part. `undefined`: the list items are the requirements.
 */
function headingLevel(root: Root): number | undefined {
  const headings = root.children.filter((node) => node.type === 'heading');
  const levels = [...new Set(headings.map((heading) => heading.depth))].sort();
  const top = levels[0];
  if (top === undefined || isTitledList(root, headings)) return undefined;
  let best = top;
  for (const level of levels.slice(1)) {
    if (!divides(root, headings, level, best, top)) break;
    best = level;
  }
  return best;
}

/** A document whose only heading is its title, with the requirements as a list. */
function isTitledList(root: Root, headings: readonly Heading[]): boolean {
  const items = root.children.reduce((sum, node) => sum + (node.type === 'list' ? node.children.length : 0), 0);
  return headings.length === 1 && headings[0]?.depth === 1 && root.children[0] === headings[0] && items >= 2;
}

function divides(root: Root, headings: readonly Heading[], level: number, upper: number, top: number): boolean {
  const names = headings.filter((heading) => heading.depth === level).map(titleOf);
  if (names.length < 2 || new Set(names.map(requirementKey)).size < names.length || names.some((name) => PART.test(name))) return false;
  const uppers = headings.filter((heading) => heading.depth === upper);
  const isTitle = upper === top && uppers.length === 1;
  return uppers.every((heading) => {
    const rest = root.children.slice(root.children.indexOf(heading) + 1);
    const next = rest.findIndex((node) => node.type === 'heading' || !isTitle);
    const first = rest[next];
    return first?.type === 'heading' && first.depth === level;
  });
}

function readHeadings(root: Root, source: string, level: number): Requirement[] {
  const found: Requirement[] = [];
  root.children.forEach((node, index) => {
    if (node.type !== 'heading' || node.depth !== level) return;
    const end = root.children.slice(index + 1).find((next) => next.type === 'heading' && next.depth <= level);
    const text = source.slice(endOf(node), end ? startOf(end) : source.length);
    found.push(toRequirement(titleOf(node), text, lineOf(node), false));
  });
  return found;
}

function readLists(root: Root, source: string): Requirement[] {
  const lists = root.children.filter((node) => node.type === 'list');
  const first = lists[0];
  const stray = first && root.children.slice(root.children.indexOf(first)).find((node) => node.type === 'code');
  if (stray) throw usage(`line ${lineOf(stray)}: a code block that belongs to no list item`, 'Indent it as deep as the text of its item.');
  return lists.flatMap((list: List) => list.children.map((item) => readItem(item, source)));
}

function readItem(item: ListItem, source: string): Requirement {
  const [head] = item.children;
  const lines = source.slice(startOf(item), endOf(item)).split('\n');
  if (head?.type !== 'paragraph' && head?.type !== 'heading') return toRequirement('', '', lineOf(item), false);
  const indent = contentIndent(item, lines[0] ?? '');
  // The title may stand below an empty marker line.
  const text = lines.slice(lineOf(head) - lineOf(item) + 1).map((line) => unindent(line, indent));
  return toRequirement(titleOf(head), text.join('\n'), lineOf(item), item.checked === true);
}

function toRequirement(title: string, text: string, line: number, done: boolean): Requirement {
  return { key: requirementKey(title), title, text: text.replace(/^(?:[ \t]*\n)+/, '').trimEnd(), line, done };
}

/** The column at which the text of a list item stands (CommonMark 5.2). */
function contentIndent(item: ListItem, first: string): number {
  const marker = (item.position?.start.column ?? 1) - 1 + (/^(?:[-*+]|\d{1,9}[.)])/.exec(first)?.[0].length ?? 1);
  const at = first.search(/[ \t]/);
  let column = marker;
  for (const char of at < 0 ? '' : (/^[ \t]*/.exec(first.slice(at))?.[0] ?? '')) column += char === '\t' ? 4 - (column % 4) : 1;
  const isText = at >= 0 && first.slice(at).trim() !== '';
  return isText && column - marker <= 4 ? column : marker + 1;
}

/** Takes up to `columns` columns of leading white space away; a tab reaches to the next multiple of four. */
function unindent(line: string, columns: number): string {
  let column = 0;
  let at = 0;
  while (column < columns && (line[at] === ' ' || line[at] === '\t')) {
    column += line[at] === '\t' ? 4 - (column % 4) : 1;
    at++;
  }
  return ' '.repeat(Math.max(0, column - columns)) + line.slice(at);
}

/** The first line of a heading or paragraph, as plain text. */
function titleOf(node: Nodes): string {
  return cleanLine(node.type === 'heading' ? plain(node) : (plain(node).split('\n')[0] ?? ''), MAX_TEXT);
}

function plain(node: Nodes): string {
  if (node.type === 'break') return '\n';
  if (node.type === 'text' || node.type === 'inlineCode') return node.value;
  if (node.type === 'image') return node.alt ?? '';
  return 'children' in node ? node.children.map(plain).join('') : '';
}

const startOf = (node: RootContent): number => node.position?.start.offset ?? 0;
const endOf = (node: RootContent): number => node.position?.end.offset ?? 0;
const lineOf = (node: RootContent): number => node.position?.start.line ?? 1;
