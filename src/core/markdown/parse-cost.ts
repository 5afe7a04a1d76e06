/**
 * An estimate of how long parsing takes, from the text alone: the parser is
 * quadratic in a few constructs, and foreign text may be made of nothing else.
 * Pure, so that the same text is always judged the same way.
 */

/** Above it a text is not parsed. The unit is about a second; a text is parsed a few times. */
const MAX_COST = 0.3;
const MAX_CHARACTERS = 160_000;
/** Block quotes and list items inside one another. */
const MAX_DEPTH = 60;
/**
 * Measured for each, with floods of 64 kB, in seconds: by the square of their
 * number in one block of text (runs of ticks: by the length of the block), and
 * one by one.
 */
const SQUARE = { emphasis: 5e-8, brackets: 1.2e-8, tags: 8e-8, ticks: 5e-8, underlines: 3e-7, marked: 7e-8 };
const EACH = { bracket: 1e-5, tag: 2e-5, reference: 4e-5, cell: 2e-5 };

const EMPTY = { emphasis: 0, open: 0, close: 0, tags: 0, ticks: 0, references: 0, length: 0 };

export function isTooCostly(markdown: string): boolean {
  if (markdown.length > MAX_CHARACTERS) return true;
  let cost = 0;
  let underlines = 0;
  let pipes = 0;
  let marked = 0;
  let table = false;
  let block = { ...EMPTY };
  const closeBlock = () => {
    cost += blockCost(block);
    block = { ...EMPTY };
  };
  for (const line of outsideFences(markdown)) {
    if (line.trim() === '') closeBlock();
    if (depthOf(line) > MAX_DEPTH) return true;
    if (/^[\s>]*[-=]+\s*$/.test(line)) underlines++;
    table ||= /^[\s>|:-]*-[\s>|:-]*$/.test(line) && line.includes('|');
    // Lines that begin HTML, a quote, an item, a heading or a row.
    if (/^\s*[<>|#*+\d-]/.test(line)) marked++;
    pipes += count(line, /\|/g);
    block.emphasis += count(line, /[*_~]+/g);
    block.open += count(line, /\[/g);
    block.close += count(line, /\]/g);
    block.tags += count(line, /</g);
    block.ticks += count(line, /`+/g);
    block.references += count(line, /&/g);
    block.length += line.length;
  }
  closeBlock();
  cost += SQUARE.marked * marked ** 2;
  return cost + SQUARE.underlines * underlines ** 2 + (table ? EACH.cell * pipes : 0) > MAX_COST;
}

function blockCost(block: typeof EMPTY): number {
  const squares =
    SQUARE.emphasis * block.emphasis ** 2 + SQUARE.brackets * Math.min(block.open, block.close) ** 2 + SQUARE.tags * block.tags ** 2;
  return (
    squares +
    SQUARE.ticks * block.ticks * block.length +
    EACH.bracket * block.open +
    EACH.tag * block.tags +
    EACH.reference * block.references
  );
}

function count(line: string, pattern: RegExp): number {
  return line.match(pattern)?.length ?? 0;
}

function depthOf(line: string): number {
  const [lead = ''] = /^(?:[\s>]|[-*+](?=\s|$)|\d{1,9}[.)](?=\s|$))*/.exec(line) ?? [];
  const indented = /[-*+.)]/.test(lead) ? Math.floor(lead.search(/\S/) / 2) : 0;
  return count(lead, />|[-*+]|\d[.)]/g) + indented;
}

/** Fenced code is cheap. After a line that may begin HTML nothing is surely a fence, so everything counts. */
function* outsideFences(markdown: string): Generator<string> {
  let fence: string | undefined;
  let sure = true;
  for (const line of markdown.split('\n')) {
    if (fence !== undefined) {
      const run = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1] ?? '';
      if (run.startsWith(fence)) fence = undefined;
      continue;
    }
    const [ticks] = /^(?:`{3,}(?=[^`]*$)|~{3,})/.exec(line) ?? [];
    if (/^[\s>]*(?:[-*+]\s+|\d+[.)]\s+)*</.test(line)) sure = false;
    if (sure && ticks !== undefined) fence = ticks;
    else yield line;
  }
}
