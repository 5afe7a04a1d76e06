/** How an answer goes over the wire: whole, or in one of the ways in which connections and providers fail in the middle. */
import type { ServerResponse } from 'node:http';
import type { Answer } from './protocol.ts';

/**
 * `hang`: nothing at all. `garbage`: HTTP 200 with what is no JSON.
 * `torn`: the connection ends in the middle. `stall`: silence after the head and
 * the first half. `drip`: a byte now and then, and never the last one.
 */
export type WireFault = 'hang' | 'garbage' | 'torn' | 'stall' | 'drip';

export function deliver(response: ServerResponse, { contentType, pieces }: Answer): void {
  response.writeHead(200, { 'content-type': contentType });
  for (const piece of pieces) response.write(piece);
  response.end();
}

/** Sends the first half, then what ends it. */
export function deliverHalf(response: ServerResponse, answer: Answer, last: string): void {
  response.writeHead(200, { 'content-type': answer.contentType });
  response.end(`${firstHalf(answer)}${last}`);
}

/** @param everyMs of `drip` */
export function deliverBadly(response: ServerResponse, answer: Answer, fault: WireFault, everyMs: number): void {
  if (fault === 'hang') return;
  if (fault === 'garbage') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<html>A proxy says hello.</html>');
    return;
  }
  const all = answer.pieces.join('');
  const length = answer.pieces.length === 1 ? { 'content-length': String(Buffer.byteLength(all)) } : {};
  response.writeHead(200, { 'content-type': answer.contentType, ...length });
  if (fault === 'drip') {
    drip(response, Buffer.from(all), everyMs);
    return;
  }
  response.write(firstHalf(answer));
  if (fault === 'torn') setImmediate(() => response.destroy());
}

/** Whole events of a stream, half of a document. */
function firstHalf({ pieces }: Answer): string {
  const [only = ''] = pieces;
  return pieces.length > 1 ? pieces.slice(0, Math.floor(pieces.length / 2)).join('') : only.slice(0, Math.floor(only.length / 2));
}

function drip(response: ServerResponse, bytes: Buffer, everyMs: number): void {
  let sent = 0;
  response.flushHeaders();
  const timer = setInterval(() => {
    if (sent < bytes.length - 1) response.write(bytes.subarray(sent, ++sent));
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}
