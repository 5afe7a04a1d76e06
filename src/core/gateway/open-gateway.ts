/**
 * The gateway over real HTTP: a server on a Unix socket that hands requests on
 * to the provider and reads the answers as they pass by. It is a pipe first:
 * what it cannot read it still carries.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { unlinkIfThere } from '../atomic-file.ts';
import { AgentOsError, toIoError } from '../errors.ts';
import { admit, toProviderHeaders } from './admit.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { refuse, relayAnswer } from './relay-answer.ts';
import { openLedger, type RunLedger } from './run-ledger.ts';
import { openUpstream, type Upstream } from './upstream.ts';

/** Longest path of a Unix socket in bytes, by Linux's `sun_path`, with its ending NUL. */
const SUN_PATH_BYTES = 108;

/** Largest request body. */
const MOST_BODY_BYTES = 32_000_000;

/** @throws AgentOsError `config` for a directory whose path is too long for a socket, `io` when it cannot be used. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const socket = `${options.directory}/gateway.sock`;
  if (Buffer.byteLength(socket) >= SUN_PATH_BYTES) {
    throw new AgentOsError('config', `\`${socket}\` is too long for a socket`, { hint: 'Set TMPDIR to a shorter path.' });
  }
  const pass = `agentos-${randomBytes(24).toString('hex')}`;
  const ledger = openLedger(options);
  const upstream = openUpstream(options.baseUrl);
  const server = createServer({ maxHeaderSize: 65_536, requestTimeout: 0 }, (request, response) => {
    handle({ options, ledger, upstream, pass }, request, response);
  });
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
}

function handle({ options, ledger, upstream, pass }: Door, request: IncomingMessage, response: ServerResponse): void {
  const { protocol, key } = options;
  request.on('error', () => {});
  response.on('error', () => {});
  const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
  const admission = admit(asked, protocol, upstream.basePath, (text) => isSame(text, pass));
  if (!admission.ok) {
    refuse(protocol, response, admission.status, admission.reason);
    return;
  }
  const refused = admission.model ? ledger.begin() : undefined;
  if (refused) {
    refuse(protocol, response, 400, refused.message);
    return;
  }
  const headers = toProviderHeaders(request.headers, admission.header, {
    key,
    own: new URL(options.baseUrl).hostname === 'api.anthropic.com',
  });
  const outgoing = upstream.request(asked.method, admission.path, headers);
  const exchange = relayAnswer({ options, ledger: admission.model ? ledger : undefined, outgoing, response });
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    exchange.touch();
    if (size > MOST_BODY_BYTES)
      exchange.fail({ kind: 'context_too_long', message: `the request is larger than ${MOST_BODY_BYTES} bytes` }, 413);
  });
  request.on('aborted', () => outgoing.destroy());
  request.pipe(outgoing);
}

/** In constant time, whatever the lengths. */
function isSame(text: string, pass: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(text), digest(pass));
}
