/**
 * Providers of language models on 127.0.0.1, in their own protocols, saying
 * what a test scripted: the next reply of the script for each request, the last
 * one for ever, or what a function makes of the request.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './model-protocols/anthropic.ts';
import { google } from './model-protocols/google.ts';
import { openai } from './model-protocols/openai.ts';
import type { FaultName, Protocol, Said, Seen } from './model-protocols/protocol.ts';

export type ScriptedReply =
  | ({ text: string } & Partial<Omit<Said, 'text'>>)
  /** `hang`: never answers. `garbage`: HTTP 200 with what is no JSON. `torn`: the connection ends in the middle. */
  | { fault: FaultName | 'hang' | 'garbage' | 'torn'; retryAfter?: number };

export type Script = readonly ScriptedReply[] | ((request: Seen, count: number) => ScriptedReply);

const PROTOCOLS: readonly Protocol[] = [anthropic, openai, google];

export interface ModelServer {
  /** `base_url` for the configuration. */
  readonly url: string;
  /** Everything asked so far, in order. */
  readonly seen: Seen[];
  /** Replaces the script; counting starts again. */
  script(script: Script): void;
  close(): Promise<void>;
}

export async function openModelServer(script: Script): Promise<ModelServer> {
  const seen: Seen[] = [];
  let current = script;
  let count = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = new URL(request.url ?? '/', 'http://host').pathname;
      const protocol = PROTOCOLS.find((one) => one.owns(path));
      if (!protocol) return send(response, 404, { error: { message: `no route ${path}` } });
      const asked = protocol.read(JSON.parse(Buffer.concat(chunks).toString()), path, request.headers);
      seen.push(asked);
      const reply = typeof current === 'function' ? current(asked, count) : current[Math.min(count, current.length - 1)];
      count++;
      answer(protocol, asked, reply ?? { fault: 'server_error' }, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script: (next) => {
      current = next;
      count = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(protocol: Protocol, asked: Seen, reply: ScriptedReply, response: ServerResponse): void {
  if ('text' in reply) {
    send(response, 200, protocol.say(asked.model, { end: 'complete', inputTokens: 100, outputTokens: 20, ...reply }));
    return;
  }
  switch (reply.fault) {
    case 'hang':
      return;
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>A proxy says hello.</html>');
      return;
    case 'torn':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":"half');
      setImmediate(() => response.destroy());
      return;
    default: {
      const { status, body, headers } = protocol.fail(reply.fault, reply.retryAfter);
      send(response, status, body, headers);
    }
  }
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
