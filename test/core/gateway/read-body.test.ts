/** Bodies over real connections. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openBodyReader, type ReadBody } from '../../../src/core/gateway/read-body.ts';

let server: Server;
let read: ReadBody[];
/** Whether requests that were read are answered. */
let answers: boolean;
beforeEach(async () => {
  read = [];
  answers = true;
  const bodies = openBodyReader(3000);
  server = createServer(async (request, response) => {
    const over = new AbortController();
    response.on('close', () => over.abort());
    read.push(await bodies.read(request, over.signal));
    if (answers) response.writeHead(200, { connection: 'close' }).end();
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
    await expect.poll(() => read, { timeout: 5000 }).toMatchObject([{ ok: false, status: 408 }]);
  });
  it('that breaks off is none', async () => {
    const socket = send(6);
    socket.write('abc');
    setTimeout(() => socket.destroy(), 50);
    await expect.poll(() => read).toMatchObject([{ ok: false, status: 400 }]);
  });
  it('counts until its request is over, with the others', async () => {
    answers = false;
    const body = Buffer.alloc(31_000_000);
    const sockets = Array.from({ length: 8 }, () => send(body.length));
    for (const socket of sockets) socket.write(body);
    await expect.poll(() => read.filter(({ ok }) => ok).length, { timeout: 10_000 }).toBe(8);
    const one = send(body.length);
    one.write(body);
    // What the runner would print of a body takes it half a minute.
    const last = () => read.slice(8).map((result) => (result.ok ? result.body.length : result.status));
    await expect.poll(last, { timeout: 5000 }).toEqual([503]);
    for (const socket of [...sockets, one]) socket.destroy();
    answers = true;
    await sleep(50);
    send(3).write('abc');
    await expect.poll(last, { timeout: 5000 }).toEqual([503, 3]);
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
