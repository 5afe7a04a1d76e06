/** A local HTTP server that answers from a list, and a client over it whose waits take no time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AgentOsError } from '../../../../../src/core/errors.ts';
import type { ClientOptions, GitHubClient } from '../../../../../src/core/github/octokit/client/client.ts';
import { openClient } from '../../../../../src/core/github/octokit/client/open-client.ts';

export const TOKEN = 'ghp_canary0123456789canary0123456789canary';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Reply =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | ((response: ServerResponse, seen: Seen) => void);

export interface SmallServer {
  url: string;
  seen: Seen[];
}

/** Answers request after request from the list, the last one for ever. */
export async function startServer(...replies: (Reply | ((seen: Seen) => Reply))[]): Promise<SmallServer> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() };
      seen.push(one);
      const reply = replies[Math.min(seen.length, replies.length) - 1] ?? {};
      answer(response, reply as Reply, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function answer(response: ServerResponse, reply: Reply, seen: Seen): void {
  if (typeof reply === 'function') {
    const made = (reply as (response: ServerResponse, seen: Seen) => unknown)(response, seen);
    if (made === undefined || made === response) return;
    answer(response, made as Reply, seen);
    return;
  }
  const { status = 200, headers = {}, json, text } = reply;
  const body = text ?? (json === undefined ? '' : JSON.stringify(json));
  response.writeHead(status, { ...(json !== undefined && { 'content-type': 'application/json; charset=utf-8' }), ...headers });
  response.end(body);
}

/** For a list of replies: one that depends on the request. */
export function by(make: (seen: Seen) => Reply): Reply {
  return ((_response: ServerResponse, seen: Seen) => make(seen)) as unknown as Reply;
}

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'agentos-octokit-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A clock that only waiting moves. */
export class TestClock {
  ms: number;
  readonly waits: number[] = [];
  constructor(at = Date.parse('2026-03-01T12:00:00Z')) {
    this.ms = at;
  }
  now(): Date {
    return new Date(this.ms);
  }
  readonly sleep = async (ms: number): Promise<void> => {
    this.waits.push(ms);
    this.ms += ms;
  };
}

export interface TestClient {
  client: GitHubClient;
  clock: TestClock;
}

export function clientFor(apiUrl: string, changes: Partial<ClientOptions> & { clock?: TestClock } = {}): TestClient {
  const clock = changes.clock ?? new TestClock();
  const client = openClient(
    {
      apiUrl,
      credentials: { token: { variable: 'GITHUB_TOKEN' }, repos: ['o/r'], env: { GITHUB_TOKEN: TOKEN } },
      stateDir: changes.stateDir ?? temporaryDirectory(),
      signal: new AbortController().signal,
      writes: { per_minute: 60, per_hour: 450 },
      ...changes,
      clock,
    },
    { sleep: clock.sleep },
  );
  return { client, clock };
}

/** The error of a promise that must fail with one of ours, that holds no secret anywhere. */
export async function failureOf(promise: Promise<unknown>): Promise<AgentOsError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AgentOsError)) throw new Error('it did not fail with an AgentOsError', { cause: error });
  const texts: string[] = [];
  for (let one: unknown = error; one instanceof Error; one = one.cause) texts.push(one.message, one.stack ?? '', JSON.stringify(one));
  if (`${texts.join('\n')}${error.hint ?? ''}`.includes('canary')) throw new Error('the error holds the token');
  return error;
}
