/**
 * The way of a confined program to listed hosts and no others: an HTTP proxy on
 * a Unix socket of the host, which the relay carries inside. It resolves names
 * itself, once, and connects to the very address that it judged. What goes
 * through a tunnel is the program's own affair: a listed host that serves
 * others too can be asked for those.
 */
import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { openPipelineGuard } from '../pipelining.ts';
import { cleanLine } from '../text.ts';
import { findRule, isPublic, readTarget, type Target } from './host-rules.ts';

export interface HostProxyOptions {
  /** `sandbox.network`: `example.com`, `*.example.com`, an address, each with an optional port. */
  hosts: readonly string[];
  /** Absolute path of the socket to listen on, in a private directory. */
  socket: string;
  /** Told each refused target once: `example.org:443`, with the reason. */
  onRefused: (target: string, reason: string) => void;
  /** Addresses of a name; the system's resolver by default. */
  resolve?: (host: string) => Promise<string[]>;
}

export interface HostProxy {
  close(): Promise<void>;
}

const CONNECT_MS = 30_000;
const IDLE_MS = 10 * 60_000;
const MAX_CONNECTIONS = 256;
/** How many refused targets are told; a program can ask for any number. */
const MAX_TOLD = 50;
/** Headers that are about the connection to the proxy, and not for the host. */
const HOP_HEADERS = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'host'],
]);

/** A target that may not be reached, in words. */
class Refused extends Error {}

/** Resolves when it listens. */
export async function openHostProxy(options: HostProxyOptions): Promise<HostProxy> {
  const open = new Set<Duplex>();
  const keep = <T extends Duplex>(stream: T): T => {
    open.add(stream);
    return stream.once('close', () => open.delete(stream));
  };
  const told = new Set<string>();
  const judge = (target: Target | undefined) => findAddresses(options, target);
  const refuse = (target: Target | undefined, asked: string | undefined, error: unknown): string => {
    const text = target ? `${target.host}:${target.port}` : cleanLine(asked ?? '', 200);
    const reason = error instanceof Refused ? error.message : 'it cannot be reached';
    if (!told.has(text) && told.size < MAX_TOLD) {
      told.add(text);
      options.onRefused(text, reason);
    }
    return `${text}: ${reason}\n`;
  };
  const isEarly = openPipelineGuard();
  const server = createServer((message, reply) => {
    if (!isEarly(message, reply)) void forward(message, reply, { judge, refuse, keep });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', keep);
  server.on('clientError', (_, socket) => socket.destroy());
  server.on('upgrade', (_, socket) => socket.destroy());
  server.on('connect', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    void tunnel(message, socket, head, { judge, refuse, keep });
  });
  await listen(server, options.socket);
  return {
    close: () => {
      for (const stream of open) stream.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Judge {
  /** Where to connect to, best first. @throws Refused */
  judge: (target: Target | undefined) => Promise<Target[]>;
  /** Notes it, and gives words for the program. */
  refuse: (target: Target | undefined, asked: string | undefined, error: unknown) => string;
  keep: <T extends Duplex>(stream: T) => T;
}

/** The addresses of a target that the list allows. */
async function findAddresses({ hosts, resolve = lookUp }: HostProxyOptions, target: Target | undefined): Promise<Target[]> {
  if (target === undefined) throw new Refused('this is no host and port');
  const rule = findRule(hosts, target);
  if (rule === undefined) throw new Refused('it is not in `sandbox.network`');
  if (rule === 'address') return [target];
  const addresses = await resolve(target.host).catch(() => []);
  if (addresses.length === 0) throw new Refused('the name has no address');
  const free = addresses.filter(isPublic);
  if (free.length === 0) throw new Refused('the name leads to an address that is not public');
  return free.slice(0, 4).map((host) => ({ host, port: target.port }));
}

async function lookUp(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** `CONNECT host:port`: bytes both ways. */
async function tunnel(message: IncomingMessage, inner: Duplex, head: Buffer, { judge, refuse, keep }: Judge): Promise<void> {
  const target = readTarget(message.url ?? '', 443);
  inner.on('error', () => inner.destroy());
  try {
    const outer = keep(await reach(await judge(target)));
    outer.on('error', () => inner.destroy()).on('close', () => inner.destroy());
    inner.on('close', () => outer.destroy());
    if (inner.destroyed) outer.destroy();
    outer.setTimeout(IDLE_MS, () => outer.destroy());
    inner.write('HTTP/1.1 200 Connection established\r\n\r\n');
    outer.write(head);
    outer.pipe(inner).pipe(outer);
  } catch (error) {
    const words = refuse(target, message.url, error);
    const head403 = [
      'HTTP/1.1 403 Forbidden',
      'Content-Type: text/plain',
      `Content-Length: ${Buffer.byteLength(words)}`,
      'Connection: close',
    ];
    inner.end(`${head403.join('\r\n')}\r\n\r\n${words}`);
  }
}

/** Connects to the first that answers. */
async function reach(targets: Target[]): Promise<Socket> {
  let failure: unknown;
  for (const target of targets) {
    try {
      return await reachOne(target);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function reachOne({ host, port }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const late = setTimeout(() => socket.destroy(new Error('late')), CONNECT_MS);
    socket.on('error', reject).on('close', () => clearTimeout(late));
    socket.once('connect', () => {
      clearTimeout(late);
      resolve(socket);
    });
  });
}

/** `GET http://host/path`: one request, to the address that was judged and by the name that was asked. */
async function forward(message: IncomingMessage, reply: ServerResponse, { judge, refuse, keep }: Judge): Promise<void> {
  const url = readUrl(message.url ?? '');
  const target = url && readTarget(url.host, 80);
  try {
    const headers = { ...withoutHops(message.headers), ...framing(message), host: url?.host };
    const socket = keep(await reach(await judge(target)));
    const path = `${url?.pathname}${url?.search}`;
    const sent = request({ createConnection: () => socket, method: message.method, path, headers, timeout: IDLE_MS });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => (reply.headersSent ? reply.destroy() : reply.writeHead(502).end('the host broke off\n')));
    sent.on('response', (answer) => {
      reply.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
      answer.on('error', () => reply.destroy());
      answer.pipe(reply);
    });
    reply.on('close', () => socket.destroy());
    message.pipe(sent);
  } catch (error) {
    reply.writeHead(403, { 'content-type': 'text/plain' }).end(refuse(target, message.url, error));
  }
}

/** A body keeps a frame: what is sent without one would be read as a request of its own, for any name that the server has. */
function framing({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const said = headers['transfer-encoding'];
  if (said === undefined) return {};
  if (said.toLowerCase() !== 'chunked') throw new Refused('its body is in no form that can be passed on');
  return { 'transfer-encoding': 'chunked' };
}

function withoutHops(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)));
}

function readUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' ? url : undefined;
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(socket, resolve));
}
