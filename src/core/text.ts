/**
 * Text that comes from outside, made safe to store, print and show (rows
 * 9, 44 and 50 of docs/threat-model.md), and small wording. Pure.
 */
import { removeInvisible } from './markdown/visible-text.ts';

/** Terminal escape sequences: OSC, DCS/PM/APC/SOS strings, CSI, and two-character escapes, in 7 and 8 bit form. */
const ESCAPES =
  /(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c]*(?:\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;
/** Removes escape sequences, control and invisible characters; keeps newlines and tabs. Idempotent; printable ASCII is unchanged. */
export function cleanText(text: string): string {
  return removeInvisible(text.replace(/\r\n?/g, '\n').replace(ESCAPES, ''));
}

/** `cleanText` on one line, at most `max` characters. */
export function cleanLine(text: string, max = 200): string {
  return truncate(cleanText(text).replace(/\s+/g, ' ').trim(), max);
}

/** At most `max` characters, the cut marked by `…`. */
export function truncate(text: string, max: number): string {
  return text.length <= max ? text : `${sliceWhole(text, max - 1)}…`;
}

/** The end of a long text, with a line that says how much is missing: for logs, where the last lines matter. */
export function tail(text: string, max: number): string {
  if (text.length <= max) return text;
  const kept = text.slice(text.length - max);
  return `… ${text.length - max} characters left out …\n${kept.replace(/^[\udc00-\udfff]/, '')}`;
}

function sliceWhole(text: string, end: number): string {
  return text.slice(0, end).replace(/[\ud800-\udbff]$/, '');
}

/** What may stand between a closing keyword and the reference: white space, a colon, and marks that a page does not show. */
const CLOSING =
  /\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)((?:[\s:*_~`"'()[\]\\>]|&nbsp;|&#?\w{1,8};)+)(?=(?:[\w.-]+\/[\w.-]+)?#\d|https?:|www\.|GH-\d|[\w.-]+\/[\w.-]+\/(?:issues|pull)\/\d)/gi;

/**
 * Words of an agent, for a comment, a pull request or the memory: no mention
 * notifies, no keyword closes an issue, no HTML, image or comment marker acts.
 */
export function neutralise(text: string, max = 20_000): string {
  return truncate(
    quieten(
      cleanText(text)
        // `&#64;` is a mention and `&#35;` a reference once the page is made.
        .replace(/&(?=#[\dx]|commat;|num;|excl;)/gi, '&amp;')
        .replace(/[<>]/g, (char) => (char === '<' ? '&lt;' : '&gt;'))
        .replace(/!\[/g, '['),
    ),
    max,
  );
}

/** No `@name` notifies, and no `fixes #9` closes an issue. */
export function quieten(text: string): string {
  return text.replace(/@(?=[A-Za-z0-9\\])/g, '＠').replace(CLOSING, '$1$2(see) ');
}

/** A fence longer than any run of backticks in the text, so that the text cannot end it. */
export function fence(text: string, info = ''): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), (run) => run[0].length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${info}\n${text.trimEnd()}\n${ticks}`;
}

/** `1 task`, `2 tasks`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}

/** `3 s`, `4 min`, `2 h`, `5 d`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** The known word nearest to a mistyped one, within a third of its length; `undefined` when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const cost = distance(word.toLowerCase(), candidate.toLowerCase());
    if (cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
