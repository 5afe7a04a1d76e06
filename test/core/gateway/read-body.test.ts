/** Bodies over real connections. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBodyReader, type ReadBody } from '../../../src/core/gateway/read-body.ts';

let server: Server;
let read: ReadBody[];
beforeEach(async () => {
  read = [];
  const bodies = openBodyReader(200);
  server = createServer(async (request, response) => {
    read.push(await bodies.read(request));
    response.writeHead(200, { connection: 'close' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const send = (length: number) => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`);
  return socket;
};

describe('a body', () => {
  it('is read whole', async () => {
    const socket = send(6);
    socket.write('abc');
    setTimeout(() => socket.write('def'), 50);
    await expect.poll(() => read).toEqual([{ ok: true, body: Buffer.from('abcdef') }]);
  });
  it('that does not come in time is given up', async () => {
    send(6).write('abc');
    await expect.poll(() => read).toMatchObject([{ ok: false, status: 408 }]);
  });
  it('that breaks off is none', async () => {
    const socket = send(6);
    socket.write('abc');
    setTimeout(() => socket.destroy(), 50);
    await expect.poll(() => read).toMatchObject([{ ok: false, status: 400 }]);
  });
  it('is bounded alone, and with others that are read at once', async () => {
    send(33_000_000).write(Buffer.alloc(33_000_000));
    await expect.poll(() => read, { timeout: 5000 }).toMatchObject([{ ok: false, status: 413 }]);
    read = [];
    const half = Buffer.alloc(20_000_000);
    const sockets = Array.from({ length: 14 }, () => send(20_000_001));
    for (const socket of sockets) socket.write(half);
    await expect.poll(() => read.filter((one) => !one.ok && one.status === 503).length, { timeout: 10_000 }).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => read.length, { timeout: 10_000 }).toBe(14);
    const again = send(3);
    again.write('abc');
    await expect.poll(() => read.at(-1), { timeout: 5000 }).toMatchObject({ ok: true });
  });
});
