/** One REST request from its words to its answer: who, which endpoint, what it says, whether GitHub would say that. */
import { createHash } from 'node:crypto';
import { authenticate, type Caller } from './authentication.ts';
import { type Call, Moved, Refusal, type Reply, type Site } from './call.ts';
import type { Answer } from './delivery.ts';
import { checkRequest, checkResponse, type Violation } from './guard.ts';
import type { RateLimits } from './rate-limits.ts';
import { type Match, matchRoute } from './rest/routes.ts';

export interface RestRequest {
  method: string;
  /** Under the API's root, as it came, without the query. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  ifNoneMatch: string | undefined;
  body: string;
  drift: number;
}

const DOCS = 'https://docs.github.com/rest';

function refusalBody(error: Refusal): unknown {
  return { message: error.message, ...(error.errors && { errors: error.errors }), documentation_url: DOCS, status: String(error.status) };
}

function parseBody(text: string): Record<string, unknown> | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {}
  throw new Refusal(400, 'Problems parsing JSON');
}

/** @param site its store may be a stale copy; `authenticate` asks the live one, `limits.store`. */
export function answerRest(
  site: Site,
  live: Site['store'],
  limits: RateLimits,
  request: RestRequest,
  report: (violation: Violation) => void,
): Answer {
  const { method, path } = request;
  const tell = (where: Violation['where'], list: string[]) => list.map((what) => report({ method, path, where, what }));
  let caller: Caller = { kind: 'none' };
  let match: Match | undefined;
  let reply: Reply;
  try {
    match = matchRoute(method, path);
    const body = parseBody(request.body);
    tell('request', checkRequest(method, match?.path, request.query, body));
    caller = authenticate(live, request.authorization);
    if (!match) throw new Refusal(404, 'Not Found');
    reply = run(site, limits, caller, match, request, body ?? {});
  } catch (error) {
    reply = replyTo(error);
  }
  const who = nameOf(caller);
  const answer = toAnswer(reply, request);
  if (match?.path !== '/rate_limit' && answer.status !== 304) limits.spend(who, 'core', 1);
  if (match) tell('response', checkResponse(method, match.path, answer.status, answer.body === '' ? undefined : JSON.parse(answer.body)));
  Object.assign(answer.headers, limits.headers(who, 'core'), caller.viewer?.token.kind === 'classic' && scopes(caller.viewer.token.scopes));
  return answer;
}

const scopes = (list: string[]) => ({ 'x-oauth-scopes': list.join(', '), 'x-accepted-oauth-scopes': 'repo' });

export function nameOf(caller: Caller): string {
  if (caller.viewer)
    return caller.viewer.token.installationId ? `installation ${caller.viewer.token.installationId}` : `user ${caller.viewer.userId}`;
  return caller.appId === undefined ? 'nobody' : `app ${caller.appId}`;
}

function replyTo(error: unknown): Reply {
  if (error instanceof Refusal) return { status: error.status, body: refusalBody(error) };
  if (!(error instanceof Moved)) throw error;
  const { location } = error;
  return { status: 301, headers: { location }, body: { message: error.message, url: location, documentation_url: DOCS } };
}

function run(site: Site, limits: RateLimits, caller: Caller, match: Match, request: RestRequest, body: Record<string, unknown>): Reply {
  const who = nameOf(caller);
  if (!match.run) {
    const core = limits.read(who, 'core');
    const search = { limit: 30, remaining: 30, used: 0, reset: core.reset };
    return { status: 200, body: { resources: { core, graphql: limits.read(who, 'graphql'), search }, rate: core } };
  }
  if (limits.read(who, 'core').remaining === 0) throw new Refusal(403, `API rate limit exceeded for ${who.replace('user', 'user ID')}.`);
  const { path, query, drift } = request;
  const call: Call = { ...site, viewer: caller.viewer, appId: caller.appId, params: match.params, query, body, path, drift };
  return match.run(call);
}

/** With an ETag on what was read; what the client has already is a 304. */
function toAnswer(reply: Reply, request: RestRequest): Answer {
  const body = reply.body === undefined ? '' : JSON.stringify(reply.body);
  const headers: Record<string, string> = { ...reply.headers, 'x-github-media-type': 'github.v3; format=json' };
  if (body !== '') headers['content-type'] = 'application/json; charset=utf-8';
  if (request.method !== 'GET' || reply.status !== 200) return { status: reply.status, headers, body };
  headers['etag'] = `W/"${createHash('sha256').update(body).digest('hex')}"`;
  headers['cache-control'] = 'private, max-age=60, s-maxage=60';
  return request.ifNoneMatch === headers['etag'] ? { status: 304, headers, body: '' } : { status: reply.status, headers, body };
}
