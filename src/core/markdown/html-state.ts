/**
 * Which raw HTML is open while a Markdown text is read from its beginning: the
 * tags of one element may stand in different nodes, with Markdown between them
 * that is hidden with the element. Pure.
 */
import type { Edit } from './edits.ts';
import { type HtmlPiece, splitHtml } from './html-pieces.ts';

interface Range {
  start: number;
  end: number;
}

export class HtmlState {
  readonly #length: number;
  /** End tags that are still to come, by name. */
  readonly #closing = new Map<string, number>();
  /** The hidden element that is open: how many of its name, and where the Markdown inside begins. */
  #open: { name: string; depth: number; from: number } | undefined;

  /** @param nodes every HTML node in the order of the text */
  constructor(nodes: readonly string[], length: number) {
    this.#length = length;
    for (const piece of nodes.flatMap(splitHtml)) {
      if (piece.kind === 'tag' && piece.closing) this.#closing.set(piece.name, (this.#closing.get(piece.name) ?? 0) + 1);
    }
  }

  /**
   * The text that the node shows, and the edits outside of it that it causes.
   * @param at where the node stands, and where what is left open in it ends
   */
  read(html: string, at: Range & { scope: number }): { shown: string; what: string; edits: Edit[] } {
    const edits: Edit[] = [];
    let shown = '';
    let what = 'HTML tag';
    const began = this.#open;
    for (const piece of splitHtml(html)) {
      if (this.#open) {
        if (!this.#closes(piece)) continue;
        if (began) edits.push({ start: began.from, end: at.start, text: '' });
        what = 'hidden element';
      } else if (piece.kind === 'text') shown += html.slice(piece.start, piece.end);
      else if (piece.kind === 'hidden') what = piece.what === 'comment' ? 'hidden comment' : 'hidden markup';
      else {
        this.#count(piece);
        if (!/^(?:a|abbr|b|code|em|i|ins|kbd|mark|s|small|span|strong|sub|sup|u|wbr)$/.test(piece.name)) shown += ' ';
        if (!piece.hides) continue;
        what = 'hidden element';
        if ((this.#closing.get(piece.name) ?? 0) > 0 || piece.swallows) {
          this.#open = { name: piece.name, depth: 1, from: at.end };
        } else if (piece.byAttribute) {
          edits.push({ start: at.end, end: at.scope, text: '' });
          break;
        }
      }
    }
    return { shown, what, edits };
  }

  /** What is still open hides the rest of the text. */
  end(): Edit[] {
    return this.#open ? [{ start: this.#open.from, end: this.#length, text: '', what: 'text after an unclosed element' }] : [];
  }

  #closes(piece: HtmlPiece): boolean {
    if (piece.kind !== 'tag') return false;
    this.#count(piece);
    const open = this.#open;
    if (!open || piece.name !== open.name) return false;
    open.depth += piece.closing ? -1 : 1;
    if (open.depth > 0) return false;
    this.#open = undefined;
    return true;
  }

  #count(piece: HtmlPiece & { kind: 'tag' }): void {
    if (piece.closing) this.#closing.set(piece.name, (this.#closing.get(piece.name) ?? 1) - 1);
  }
}
