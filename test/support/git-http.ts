/**
 * Real git over HTTP on this machine: `git http-backend` behind a Node server
 * that asks for a password and, where a test wants it, misbehaves.
 */
import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with a request instead of, or after, serving it. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** Lets git take what was sent, then drops the connection without a word. */
  | { kind: 'cut-after' };

export interface GitHttpOptions {
  /** Directory that the paths of URLs are below. */
  root: string;
  /** For the user `x-access-token`; without one everybody may do everything. */
  password?: string;
  fault?: (request: { method: string; path: string }) => Fault | undefined;
}

export interface GitHttp {
  /** `http://127.0.0.1:<port>`. */
  url: string;
  /** `method path` of each request, and the `authorization` it came with. */
  seen: { line: string; authorization: string | undefined }[];
  close(): Promise<void>;
}

export async function startGitHttp(options: GitHttpOptions): Promise<GitHttp> {
  const seen: GitHttp['seen'] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const method = request.method ?? 'GET';
    const { authorization } = request.headers;
    seen.push({ line: `${method} ${url.pathname}`, authorization });
    const wanted = options.password && `Basic ${Buffer.from(`x-access-token:${options.password}`).toString('base64')}`;
    if (wanted !== undefined && authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
      return;
    }
    const fault = options.fault?.({ method, path: url.pathname });
    if (fault?.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers }).end(fault.body ?? '');
    } else if (fault?.kind !== 'hang') serve(options.root, url, request, response, fault?.kind === 'cut-after');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function serve(root: string, url: URL, request: IncomingMessage, response: ServerResponse, cut: boolean): void {
  const { headers } = request;
  const length = headers['content-length'];
  const cgi = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'x-access-token',
      REMOTE_ADDR: '127.0.0.1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      ...(length !== undefined && { CONTENT_LENGTH: length }),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  cgi.stdin.on('error', () => undefined);
  request.pipe(cgi.stdin);
  const chunks: Buffer[] = [];
  cgi.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  cgi.on('close', () => {
    if (cut) return void request.socket.destroy();
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    let status = 200;
    for (const line of answer.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2);
      if (/^status$/i.test(name)) status = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    response.writeHead(status).end(answer.subarray(end + 4));
  });
}
