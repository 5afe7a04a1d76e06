/**
 * Providers of language models on 127.0.0.1, in their own protocols, saying
 * what a test scripted: the next reply of the script for each question, the last
 * one for ever, or what a function makes of the question. Anthropic Messages,
 * OpenAI Chat Completions and Responses, Google generateContent; each streamed
 * or not, as it was asked. One server speaks all of them, at the paths that they
 * have under any address (`/v1/messages`, `/chat/completions`, …).
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './model-protocols/anthropic.ts';
import { answerBeside } from './model-protocols/beside.ts';
import { deliver, deliverBadly, deliverHalf, type WireFault } from './model-protocols/deliver.ts';
import { google } from './model-protocols/google.ts';
import { openai } from './model-protocols/openai.ts';
import { type Asked, type FaultName, type HttpReply, mismatch, type Protocol, type Said, type Seen } from './model-protocols/protocol.ts';
import { responses } from './model-protocols/responses.ts';

export type { Asked, Call, Seen } from './model-protocols/protocol.ts';

export type ScriptedReply =
  /** Words, calls of tools, or both; `delayMs` before they come. */
  | (({ text: string } | Pick<Said, 'calls'>) & Partial<Said> & { delayMs?: number })
  /** A refusal in the provider's own words; `retryAfter` in seconds or as a date. */
  | { fault: FaultName; retryAfter?: number | Date }
  /** A stream that begins well and then says that something failed; a plain refusal where no stream was asked for. */
  | { fault: 'fails_in_stream'; as: FaultName }
  /** `everyMs` between two bytes of `drip`, 100 without it. */
  | { fault: WireFault; everyMs?: number }
  /** Any other answer, as it is. */
  | HttpReply;

/** `count` is of the questions since the script was set, from 0. */
export type ScriptFunction = (asked: Asked, count: number) => ScriptedReply;
export type Script = readonly ScriptedReply[] | ScriptFunction;

const PROTOCOLS: readonly Protocol[] = [anthropic, openai, responses, google];

const SILENT: Said = { text: '', calls: [], end: 'complete', inputTokens: 100, outputTokens: 20, cacheRead: 0, cacheWrite: 0 };
/** What is cut, torn or dripped away. */
const WORDS: Said = { ...SILENT, text: 'I look at the code first, and then I say what I found.' };

export interface ModelServer {
  /** `base_url` for the configuration. */
  readonly url: string;
  /** Every question so far, in order: its words. */
  readonly seen: Seen[];
  /** The same questions with everything that is known of them. */
  readonly asked: Asked[];
  /** Every other request: `HEAD /`, `POST /v1/messages/count_tokens`. */
  readonly beside: string[];
  /** Replaces the script; counting starts again. */
  script(script: Script): void;
  close(): Promise<void>;
}

/** Answers the questions number k (from 1) with the faults given for them, or those for which the function gives one; all others by the script. */
export function withFaults(
  script: Script,
  faults: Readonly<Record<number, ScriptedReply>> | ((asked: Asked, count: number) => ScriptedReply | undefined),
): ScriptFunction {
  return (asked, count) =>
    (typeof faults === 'function' ? faults(asked, count) : (faults as Record<number, ScriptedReply>)[count + 1]) ??
    nextOf(script, asked, count);
}

function nextOf(script: Script, asked: Asked, count: number): ScriptedReply {
  const reply = typeof script === 'function' ? script(asked, count) : script[Math.min(count, script.length - 1)];
  return reply ?? { fault: 'server_error' };
}

/** @param port a free one without it */
export async function openModelServer(script: Script, port = 0): Promise<ModelServer> {
  const provider = new Provider(script);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => provider.serve(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: provider.seen,
    asked: provider.asked,
    beside: provider.beside,
    script: (next) => provider.follow(next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Provider {
  readonly seen: Seen[] = [];
  readonly asked: Asked[] = [];
  readonly beside: string[] = [];
  #script: Script;
  #count = 0;

  constructor(script: Script) {
    this.#script = script;
  }

  follow(script: Script): void {
    this.#script = script;
    this.#count = 0;
  }

  serve({ method = 'GET', url = '/', headers }: IncomingMessage, body: string, response: ServerResponse): void {
    const address = new URL(url, 'http://host');
    const protocol = method === 'POST' ? PROTOCOLS.find((one) => one.owns(address.pathname)) : undefined;
    if (!protocol) {
      this.beside.push(`${method} ${url}`);
      const reply = answerBeside(method, address.pathname, headers);
      send(response, reply ?? { status: 404, body: { error: { message: `no route ${address.pathname}` } } });
      return;
    }
    let asked: Asked;
    try {
      asked = this.#read(protocol, address, headers, body);
    } catch (error) {
      this.beside.push(`${method} ${url}: ${String(error)}`);
      send(response, protocol.complain(`the request cannot be read: ${String(error)}`));
      return;
    }
    const { protocol: name, model, key, system, turns, maxOutputTokens } = asked;
    this.asked.push(asked);
    this.seen.push({ protocol: name, model, key, system, turns, maxOutputTokens });
    const problem = mismatch(asked);
    if (problem !== undefined) send(response, protocol.complain(problem));
    else answer(protocol, asked, nextOf(this.#script, asked, this.#count++), response);
  }

  #read(protocol: Protocol, address: URL, headers: IncomingHttpHeaders, body: string): Asked {
    return {
      ...protocol.read(JSON.parse(body), address),
      ...keyOf(address, headers),
      number: this.asked.length + 1,
      at: new Date(),
      path: address.pathname + address.search,
    };
  }
}

/** Anthropic takes a key in either header, https://docs.anthropic.com/en/api/overview; Google takes it in its own or in the address. */
function keyOf(address: URL, headers: IncomingHttpHeaders): Pick<Asked, 'key' | 'keyIn'> {
  for (const keyIn of ['x-api-key', 'x-goog-api-key', 'authorization']) {
    const value = headers[keyIn];
    if (typeof value === 'string') return { keyIn, key: value.replace(/^Bearer /, '') };
  }
  return { keyIn: '?key', key: address.searchParams.get('key') ?? '' };
}

function answer(protocol: Protocol, asked: Asked, reply: ScriptedReply, response: ServerResponse): void {
  if ('status' in reply) send(response, reply);
  else if ('fault' in reply) fail(protocol, asked, reply, response);
  else {
    const said = protocol.say(asked, { ...SILENT, ...reply });
    const timer = setTimeout(() => deliver(response, said), reply.delayMs ?? 0);
    response.on('close', () => clearTimeout(timer));
  }
}

function fail(protocol: Protocol, asked: Asked, reply: Extract<ScriptedReply, { fault: unknown }>, response: ServerResponse): void {
  switch (reply.fault) {
    case 'hang':
    case 'garbage':
    case 'torn':
    case 'stall':
    case 'drip':
      deliverBadly(response, protocol.say(asked, WORDS), reply.fault, reply.everyMs ?? 100);
      break;
    case 'fails_in_stream':
      if (asked.stream) deliverHalf(response, protocol.say(asked, WORDS), protocol.failInStream(reply.as));
      else send(response, protocol.fail(reply.as));
      break;
    default:
      send(response, withWait(protocol, protocol.fail(reply.fault), reply.retryAfter));
  }
}

function withWait(protocol: Protocol, reply: HttpReply, after: number | Date | undefined): HttpReply {
  if (after === undefined) return reply;
  if (typeof after === 'number' && protocol.wait) return protocol.wait(reply, after);
  return { ...reply, headers: { 'retry-after': typeof after === 'number' ? String(after) : after.toUTCString() } };
}

function send(response: ServerResponse, { status, body, headers }: HttpReply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
