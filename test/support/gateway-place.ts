/** A gateway on a real socket, and behind it a real HTTP server that plays the provider and keeps what it got. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gateway, GatewayOptions } from '../../src/core/gateway/gateway.ts';
import { openGateway } from '../../src/core/gateway/open-gateway.ts';

export const KEY = 'sk-canary-0123456789-secret';

export interface Got {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

type Play = (got: Got, response: ServerResponse) => void;

export interface Asking {
  path?: string;
  headers?: Record<string, string>;
  body?: object | string;
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Play =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

/** An answer of Anthropic's. */
export const said = (model: string, input: number, output: number) =>
  json(200, { type: 'message', model, usage: { input_tokens: input, output_tokens: output } });

export class GatewayPlace {
  readonly got: Got[] = [];
  play: Play = said('m', 10, 5);
  /** Most requests that the provider had at once. */
  atOnce = 0;
  #now = 0;
  readonly #directory = mkdtempSync(join(tmpdir(), 'gw-'));
  readonly #provider: Server;
  readonly #sockets = new Set<Socket>();
  #gateway: Gateway | undefined;

  private constructor() {
    this.#provider = createServer((incoming, response) => {
      const parts: Buffer[] = [];
      this.atOnce = Math.max(this.atOnce, ++this.#now);
      response.on('close', () => this.#now--);
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const { method = '', url = '', headers } = incoming;
        const one = { method, url, headers, body: Buffer.concat(parts).toString() };
        this.got.push(one);
        this.play(one, response);
      });
    });
  }

  static async open(): Promise<GatewayPlace> {
    const place = new GatewayPlace();
    await new Promise<void>((resolve) => place.#provider.listen(0, '127.0.0.1', resolve));
    return place;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#provider.address() as AddressInfo).port}`;
  }

  async gateway(over: Partial<GatewayOptions> = {}): Promise<Gateway> {
    await this.#gateway?.close();
    this.#gateway = await openGateway({
      protocol: 'anthropic',
      baseUrl: this.url,
      key: KEY,
      directory: this.#directory,
      maxRequests: 1000,
      purse: { model: 'm', toCost: () => undefined },
      idleMs: 5000,
      now: () => new Date('2026-11-22T12:00:00Z'),
      ...over,
    });
    return this.#gateway;
  }

  /** @returns status 0 where no answer came */
  ask(
    door: Gateway,
    { path = '/v1/messages', headers = {}, body = { model: 'm' } }: Asking = {},
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve) => {
      const all = { authorization: `Bearer ${door.pass}`, 'content-type': 'application/json', ...headers };
      const outgoing = request({ agent: false, socketPath: door.socket, method: 'POST', path, headers: all }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', () => {});
        response.on('close', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      });
      outgoing.on('error', () => resolve({ status: 0, text: '' }));
      outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** A connection that says what it likes. */
  raw(door: Gateway): { socket: Socket; text: () => string; closed: Promise<string> } {
    const socket = connect(door.socket);
    this.#sockets.add(socket);
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('error', () => {});
    return { socket, text: () => text, closed: new Promise((resolve) => socket.on('close', () => resolve(text))) };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#gateway?.close();
    this.#provider.closeAllConnections();
    await new Promise<void>((resolve) => this.#provider.close(() => resolve()));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
