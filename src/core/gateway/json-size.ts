/**
 * Looks over JSON before it is parsed: some megabytes of brackets and commas
 * become gigabytes of values and keep this process for many seconds, in which
 * no timer of any run goes off. Pure.
 */

/** The longest conversations have some ten thousand. */
const MOST_VALUES = 200_000;
const MOST_DEPTH = 300;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number | undefined> = new Set([0x5d, 0x7d]);

/** @returns why these bytes are not to be parsed; says nothing of whether they are JSON. */
export function findExcess(bytes: Buffer): string | undefined {
  let values = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === COMMA) values++;
    else if (OPENING.has(byte)) {
      values++;
      depth++;
    } else if (CLOSING.has(byte)) depth--;
    if (depth > MOST_DEPTH) return `the request has more than ${MOST_DEPTH} levels`;
    if (values > MOST_VALUES) return `the request has more than ${MOST_VALUES} values`;
  }
  return undefined;
}

/** Where the string ends that begins at `from`. */
function endOfString(bytes: Buffer, from: number): number {
  for (let at = from + 1; ; at++) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === undefined) return at;
    if (byte === BACKSLASH) at++;
  }
}
