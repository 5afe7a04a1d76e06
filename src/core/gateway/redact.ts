/** Takes the key out of what a provider answers. Pure. */

/** Shorter ones are placeholders, as servers of one's own take them, and stand in ordinary words. */
const SHORTEST_SECRET = 8;

export function holdsKey(text: string, key: string): boolean {
  return key.length >= SHORTEST_SECRET && text.includes(key);
}

export function withoutKey(text: string, key: string): string {
  return holdsKey(text, key) ? text.replaceAll(key, '***') : text;
}

export interface Redactor {
  /** @returns what may pass on now: all but an end that could be the beginning of the key. */
  push(part: Buffer): Buffer;
  /** What was held back. */
  end(): Buffer;
}

/** For a stream of bytes, wherever its pieces are cut. Its length stays, so a stated length stays true. */
export function openRedactor(key: string): Redactor {
  const secret = Buffer.from(key);
  if (key.length < SHORTEST_SECRET) return { push: (part) => part, end: () => Buffer.alloc(0) };
  let held: Buffer = Buffer.alloc(0);
  return {
    push(part) {
      const all = Buffer.concat([held, part]);
      for (let at = all.indexOf(secret); at >= 0; at = all.indexOf(secret, at + secret.length)) all.fill('*', at, at + secret.length);
      const kept = beginningAtEnd(all, secret);
      held = all.subarray(all.length - kept);
      return all.subarray(0, all.length - kept);
    },
    end() {
      const rest = held;
      held = Buffer.alloc(0);
      return rest;
    },
  };
}

/** Length of the longest end of `all` with which the secret begins. */
function beginningAtEnd(all: Buffer, secret: Buffer): number {
  for (let length = Math.min(secret.length - 1, all.length); length > 0; length--) {
    if (all.subarray(all.length - length).equals(secret.subarray(0, length))) return length;
  }
  return 0;
}
