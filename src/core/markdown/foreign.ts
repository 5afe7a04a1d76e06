/**
 * Words of an agent or a model on their way to the forge (row 50 of
 * docs/threat-model.md): Markdown that keeps its form and does nothing. No
 * mention, no closing keyword, no image, no HTML, no link to another host. Pure.
 */
import type { Link, Nodes } from 'mdast';
import { neutralise } from '../text.ts';
import { applyEdits, type Edit } from './edits.ts';
import { parseMarkdown, sanitiseMarkdown } from './sanitise.ts';

/** A link taken apart may join what makes another; more passes are only needed by a text made for it. */
const MAX_PASSES = 5;
const CUT = '\n\n(The rest is left out.)';

/**
 * The text, made harmless, cut at the end of a line where it is longer than
 * `max` characters, with a note.
 * @param host whose links stay links
 */
export function renderForeign(text: string, max = 20_000, host = 'github.com'): string {
  let harmless = cutAtLine(text, max * 2);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const seen = neutralise(sanitiseMarkdown(harmless).text, Number.POSITIVE_INFINITY);
    const links = listLinks(parseMarkdown(seen), seen, host);
    if (links.length === 0) return cutAtLine(seen, max);
    harmless = applyEdits(seen, links, {});
  }
  return '(Left out: it cannot be shown safely.)';
}

/** At most `max` characters, whole lines where there is more than one; an open code block is closed. */
export function cutAtLine(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = text.slice(0, Math.max(0, max - CUT.length - 20)).replace(/[\ud800-\udbff]$/, '');
  const lineEnd = room.lastIndexOf('\n');
  const kept = lineEnd > 0 ? room.slice(0, lineEnd) : room;
  const open = parseMarkdown(kept).children.at(-1);
  const fence = open?.type === 'code' ? (/^(?:`{3,20}|~{3,20})/.exec(kept.slice(open.position?.start.offset))?.[0] ?? '') : '';
  const closed = fence === '' || kept.trimEnd().endsWith(`\n${fence}`);
  return `${kept}${closed ? '' : `\n${fence}`}${CUT}`;
}

/** A link elsewhere becomes its words and its address, as code. */
function listLinks(node: Nodes, source: string, host: string): Edit[] {
  if (node.type === 'link' && !leadsTo(node.url, host)) return [unlink(node, source)].flat();
  return 'children' in node ? node.children.flatMap((child) => listLinks(child, source, host)) : [];
}

function leadsTo(url: string, host: string): boolean {
  return /^#|^\/(?!\/)/.test(url) || url === `https://${host}` || url.startsWith(`https://${host}/`);
}

function unlink(node: Link, source: string): Edit[] {
  const start = node.position?.start.offset ?? 0;
  const end = node.position?.end.offset ?? 0;
  const address = `\`${node.url.replaceAll('`', '%60')}\``;
  const [first] = node.children;
  const last = node.children.at(-1);
  if (!source.startsWith('[', start) || !first || !last) return [{ start, end, text: address }];
  return [
    { start, end: first.position?.start.offset ?? start, text: '' },
    { start: last.position?.end.offset ?? end, end, text: ` (${address})` },
  ];
}
