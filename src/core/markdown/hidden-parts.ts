/**
 * Finds what a page made of a Markdown text does not show, as edits of the text:
 * comments and tags, hidden elements, definitions, titles, images, unused
 * footnotes, surplus cells, words behind the language of a code block. Pure.
 */
import type {
  Code,
  FootnoteDefinition,
  FootnoteReference,
  Html,
  Link,
  LinkReference,
  Nodes,
  Parents,
  Root,
  RowContent,
  TableRow,
  Text,
} from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { Edit } from './edits.ts';
import { findFootnotes } from './footnotes.ts';
import { HtmlState } from './html-state.ts';
import { isPlainAddress, writeAddress } from './link-address.ts';
import { removeInvisible } from './visible-text.ts';

interface Facts {
  source: string;
  edits: Edit[];
  html: HtmlState;
  /** Addresses by identifier; the first definition counts. */
  definitions: Map<string, string>;
  footnotes: ReturnType<typeof findFootnotes>;
}

/** Where a node stands. */
interface Place {
  parent: Parents;
  /** End of the paragraph, heading or cell. */
  blockEnd: number;
}

export function listHidden(source: string, root: Root): Edit[] {
  const nodes = [...everyNode(root)];
  const definitions = new Map<string, string>();
  for (const node of nodes) if (node.type === 'definition' && !definitions.has(node.identifier)) definitions.set(node.identifier, node.url);
  const html = new HtmlState(
    nodes.flatMap((node) => (node.type === 'html' ? [node.value] : [])),
    source.length,
  );
  const facts: Facts = { source, edits: [], html, definitions, footnotes: findFootnotes(root) };
  for (const child of root.children) visit(facts, child, { parent: root, blockEnd: endOf(child) });
  return [...facts.edits, ...html.end()];
}

function visit(facts: Facts, node: Nodes, place: Place): void {
  if (!judge(facts, node, place) || !('children' in node)) return;
  const isBlock = ['paragraph', 'heading', 'tableCell'].includes(node.type);
  for (const child of node.children) visit(facts, child, { parent: node, blockEnd: isBlock ? endOf(node) : place.blockEnd });
}

/** True: what is inside must be looked at as well. */
function judge(facts: Facts, node: Nodes, place: Place): boolean {
  switch (node.type) {
    case 'html':
      visitHtml(facts, node, place);
      return false;
    case 'definition':
      return cut(facts, node, 'link definition');
    case 'image':
    case 'imageReference':
      return cut(facts, node, 'image', '{image}');
    case 'code':
      visitCode(facts, node);
      return false;
    case 'text':
      visitText(facts, node, place.blockEnd);
      return false;
    case 'link':
    case 'linkReference':
      return visitLink(facts, node);
    case 'footnoteReference':
    case 'footnoteDefinition':
      return visitFootnote(facts, node);
    case 'table':
      for (const row of node.children) visitRow(facts, row, node.children[0]?.children.length ?? 0);
      return true;
    default:
      return true;
  }
}

/** The page shows numbers instead of the names of footnotes. */
function visitFootnote(facts: Facts, node: FootnoteReference | FootnoteDefinition): boolean {
  if (node.type === 'footnoteDefinition' && !facts.footnotes.isShown(node)) return cut(facts, node, 'unused footnote');
  const mark = /^\[\^(?:\\.|[^\]\\])*\]/.exec(sourceOf(facts, node))?.[0] ?? '';
  const label = `[^${facts.footnotes.numberOf(node.identifier)}]`;
  if (mark !== label) facts.edits.push({ start: startOf(node), end: startOf(node) + mark.length, text: label });
  return true;
}

function cut(facts: Facts, node: Nodes, what: string, text = ''): false {
  facts.edits.push({ ...rangeOf(node), text, what });
  return false;
}

function visitHtml(facts: Facts, node: Html, { parent, blockEnd }: Place): void {
  const inline = !['root', 'blockquote', 'listItem', 'footnoteDefinition'].includes(parent.type);
  const scope = inline ? blockEnd : parent.type === 'root' ? facts.source.length : endOf(parent);
  const { shown, what, edits } = facts.html.read(node.value, { ...rangeOf(node), scope });
  const lines = inline ? '' : escapeHtmlText(shown, parent.type === 'root' ? '\n' : ' ');
  facts.edits.push({ ...rangeOf(node), text: lines, what }, ...edits);
}

/** What HTML shows as text is shown as text by Markdown too, never read as Markdown. */
function escapeHtmlText(text: string, lineEnd: string): string {
  const lines = text.split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
  return lines
    .filter((line) => line !== '')
    .map((line) =>
      line
        .replace(/[\\`[~*_|]/g, '\\$&')
        .replaceAll('<', '&lt;')
        .replace(/^(?:[#>=+-]|\d+(?=[.)]))/, (mark) => (/\d/.test(mark) ? `${mark}\\` : `\\${mark}`)),
    )
    .join(lineEnd);
}

/** Escapes what might be read as HTML by another reader; character references to nothing visible are cut. */
function visitText(facts: Facts, node: Text, blockEnd: number): void {
  const base = startOf(node);
  const known = new Map<string, boolean>();
  for (const found of sourceOf(facts, node).matchAll(/\\[!-/:-@[-`{-~]|<!?|&#?\w{1,40};/g)) {
    const start = base + found.index;
    const end = start + found[0].length;
    if (found[0] === '<!') {
      facts.edits.push({ start, end: blockEnd, text: '', what: 'hidden comment' });
      return;
    }
    if (found[0] === '<') facts.edits.push({ start, end, text: '&lt;' });
    if (!found[0].startsWith('&')) continue;
    const invisible = known.get(found[0]) ?? isInvisible(found[0]);
    known.set(found[0], invisible);
    if (invisible) facts.edits.push({ start, end, text: '', what: 'invisible character' });
  }
}

function isInvisible(reference: string): boolean {
  const [paragraph] = fromMarkdown(`.${reference}.`).children;
  const [text] = paragraph?.type === 'paragraph' ? paragraph.children : [];
  return text?.type === 'text' && removeInvisible(text.value) !== text.value;
}

/** Keeps the words and the address, drops title and label. False: there is nothing inside to look at. */
function visitLink(facts: Facts, node: Link | LinkReference): boolean {
  const [first] = node.children;
  const last = node.children.at(-1);
  const source = sourceOf(facts, node);
  if (node.type === 'link' && !source.startsWith('[')) return false; // an address that is its own words
  if (!first || !last || !node.children.some(isSeen)) {
    return cut(facts, node, 'link without words');
  }
  const address = node.type === 'link' ? node.url : (facts.definitions.get(node.identifier) ?? '');
  const tail = { start: endOf(last), end: endOf(node) };
  if (!isPlainAddress(address)) {
    facts.edits.push({ start: startOf(node), end: startOf(first), text: '', what: 'link address' }, { ...tail, text: '' });
  } else if (node.type === 'linkReference') {
    facts.edits.push({ ...tail, text: `](${writeAddress(address)})` });
  } else if (typeof node.title === 'string') {
    facts.edits.push({ ...tail, text: `](${writeAddress(address)})`, what: 'link title' });
  }
  return true;
}

function isSeen(node: Nodes): boolean {
  if (node.type === 'text' || node.type === 'inlineCode') return removeInvisible(node.value).trim() !== '';
  if (node.type === 'image' || node.type === 'imageReference' || node.type === 'footnoteReference') return true;
  return 'children' in node && node.children.some(isSeen);
}

/** Cells beyond those of the head are not shown. */
function visitRow(facts: Facts, row: TableRow, cells: number): void {
  const surplus: RowContent | undefined = row.children[cells];
  if (surplus) facts.edits.push({ start: startOf(surplus), end: endOf(row), text: '|', what: 'surplus table cell' });
}

/**
 * The info string shows its first word at most. The language and `file=` stay
 * (the patch agent reads them); other words go. Comments in a diagram go, too.
 */
function visitCode(facts: Facts, node: Code): void {
  const [head = '', ticks = ''] = /^(`{3,}|~{3,})[^\n]*/.exec(sourceOf(facts, node)) ?? [];
  if (ticks === '') return;
  const info = head.slice(ticks.length);
  const file = /(?:^|[\s{,])(file=(?:"[^"]*"|'[^']*'|[^\s}]+))/.exec(info)?.[1] ?? '';
  const [before = '', ...after] = file === '' ? [info] : info.split(file);
  if (!/^\s*\{?\.?[\w+#.-]{0,24}[\s{,]*$/.test(before) || !/^[\s},]*$/.test(after.join(' '))) {
    const language = /^\s*([\w+#.-]{1,24})(?=\s|$)/.exec(before)?.[1] ?? '';
    const start = startOf(node) + ticks.length;
    facts.edits.push({
      start,
      end: startOf(node) + head.length,
      text: [language, file].filter(Boolean).join(' '),
      what: 'code block note',
    });
  }
  if (node.lang !== 'mermaid') return;
  for (const comment of sourceOf(facts, node).matchAll(/%%[^\n]*/g)) {
    const start = startOf(node) + comment.index;
    facts.edits.push({ start, end: start + comment[0].length, text: '', what: 'diagram comment' });
  }
}

function* everyNode(node: Nodes): Generator<Nodes> {
  yield node;
  if ('children' in node) for (const child of node.children) yield* everyNode(child);
}

const startOf = (node: Nodes): number => node.position?.start.offset ?? 0;
const endOf = (node: Nodes): number => node.position?.end.offset ?? 0;
const rangeOf = (node: Nodes) => ({ start: startOf(node), end: endOf(node) });
const sourceOf = (facts: Facts, node: Nodes): string => facts.source.slice(startOf(node), endOf(node));
