/**
 * The gateway over real HTTP: a server on a Unix socket that hands requests on
 * to the provider and reads the answers as they pass by. A request is read whole
 * and sent in a frame of our own, never piped; an answer passes piece by piece.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { unlinkIfThere } from '../atomic-file.ts';
import { AgentOsError, toIoError } from '../errors.ts';
import { openPipelineGuard } from '../pipelining.ts';
import { admit, toProviderHeaders } from './admit.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { type BodyReader, openBodyReader, type ReadBody } from './read-body.ts';
import { type Question, readQuestion } from './read-question.ts';
import { refuse, relayAnswer } from './relay-answer.ts';
import { openLedger, type RunLedger } from './run-ledger.ts';
import { openUpstream, type Upstream } from './upstream.ts';

/** Longest path of a Unix socket in bytes, by Linux's `sun_path`, with its ending NUL. */
const SUN_PATH_BYTES = 108;

/** Each takes a descriptor of the host; those beyond are closed at once. */
const MOST_CONNECTIONS = 256;
/** For the head of a request, from the connection on. */
const HEADERS_MS = 60_000;
/** For a whole request, and between two pieces of its body. */
const REQUEST_MS = 300_000;
const BODY_PAUSE_MS = 30_000;

/** @throws AgentOsError `config` for a directory whose path is too long for a socket, `io` when it cannot be used. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const socket = `${options.directory}/gateway.sock`;
  if (Buffer.byteLength(socket) >= SUN_PATH_BYTES) {
    throw new AgentOsError('config', `\`${socket}\` is too long for a socket`, { hint: 'Set TMPDIR to a shorter path.' });
  }
  const pass = `agentos-${randomBytes(24).toString('hex')}`;
  const ledger = openLedger(options);
  const upstream = openUpstream(options.baseUrl);
  const bodies = openBodyReader(BODY_PAUSE_MS);
  const limits = { maxHeaderSize: 65_536, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 5000 };
  const isEarly = openPipelineGuard();
  const server = createServer(limits, (request, response) => {
    if (isEarly(request, response)) return;
    handle({ options, ledger, upstream, pass, bodies }, request, response).catch(() => response.destroy());
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('upgrade', (_, stream) => stream.destroy());
  await listen(server, socket);
  return {
    socket,
    pass,
    report: () => ledger.report(),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      upstream.close();
      await closed;
      unlinkIfThere(socket);
    },
  };
}

async function listen(server: Server, socket: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    chmodSync(socket, 0o600);
  } catch (error) {
    throw toIoError(error, `open \`${socket}\``);
  }
}

interface Door {
  options: GatewayOptions;
  ledger: RunLedger;
  upstream: Upstream;
  pass: string;
  bodies: BodyReader;
}

async function handle(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { options, ledger, upstream, pass, bodies } = door;
  const { protocol, key } = options;
  request.on('error', () => {});
  response.on('error', () => {});
  const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
  const admission = admit(asked, protocol, upstream.basePath, (text) => isSame(text, pass));
  if (!admission.ok) return refuse(protocol, response, admission.status, admission.reason);
  const headers = toProviderHeaders(request.headers, admission.header, {
    key,
    own: new URL(options.baseUrl).hostname === 'api.anthropic.com',
  });
  if (asked.method === 'GET') {
    const outgoing = upstream.request('GET', admission.path, headers);
    return relayAnswer({ options, turn: undefined, outgoing, response }, undefined);
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const understood = understand(door, admission.path, await bodies.read(request, gone.signal));
  if (gone.signal.aborted) return;
  if (!understood.ok) return refuse(protocol, response, understood.status, understood.reason);
  const { body, ...question } = understood.question;
  const begun = admission.model ? await ledger.begin({ ...question, bytes: body.length }, gone.signal) : undefined;
  if (begun && 'notAllowed' in begun) return refuse(protocol, response, 400, begun.notAllowed);
  if (begun && 'failure' in begun) return refuse(protocol, response, 400, begun.failure.message);
  const framed = { ...headers, 'content-type': 'application/json', 'content-length': String(body.length) };
  const outgoing = upstream.request('POST', admission.path, framed);
  relayAnswer({ options, turn: begun?.turn, outgoing, response }, body);
}

/** What came is let go of here: it would be held as long as the request lasts. */
function understand(
  { options, ledger }: Door,
  path: string,
  read: ReadBody,
): { ok: true; question: Question } | { ok: false; status: number; reason: string } {
  if (!read.ok) {
    if (read.status === 413) ledger.fail({ kind: 'context_too_long', message: read.reason });
    return read;
  }
  const understood = readQuestion(options.protocol, path, read.body);
  if (understood.ok) return understood;
  ledger.note(understood.reason);
  return { ...understood, status: 400 };
}

/** In constant time, whatever the lengths. */
function isSame(text: string, pass: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(text), digest(pass));
}
