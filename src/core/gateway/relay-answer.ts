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
import { openAnswerReader } from './read-answer.ts';
import { renderRefusal } from './refusal.ts';
import type { RunLedger, Used } from './run-ledger.ts';
import { foldUsage, modelOf } from './usage.ts';

/** Of an answer that failed, and is held to be read. */
const MOST_ERROR_BYTES = 256_000;

export interface Exchange {
  /** Something moved: the idle timer begins again. */
  touch(): void;
  /** Ends it here, with the provider's own words where there are any. */
  fail(failure: AgentFailure, status: number, words?: Words): void;
}

interface Words {
  headers: Record<string, string>;
  text: string;
}

export interface ExchangeParts {
  options: GatewayOptions;
  /** Where it asks the model; absent for what costs nothing. */
  ledger: RunLedger | undefined;
  outgoing: ClientRequest;
  response: ServerResponse;
}

export function relayAnswer({ options, ledger, outgoing, response }: ExchangeParts): Exchange {
  const { protocol, idleMs } = options;
  let over = false;
  const seen: Used = {};
  const settle = (failure: AgentFailure | undefined) => {
    over = true;
    clearTimeout(timer);
    return ledger?.settle(seen, failure) ?? false;
  };
  const fail = (failure: AgentFailure, status: number, words?: Words) => {
    if (over) return;
    const final = settle(failure);
    outgoing.destroy();
    if (response.headersSent) response.destroy();
    else if (final) refuse(protocol, response, 400, failure.message);
    else if (words) {
      response.writeHead(status, words.headers);
      response.end(words.text);
    } else refuse(protocol, response, status, failure.message);
  };
  const timer = setTimeout(() => {
    fail({ kind: 'stalled', message: `the provider said nothing for ${Math.round(idleMs / 1000)} s` }, 504);
  }, idleMs);
  const touch = () => {
    if (!over) timer.refresh();
  };
  const lost = (error: NodeJS.ErrnoException) =>
    fail({ kind: 'overloaded', message: `the provider cannot be reached: ${error.code ?? 'the connection ended'}` }, 502);
  outgoing.on('error', lost);
  outgoing.on('response', (answer) => {
    touch();
    const finish = (failure: AgentFailure | undefined) => {
      if (over) return;
      settle(failure);
      response.end();
    };
    const pass = { options, answer, response, touch, fail, finish, seen };
    if (isGood(answer)) passOn(pass);
    else readFailure(pass);
  });
  // The agent went away, or was ended: nobody waits for the answer.
  response.on('close', () => {
    if (response.writableFinished || over) return;
    over = true;
    clearTimeout(timer);
    ledger?.abandon(seen);
    outgoing.destroy();
  });
  return { touch, fail };
}

interface Pass extends Exchange {
  options: GatewayOptions;
  answer: IncomingMessage;
  response: ServerResponse;
  /** The answer came whole; what it says may still be that it failed. */
  finish(failure: AgentFailure | undefined): void;
  seen: Used;
}

function isGood({ statusCode = 0, headers }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300 && /json|event-stream/.test(headers['content-type'] ?? '');
}

function passOn({ options, answer, response, touch, fail, finish, seen }: Pass): void {
  const { protocol, key, now } = options;
  let failure: AgentFailure | undefined;
  const reader = openAnswerReader(/event-stream/.test(answer.headers['content-type'] ?? ''), (event) => {
    seen.usage = foldUsage(protocol, seen.usage, event);
    seen.model ??= modelOf(event);
    const failed = errorInStream(event);
    if (failed) failure = classifyFailure({ headers: {}, text: 'it broke off its answer', ...failed }, now(), key);
  });
  response.writeHead(answer.statusCode ?? 200, toAgentHeaders(answer.headers, key));
  const decoder = new TextDecoder();
  answer.on('data', (part: Buffer) => {
    touch();
    reader.push(decoder.decode(part, { stream: true }));
    if (!response.write(part)) {
      answer.pause();
      response.once('drain', () => answer.resume());
    }
  });
  answer.on('error', () => {});
  answer.on('close', () => {
    reader.end();
    if (!answer.complete) fail(failure ?? { kind: 'overloaded', message: 'the provider broke off its answer' }, 502);
    else finish(failure);
  });
}

/** Redirects, errors, and success in a form that no model answers in. */
function readFailure({ options, answer, fail, touch }: Pass): void {
  const { key, now } = options;
  const status = answer.statusCode ?? 0;
  const parts: Buffer[] = [];
  let size = 0;
  const done = () => {
    if (status >= 300 && status < 400) {
      fail({ kind: 'overloaded', message: `the provider has moved (HTTP ${status}): correct \`base_url\`` }, 502);
    } else if (status < 300) {
      fail({ kind: 'overloaded', message: 'the provider answered in no form of a model' }, 502);
    } else {
      const text = Buffer.concat(parts).toString('utf8').replaceAll(key, '***');
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
