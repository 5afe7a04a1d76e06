/** The gateway between a real client on its socket and a real HTTP server that plays the provider. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway, GatewayOptions, Protocol } from '../../../src/core/gateway/gateway.ts';
import { openGateway } from '../../../src/core/gateway/open-gateway.ts';

const KEY = 'sk-canary-0123456789-secret';
const NOW = new Date('2026-11-22T12:00:00Z');

interface Got {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Play = (got: Got, response: ServerResponse) => void;

let directory: string;
let provider: Server;
let got: Got[];
let play: Play;
/** Connections that the provider saw end before its answer did. */
let abandoned: number;
let gateway: Gateway | undefined;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Play =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
const SAID = { id: 'x', usage: { input_tokens: 10, cache_read_input_tokens: 3, cache_creation_input_tokens: 2, output_tokens: 5 } };

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gw-'));
  got = [];
  abandoned = 0;
  play = json(200, SAID);
  provider = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    response.on('close', () => {
      if (!response.writableFinished) abandoned++;
    });
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const one = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(parts).toString(),
      };
      got.push(one);
      play(one, response);
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  provider.closeAllConnections();
  await new Promise<void>((resolve) => provider.close(() => resolve()));
  rmSync(directory, { recursive: true, force: true });
});

const url = () => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;

async function open(over: Partial<GatewayOptions> = {}): Promise<Gateway> {
  gateway = await openGateway({
    protocol: 'anthropic',
    baseUrl: url(),
    key: KEY,
    directory,
    maxRequests: 100,
    purse: { model: 'm', toCost: () => undefined },
    idleMs: 5000,
    now: () => NOW,
    ...over,
  });
  return gateway;
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** Whether the answer came whole. */
  whole: boolean;
}

interface Asking {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

const ROUTES: Record<Protocol, string> = {
  anthropic: '/v1/messages',
  openai: '/v1/responses',
  google: '/v1beta/models/gemini-2.5-pro:generateContent',
};

function ask(door: Gateway, asking: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', path = ROUTES.anthropic, headers = { 'x-api-key': door.pass }, body = '{"model":"m"}' } = asking;
    const outgoing = request(
      { agent: false, socketPath: door.socket, method, path, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', () => {});
        response.on('close', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
            whole: response.complete,
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(method === 'GET' ? undefined : body);
  });
}

describe('the key', () => {
  it('goes to the provider in place of the pass, in the header that was used, and nowhere else', async () => {
    const door = await open();
    await ask(door);
    await ask(door, {
      headers: { authorization: `Bearer ${door.pass}`, 'x-api-key': 'sk-of-somebody-else', cookie: 'a=b', 'anthropic-version': '1' },
    });
    // The provider's own address takes `x-api-key` alone; others want one or the other.
    expect(got[0]?.headers).toMatchObject({
      'x-api-key': KEY,
      authorization: `Bearer ${KEY}`,
      'accept-encoding': 'identity',
      host: new URL(url()).host,
    });
    expect(got[1]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'anthropic-version': '1' });
    for (const name of ['x-api-key', 'cookie']) expect(got[1]?.headers).not.toHaveProperty(name);
    expect(got.map(({ body }) => body)).toEqual(['{"model":"m"}', '{"model":"m"}']);
    expect(JSON.stringify(got)).not.toContain(door.pass);
  });
  it('goes where each protocol wants it', async () => {
    const openai = await open({ protocol: 'openai', baseUrl: `${url()}/v1` });
    await ask(openai, { path: ROUTES.openai, headers: { authorization: `Bearer ${openai.pass}` } });
    expect(got.at(-1)).toMatchObject({ url: '/v1/responses', headers: { authorization: `Bearer ${KEY}` } });
    await openai.close();
    const google = await open({ protocol: 'google' });
    await ask(google, { path: `${ROUTES.google}?alt=sse&key=${google.pass}`, headers: {} });
    expect(got.at(-1)).toMatchObject({ url: `${ROUTES.google}?alt=sse`, headers: { 'x-goog-api-key': KEY } });
    await ask(google, { path: ROUTES.google.replace(':', '%3A'), headers: { 'x-goog-api-key': google.pass } });
    expect(got.at(-1)?.url).toBe(ROUTES.google);
  });
  it('is asked for with the pass only', async () => {
    const door = await open();
    for (const headers of [
      {},
      { 'x-api-key': KEY },
      { 'x-api-key': `${door.pass}0` },
      { authorization: door.pass },
      { 'x-goog-api-key': door.pass },
    ]) {
      expect(await ask(door, { headers: headers as Record<string, string> })).toMatchObject({ status: 401 });
    }
    expect(got).toEqual([]);
  });
  it('does not come back with an answer that repeats it', async () => {
    play = json(400, { error: { message: `bad request with ${KEY}` } }, { 'x-echo': KEY, 'set-cookie': 'a=b' });
    const answer = await ask(await open());
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer)).not.toContain(KEY);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(gateway?.report().failure?.message).not.toContain(KEY);
  });
});

describe('addresses', () => {
  it.each([
    ['/v1/files', 404],
    ['/v1/messages/batches', 404],
    ['/v1/organizations/me', 404],
    ['/', 404],
    ['/v1/../v1/messages', 400],
    ['/v1/%2e%2e/admin', 400],
    ['/v1//messages', 400],
    ['//evil.example/v1/messages', 400],
    ['http://evil.example/v1/messages', 400],
    ['/v1\\messages', 400],
    [`/v1/messages?${'x'.repeat(5000)}`, 400],
  ])('%s is not for agents', async (path, status) => {
    expect(await ask(await open(), { path })).toMatchObject({ status });
    expect(got).toEqual([]);
  });
  it('lie below the configured one', async () => {
    const door = await open({ baseUrl: `${url()}/anthropic/` });
    expect(await ask(door)).toMatchObject({ status: 404 });
    expect(await ask(door, { path: '/anthropic/v1/messages?beta=true' })).toMatchObject({ status: 200 });
    expect(got.map((one) => one.url)).toEqual(['/anthropic/v1/messages?beta=true']);
  });
  it('take the methods they have', async () => {
    const door = await open();
    expect(await ask(door, { method: 'DELETE' })).toMatchObject({ status: 405 });
    expect(await ask(door, { method: 'GET', path: '/v1/models' })).toMatchObject({ status: 200 });
    expect(door.report().requests).toBe(0);
  });
  it('are no tunnel', async () => {
    const door = await open();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(door.socket, () => socket.write(`CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n`));
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    expect(answer).not.toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('answers', () => {
  it('pass as they are, and their usage is added up', async () => {
    const door = await open();
    expect(JSON.parse((await ask(door)).text)).toEqual(SAID);
    await ask(door);
    const usage = { input: 20, cacheRead: 6, cacheWrite: 4, output: 10 };
    expect(door.report()).toEqual({ requests: 2, usage, byModel: { '': usage }, refused: [] });
    play = json(200, { ...SAID, model: 'model-2' });
    await ask(door);
    expect(door.report().byModel).toEqual({ '': usage, 'model-2': { input: 10, cacheRead: 3, cacheWrite: 2, output: 5 } });
  });
  it('stream piece by piece', async () => {
    play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n');
    };
    const door = await open();
    const first = await new Promise<string>((resolve) => {
      const outgoing = request(
        { socketPath: door.socket, method: 'POST', path: ROUTES.anthropic, headers: { 'x-api-key': door.pass } },
        (response) =>
          response.once('data', (part: Buffer) => {
            resolve(part.toString());
            outgoing.destroy();
          }),
      );
      outgoing.on('error', () => {});
      outgoing.end('{}');
    });
    expect(first).toContain('message_start');
    await expect.poll(() => abandoned).toBe(1);
    expect(door.report()).toMatchObject({ requests: 1, usage: { input: 7, cacheRead: 0, cacheWrite: 0, output: 1 } });
  });
  it('that are cut in the middle end so for the agent too', async () => {
    play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {}\n\n');
      setTimeout(() => response.destroy(), 20);
    };
    const door = await open();
    expect(await ask(door)).toMatchObject({ status: 200, whole: false });
    expect(door.report().failure).toEqual({ kind: 'overloaded', message: 'the provider broke off its answer' });
  });
  it.each([
    ['head', (_: Got, __: ServerResponse) => {}, 504],
    [
      'stream',
      (_: Got, response: ServerResponse) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: {}\n\n');
      },
      200,
    ],
  ])('whose %s stalls are ended', async (_, stall, status) => {
    play = stall;
    const door = await open({ idleMs: 300 });
    const begun = Date.now();
    expect(await ask(door)).toMatchObject({ status });
    expect(Date.now() - begun).toBeLessThan(3000);
    expect(door.report().failure).toMatchObject({ kind: 'stalled' });
    await expect.poll(() => abandoned).toBe(1);
  });
  it('that stall twice in a run are not waited for a third time', async () => {
    play = () => {};
    const door = await open({ idleMs: 200 });
    expect([(await ask(door)).status, (await ask(door)).status, (await ask(door)).status]).toEqual([504, 400, 400]);
    expect(got).toHaveLength(2);
  });
  it('that stalled are remembered, though the agent is ended while it asks again', async () => {
    play = () => {};
    const door = await open({ idleMs: 300 });
    await ask(door);
    const again = request({
      agent: false,
      socketPath: door.socket,
      method: 'POST',
      path: ROUTES.anthropic,
      headers: { 'x-api-key': door.pass },
    });
    again.on('error', () => {});
    again.end('{}');
    await expect.poll(() => got.length).toBe(2);
    again.destroy();
    await expect.poll(() => abandoned).toBe(2);
    expect(door.report()).toMatchObject({ requests: 2, failure: { kind: 'stalled' } });
  });
  it('that drip are not', async () => {
    play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let left = 6;
      const timer = setInterval(() => {
        response.write('data: {}\n\n');
        if (--left === 0) {
          clearInterval(timer);
          response.end();
        }
      }, 100);
    };
    const door = await open({ idleMs: 300 });
    expect(await ask(door)).toMatchObject({ status: 200, whole: true });
    expect(door.report()).not.toHaveProperty('failure');
  });
  it('that move elsewhere are not followed', async () => {
    play = (_, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/v1/messages' });
      response.end();
    };
    const door = await open();
    expect(await ask(door)).toMatchObject({ status: 502 });
    expect(door.report().failure?.message).toContain('correct `base_url`');
  });
  it('that are no answer of a model count as a failure', async () => {
    play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>Sign in</html>');
    };
    const door = await open();
    expect(await ask(door)).toMatchObject({ status: 502 });
    expect(door.report().failure).toMatchObject({ kind: 'overloaded' });
  });
  it('are missed where nobody listens', async () => {
    const door = await open({ baseUrl: 'http://127.0.0.1:9' });
    expect(await ask(door)).toMatchObject({ status: 502 });
    expect(door.report().failure).toMatchObject({ kind: 'overloaded', message: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('failures', () => {
  it('keep the words of the provider where the agent may ask again, and are cleared by a success', async () => {
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    play = json(529, overloaded, { 'retry-after': '2' });
    const door = await open();
    const answer = await ask(door);
    expect(answer).toMatchObject({ status: 529, headers: { 'retry-after': '2' } });
    expect(JSON.parse(answer.text)).toEqual(overloaded);
    expect(door.report().failure).toEqual({
      kind: 'overloaded',
      message: 'the provider is not available: HTTP 529: Overloaded',
      retryAt: new Date('2026-11-22T12:00:02Z'),
    });
    play = json(200, SAID);
    await ask(door);
    expect(door.report()).not.toHaveProperty('failure');
  });
  it.each<[string, Play, string]>([
    ['a refused key', json(401, { error: { type: 'authentication_error', message: 'no' } }), 'auth'],
    ['an empty account', json(400, { error: { message: 'Your credit balance is too low' } }), 'quota'],
    ['a long wait', json(429, { error: { message: 'slow down' } }, { 'retry-after': '3600' }), 'rate_limit'],
  ])('that nothing mends are said once, in a form that no client repeats: %s', async (_, failing, kind) => {
    play = failing;
    const door = await open();
    expect(await ask(door)).toMatchObject({ status: 400 });
    play = json(200, SAID);
    expect(await ask(door)).toMatchObject({ status: 400 });
    expect(got).toHaveLength(1);
    expect(door.report()).toMatchObject({ requests: 1, failure: { kind } });
  });
  it('inside a stream are failures too', async () => {
    play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n');
    };
    const door = await open();
    expect(await ask(door)).toMatchObject({ status: 200, whole: true });
    expect(door.report().failure).toMatchObject({ kind: 'overloaded' });
  });
});

describe('limits', () => {
  it('end a run that asks without end', async () => {
    const door = await open({ maxRequests: 3 });
    const statuses = [];
    for (let k = 0; k < 5; k++) statuses.push((await ask(door)).status);
    expect(statuses).toEqual([200, 200, 200, 400, 400]);
    expect(door.report()).toMatchObject({ requests: 3, failure: { kind: 'limit', message: expect.stringContaining('3 requests') } });
  });
  it('end a run that has used all it may spend', async () => {
    const door = await open({ purse: { model: 'm', mostUsd: 10, toCost: (_, { output }) => output } });
    const statuses = [];
    for (let k = 0; k < 4; k++) statuses.push((await ask(door)).status);
    expect(statuses).toEqual([200, 200, 400, 400]);
    expect(door.report().failure?.kind).toBe('limit');
  });
  it('hold for the size of a request', async () => {
    const door = await open();
    expect(await ask(door, { body: 'x'.repeat(33_000_000) })).toMatchObject({ status: 413 });
    expect(got).toEqual([]);
    expect(door.report().failure?.kind).toBe('context_too_long');
  });
  it('do not trouble hundreds of requests at once', async () => {
    const door = await open({ maxRequests: 500 });
    const statuses = await Promise.all(Array.from({ length: 300 }, async () => (await ask(door)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(door.report()).toMatchObject({ requests: 300, usage: { input: 3000 } });
  });
});

describe('the socket', () => {
  it('is for this user alone, and gone afterwards', async () => {
    const door = await open();
    expect(statSync(door.socket).mode & 0o777).toBe(0o600);
    play = () => {};
    const waiting = ask(door).catch(() => 'cut');
    await sleep(50);
    await door.close();
    gateway = undefined;
    expect(await waiting).toBe('cut');
    expect(readdirSync(directory)).toEqual([]);
  });
  it('needs a short path, and says so', async () => {
    await expect(open({ directory: `/${'d'.repeat(110)}` })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('too long for a socket'),
    });
  });
});
