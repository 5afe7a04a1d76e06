/**
 * Builds the client of `client.ts`: which reads are tried again and how often,
 * that a write is sent once and in its turn, pages, and the split between REST
 * (by way of `@octokit/core`, loaded at the first request) and GraphQL (which
 * goes straight out: an idle tick makes one such request and loads no package).
 */
import type { Octokit } from '@octokit/core';
import { AgentOsError } from '../../../errors.ts';
import { cleanLine } from '../../../text.ts';
import type { Answer, ClientOptions, ForgeAddress, GitHubClient, ReadOptions, WriteOptions } from './client.ts';
import { type Credentials, type Need, openCredentials } from './credentials.ts';
import { toGraphqlFailure } from './errors.ts';
import { type Etags, openEtags } from './etags.ts';
import { type Fetch, openFetch } from './http.ts';
import { openLimits } from './limits.ts';
import { awaitSlot, type Sleep, sleepFor } from './pace.ts';
import { type GraphqlAnswer, type Line, type Order, type Outcome, sendGraphql, sendRest } from './send.ts';

/** Tries of a read in all. */
const MOST_TRIES = 3;
const PAGE = 100;

/** For tests: how to wait, and which certificates to trust. */
export interface Surroundings {
  sleep?: Sleep;
  ca?: string;
}

type Parameters = Record<string, unknown>;
type Schema<T> = { safeParse(data: unknown): { success: true; data: T } | { success: false } };

/** What the functions of a client share. */
interface Core {
  options: ClientOptions;
  credentials: Credentials;
  line: Line;
  spent: { requests: number; points: number };
  sleep: Sleep;
  octokit(): Promise<Octokit>;
  etags(): Etags;
}

export function openClient(options: ClientOptions, surroundings: Surroundings = {}): GitHubClient {
  const host = addressOf(options.apiUrl);
  let theirDate: number | undefined;
  const core = openCore(options, host, {
    surroundings,
    heard: (date) => {
      const at = Date.parse(date);
      if (!Number.isNaN(at)) theirDate = at;
    },
  });
  const bound = {
    spent: core.spent,
    host,
    credentials: core.credentials,
    get now() {
      return new Date(theirDate ?? core.line.now());
    },
    readRoute: readRoute.bind(undefined, core),
    read: readRoute.bind(undefined, core),
    readAll: readAll.bind(undefined, core),
    writeRoute: writeRoute.bind(undefined, core),
    write: writeRoute.bind(undefined, core),
    query: query.bind(undefined, core),
    queryPartial: queryPartial.bind(undefined, core),
    mutate: mutate.bind(undefined, core),
    gitPassword: (repo: string, access: 'read' | 'write') => core.credentials.token(access === 'read' ? { access } : { access, repo }),
  };
  // The types of the routes are a table of GitHub's; at run time there is one function for all of them.
  return bound as unknown as GitHubClient;
}

/**
 * Where REST, GraphQL and git are: `api.github.com`, a data residency host (`api.SUBDOMAIN.ghe.com`), a GitHub
 * Enterprise server (`HOST/api/v3`). https://docs.github.com/enterprise-server/rest/enterprise-admin
 */
export function addressOf(apiUrl: string): ForgeAddress {
  const trimmed = apiUrl.replace(/\/+$/, '');
  if (trimmed.endsWith('/api/v3')) {
    const gitUrl = trimmed.slice(0, -'/api/v3'.length);
    return { apiUrl: trimmed, graphqlUrl: `${gitUrl}/api/graphql`, gitUrl };
  }
  return { apiUrl: trimmed, graphqlUrl: `${trimmed}/graphql`, gitUrl: trimmed.replace('://api.', '://') };
}

interface Opening {
  surroundings: Surroundings;
  heard(date: string): void;
}

function openCore(options: ClientOptions, host: ForgeAddress, { surroundings, heard }: Opening): Core {
  const { sleep = sleepFor, ca } = surroundings;
  const { clock, stateDir, signal, deadlineMs } = options;
  const spent = { requests: 0, points: 0 };
  const onRequest = () => {
    spent.requests++;
  };
  const fetch = openFetch({
    origin: host.apiUrl,
    signal,
    onRequest,
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(ca !== undefined && { ca }),
  });
  const now = () => clock.now().getTime();
  const credentials = openCredentials(options.credentials, { apiUrl: host.apiUrl, hostname: new URL(host.gitUrl).hostname, fetch, now });
  const name = `${new URL(host.apiUrl).host}-${credentials.kind}`;
  const limits = openLimits({ stateDir, name, clock, perHour: options.writes.per_hour });
  let octokit: Promise<Octokit> | undefined;
  return {
    options,
    credentials,
    spent,
    sleep,
    line: { ...host, fetch, limits, now, source: credentials.describe(), heard },
    octokit: () => {
      octokit ??= openOctokit(host.apiUrl, fetch);
      return octokit;
    },
    etags: () => openEtags(stateDir, name),
  };
}

async function openOctokit(baseUrl: string, fetch: Fetch): Promise<Octokit> {
  const { Octokit } = await import('@octokit/core');
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({ baseUrl, userAgent: 'agentos', log, request: { fetch } });
}

/** Sends a read until it is answered, refused, or was tried often enough. */
async function tryRead<T>(core: Core, send: (order: Order) => Promise<Outcome<T>>, signal?: AbortSignal): Promise<T> {
  let renewed = false;
  for (let tries = 1; ; tries++) {
    // Before the token: an app's is made by a request of its own.
    core.line.limits.check('');
    const token = await core.credentials.token({ access: 'read' });
    const outcome = await send({ write: false, token, signal });
    if ('answer' in outcome) return outcome.answer;
    const { error, again, status } = outcome.failure;
    if (status === 401 && !renewed && core.credentials.invalidate(token)) renewed = true;
    else if (!again || tries >= MOST_TRIES) throw error;
    else await core.sleep(200 * 4 ** (tries - 1), either(core.options.signal, signal));
  }
}

/** Sends a write once, in its turn. */
async function tryWrite<T>(core: Core, repo: string, send: (order: Order) => Promise<Outcome<T>>, options: WriteOptions): Promise<T> {
  const { credentials, line, sleep } = core;
  const { clock, writes, maxWaitMs } = core.options;
  const need: Need = { access: 'write', repo };
  // Before the wait for the slot: making a token may take a while, and a missing credential need not wait.
  line.limits.check('');
  await credentials.token(need);
  const signal = either(core.options.signal, options.signal);
  await awaitSlot(options.creates === true, { limits: line.limits, clock, signal, writes, maxWaitMs, sleep });
  const token = await credentials.token(need);
  const outcome = await send({ write: true, token, signal: options.signal });
  if ('answer' in outcome) return outcome.answer;
  if (outcome.failure.status === 401) credentials.invalidate(token);
  throw outcome.failure.error;
}

async function readRoute(core: Core, route: string, parameters: Parameters = {}, options: ReadOptions = {}): Promise<Answer> {
  const octokit = await core.octokit();
  const { method, url } = octokit.request.endpoint(route, parameters);
  if (method !== 'GET') throw new TypeError(`\`${method}\` is no read`);
  const etags = options.cache ? core.etags() : undefined;
  const kept = etags?.find(url);
  const headers = { ...(parameters['headers'] as object | undefined), ...(kept && { 'if-none-match': kept.etag }) };
  const answer = await tryRead(core, (order) => sendRest(core.line, octokit, route, { ...parameters, headers }, order), options.signal);
  if (answer.status === 304 && kept) return kept.answer;
  etags?.keep(url, answer);
  return answer;
}

async function writeRoute(
  core: Core,
  repo: string,
  route: string,
  parameters: Parameters = {},
  options: WriteOptions = {},
): Promise<Answer> {
  const octokit = await core.octokit();
  if (/^(GET|HEAD) /.test(route)) throw new TypeError(`\`${route}\` is no write`);
  return tryWrite(core, repo, (order) => sendRest(core.line, octokit, route, parameters, order), options);
}

async function readAll(core: Core, route: string, parameters: Parameters = {}, options: { maxPages?: number; signal?: AbortSignal } = {}) {
  const { maxPages = 50, signal } = options;
  const [{ composePaginateRest }, { readPages }] = await Promise.all([import('@octokit/plugin-paginate-rest'), import('./pages.ts')]);
  const { request } = await core.octokit();
  const read = (page: Parameters) =>
    readRoute(core, `${page['method']} ${page['url']}`, { headers: page['headers'] }, { ...(signal && { signal }) });
  const pretender = { request: Object.assign(read, { endpoint: request.endpoint }) };
  const paged = { per_page: PAGE, ...parameters };
  // Routes of GitHub's table have types of their own; here they are text.
  const pagesOf = composePaginateRest.iterator as unknown as (
    octokit: object,
    route: string,
    given: Parameters,
  ) => AsyncIterable<Answer<unknown[]>>;
  const list = (changes: Parameters) => pagesOf(pretender, route, { ...paged, ...changes });
  return readPages(list, { perPage: Number(paged.per_page), maxPages, what: route });
}

async function ask(core: Core, text: string, variables: Parameters): Promise<GraphqlAnswer> {
  const answer = await tryRead(core, (order) => sendGraphql(core.line, text, variables, order));
  countPoints(core, answer.data);
  return answer;
}

async function queryPartial(core: Core, text: string, variables: Parameters) {
  const { data, errors } = await ask(core, text, variables);
  return { data, errors: errors.map(({ path = [], type = '', message }) => ({ path, type, message: cleanLine(message) })) };
}

async function query<T>(core: Core, text: string, variables: Parameters, schema: Schema<T>): Promise<T> {
  const { data, errors } = await ask(core, text, variables);
  const asked = { what: 'POST /graphql', write: false, source: core.credentials.describe(), token: '' };
  if (errors.length > 0) throw toGraphqlFailure(errors, asked).error;
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new AgentOsError('unavailable', 'GitHub answered `POST /graphql` with data of another shape than asked for');
}

async function mutate<T>(
  core: Core,
  repo: string,
  text: string,
  variables: Parameters,
  schema: Schema<T>,
  options: WriteOptions = {},
): Promise<T> {
  const { data } = await tryWrite(core, repo, (order) => sendGraphql(core.line, text, variables, order), options);
  countPoints(core, data);
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new AgentOsError('unknown_outcome', 'GitHub answered a GraphQL mutation with data of another shape than asked for');
}

function countPoints({ spent }: Core, data: Record<string, unknown>): void {
  const { cost } = (data['rateLimit'] ?? {}) as { cost?: unknown };
  if (typeof cost === 'number') spent.points += cost;
}

function either(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}
