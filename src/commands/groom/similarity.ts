/**
 * Which issues look like the same thing twice. Deterministic, and tuned for few
 * false alarms: both the title and the text must agree, words that many issues
 * share weigh little, headings of templates and long logs do not count, and
 * siblings of a series (one word or number changed in the title) are no
 * duplicates. Only older issues are candidates. Pure.
 */

import type { Nodes } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';

/** Half the likeness of the titles, half that of the texts. */
const THRESHOLD = 0.75;
/** Less than this of either is never a duplicate. */
const MIN_TITLE = 0.5;
const MIN_TEXT = 0.5;
/** With fewer words an issue says too little to be compared. */
const MIN_WORDS = 3;
/** A longer code block is a log. */
const MAX_CODE_LINES = 20;
/** Of a body that is read. */
const MAX_BODY = 20_000;
const MAX_CANDIDATES = 3;

export interface Text {
  number: number;
  title: string;
  body: string;
}

export interface Candidate {
  number: number;
  title: string;
  /** 0..1, two decimals. */
  score: number;
}

interface Prepared extends Text {
  titleWords: string[];
  /** Pairs of neighbouring characters of the title. */
  pairs: Set<string>;
  words: Set<string>;
}

const STOP_WORDS = new Set(
  'a an and are as at be been but by can cannot could do does did doing for from had has have i if in into is it its me my no not of on or our should so than that the their them then there these they this to too up us was we were what when where which while who will with would you your please'.split(
    ' ',
  ),
);

/** Older issues that each issue looks like, best first, at most three; issues without one are absent. */
export function findDuplicates(issues: readonly Text[]): Map<number, Candidate[]> {
  const prepared = issues.map(prepare).filter((text) => text.words.size >= MIN_WORDS && text.titleWords.length > 0);
  const weight = weigh(prepared);
  const found = new Map<number, Candidate[]>();
  for (const text of prepared) {
    const candidates = prepared
      .filter((other) => other.number < text.number)
      .flatMap((other) => {
        const score = compare(text, other, weight);
        return score >= THRESHOLD && !mentions(text, other.number)
          ? [{ number: other.number, title: other.title, score: Math.round(score * 100) / 100 }]
          : [];
      })
      .sort((a, b) => b.score - a.score || a.number - b.number);
    if (candidates.length > 0) found.set(text.number, candidates.slice(0, MAX_CANDIDATES));
  }
  return found;
}

/** Likeness of two issues among others, 0..1; symmetric. */
export function similarity(a: Text, b: Text, among: readonly Text[]): number {
  return compare(prepare(a), prepare(b), weigh(among.map(prepare)));
}

function compare(a: Prepared, b: Prepared, weight: (word: string) => number): number {
  if ((2 * Math.min(a.pairs.size, b.pairs.size)) / Math.max(1, a.pairs.size + b.pairs.size) < MIN_TITLE) return 0;
  const title = dice(a.pairs, b.pairs, () => 1);
  if (title < MIN_TITLE || areSiblings(a, b)) return 0;
  const text = dice(a.words, b.words, weight);
  return text < MIN_TEXT ? 0 : (title + text) / 2;
}

/** Weighted Dice coefficient: twice what both have, by what each has. Sets are sorted, so rounding cannot depend on which comes first. */
function dice(a: ReadonlySet<string>, b: ReadonlySet<string>, weight: (item: string) => number): number {
  let all = 0;
  let both = 0;
  for (const item of a) {
    all += weight(item);
    if (b.has(item)) both += weight(item);
  }
  let rest = 0;
  for (const item of b) rest += weight(item);
  return all + rest === 0 ? 0 : (2 * both) / (all + rest);
}

/** Rare words say more: inverse document frequency. */
function weigh(texts: readonly Prepared[]): (word: string) => number {
  const counts = new Map<string, number>();
  for (const { words } of texts) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const weights = new Map(Array.from(counts, ([word, count]) => [word, Math.log(1 + texts.length / count)]));
  return (word) => weights.get(word) ?? Math.log(1 + texts.length);
}

/** The same sentence about something else: one word exchanged in place, or numbers and names of code that differ. */
function areSiblings(a: Prepared, b: Prepared): boolean {
  const onlyA = a.titleWords.filter((word) => !b.titleWords.includes(word));
  const onlyB = b.titleWords.filter((word) => !a.titleWords.includes(word));
  if (onlyA.length === 0 || onlyB.length === 0) return false;
  if ([...onlyA, ...onlyB].some((word) => /[\d_./]/.test(word))) return true;
  const differing = a.titleWords.filter((word, index) => word !== b.titleWords[index]);
  return a.titleWords.length === b.titleWords.length && differing.length === 1;
}

/** A person who writes `#3` knows of it. */
function mentions(text: Text, number: number): boolean {
  return new RegExp(`#${number}\\b`).test(`${text.title}\n${text.body.slice(0, MAX_BODY)}`);
}

function prepare({ number, title, body }: Text): Prepared {
  const bare = title.replace(/^\s*(?:\[[^\]]{0,40}\]\s*|\w{1,12}(?:\([^)]{0,40}\))?:\s+)+/, '');
  const titleWords = toWords(bare);
  const line = titleWords.join(' ');
  const pairs = toSorted(Array.from({ length: Math.max(0, line.length - 1) }, (_, index) => line.slice(index, index + 2)));
  return { number, title, body, titleWords, pairs, words: toSorted([...titleWords, ...toWords(plainText(body))]) };
}

function toSorted(items: string[]): Set<string> {
  return new Set(items.sort());
}

/** Words, numbers and names of code, in lower case, by their stem, without those that say nothing. */
function toWords(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:[_./-][\p{L}\p{N}]+)*/gu) ?? [];
  return words.filter((word) => !STOP_WORDS.has(word)).map(toStem);
}

/** `ignores`, `ignored` and `ignoring` are one word. Crude, and the same for both sides. */
function toStem(word: string): string {
  if (!/^[a-z]{4,}$/.test(word)) return word;
  return word
    .replace(/([^s])s$/, '$1')
    .replace(/(?<=.{4})ing$|(?<=.{3})ed$/, '')
    .replace(/(?<=.{3})e$/, '');
}

/** What a person wrote: no headings, no HTML, no long code blocks. */
function plainText(body: string): string {
  const parts: string[] = [];
  const visit = (node: Nodes): void => {
    if (node.type === 'heading' || node.type === 'html') return;
    if (node.type === 'code' && node.value.split('\n').length > MAX_CODE_LINES) return;
    if ('value' in node) parts.push(node.value);
    if ('children' in node) for (const child of node.children) visit(child);
  };
  visit(fromMarkdown(body.slice(0, MAX_BODY)));
  return parts.join(' ');
}
