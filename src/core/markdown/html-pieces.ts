/**
 * Raw HTML inside Markdown, cut into pieces: what is text, what is a tag, what
 * is never shown. In doubt more is counted as never shown. One pass over the
 * text, linear. Pure.
 */

export type HtmlPiece =
  | { kind: 'text'; start: number; end: number }
  /** A comment, a processing instruction, a declaration, CDATA, or a tag that never ends. */
  | { kind: 'hidden'; what: 'comment' | 'markup'; start: number; end: number }
  | { kind: 'tag'; name: string; closing: boolean; hides: boolean; byAttribute: boolean; swallows: boolean; start: number; end: number };

/** What a browser shows nothing of, or something else instead of. */
const HIDING =
  /^(?:applet|audio|canvas|datalist|dialog|frameset|head|map|math|meter|object|option|picture|progress|rp|select|svg|video|iframe|noembed|noframes|noscript|plaintext|script|style|template|textarea|title|xmp)$/;
/** Of those, the ones that take in everything up to their end, and the rest of the text when they have none. */
const SWALLOWING = /^(?:iframe|noembed|noframes|noscript|plaintext|script|style|template|textarea|title|xmp)$/;
/** Have no end and no content. */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/;
const TAG = /<(\/?)([A-Za-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/y;
const HIDING_ATTRIBUTE = /(?:^|[\s/"'])(?:hidden|style)(?=[\s/=]|$)/i;

const HIDDEN: readonly { open: string; close: string; what: 'comment' | 'markup' }[] = [
  { open: '<!--', close: '-->', what: 'comment' },
  { open: '<![CDATA[', close: ']]>', what: 'markup' },
  { open: '<?', close: '?>', what: 'markup' },
  { open: '<!', close: '>', what: 'markup' },
];

export function splitHtml(html: string): HtmlPiece[] {
  const pieces: HtmlPiece[] = [];
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    const end = next < 0 ? html.length : next;
    if (end > at) pieces.push({ kind: 'text', start: at, end });
    if (next < 0) break;
    const piece = readMarkup(html, next);
    pieces.push(piece);
    at = piece.end;
  }
  return pieces;
}

function readMarkup(html: string, start: number): HtmlPiece {
  for (const { open, close, what } of HIDDEN) {
    if (!html.startsWith(open, start)) continue;
    const found = html.indexOf(close, start + open.length);
    return { kind: 'hidden', what, start, end: found < 0 ? html.length : found + close.length };
  }
  if (!/[A-Za-z/]/.test(html[start + 1] ?? '')) return { kind: 'text', start, end: start + 1 };
  TAG.lastIndex = start;
  const tag = TAG.exec(html);
  if (!tag) return { kind: 'hidden', what: 'markup', start, end: html.length };
  const [all, slash, rawName = '', attributes = ''] = tag;
  const name = rawName.toLowerCase();
  const closing = slash === '/';
  const byAttribute = !closing && !VOID.test(name) && HIDING_ATTRIBUTE.test(attributes);
  const hides = byAttribute || (!closing && HIDING.test(name));
  return { kind: 'tag', name, closing, hides, byAttribute, swallows: hides && SWALLOWING.test(name), start, end: start + all.length };
}
