/**
 * One request, once: token, limits, sending, and what the answer means. Never
 * tries again; whoever asked decides (`client.ts`).
 */
import type { Octokit } from '@octokit/core';
import type { AgentOsError } from '../../../errors.ts';
import type { Answer } from './client.ts';
import {
  type Asked,
  type Failure,
  type GraphqlError,
  messageIn,
  toBodyFailure,
  toGraphqlFailure,
  toLimitError,
  toStatusFailure,
  toTransportFailure,
} from './errors.ts';
import { type Fetch, TransportError } from './http.ts';
import { findLimit, type Limits } from './limits.ts';

/** What a request needs to be sent; one for the life of a client. */
export interface Line {
  apiUrl: string;
  graphqlUrl: string;
  fetch: Fetch;
  limits: Limits;
  /** Milliseconds of our clock. */
  now(): number;
  /** Where the credential comes from. */
  source: string;
  /** Is given the `date` of every answer. */
  heard(date: string): void;
}

export interface Order {
  write: boolean;
  token: string;
  signal?: AbortSignal | undefined;
}

export type Outcome<T> = { answer: T } | { failure: Failure };

export interface GraphqlAnswer {
  data: Record<string, unknown>;
  errors: GraphqlError[];
}

type Parameters = Record<string, unknown>;

/** A REST request. Status 304 is an answer. */
export async function sendRest(
  line: Line,
  octokit: Octokit,
  route: string,
  parameters: Parameters,
  order: Order,
): Promise<Outcome<Answer>> {
  const headers = {
    'x-github-api-version': '2022-11-28',
    ...(parameters['headers'] as object | undefined),
    authorization: `token ${order.token}`,
  };
  const { method, url } = octokit.request.endpoint(route, parameters);
  const asked = { what: `${method} ${pathOf(url, line.apiUrl)}`, write: order.write, source: line.source, token: order.token };
  line.limits.check(resourceOf(url, line.apiUrl));
  let answer: Answer;
  try {
    const request = { ...(order.signal && { signal: order.signal }) };
    answer = (await octokit.request(route, { ...parameters, headers, request })) as Answer;
  } catch (error) {
    const { cause, response } = error as { cause?: unknown; response?: Answer };
    if (cause instanceof TransportError) return { failure: toTransportFailure(cause, asked) };
    if (error instanceof TransportError) return { failure: toTransportFailure(error, asked) };
    if (response === undefined) throw error;
    answer = response;
  }
  return judge(line, answer, asked);
}

function judge(line: Line, answer: Answer, asked: Asked): Outcome<Answer> {
  const { status, headers, data } = answer;
  if (headers['date'] !== undefined) line.heard(String(headers['date']));
  if (status === 304) return { answer };
  if (status >= 400) {
    const limit = limitIn(line, { status, headers, message: messageIn(data) }, asked);
    return { failure: limit ? { error: limit, again: false, status } : toStatusFailure(status, data, asked) };
  }
  // Octokit hands over the text of JSON that it could not parse, and of pages that are none.
  const isText = typeof data === 'string' && data !== '';
  if (isText || (data === '' && status === 200)) return { failure: toBodyFailure(status, 'something that is not JSON', asked) };
  noteExhausted(line, headers, asked);
  line.limits.succeeded(asked.write ? 'write' : 'read');
  return { answer };
}

/** A GraphQL request; errors of parts come with the answer, if every one of them is about a part that is missing or forbidden. */
export async function sendGraphql(line: Line, query: string, variables: Parameters, order: Order): Promise<Outcome<GraphqlAnswer>> {
  const asked = { what: 'POST /graphql', write: order.write, source: line.source, token: order.token };
  line.limits.check('graphql');
  let status: number;
  let headers: Answer['headers'];
  let body: { data?: unknown; errors?: unknown } | undefined;
  try {
    const answer = await line.fetch(line.graphqlUrl, {
      method: 'POST',
      headers: {
        'user-agent': 'agentos',
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `token ${order.token}`,
      },
      body: JSON.stringify({ query, variables }),
      signal: order.signal,
    });
    ({ status } = answer);
    headers = Object.fromEntries(answer.headers);
    body = await readJson(answer);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { failure: toTransportFailure(error, asked) };
  }
  if (headers['date'] !== undefined) line.heard(String(headers['date']));
  const errors = body === undefined ? [] : readErrors(body.errors);
  const limited = errors.some(({ type }) => type === 'RATE_LIMITED' || type === 'RATE_LIMIT');
  const message = messageIn(body);
  const limit = limitIn(line, { status, headers: { 'x-ratelimit-resource': 'graphql', ...headers }, message, limited }, asked);
  if (limit) return { failure: { error: limit, again: false, status } };
  if (status >= 400) return { failure: toStatusFailure(status, body, asked) };
  if (body === undefined) return { failure: toBodyFailure(status, 'something that is not JSON', asked) };
  if (errors.length > 0 && !errors.every((error) => isAboutPart(error) && !order.write))
    return { failure: toGraphqlFailure(errors, asked) };
  if (!isRecord(body.data))
    return { failure: errors.length > 0 ? toGraphqlFailure(errors, asked) : toBodyFailure(status, 'no data', asked) };
  noteExhausted(line, { 'x-ratelimit-resource': 'graphql', ...headers }, asked);
  line.limits.succeeded(order.write ? 'write' : 'read');
  return { answer: { data: body.data, errors } };
}

async function readJson(answer: { json(): Promise<unknown> }): Promise<Record<string, unknown> | undefined> {
  const value = await answer.json().catch(() => undefined);
  return isRecord(value) ? value : undefined;
}

function isAboutPart({ type, path }: GraphqlError): boolean {
  return (type === 'NOT_FOUND' || type === 'FORBIDDEN' || type === 'INSUFFICIENT_SCOPES') && path !== undefined && path.length > 0;
}

/** What GitHub says went wrong; entries of another shape count as errors without a type. */
function readErrors(value: unknown): GraphqlError[] {
  if (!Array.isArray(value)) return [];
  return value.map((one: unknown) => {
    const { type, message, path } = isRecord(one) ? one : {};
    const isPath = Array.isArray(path) && path.every((step) => typeof step === 'string' || typeof step === 'number');
    return {
      message: typeof message === 'string' ? message : 'an error without words',
      ...(typeof type === 'string' && { type }),
      ...(isPath && { path: path as (string | number)[] }),
    };
  });
}

interface Heard {
  status: number;
  headers: Answer['headers'];
  message: string;
  limited?: boolean;
}

function limitIn(line: Line, heard: Heard, asked: Asked): AgentOsError | undefined {
  const news = findLimit(heard, line.now());
  return news && toLimitError(heard.message, line.limits.note(news, asked.write ? 'write' : 'read'), asked);
}

/** The last request of the hour went well; the next one is not sent. */
function noteExhausted(line: Line, headers: Answer['headers'], asked: Asked): void {
  if (headers['x-ratelimit-remaining'] === undefined || Number(headers['x-ratelimit-remaining']) !== 0) return;
  const news = findLimit({ status: 429, headers, message: '' }, line.now());
  if (news?.kind === 'primary') line.limits.note(news, asked.write ? 'write' : 'read');
}

function pathOf(url: string, apiUrl: string): string {
  const path = url.startsWith(apiUrl) ? url.slice(apiUrl.length) : new URL(url).pathname;
  return path.split('?')[0] ?? path;
}

function resourceOf(url: string, apiUrl: string): string {
  return pathOf(url, apiUrl).startsWith('/search/') ? 'search' : 'core';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
