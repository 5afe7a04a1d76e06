/**
 * A GitHub that answers what a test wrote down, over real HTTP on this machine:
 * for single answers and their order, where the test GitHub of
 * `test/github-server` would only say the usual. What is not written down is a
 * 404, as on GitHub.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitHub } from '../../../../src/core/github/github.ts';
import { openClient } from '../../../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../../../src/core/github/octokit/forge.ts';

export interface Scripted {
  status?: number;
  body?: unknown;
  /** The page that follows, for the header that links to it. */
  nextPage?: number;
  headers?: Record<string, string>;
}

/** By `GET /repos/acme/shop?page=2`, or without the query; of a list one answer after the other, the last one again and again. */
export type Script = Record<string, Scripted | Scripted[]>;

interface Asked {
  /** `GET /repos/acme/shop`. */
  what: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

export interface ScriptedGitHub {
  forge: GitHub;
  url: string;
  asked: Asked[];
  /** Milliseconds that the forge waited in all; no time passes. */
  waited(): number;
  close(): Promise<void>;
}

export async function openScripted(script: Script): Promise<ScriptedGitHub> {
  const asked: Asked[] = [];
  const turns = new Map<string, number>();
  const server = createServer((request, response) => void answer(request, response, { script, asked, turns }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dir = mkdtempSync(join(tmpdir(), 'agentos-scripted-'));
  let passed = 0;
  const pass = async (ms: number) => {
    passed += ms;
  };
  const clock = { now: () => new Date(Date.now() + passed) };
  const { signal } = new AbortController();
  const client = openClient(
    {
      apiUrl: url,
      credentials: { token: { variable: 'TOKEN' }, repos: ['acme/shop'], env: { TOKEN: 'a-token-of-the-test' } },
      stateDir: dir,
      clock,
      signal,
      writes: { per_minute: 60, per_hour: 450 },
    },
    { sleep: pass },
  );
  return {
    forge: openOctokitForge({ client, memoryDir: join(dir, 'issues'), clock, signal, wait: pass }),
    url,
    asked,
    waited: () => passed,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { script, asked, turns }: { script: Script; asked: Asked[]; turns: Map<string, number> },
): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const what = `${request.method} ${decodeURIComponent(pathname)}`;
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  asked.push({ what, query: searchParams, body });
  const page = searchParams.get('page');
  const key = page !== null && `${what}?page=${page}` in script ? `${what}?page=${page}` : what;
  const found = script[key] ?? { status: 404, body: { message: 'Not Found' } };
  const turn = turns.get(key) ?? 0;
  turns.set(key, turn + 1);
  const one = Array.isArray(found) ? (found[Math.min(turn, found.length - 1)] ?? {}) : found;
  const link = one.nextPage === undefined ? {} : { link: `<http://${request.headers.host}${pathname}?page=${one.nextPage}>; rel="next"` };
  response.writeHead(one.status ?? 200, { 'content-type': 'application/json; charset=utf-8', ...link, ...one.headers });
  response.end(one.status === 204 ? undefined : JSON.stringify(one.body ?? {}));
}
