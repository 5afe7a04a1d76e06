/**
 * What a confined program prints: to the transcript up to a limit, and the end
 * of it in memory. Never grows beyond both, whatever is printed; a transcript
 * that cannot be written does not end the run.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { writeFully } from '../atomic-file.ts';
import { toIoError } from '../errors.ts';

const TAIL_BYTES = 64 * 1024;

export class Output {
  readonly #fd: number;
  #room: number;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #truncated = false;

  /** @throws AgentOsError `io` when the transcript cannot be opened. */
  constructor(transcript: string, limitBytes: number) {
    const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    try {
      this.#fd = openSync(transcript, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    } catch (error) {
      throw toIoError(error, `open the transcript \`${transcript}\``);
    }
    this.#room = limitBytes;
  }

  write(chunk: Buffer): void {
    this.#keep(chunk);
    const part = chunk.subarray(0, this.#room);
    if (part.length < chunk.length) this.#truncated = true;
    if (part.length === 0) return;
    this.#room -= part.length;
    try {
      writeFully(this.#fd, part);
    } catch {
      // A full disk may be the program's own doing: the end of its output is kept in memory, the rest counts as dropped.
      this.#room = 0;
      this.#truncated = true;
    }
  }

  #keep(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    if (this.#tailBytes < 4 * TAIL_BYTES && this.#tail.length < 1024) return;
    const last = Buffer.concat(this.#tail).subarray(-TAIL_BYTES);
    // A copy: a slice would hold the whole of what was dropped.
    this.#tail = [Buffer.from(last)];
    this.#tailBytes = last.length;
  }

  /** Closes the transcript. `output`: the last 64 kB as valid UTF-8; `truncated`: some of it is missing in the transcript. */
  end(): { output: string; truncated: boolean } {
    closeSync(this.#fd);
    // Whatever comes late has no file any more.
    this.#room = 0;
    return { output: toText(Buffer.concat(this.#tail)), truncated: this.#truncated };
  }
}

/** The last 64 kB as text that is at most 64 kB of UTF-8: what is not UTF-8 becomes U+FFFD, which is longer. */
function toText(bytes: Buffer): string {
  const text = Buffer.from(fromCharacter(bytes.subarray(-TAIL_BYTES)).toString('utf8'));
  return fromCharacter(text.subarray(-TAIL_BYTES)).toString('utf8');
}

/** Without the bytes of a character whose beginning was cut off. */
function fromCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.subarray(start);
}
