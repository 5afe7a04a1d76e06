/** What the test model server needs to know of one provider's protocol. */

/** A question as it came in: its words. */
export interface Seen {
  protocol: ProtocolName;
  model: string;
  key: string;
  /** Instructions, from wherever the protocol has them. */
  system: string;
  /** What was said, each with its plain text; the result of a tool is a turn of the user. */
  turns: Turn[];
  maxOutputTokens: number;
}

export interface Turn {
  role: 'user' | 'assistant';
  text: string;
}

/** The same question with what is known of how it came. */
export interface Asked extends Seen {
  /** Of all questions to this server, from 1. */
  number: number;
  at: Date;
  /** Path and query, as sent. */
  path: string;
  /** Where the key was: a header in lower case, or `?key`. */
  keyIn: string;
  stream: boolean;
  /** Whether a stream was asked for that does not tell what it used (Chat Completions without `include_usage`). */
  withoutUsage?: boolean;
  /** Whether nothing but JSON is wanted as the answer. */
  wantsJson: boolean;
  /** Names of the tools that are offered. */
  tools: string[];
  /** Every call of a tool in the conversation so far, and every result, in order. */
  calls: PastCall[];
  results: ToolResult[];
}

export interface Call {
  name: string;
  /** An object; a text for a tool that takes free text (Responses API). */
  input: unknown;
}

export interface PastCall extends Call {
  id: string;
}

export interface ToolResult {
  /** Of the call; empty where no call fits. */
  id: string;
  name: string;
  text: string;
  /** Whether it is marked as an error, in protocols that do so. */
  failed: boolean;
}

/** What a protocol reads from a body; the server adds the rest. */
type Question = Omit<Asked, 'number' | 'at' | 'path' | 'keyIn' | 'key'>;

/** Words of a model. */
export interface Said {
  text: string;
  /** Tools that it wants called, at once. */
  calls: readonly Call[];
  end: 'complete' | 'cut' | 'refused';
  /** Without what comes from the provider's cache. */
  inputTokens: number;
  outputTokens: number;
  cacheRead: number;
  cacheWrite: number;
}

/**
 * How a provider refuses, in its own status, words and shape. `auth`: its usual
 * answer to a wrong key; `unauthenticated`: 401; `forbidden`: 403; `credit`: no
 * money; `quota`: nothing left for today (Google), or no money;
 * `overloaded`: 529 or 503; `unavailable`: 503.
 */
export type FaultName =
  | 'auth'
  | 'unauthenticated'
  | 'forbidden'
  | 'credit'
  | 'quota'
  | 'rate_limit'
  | 'server_error'
  | 'overloaded'
  | 'unavailable'
  | 'context_too_long'
  | 'refused';

export interface HttpReply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** A good answer as it goes over the wire. */
export interface Answer {
  contentType: string;
  /** The events of a stream, or one JSON document. */
  pieces: string[];
}

type ProtocolName = 'anthropic' | 'openai' | 'responses' | 'google';

// biome-ignore lint/suspicious/noExplicitAny: bodies are what the clients send
export type Body = any;

export interface Protocol {
  readonly name: ProtocolName;
  /** Whether a question with this path speaks it. */
  owns(path: string): boolean;
  read(body: Body, url: URL): Question;
  say(asked: Asked, said: Said): Answer;
  fail(fault: FaultName): HttpReply;
  /** The event by which a stream that began well ends with this fault. */
  failInStream(fault: FaultName): string;
  /** A complaint about the request, HTTP 400. */
  complain(message: string): HttpReply;
  /** Where to say when to ask again; the header `retry-after` unless the protocol says it otherwise. */
  wait?(reply: HttpReply, seconds: number): HttpReply;
}

/** One server-sent event. */
export function event(data: unknown, name?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`;
}

export const json = (body: unknown): Answer => ({ contentType: 'application/json', pieces: [JSON.stringify(body)] });
export const sse = (pieces: string[]): Answer => ({ contentType: 'text/event-stream; charset=utf-8', pieces });

/** A text in two parts, as streams bring it; nothing for an empty one. */
export function parts(text: string): string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((part) => part !== '');
}

/** The text of a content: a string, or blocks of which some hold text. */
export function plainText(content: Body): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((block) => (typeof block?.text === 'string' ? block.text : '')).join('');
}

/** An id for a new call, which no other call of the conversation has. */
export function callId(asked: Asked, index: number): string {
  return `call_${asked.number}_${asked.calls.length + index + 1}`;
}

/** What is wrong with calls and results, as providers check it; `undefined` when they fit. */
export function mismatch({ calls, results }: Pick<Asked, 'calls' | 'results'>): string | undefined {
  const answered = new Set(results.map(({ id }) => id));
  const open = calls.find(({ id }) => !answered.has(id));
  if (open) return `the call ${open.id} of ${open.name} has no result`;
  const known = new Set(calls.map(({ id }) => id));
  const stray = results.find(({ id }) => !known.has(id));
  return stray ? `the result "${stray.id}" of ${stray.name || 'a tool'} belongs to no call` : undefined;
}
