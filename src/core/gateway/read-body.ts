/** Reads the bodies of requests whole, within bounds: what is not read whole is not sent, and is nobody's failure but the agent's. */
import type { IncomingMessage } from 'node:http';

/** Largest body of a request. */
const MOST_BODY_BYTES = 32_000_000;
/** Of all requests that are read, wait or are answered at once. */
const MOST_HELD_BYTES = 256_000_000;
/** Beyond the largest body it is read on for the sake of the answer, so that the client gets it; no further than this. */
const MOST_READ_BYTES = 4 * MOST_BODY_BYTES;

export type ReadBody = { ok: true; body: Buffer } | { ok: false; status: 400 | 408 | 413 | 503; reason: string };

export interface BodyReader {
  /**
   * Resolves when it is read, refused, or given up; never rejects.
   * @param over aborted when the exchange is: a body that was read counts as held until then
   */
  read(request: IncomingMessage, over: AbortSignal): Promise<ReadBody>;
}

/** @param pauseMs longest time between two pieces of a body */
export function openBodyReader(pauseMs: number): BodyReader {
  let held = 0;
  return {
    async read(request, over) {
      const parts: Buffer[] = [];
      let size = 0;
      const drop = () => {
        for (const part of parts) held -= part.length;
        parts.length = 0;
      };
      let full = false;
      const take = (part: Buffer) => {
        size += part.length;
        full ||= held + part.length > MOST_HELD_BYTES;
        if (full || size > MOST_BODY_BYTES) return drop();
        held += part.length;
        parts.push(part);
      };
      const end = await readAll(request, take, () => size > MOST_READ_BYTES, pauseMs);
      const body = end === 'whole' && !over.aborted ? Buffer.concat(parts) : Buffer.alloc(0);
      drop();
      if (size > MOST_BODY_BYTES) return { ok: false, status: 413, reason: `the request is larger than ${MOST_BODY_BYTES} bytes` };
      if (full) return { ok: false, status: 503, reason: 'too many large requests at once' };
      if (end === 'late') return { ok: false, status: 408, reason: 'the request did not come in time' };
      if (end === 'cut' || over.aborted) return { ok: false, status: 400, reason: 'the request broke off' };
      held += size;
      over.addEventListener('abort', () => (held -= size), { once: true });
      return { ok: true, body };
    },
  };
}

function readAll(
  request: IncomingMessage,
  take: (part: Buffer) => void,
  isEnough: () => boolean,
  pauseMs: number,
): Promise<'whole' | 'cut' | 'late'> {
  return new Promise((resolve) => {
    const done = (end: 'whole' | 'cut' | 'late') => {
      clearTimeout(timer);
      request.pause();
      resolve(end);
    };
    const timer = setTimeout(() => done('late'), pauseMs);
    request.on('data', (part: Buffer) => {
      timer.refresh();
      take(part);
      if (isEnough()) done('cut');
    });
    request.on('end', () => done('whole'));
    request.on('close', () => done('cut'));
    request.on('error', () => done('cut'));
  });
}
