/**
 * One request on a connection at a time. A client that sends the next before its
 * answer would get more of the host than a limit of connections allows; and of
 * answers that wait behind another, Node does not tell when the client is gone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** @returns for each request of one server: whether it came too early, and its connection was closed for it */
export function openPipelineGuard(): (request: IncomingMessage, response: ServerResponse) => boolean {
  const last = new WeakMap<Socket, ServerResponse>();
  return ({ socket }, response) => {
    const early = last.get(socket)?.writableEnded === false;
    if (early) socket.destroy();
    else last.set(socket, response);
    return early;
  };
}
