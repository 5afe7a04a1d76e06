/**
 * A GitHub for tests, on 127.0.0.1: REST under `/api/v3`, GraphQL at
 * `/api/graphql`, git at `/OWNER/NAME.git`, the layout of GitHub Enterprise
 * Server. All three work on one memory (`Store`); a test arranges it through the
 * methods of `World` and plays people with `as(login)`. See README.md.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { answerRest, nameOf } from './api.ts';
import { authenticate } from './authentication.ts';
import { Refusal, type Settings, type Site } from './call.ts';
import { answerControl } from './control-calls.ts';
import { type Answer, answerBefore, deliver } from './delivery.ts';
import { type Asked, type Fault, FaultPlan } from './faults.ts';
import { serveGit, splitGitPath } from './git-http.ts';
import { executeGraphql } from './graphql/execute.ts';
import { failRepository } from './graphql/fail-repository.ts';
import type { Violation } from './guard.ts';
import { RateLimits } from './rate-limits.ts';
import { World } from './world.ts';

/** A request as it came; headers hold the secret that was sent, unaltered. */
export interface LoggedRequest {
  kind: Asked['kind'];
  method: string;
  /** With the query. */
  path: string;
  body: string;
  headers: Record<string, string | string[] | undefined>;
  /** GraphQL only. */
  operation?: string;
  /** Unset while unanswered, and where a fault kept the answer back. */
  status?: number;
}

export interface Options extends Partial<Settings> {
  tls?: boolean;
  port?: number;
}

export class GitHubServer extends World {
  readonly requests: LoggedRequest[] = [];
  readonly violations: Violation[] = [];
  readonly settings: Settings;
  readonly limits = new RateLimits(this.store);
  /** Of the self-signed certificate; undefined without TLS. */
  readonly caFile: string | undefined;
  private readonly faults = new FaultPlan();
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(options: Options) {
    super();
    const { mergeableAfterReads = 1, mergeAsync = true, asyncPolls = 1 } = options;
    this.settings = { mergeableAfterReads, mergeAsync, asyncPolls };
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.serve(request, response);
    const keys = options.tls ? makeCertificate(this.dir) : undefined;
    this.caFile = keys?.caFile;
    this.server = keys ? createTlsServer({ key: keys.key, cert: keys.cert }, listener) : createServer(listener);
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(options: Options = {}): Promise<GitHubServer> {
    const made = new GitHubServer(options);
    await new Promise<void>((resolve) => made.server.listen(options.port ?? 0, '127.0.0.1', resolve));
    return made;
  }
  get url(): string {
    return `${this.caFile ? 'https' : 'http'}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  get apiUrl(): string {
    return `${this.url}/api/v3`;
  }
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
    rmSync(this.dir, { recursive: true, force: true });
  }

  fault(fault: Fault): void {
    this.faults.add(fault);
  }
  clearFaults(): void {
    this.faults.clear();
  }
  /** @throws where a client or this server has left what GitHub describes. */
  assertQuiet(): void {
    if (this.violations.length === 0) return;
    throw new Error(this.violations.map(({ method, path, where, what }) => `${method} ${path}: ${where}: ${what}`).join('\n'));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readBody(request);
      await this.route(request, response, body);
    } catch (error) {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.violations.push({
        method: request.method ?? '',
        path: request.url ?? '',
        where: 'response',
        what: `the test GitHub failed: ${what}`,
      });
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(what);
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
    if (path === '/_control') return answerControl(this, body.toString('utf8'), response);
    const log = /^\/_logs\/(\d+)\/(\d+)$/.exec(path);
    if (log) {
      const run = this.store.repo(Number(log[1])).checkRuns.find((one) => one.id === Number(log[2]));
      deliver(response, { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: run?.log ?? '' }, undefined);
      return;
    }
    const asked = ask(request, path, body);
    const operation = asked.operation === undefined ? {} : { operation: asked.operation };
    const full = query === '' ? asked.path : `${asked.path}?${query}`;
    const entry: LoggedRequest = {
      kind: asked.kind,
      method: asked.method,
      path: full,
      body: asked.body,
      headers: request.headers,
      ...operation,
    };
    this.requests.push(entry);
    const fault = this.faults.take(asked);
    const before = answerBefore(fault, this.store.millis() / 1000, asked.kind);
    if (before === 'silence') return;
    if (before) {
      entry.status = before.status;
      deliver(response, { ...before, headers: { ...this.headers(), ...before.headers } }, undefined);
      return;
    }
    if (writes(asked)) this.faults.remember(this.store);
    if (asked.kind === 'git') {
      response.on('finish', () => Object.assign(entry, { status: response.statusCode }));
      serveGit(this.store, request, response, body, fault);
      return;
    }
    const answer =
      asked.kind === 'graphql' ? await this.answerGraphql(request, asked, fault) : this.answerRest(request, asked, query, fault);
    if (fault?.kind !== 'hang-after' && fault?.kind !== 'reset-after') entry.status = answer.status;
    deliver(response, { ...answer, headers: { ...this.headers(), ...answer.headers } }, fault);
  }

  private headers(): Record<string, string> {
    return { date: new Date(this.store.millis()).toUTCString(), 'x-github-request-id': randomUUID(), server: 'github.com' };
  }

  private site(asked: Asked): Site {
    const store = writes(asked) ? this.store : this.faults.view(asked, this.store);
    return { store, url: this.url, apiUrl: this.apiUrl, settings: this.settings };
  }

  private answerRest(request: IncomingMessage, asked: Asked, query: string, fault: Fault | undefined): Answer {
    const drift = fault?.kind === 'page-insert' ? -1 : fault?.kind === 'page-remove' ? 1 : 0;
    const { authorization, 'if-none-match': ifNoneMatch } = request.headers;
    const { method, path, body } = asked;
    const wanted = { method, path, query: new URLSearchParams(query), authorization, ifNoneMatch, body, drift };
    return answerRest(this.site(asked), this.store, this.limits, wanted, (violation) => this.violations.push(violation));
  }

  private async answerGraphql(request: IncomingMessage, asked: Asked, fault: Fault | undefined): Promise<Answer> {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    try {
      const caller = authenticate(this.store, request.headers.authorization);
      if (!caller.viewer) throw new Refusal(401, 'This endpoint requires you to be authenticated.');
      const who = nameOf(caller);
      const read = () => {
        const { reset, ...rest } = this.limits.read(who, 'graphql');
        return { ...rest, resetAt: `${new Date(reset * 1000).toISOString().slice(0, 19)}Z` };
      };
      const violation = (one: Violation) => this.violations.push(one);
      const { store } = this.site(asked);
      const hooks = { url: this.url, violation, mergeableReads: this.settings.mergeableAfterReads };
      const budget = { read, spend: (points: number) => this.limits.spend(who, 'graphql', points) };
      const { status, body } = await executeGraphql(store, caller.viewer, JSON.parse(asked.body) as object, {
        ...hooks,
        budget,
        ...(fault?.kind === 'partial' && failRepository(fault.repo ?? '', fault.type)),
      });
      return { status, headers: { ...headers, ...this.limits.headers(who, 'graphql') }, body: JSON.stringify(body) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return {
        status: error.status,
        headers,
        body: JSON.stringify({ message: error.message, documentation_url: 'https://docs.github.com/graphql' }),
      };
    }
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function ask(request: IncomingMessage, path: string, body: Buffer): Asked {
  const method = request.method ?? 'GET';
  if (path === '/api/graphql') {
    const text = body.toString('utf8');
    const operation = /"operationName"\s*:\s*"(\w+)"/.exec(text)?.[1] ?? /(?:query|mutation)\s+(\w+)/.exec(text)?.[1];
    return { kind: 'graphql', method, path: '/graphql', body: text, operation };
  }
  if (!path.startsWith('/api/v3') && splitGitPath(path)) return { kind: 'git', method, path, body: body.toString('latin1') };
  return { kind: 'rest', method, path: path.replace(/^\/api\/v3/, ''), body: body.toString('utf8') };
}

function writes(asked: Asked): boolean {
  if (asked.kind === 'graphql') return /"query"\s*:\s*"(\\n|\s)*mutation\b/.test(asked.body);
  return asked.kind === 'git' ? asked.path.endsWith('/git-receive-pack') : asked.method !== 'GET';
}

function makeCertificate(dir: string): { key: string; cert: string; caFile: string } {
  const [keyFile, caFile] = [join(dir, 'tls.key'), join(dir, 'tls.crt')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, '-keyout', keyFile, '-out', caFile];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(caFile, 'utf8'), caFile };
}
