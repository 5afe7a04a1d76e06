/** The proxy for listed hosts, asked over its socket and from inside the sandbox. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostProxy, openHostProxy } from '../../../src/core/sandbox/host-proxy.ts';
import { hasBwrap, makePlace, makeRun, openDriver, type Place } from '../../support/sandboxes.ts';

let dir: string;
let host: Server;
let port: number;
let proxy: HostProxy | undefined;
let refused: string[];
let asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'aos-proxy-'));
  refused = [];
  asked = [];
  host = createServer(async (message, reply) => {
    let body = '';
    for await (const chunk of message) body += chunk;
    asked.push({ method: message.method ?? '', url: message.url ?? '', headers: message.headers, body });
    reply.writeHead(201, { 'x-answer': 'yes' }).end('welcome');
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  port = (host.address() as { port: number }).port;
});

afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  host.closeAllConnections();
  host.close();
  rmSync(dir, { recursive: true, force: true });
});

async function open(hosts: string[], names: Record<string, string[]> = {}): Promise<void> {
  const resolve = async (name: string) => {
    const found = names[name];
    if (!found) throw new Error('ENOTFOUND');
    return found;
  };
  proxy = await openHostProxy({
    hosts,
    socket: join(dir, 'p'),
    onRefused: (target, reason) => refused.push(`${target}: ${reason}`),
    resolve,
  });
}

/** Says it on a connection of its own and returns all that comes back; `then` is said after the first answer. */
function say(text: string, then?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(join(dir, 'p'), () => socket.write(text));
    socket.on('error', reject).on('close', () => resolve(answer));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (then !== undefined && answer === String(chunk)) socket.write(then);
    });
  });
}

const get = (path: string, name: string) => `GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;

describe('the proxy', () => {
  it('tunnels to a listed address, both ways', async () => {
    await open([`127.0.0.1:${port}`]);
    const answer = await say(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`, get('/inside', 'whatever'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 201 /);
    expect(answer).toContain('welcome');
    expect(asked).toMatchObject([{ method: 'GET', url: '/inside' }]);
    expect(refused).toEqual([]);
  });

  it('closes a connection that does not wait for its answer', async () => {
    await open([`127.0.0.1:${port}`]);
    const one = `GET http://127.0.0.1:${port}/ahead HTTP/1.1\r\nHost: x\r\n\r\n`;
    await say(one.repeat(50)).catch(() => '');
    expect(await say(get(`http://127.0.0.1:${port}/after`, 'x'))).toContain('welcome');
    expect(asked.filter(({ url }) => url === '/ahead').length).toBeLessThan(2);
  });

  it('takes a request for a listed address, by its name and without what is meant for the proxy', async () => {
    await open([`127.0.0.1:${port}`]);
    const head = `POST http://127.0.0.1:${port}/a?b=c HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: Basic eA==\r\nContent-Length: 4\r\nX-Own: 1\r\nConnection: close\r\n\r\nbody`;
    expect(await say(head)).toMatch(/^HTTP\/1\.1 201 [\s\S]*x-answer: yes[\s\S]*welcome/);
    expect(asked).toMatchObject([{ method: 'POST', url: '/a?b=c', body: 'body', headers: { host: `127.0.0.1:${port}`, 'x-own': '1' } }]);
    expect(asked[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  it.each(['GET', 'POST'])('keeps the frame of a body, so that it is no request of its own: %s', async (method) => {
    await open([`127.0.0.1:${port}`]);
    const hidden = get('/hidden', 'other.example');
    const body = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    const head = `${method} http://127.0.0.1:${port}/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    expect(await say(head + body)).toMatch(/^HTTP\/1\.1 201 /);
    expect(asked).toMatchObject([{ method, url: '/a', body: hidden }]);
  });

  it('passes on no body in a form of which it knows the name alone', async () => {
    await open([`127.0.0.1:${port}`]);
    const head = `POST http://127.0.0.1:${port}/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n`;
    expect(await say(`${head}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(asked).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['a host that is not listed', 'other.example:443', /^other\.example:443: it is not in `sandbox.network`$/],
    ['another port of it', 'good.example:22', /^good\.example:22: it is not in/],
    ['an address that is not listed', '169.254.169.254:80', /it is not in/],
    ['a name that leads to this machine', 'loop.example:443', /address that is not public/],
    ['a name that leads to a metadata service', 'meta.example:80', /address that is not public/],
    ['a name that leads nowhere', 'gone.example:443', /no address/],
    ['nonsense', 'http://x', /no host and port/],
  ])('refuses %s, and says so', async (_, target, reason) => {
    await open(
      ['*.example', 'good.example'].filter((rule) => target !== 'other.example:443' || rule !== '*.example'),
      {
        'loop.example': ['127.0.0.1', '::1', '::ffff:127.0.0.1'],
        'meta.example': ['169.254.169.254'],
        'good.example': ['127.0.0.1'],
      },
    );
    const answer = await say(`CONNECT ${target} HTTP/1.1\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatch(reason);
    expect(asked).toEqual([]);
  });

  it.each(['http://loop.example/', 'http://other.test/', 'https://loop.example/', 'ftp://loop.example/', '/local', 'http://[::1]/'])(
    'refuses a request for %s',
    async (url) => {
      await open(['*.example'], { 'loop.example': ['127.0.0.1'] });
      expect(await say(get(url, 'loop.example'))).toMatch(/^HTTP\/1\.1 403 /);
      expect(refused).toHaveLength(1);
    },
  );

  it('connects to nothing but the address that was judged, though the name is bent meanwhile', async () => {
    const answers = [['203.0.113.1'], ['127.0.0.1']];
    proxy = await openHostProxy({
      hosts: [`bent.example:${port}`],
      socket: join(dir, 'p'),
      onRefused: (target) => refused.push(target),
      resolve: async () => answers.shift() ?? [],
    });
    expect(await say(`CONNECT bent.example:${port} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(answers).toEqual([['127.0.0.1']]);
    expect(asked).toEqual([]);
  });

  it('tells each refused target once, and not without end', async () => {
    await open([]);
    for (let k = 0; k < 60; k++) await say(`CONNECT host-${k % 55}:443 HTTP/1.1\r\n\r\n`);
    await say('CONNECT host-0:443 HTTP/1.1\r\n\r\n');
    expect(refused).toHaveLength(50);
    expect(new Set(refused).size).toBe(50);
  });

  it('survives clients that speak nonsense or go away', async () => {
    await open([`127.0.0.1:${port}`]);
    expect(await say('\x16\x03\x01 no http\r\n\r\n')).toBe('');
    for (let k = 0; k < 20; k++) {
      const socket = connect(join(dir, 'p'), () => socket.end(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n\r\n`).destroy());
      await new Promise((resolve) => socket.on('close', resolve));
    }
    expect(await say(get(`http://127.0.0.1:${port}/still`, 'x'))).toMatch(/^HTTP\/1\.1 201 /);
  });

  it('cuts every tunnel when it closes', async () => {
    const silent: TcpServer = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const silentPort = (silent.address() as { port: number }).port;
    await open([`127.0.0.1:${silentPort}`]);
    const met = new Promise<void>((resolve) => silent.once('connection', (socket) => socket.on('close', () => resolve()).resume()));
    const mine = say(`CONNECT 127.0.0.1:${silentPort} HTTP/1.1\r\n\r\n`);
    await new Promise((resolve) => silent.once('connection', resolve));
    await proxy?.close();
    await Promise.all([met, mine]);
    silent.close();
    expect(existsSync(join(dir, 'p'))).toBe(false);
  });
});

describe.skipIf(!hasBwrap)('a confined run with hosts', () => {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(() => place.remove());

  /** Inside: asks the proxy that the environment names for every target, and tries to go around it. */
  const ASK = `
    const net = require('node:net');
    const [host, port] = process.env.HTTPS_PROXY.replace('http://', '').split(':');
    const ask = (target) => new Promise((resolve) => {
      const socket = net.connect(Number(port), host, () => socket.write('CONNECT ' + target + ' HTTP/1.1\\r\\n\\r\\n'));
      socket.once('data', (data) => { resolve(String(data).split(' ')[1]); socket.destroy(); }).on('error', (error) => resolve(error.code));
    });
    const around = (port) => new Promise((resolve) => net.connect(Number(port), '127.0.0.1').on('connect', () => resolve('open')).on('error', (error) => resolve(error.code)));
    const targets = process.argv.slice(2);
    (async () => {
      const found = [];
      for (const target of targets) found.push(await ask(target));
      console.log(JSON.stringify([...found, await around(process.argv[1])]));
      process.exit();
    })();`;

  it('reaches them alone, is told what was refused, and leaves no socket', async () => {
    const sandbox = await openDriver('bubblewrap', place);
    const targets = [`127.0.0.1:${port}`, 'example.org:443', '127.0.0.1:1', `localhost:${port}`];
    const run = makeRun(place, [process.execPath, '-e', ASK, String(port), ...targets], {
      hosts: [`127.0.0.1:${port}`, `localhost:${port}`],
    });
    const before = readdirSync(place.state);
    for (const name of ['doors-old', 'doors-new']) mkdirSync(join(place.state, name));
    utimesSync(join(place.state, 'doors-old'), 1e9, 1e9);
    const exit = await sandbox.run(run, new AbortController().signal);
    expect(exit).toMatchObject({ ended: 'exited', exitCode: 0 });
    expect(exit.output).toContain('["200","403","403","403","ECONNREFUSED"]\n');
    const transcript = readFileSync(place.transcript, 'utf8');
    expect(transcript).toContain('\nrefused: example.org:443: it is not in `sandbox.network`\n');
    expect(transcript).toContain(`\nrefused: localhost:${port}: the name leads to an address that is not public\n`);
    expect(readdirSync(place.state).sort()).toEqual(['doors-new', ...before]);
  });

  it('has no proxy in its environment where there are none', async () => {
    const sandbox = await openDriver('bubblewrap', place);
    const exit = await sandbox.run(
      makeRun(place, ['sh', '-c', 'env | grep -i proxy; echo end'], { hosts: [] }),
      new AbortController().signal,
    );
    expect(exit.output).toBe('end\n');
  });
});
