/** What a hostile program sends to the gateway by hand, and what of it reaches a real provider. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../../../src/core/gateway/gateway.ts';
import { GatewayPlace, json, KEY, said } from '../../support/gateway-place.ts';

let place: GatewayPlace;
beforeEach(async () => {
  place = await GatewayPlace.open();
});
afterEach(() => place.close());

const SMUGGLED = 'POST /v1/files HTTP/1.1\r\nhost: x\r\nx-api-key: sk-of-the-attacker\r\ncontent-length: 5000\r\n\r\n';
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const head = (door: Gateway, line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'host: x', `x-api-key: ${door.pass}`, ...headers].join('\r\n')}\r\n\r\n`;

describe('a body', () => {
  it.each([
    ['in chunks, of a request that has none', ['transfer-encoding: chunked'], chunked(SMUGGLED)],
    ['with a length, of a request that has none', [`content-length: ${SMUGGLED.length}`], SMUGGLED],
    ['with both', ['transfer-encoding: chunked', 'content-length: 4'], chunked(SMUGGLED)],
  ])('%s reaches nobody', async (_, headers, body) => {
    const door = await place.gateway();
    // The connection to the provider is there, and kept.
    expect(await place.ask(door)).toMatchObject({ status: 200 });
    const raw = place.raw(door);
    raw.socket.write(head(door, 'GET /v1/models', ...headers) + body);
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 400/);
    expect(await place.ask(door)).toMatchObject({ status: 200 });
    expect(place.got.map(({ url }) => url)).toEqual(['/v1/messages', '/v1/messages']);
    expect(JSON.stringify(place.got)).not.toContain('attacker');
  });

  it('in chunks is sent in one frame of ours', async () => {
    const door = await place.gateway();
    const raw = place.raw(door);
    const body = `{"model":"m", "text":${JSON.stringify(SMUGGLED)}}`;
    raw.socket.write(head(door, 'POST /v1/messages', 'transfer-encoding: chunked', 'connection: close') + chunked(body));
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 200/);
    expect(place.got).toHaveLength(1);
    const [got] = place.got;
    expect(got?.headers).toMatchObject({ 'content-length': String(got?.body.length), 'content-type': 'application/json' });
    expect(got?.headers).not.toHaveProperty('transfer-encoding');
    expect(JSON.parse(got?.body ?? '')).toEqual(JSON.parse(body));
  });

  it('that broke off is not sent, and does not count', async () => {
    const door = await place.gateway();
    const raw = place.raw(door);
    raw.socket.write(`${head(door, 'POST /v1/messages', 'content-length: 1000')}{"model":`);
    await sleep(50);
    raw.socket.destroy();
    await sleep(50);
    expect(place.got).toEqual([]);
    expect(door.report()).toMatchObject({ requests: 0, cost: { usd: 0 } });
    expect(door.report()).not.toHaveProperty('failure');
  });

  it('is read by the provider as it was judged, whatever key it repeats', async () => {
    const door = await place.gateway();
    await place.ask(door, { body: '{"model":"m","tools":[{"type":"web_search_20250305","name":"web_search"}],"tools":[]}' });
    expect(place.got[0]?.body).toBe('{"model":"m","tools":[]}');
  });
});

describe('a connection', () => {
  it('that does not wait for its answer is closed, and takes no more of the host than others', async () => {
    const door = await place.gateway();
    place.play = () => {};
    const raw = place.raw(door);
    raw.socket.write(head(door, 'GET /v1/models').repeat(300));
    await raw.closed;
    await sleep(200);
    expect(place.got.length).toBeLessThan(2);
    place.play = said('m', 10, 5);
    expect(await place.ask(door)).toMatchObject({ status: 200 });
  });

  it('may be used again and again', async () => {
    const door = await place.gateway();
    const raw = place.raw(door);
    for (let count = 1; count <= 20; count++) {
      raw.socket.write(`${head(door, 'POST /v1/messages', 'content-length: 13')}{"model":"m"}`);
      await expect.poll(() => raw.text().split('HTTP/1.1 200').length - 1).toBe(count);
    }
  });
});

describe('a request with a tool of the provider', () => {
  it('is refused by name, noted, and ends nothing', async () => {
    const door = await place.gateway();
    const refused = await place.ask(door, { body: { model: 'm', tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] } });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).error.message).toBe('agents may not use the tool `web_fetch_20250910` of the provider');
    expect(door.report()).toMatchObject({ requests: 0, refused: [expect.stringContaining('web_fetch_20250910')] });
    expect(door.report()).not.toHaveProperty('failure');
    expect(await place.ask(door)).toMatchObject({ status: 200 });
    expect(place.got).toHaveLength(1);
  });

  it('is refused where it only counts tokens', async () => {
    const door = await place.gateway();
    const image = { type: 'image', source: { type: 'url', url: 'https://evil.example/?secret' } };
    const body = { model: 'm', messages: [{ role: 'user', content: [image] }] };
    expect(await place.ask(door, { path: '/v1/messages/count_tokens', body })).toMatchObject({ status: 400 });
    expect(place.got).toEqual([]);
  });
});

describe('headers and queries', () => {
  it('pass where the protocol needs them, and no others', async () => {
    const door = await place.gateway();
    await place.ask(door, {
      path: '/v1/messages?beta=true&access_token=x&$httpHeaders=y',
      headers: {
        'anthropic-version': '2023-06-01',
        'anthropic-beta':
          'context-management-2025-06-27, mcp-client-2025-04-04,web-fetch-2025-09-10,code-execution-2025-08-25,files-api-2025-04-14',
        'openai-organization': 'org-x',
        'openai-project': 'proj-x',
        'x-http-method-override': 'DELETE',
        'x-forwarded-for': '1.2.3.4',
        'content-encoding': 'identity',
      },
    });
    const [got] = place.got;
    expect(got?.url).toBe('/v1/messages?beta=true');
    expect(Object.keys(got?.headers ?? {}).sort()).toEqual(
      [
        'accept-encoding',
        'anthropic-beta',
        'anthropic-version',
        'authorization',
        'connection',
        'content-length',
        'content-type',
        'host',
      ].sort(),
    );
    expect(got?.headers['anthropic-beta']).toBe('context-management-2025-06-27');
  });
});

describe('the key', () => {
  it('is taken out of good answers too, wherever they are cut', async () => {
    const cut = 9;
    place.play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: {"text":"${KEY} and ${KEY.slice(0, cut)}`);
      setTimeout(() => response.end(`${KEY.slice(cut)} and ${KEY.slice(0, 5)}"}\n\n`), 50);
    };
    const answer = await place.ask(await place.gateway());
    const stars = '*'.repeat(KEY.length);
    expect(answer).toEqual({ status: 200, text: `data: {"text":"${stars} and ${stars} and ${KEY.slice(0, 5)}"}\n\n` });
  });

  it('does not come packed', async () => {
    place.play = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ text: KEY })));
    };
    expect(await place.ask(await place.gateway())).toMatchObject({ status: 502 });
  });
});

describe('connections', () => {
  it('beyond what one program needs are closed at once, and it hinders nobody else', async () => {
    const door = await place.gateway();
    const all = Array.from({ length: 400 }, () => place.raw(door));
    const closed = all.map(({ closed }) => closed);
    await expect.poll(() => all.filter(({ socket }) => socket.destroyed).length).toBe(400 - 256);
    for (const { socket } of all) socket.destroy();
    await Promise.all(closed);
    expect(await place.ask(door)).toMatchObject({ status: 200 });
  });

  it('without the pass are closed', async () => {
    const raw = place.raw(await place.gateway());
    raw.socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n');
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 401/);
  });
});

describe('an agent that does not read', () => {
  it('is not the failure of its provider', async () => {
    place.play = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: {"text":"${'x'.repeat(8_000_000)}"}\n\n`);
    };
    const door = await place.gateway({ idleMs: 300 });
    const raw = place.raw(door);
    raw.socket.pause();
    raw.socket.write(`${head(door, 'POST /v1/messages', 'content-length: 2')}{}`);
    await expect.poll(() => place.got.length).toBe(1);
    await sleep(1000);
    expect(door.report()).not.toHaveProperty('failure');
    expect(door.report().requests).toBe(1);
  });
});

describe('a failure of one model', () => {
  it.each([
    ['that is to be asked later', json(429, { error: { message: 'slow' } }, { 'retry-after': '3600' })],
    ['that the key may not ask', json(403, { error: { type: 'permission_error', message: 'no' } })],
  ])('%s does not end the run of another', async (_, failing) => {
    place.play = (got, response) => (got.body.includes('haiku') ? failing : said('sonnet', 1, 1))(got, response);
    const door = await place.gateway();
    const ask = async (model: string) =>
      (await place.ask(door, { body: { model, text: model === 'haiku' ? '' : 'long'.repeat(50) } })).status;
    expect([await ask('sonnet'), await ask('haiku'), await ask('haiku'), await ask('sonnet'), await ask('haiku')]).toEqual([
      200, 400, 400, 200, 400,
    ]);
    expect(place.got).toHaveLength(3);
    expect(door.report()).not.toHaveProperty('failure');
  });

  it('is for all where the key or the account is refused', async () => {
    place.play = json(401, { error: { type: 'authentication_error', message: 'no' } });
    const door = await place.gateway();
    await place.ask(door, { body: { model: 'haiku' } });
    expect(await place.ask(door, { body: { model: 'sonnet' } })).toMatchObject({ status: 400 });
    expect(place.got).toHaveLength(1);
    expect(door.report().failure).toMatchObject({ kind: 'auth' });
  });
});
