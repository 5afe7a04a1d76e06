/** Takes the key out of a stream of bytes, wherever the pieces are cut. Its length stays, so a stated length stays true. Pure. */

export interface Redactor {
  /** @returns what may pass on now: all but an end that could be the beginning of the key. */
  push(part: Buffer): Buffer;
  /** What was held back. */
  end(): Buffer;
}

export function openRedactor(key: string): Redactor {
  const secret = Buffer.from(key);
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
