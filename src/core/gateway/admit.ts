/**
 * What a gateway lets through: a few paths of each protocol below the
 * configured address, with the pass of the run. Files, batches, tuning and
 * everything else that the key could do is not the agent's affair. Pure.
 */
import type { Protocol } from './gateway.ts';
import { holdsKey } from './redact.ts';

export interface Asked {
  method: string;
  /** Path and query as they came. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** `model`: it asks the model, and so counts and costs. `header`: how the key goes with it. */
export type Admission =
  | { ok: true; model: boolean; path: string; header: 'x-api-key' | 'authorization' | 'x-goog-api-key' }
  | { ok: false; status: 400 | 401 | 404 | 405; reason: string };

const LONGEST_URL = 4096;

interface Route {
  method: 'GET' | 'POST';
  /** Of the path below the configured address. */
  path: RegExp;
  model: boolean;
}

const ROUTES: Record<Protocol, readonly Route[]> = {
  anthropic: [
    { method: 'POST', path: /^\/v1\/messages$/, model: true },
    { method: 'POST', path: /^\/v1\/messages\/count_tokens$/, model: false },
    { method: 'GET', path: /^\/v1\/models(\/[\w.:-]+)?$/, model: false },
  ],
  openai: [
    { method: 'POST', path: /^(\/v1)?\/(responses|chat\/completions)$/, model: true },
    { method: 'GET', path: /^(\/v1)?\/models(\/[\w.:-]+)?$/, model: false },
  ],
  google: [
    { method: 'POST', path: /^\/v1(beta|alpha)?\/models\/[\w.-]+:(generateContent|streamGenerateContent)$/, model: true },
    { method: 'POST', path: /^\/v1(beta|alpha)?\/models\/[\w.-]+:countTokens$/, model: false },
    { method: 'GET', path: /^\/v1(beta|alpha)?\/models(\/[\w.-]+)?$/, model: false },
  ],
};

/** @param base path of the configured address, without a slash at its end */
export function admit(asked: Asked, protocol: Protocol, base: string, isPass: (text: string) => boolean): Admission {
  const url = readUrl(asked.url);
  if (!url) return { ok: false, status: 400, reason: 'the address cannot be read' };
  const used = findPass(asked, url.query, protocol, isPass);
  if (used === undefined) return { ok: false, status: 401, reason: 'the key of this run is missing' };
  const below = url.path.startsWith(`${base}/`) ? url.path.slice(base.length) : undefined;
  const routes = ROUTES[protocol].filter(({ path }) => below !== undefined && path.test(below));
  if (routes.length === 0) return { ok: false, status: 404, reason: `\`${url.path}\` is not open to agents` };
  const route = routes.find(({ method }) => method === asked.method);
  if (!route) return { ok: false, status: 405, reason: `${asked.method} is not open to agents` };
  if (route.method === 'GET' && hasBody(asked.headers)) return { ok: false, status: 400, reason: 'GET takes no body' };
  const query = new URLSearchParams([...url.query].filter(([name]) => PASSED_QUERY.test(name))).toString();
  return { ok: true, model: route.model, path: `${url.path}${query === '' ? '' : `?${query}`}`, header: used };
}

/** What of a query the protocols need; some providers take headers, methods and keys in others. */
const PASSED_QUERY = /^(beta|alt|api-version|limit|after_id|before_id|pageSize|pageToken|client_version)$/;

/** Without a frame of its own a body would be the beginning of the next request. */
function hasBody(headers: Asked['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Path and query of an address in origin form that means what it says; nothing decoded, nothing joined. */
function readUrl(text: string): { path: string; query: URLSearchParams } | undefined {
  if (text.length > LONGEST_URL || !text.startsWith('/') || text.startsWith('//')) return undefined;
  const [path = '', ...rest] = text.split('?');
  // `:generateContent` comes as `%3A` from some; nothing else needs an escape.
  const plain = path.replace(/%3a/gi, ':');
  if (!/^[\w.:/-]+$/.test(plain) || /\/\.{0,2}(?:\/|$)/.test(plain.slice(0, -1)) || plain.endsWith('/..')) return undefined;
  return { path: plain, query: new URLSearchParams(rest.join('?')) };
}

function findPass(
  { headers }: Asked,
  query: URLSearchParams,
  protocol: Protocol,
  isPass: (text: string) => boolean,
): 'x-api-key' | 'authorization' | 'x-goog-api-key' | undefined {
  const said = (name: string) => (typeof headers[name] === 'string' ? headers[name] : '');
  const bearer = /^Bearer (.+)$/i.exec(said('authorization'))?.[1] ?? '';
  switch (protocol) {
    case 'anthropic':
      if (isPass(said('x-api-key'))) return 'x-api-key';
      return isPass(bearer) ? 'authorization' : undefined;
    case 'openai':
      return isPass(bearer) ? 'authorization' : undefined;
    case 'google':
      return [said('x-goog-api-key'), bearer, query.get('key') ?? ''].some(isPass) ? 'x-goog-api-key' : undefined;
  }
}

/** The headers that a protocol needs. Others could name another account, open what is closed, or carry another key. */
const PASSED =
  /^(accept|user-agent|anthropic-version|anthropic-beta|anthropic-dangerous-direct-browser-access|x-app|openai-beta|originator|x-goog-api-client)$/;
/** Betas that let the provider fetch, run or store something. */
const CLOSED_BETA = /^(mcp-|web-fetch|web-search|code-execution|files-api|skills)/;
/** Headers of an answer that are about its connection or its browser. */
const KEPT_BACK = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|set-cookie|via)$/;

/**
 * The headers of a request to the provider, with the key; those of its body are the sender's.
 * @param own whether it is the protocol's own provider; others that speak Anthropic's take the key in either header
 */
export function toProviderHeaders(
  headers: Asked['headers'],
  header: 'x-api-key' | 'authorization' | 'x-goog-api-key',
  { key, own }: { key: string; own: boolean },
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && PASSED.test(name)) passed[name] = value;
  }
  const betas = (passed['anthropic-beta'] ?? '').split(',').map((beta) => beta.trim());
  const open = betas.filter((beta) => beta !== '' && !CLOSED_BETA.test(beta)).join(',');
  delete passed['anthropic-beta'];
  if (open !== '') passed['anthropic-beta'] = open;
  passed['accept-encoding'] = 'identity';
  passed[header] = header === 'authorization' ? `Bearer ${key}` : key;
  if (header === 'x-api-key' && !own) passed['authorization'] = `Bearer ${key}`;
  return passed;
}

/** The headers of an answer to the agent: nothing of the connection, no cookie, nothing that repeats the key. */
export function toAgentHeaders(headers: Asked['headers'], key: string): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || KEPT_BACK.test(name) || holdsKey(value, key)) continue;
    passed[name] = value;
  }
  return passed;
}
