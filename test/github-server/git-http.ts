/** Smart HTTP for the bare repositories, by git's own `http-backend`; permissions are checked here, the content of a push in a hook. */
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { canSee, isAllowed, isAtLeast, roleOf } from './access.ts';
import type { Viewer } from './accounts.ts';
import { authenticate, type Caller } from './authentication.ts';
import { PUSH, READ_CODE, Refusal } from './call.ts';
import type { Fault } from './faults.ts';
import { followBranches } from './pulls.ts';
import type { Repository } from './records.ts';
import type { Store } from './store.ts';

/** `/owner/name.git/…` → the repository's name and the rest. */
export function splitGitPath(path: string): { name: string; rest: string } | undefined {
  const [, name, rest] =
    /^\/([^/]+\/[^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*))$/.exec(path) ?? [];
  return name === undefined || rest === undefined ? undefined : { name: decodeURIComponent(name), rest };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', ...(status === 401 && { 'www-authenticate': 'Basic realm="GitHub"' }) });
  response.end(`${message}\n`);
}

/** Serves one request; `followBranches` is called before a push is answered, or its answer lost to one of the `after` faults. */
export function serveGit(store: Store, request: IncomingMessage, response: ServerResponse, body: Buffer, fault: Fault | undefined): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const split = splitGitPath(url.pathname);
  const repo = split && store.findRepo(split.name)?.repo;
  let caller: Caller;
  try {
    caller = authenticate(store, request.headers.authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refuse(response, 401, 'Invalid username or token. Password authentication is not supported for Git operations.');
    return;
  }
  const writes = url.searchParams.get('service') === 'git-receive-pack' || url.pathname.endsWith('/git-receive-pack');
  const denied = deny(store, caller.viewer, repo, writes);
  if (denied || !split || !repo) {
    refuse(response, ...(denied ?? NOT_FOUND));
    return;
  }
  const done = () => {
    if (writes && caller.viewer) followBranches(store, repo, caller.viewer.userId);
    if (fault?.kind === 'reset-after') response.socket?.resetAndDestroy();
    if (fault?.kind === '502-after') refuse(response, 502, 'Bad Gateway');
    return ['reset-after', '502-after', 'hang-after'].includes(fault?.kind ?? '');
  };
  runBackend(request, response, body, backendEnv(store, repo, caller, url, split.rest, request), done);
}

const NOT_FOUND: [number, string] = [404, 'Repository not found.'];

function deny(store: Store, viewer: Viewer | undefined, repo: Repository | undefined, writes: boolean): [number, string] | undefined {
  if (!viewer && (writes || !repo || repo.private)) return [401, 'Authentication required'];
  if (!repo || !canSee(viewer, repo) || !isAllowed(viewer, repo, READ_CODE)) return NOT_FOUND;
  if (writes && repo.archived) return [403, 'This repository was archived so it is read-only.'];
  const login = store.user(viewer?.userId ?? 0).login;
  if (writes && !isAllowed(viewer, repo, PUSH)) return [403, `Permission to ${store.fullName(repo)}.git denied to ${login}.`];
  return undefined;
}

/** What the backend and the hook behind it are told. */
function backendEnv(store: Store, repo: Repository, caller: Caller, url: URL, rest: string, request: IncomingMessage): NodeJS.ProcessEnv {
  const token = caller.viewer?.token;
  const workflows = token?.kind === 'classic' ? token.scopes.includes('workflow') : token?.permissions['workflows'] === 'write';
  const admin = token?.kind !== 'installation' && isAtLeast(roleOf(caller.viewer?.userId ?? 0, repo), 'admin');
  const guarded = [...repo.protections].filter(([, one]) => one.enforceAdmins || !admin).map(([branch]) => `refs/heads/${branch}`);
  const headers = request.headers;
  return {
    ...{
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: repo.gitDir,
    },
    ...{ PATH_INFO: rest, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method, REMOTE_ADDR: '127.0.0.1' },
    ...{ REMOTE_USER: store.user(caller.viewer?.userId ?? 0).login, CONTENT_TYPE: headers['content-type'] ?? '' },
    ...{ HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '', GIT_PROTOCOL: String(headers['git-protocol'] ?? '') },
    TEST_GITHUB_WORKFLOWS: workflows ? 'allow' : 'deny',
    TEST_GITHUB_PUSHER:
      token?.kind === 'installation' ? 'a GitHub App' : token?.kind === 'classic' ? 'an OAuth App' : 'a Personal Access Token',
    TEST_GITHUB_PERMISSION: token?.kind === 'installation' ? 'workflows` permission' : 'workflow` scope',
    TEST_GITHUB_LOCKED: guarded.join(' '),
  };
}

function runBackend(request: IncomingMessage, response: ServerResponse, body: Buffer, env: NodeJS.ProcessEnv, done: () => boolean): void {
  const child = spawn('git', ['http-backend'], { env: { ...env, CONTENT_LENGTH: String(body.length) }, stdio: ['pipe', 'pipe', 'ignore'] });
  request.on('close', () => response.writableEnded || child.kill());
  child.stdin.on('error', () => undefined);
  child.stdin.end(body);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    if (done()) return;
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const lines = all.subarray(0, Math.max(0, end)).toString('utf8').split('\r\n').filter(Boolean);
    let status = end < 0 ? 500 : 200;
    for (const line of lines) {
      const [name = '', value = ''] = line.split(/: *(.*)/s);
      if (/^status$/i.test(name)) status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    response.end(end < 0 ? '' : all.subarray(end + 4));
  });
}
