/** The way to the forge: one origin, one deadline, a limit of size, redirects for reads alone. */
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type Fetch, openFetch, TransportError } from '../../../../../src/core/github/octokit/client/http.ts';
import { startServer } from './small-server.ts';

async function kindOf(promise: ReturnType<Fetch>): Promise<[string, boolean]> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TransportError)) throw new Error('it did not fail', { cause: error });
  return [error.kind, error.sent];
}

const moved = (location: string, status = 301) => ({ status, headers: { location } });

describe('redirects', () => {
  it('are followed for a read on the same host, and reported', async () => {
    const server = await startServer(moved('/repositories/7/issues/1'), { json: { number: 1 } });
    const answer = await openFetch({ origin: server.url })(`${server.url}/repos/o/old/issues/1`, { headers: { authorization: 'token x' } });
    expect([answer.status, answer.url, await answer.json()]).toEqual([200, `${server.url}/repositories/7/issues/1`, { number: 1 }]);
    expect(server.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/repos/o/old/issues/1', 'token x'],
      ['/repositories/7/issues/1', 'token x'],
    ]);
  });

  it('to another host are not followed', async () => {
    const other = await startServer({ json: {} });
    const server = await startServer(moved(`${other.url}/x`));
    expect(await kindOf(openFetch({ origin: server.url })(`${server.url}/x`))).toEqual(['moved', false]);
    expect(other.seen).toEqual([]);
  });

  it('are never followed for writes', async () => {
    const server = await startServer(moved('/y', 307), { json: {} });
    expect((await kindOf(openFetch({ origin: server.url })(`${server.url}/x`, { method: 'POST', body: '{}' })))[0]).toBe('moved');
    expect(server.seen).toHaveLength(1);
  });

  it('in a circle end', async () => {
    const server = await startServer(moved('/x'));
    expect(await kindOf(openFetch({ origin: server.url })(`${server.url}/x`))).toEqual(['moved', false]);
    expect(server.seen).toHaveLength(4);
  });
});

describe('what is not sent', () => {
  it.each([
    ['https://api.github.com', 'https://evil.example/x'],
    ['https://api.github.com', 'http://api.github.com/x'],
    ['https://api.github.com', 'https://api.github.com:8443/x'],
    ['http://forge.example', 'http://forge.example/x'],
  ])('from %s to %s', async (origin, url) => {
    expect(await kindOf(openFetch({ origin })(url))).toEqual(['foreign', false]);
  });

  it('what was stopped before', async () => {
    const server = await startServer({ json: {} });
    expect(await kindOf(openFetch({ origin: server.url, signal: AbortSignal.abort() })(server.url))).toEqual(['aborted', false]);
    expect(server.seen).toEqual([]);
  });
});

describe('limits', () => {
  it('a larger answer is given up', async () => {
    const server = await startServer({ text: 'x'.repeat(2000) });
    expect((await kindOf(openFetch({ origin: server.url, maxBytes: 1000 })(server.url)))[0]).toBe('too_large');
  });

  it('the deadline covers headers and body alike', async () => {
    const drip = await startServer((response: ServerResponse) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await kindOf(openFetch({ origin: drip.url, deadlineMs: 150 })(drip.url))).toEqual(['deadline', true]);
  });

  it('the signal of one request ends it', async () => {
    const stop = new AbortController();
    const server = await startServer(() => stop.abort());
    expect(await kindOf(openFetch({ origin: server.url })(server.url, { signal: stop.signal }))).toEqual(['aborted', true]);
  });
});

describe('failures of the network', () => {
  it('a host that does not exist', async () => {
    expect((await kindOf(openFetch({ origin: 'https://no-such-host.invalid' })('https://no-such-host.invalid/')))[0]).toBe('dns');
  });
  it('a port that nobody listens on', async () => {
    expect(await kindOf(openFetch({ origin: 'http://127.0.0.1:1' })('http://127.0.0.1:1/', { method: 'POST', body: '' }))).toEqual([
      'connect',
      false,
    ]);
  });
  it('a service that does not speak TLS', async () => {
    const server = await startServer({});
    const url = server.url.replace('http:', 'https:');
    expect(await kindOf(openFetch({ origin: url })(url, { method: 'POST', body: '{}' }))).toEqual(['tls', false]);
  });
});
