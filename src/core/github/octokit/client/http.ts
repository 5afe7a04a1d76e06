/**
 * A fetch-shaped function over node:http and node:https, for `@octokit/core`
 * and for GraphQL. (Node 20's own `fetch` costs an idle tick 100 ms; its
 * globals are never touched. `await import('node:http')` costs Node 24 another
 * 24 ms, `process.getBuiltinModule` nothing.)
 *
 * One deadline covers a request from the look-up of the name to the last byte;
 * the size of an answer is limited. Requests go to one origin and nowhere else,
 * so that no link and no redirect can carry a token away; plain `http:` is for
 * this machine alone. Redirects are followed for GET within that origin. Every
 * failure is a `TransportError` that says whether bytes may have left.
 */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { uptime } from '../../../clock.ts';

export type TransportFailure = 'dns' | 'connect' | 'tls' | 'cut' | 'deadline' | 'aborted' | 'too_large' | 'moved' | 'foreign';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly kind: TransportFailure;
  /** Whether the service may have got the request. */
  readonly sent: boolean;

  constructor(kind: TransportFailure, message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.sent = sent;
  }
}

export interface FetchOptions {
  /** Scheme, host and port that requests may go to, such as `https://api.github.com`. */
  origin: string;
  /** For the whole of one request; default 30 s. */
  deadlineMs?: number;
  /** Bytes of a body; default 32 MB. */
  maxBytes?: number;
  signal?: AbortSignal;
  /** Called once for every request that is sent. */
  onRequest?(): void;
  /** Certificates to trust instead of those of Node (`NODE_EXTRA_CA_CERTS` adds to those). */
  ca?: string;
}

interface FetchInit {
  method?: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** The part of a `Response` that Octokit uses. */
interface FetchAnswer {
  status: number;
  ok: boolean;
  statusText: string;
  /** Where the answer came from: another address than asked for after a redirect. */
  url: string;
  headers: Map<string, string>;
  text(): Promise<string>;
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export type Fetch = (url: string, init?: FetchInit) => Promise<FetchAnswer>;

interface Raw {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

const MOST_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export function openFetch(options: FetchOptions): Fetch {
  const origin = new URL(options.origin).origin;
  let kept: Agent | undefined;
  return async (asked, init = {}) => {
    const isRead = ['GET', 'HEAD'].includes(init.method ?? 'GET');
    const until = uptime() + (options.deadlineMs ?? 30_000);
    let url = asked;
    for (let hops = 0; ; hops++) {
      const target = checkTarget(url, origin);
      const https = target.protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
      // A connection that the service closes while a write sets out on it would leave the outcome unknown: writes get their own.
      if (isRead) kept ??= new https.Agent({ keepAlive: true, timeout: 10_000, ...(options.ca && { ca: options.ca }) });
      const open = (request: RequestOptions) =>
        https.request(target, { ...request, agent: isRead ? kept : false, ...(!isRead && options.ca && { ca: options.ca }) });
      options.onRequest?.();
      const raw = await exchange(open, init, { options, until });
      if (!REDIRECTS.has(raw.status)) return toAnswer(raw, url);
      const next = raw.headers.location === undefined ? undefined : new URL(raw.headers.location, url);
      if (!isRead || next?.origin !== origin || hops === MOST_REDIRECTS) throw new TransportError('moved', whereTo(next, origin), !isRead);
      url = next.href;
    }
  };
}

function checkTarget(url: string, origin: string): URL {
  const target = new URL(url);
  if (target.origin !== origin) throw new TransportError('foreign', `an address outside of \`${origin}\` was asked for`, false);
  if (target.protocol !== 'https:' && !(target.protocol === 'http:' && THIS_MACHINE.has(target.hostname))) {
    throw new TransportError('foreign', `\`${origin}\` would be asked without encryption`, false);
  }
  return target;
}

function whereTo(next: URL | undefined, origin: string): string {
  if (!next) return 'it has moved, and the answer does not say where';
  return next.origin === origin ? `it has moved to \`${next.pathname}\`` : `it has moved to another host, \`${next.host}\``;
}

interface Limits {
  options: FetchOptions;
  /** By `uptime()`. */
  until: number;
}

/** One request and its whole answer. */
function exchange(open: (request: RequestOptions) => ClientRequest, init: FetchInit, { options, until }: Limits): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const signals = [options.signal, init.signal].filter((signal) => signal !== undefined);
    const headers = { ...init.headers, ...(init.body !== undefined && { 'content-length': String(Buffer.byteLength(init.body)) }) };
    const request = open({ method: init.method ?? 'GET', headers });
    let sent = false;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', abort);
      act();
    };
    const fail = (kind: TransportFailure, message: string, cause?: unknown) =>
      settle(() => {
        reject(new TransportError(kind, message, sent, cause));
        request.destroy();
      });
    const seconds = (options.deadlineMs ?? 30_000) / 1000;
    const timer = setTimeout(() => fail('deadline', `no complete answer within ${seconds} s`), Math.max(0, until - uptime()));
    const abort = () => fail('aborted', 'the request was stopped');
    for (const signal of signals) signal.addEventListener('abort', abort, { once: true });
    request.on('error', (error) => fail(kindOf(error, sent), error.message, error));
    request.on('socket', (socket) => {
      const begun = () => {
        sent = true;
      };
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', begun);
      else begun();
    });
    request.on('response', (response) =>
      collect(response, options.maxBytes ?? 32_000_000, fail, (body) =>
        settle(() => resolve({ status: response.statusCode ?? 0, headers: response.headers, body })),
      ),
    );
    if (signals.some((signal) => signal.aborted)) abort();
    else request.end(init.body);
  });
}

type Fail = (kind: TransportFailure, message: string, cause?: unknown) => void;

function collect(response: IncomingMessage, maxBytes: number, fail: Fail, done: (body: Buffer) => void): void {
  const parts: Buffer[] = [];
  let size = 0;
  response.on('data', (part: Buffer) => {
    parts.push(part);
    size += part.length;
    if (size > maxBytes) fail('too_large', `the answer is larger than ${maxBytes} bytes`);
  });
  response.on('error', (error) => fail('cut', error.message, error));
  response.on('close', () => {
    if (response.complete) done(Buffer.concat(parts));
    else fail('cut', 'the connection ended in the middle of the answer');
  });
}

/** Octokit's own errors have no codes for this; those of Node and OpenSSL do. */
function kindOf(error: Error, sent: boolean): TransportFailure {
  const code = String((error as NodeJS.ErrnoException).code ?? '');
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'ENODATA'].includes(code)) return 'dns';
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/.test(code)) return 'tls';
  return sent ? 'cut' : 'connect';
}

function toAnswer({ status, headers, body }: Raw, url: string): FetchAnswer {
  const text = () => body.toString('utf8');
  return {
    status,
    ok: status >= 200 && status < 300,
    statusText: String(status),
    url,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)])),
    text: async () => text(),
    json: async () => JSON.parse(text()) as unknown,
    arrayBuffer: async () => new Uint8Array(body).buffer,
  };
}
