/**
 * Carries one answer of the provider to the agent. A stream passes piece by
 * piece; a failure is read whole, told apart, and where asking again is of no
 * use it is given as one that no client repeats (400), so that a run ends
 * within seconds instead of retrying for minutes.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { AgentFailure } from '../agents/report.ts';
import { toAgentHeaders } from './admit.ts';
import { classifyFailure, errorInStream } from './classify.ts';
import type { GatewayOptions, Protocol } from './gateway.ts';
import type { Used } from './purse.ts';
import { openAnswerReader } from './read-answer.ts';
import { openRedactor, withoutKey } from './redact.ts';
import { renderRefusal } from './refusal.ts';
import type { Turn } from './run-ledger.ts';
import { foldUsage, isFinalUsage, modelOf } from './usage.ts';

/** Of an answer that failed, and is held to be read. */
const MOST_ERROR_BYTES = 256_000;
/** A long request moves in pieces, each of which shows that the provider still takes it. */
const PIECE_BYTES = 65_536;

export interface ExchangeParts {
  options: GatewayOptions;
  /** Where it asks the model; absent for what costs nothing. */
  turn: Turn | undefined;
  outgoing: ClientRequest;
  response: ServerResponse;
}

interface Words {
  headers: Record<string, string>;
  text: string;
}

interface Exchange {
  /** The provider moved: its time begins again. */
  touch(): void;
  /** The agent does not read: the time is its own, until it does. */
  waitForReader(): void;
  /** Ends it here, with the status and words of the provider where there are any. */
  fail(failure: AgentFailure, status: number, words?: Words): void;
  /** The answer came whole; what it says may still be that it failed. */
  finish(failure: AgentFailure | undefined): void;
}

/** Sends the request, and carries the answer to the agent. */
export function relayAnswer(parts: ExchangeParts, body: Buffer | undefined): void {
  const { options, turn, outgoing, response } = parts;
  const exchange = openExchange(parts);
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    exchange.fail({ kind: 'overloaded', message: `the provider cannot be reached: ${error.code ?? 'the connection ended'}` }, 502),
  );
  outgoing.on('response', (answer) => {
    exchange.touch();
    const pass = { options, answer, response, exchange, used: turn?.used ?? {} };
    if (isGood(answer)) passOn(pass);
    else readFailure(pass);
  });
  for (let from = 0; body && from < body.length; from += PIECE_BYTES)
    outgoing.write(body.subarray(from, from + PIECE_BYTES), exchange.touch);
  outgoing.end();
}

function openExchange({ options, turn, outgoing, response }: ExchangeParts): Exchange {
  const { protocol, idleMs } = options;
  let over = false;
  const stop = () => {
    over = true;
    clearTimeout(timer);
  };
  const fail: Exchange['fail'] = (failure, status, words) => {
    if (over) return;
    stop();
    const final = turn?.settle(failure, words && status) ?? false;
    outgoing.destroy();
    if (response.headersSent) response.destroy();
    else if (final) refuse(protocol, response, 400, failure.message);
    else if (words) {
      response.writeHead(status, words.headers);
      response.end(words.text);
    } else refuse(protocol, response, status, failure.message);
  };
  const silent = () => fail({ kind: 'stalled', message: `the provider said nothing for ${Math.round(idleMs / 1000)} s` }, 504);
  let timer = setTimeout(silent, idleMs);
  // The agent went away, or was ended: nobody waits for the answer.
  response.on('close', () => {
    if (response.writableFinished || over) return;
    stop();
    turn?.abandon();
    outgoing.destroy();
  });
  return {
    fail,
    touch() {
      if (over) return;
      clearTimeout(timer);
      timer = setTimeout(silent, idleMs);
    },
    waitForReader() {
      if (over) return;
      clearTimeout(timer);
      timer = setTimeout(() => response.destroy(), idleMs);
    },
    finish(failure) {
      if (over) return;
      stop();
      turn?.settle(failure);
      response.end();
    },
  };
}

interface Pass {
  options: GatewayOptions;
  answer: IncomingMessage;
  response: ServerResponse;
  exchange: Exchange;
  used: Used;
}

/** What is packed cannot be read, and none was asked for. */
function isGood({ statusCode = 0, headers }: IncomingMessage): boolean {
  const isPlain = /^(identity)?$/.test(headers['content-encoding'] ?? '');
  return statusCode >= 200 && statusCode < 300 && isPlain && /json|event-stream/.test(headers['content-type'] ?? '');
}

function passOn({ options, answer, response, exchange, used }: Pass): void {
  const { protocol, key, now } = options;
  let failure: AgentFailure | undefined;
  used.begun = true;
  used.bytes = 0;
  const reader = openAnswerReader(/event-stream/.test(answer.headers['content-type'] ?? ''), (event) => {
    used.usage = foldUsage(protocol, used.usage, event);
    used.final ||= isFinalUsage(protocol, event);
    used.model ??= modelOf(event);
    const failed = errorInStream(event);
    if (failed) failure = classifyFailure({ headers: {}, text: 'it broke off its answer', ...failed }, now(), key);
  });
  const redactor = openRedactor(key);
  response.writeHead(answer.statusCode ?? 200, toAgentHeaders(answer.headers, key));
  const decoder = new TextDecoder();
  answer.on('data', (part: Buffer) => {
    exchange.touch();
    used.bytes = (used.bytes ?? 0) + part.length;
    reader.push(decoder.decode(part, { stream: true }));
    if (response.write(redactor.push(part))) return;
    answer.pause();
    exchange.waitForReader();
    response.once('drain', () => {
      exchange.touch();
      answer.resume();
    });
  });
  answer.on('error', () => {});
  answer.on('close', () => {
    reader.end();
    response.write(redactor.end());
    if (answer.complete) exchange.finish(failure);
    else exchange.fail(failure ?? { kind: 'overloaded', message: 'the provider broke off its answer' }, 502);
  });
}

/** Redirects, errors, and success in a form that no model answers in. */
function readFailure({ options, answer, used, exchange: { fail, touch } }: Pass): void {
  const { key, now } = options;
  const status = answer.statusCode ?? 0;
  const parts: Buffer[] = [];
  let size = 0;
  const done = () => {
    if (status >= 300 && status < 400) {
      fail({ kind: 'overloaded', message: `the provider has moved (HTTP ${status}): correct \`base_url\`` }, 502);
    } else if (status < 300) {
      // Whatever it was, it was an answer.
      used.begun = true;
      fail({ kind: 'overloaded', message: 'the provider answered in no form of a model' }, 502);
    } else {
      const text = withoutKey(Buffer.concat(parts).toString('utf8'), key);
      const error = readJson(text);
      const plain = error === undefined ? text.replace(/<[^>]*>/g, ' ') : '';
      const { 'content-length': _, ...headers } = toAgentHeaders(answer.headers, key);
      fail(classifyFailure({ status, headers: answer.headers, error, text: plain }, now(), key), status, { headers, text });
    }
  };
  answer.on('data', (part: Buffer) => {
    touch();
    size += part.length;
    if (size <= MOST_ERROR_BYTES) parts.push(part);
    else answer.destroy();
  });
  answer.on('error', () => {});
  answer.on('close', done);
}

function readJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // Google wraps errors of streams in an array.
    return Array.isArray(value) ? value[0] : value;
  } catch {
    return undefined;
  }
}

/** Answers with an error of our own. */
export function refuse(protocol: Protocol, response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(renderRefusal(protocol, status, message));
}
