/**
 * Reads what an agent asks its model. The request is parsed, judged and written
 * anew: so the provider reads what was judged, whatever its own parser makes of
 * repeated keys or framing. Pure.
 */
import type { Protocol } from './gateway.ts';
import { findExcess } from './json-size.ts';
import { findReach, isFields, plain } from './provider-reach.ts';

export interface Question {
  /** The JSON that is sent. */
  body: Buffer;
  /** As asked for; empty where it names none. */
  model: string;
  /** Whether the answer comes as a stream, and so begins before it is made. */
  stream: boolean;
  /** Most tokens that it lets the model answer; absent where it names none. */
  maxOutput?: number;
}

export type ReadQuestion = { ok: true; question: Question } | { ok: false; reason: string };

const LONGEST_NAME = 200;

/** @param path of the request, which holds the model in Google's protocol */
export function readQuestion(protocol: Protocol, path: string, bytes: Buffer): ReadQuestion {
  const excess = findExcess(bytes);
  if (excess !== undefined) return { ok: false, reason: excess };
  const body = parse(bytes);
  if (!isFields(body)) return { ok: false, reason: 'the request is no JSON object' };
  const model = modelOf(path, body);
  if (model === undefined) return { ok: false, reason: 'the name of the model cannot be read' };
  const reach = findReach(protocol, body);
  if (reach !== undefined) return { ok: false, reason: `agents may not use ${reach}` };
  const maxOutput = maxOutputOf(body);
  return {
    ok: true,
    question: {
      body: Buffer.from(JSON.stringify(toSent(protocol, path, body))),
      model,
      stream: body['stream'] === true || /:streamGenerateContent/.test(path),
      ...(maxOutput !== undefined && { maxOutput }),
    },
  };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function modelOf(path: string, body: Readonly<Record<string, unknown>>): string | undefined {
  const named = /\/models\/([\w.-]+):/.exec(path)?.[1] ?? body['model'] ?? '';
  return typeof named === 'string' && named.length <= LONGEST_NAME ? named : undefined;
}

/** The request with what the gateway needs of it: a stream that tells its usage, an answer that is not stored. */
function toSent(protocol: Protocol, path: string, body: Readonly<Record<string, unknown>>): object {
  if (protocol !== 'openai') return body;
  // The Responses API stores what it is not told to forget.
  if (/\/responses$/.test(path.split('?')[0] ?? '')) return { ...body, store: false };
  const options = isFields(body['stream_options']) ? body['stream_options'] : {};
  return body['stream'] === true ? { ...body, stream_options: { ...options, include_usage: true } } : body;
}

/** Under the names of every protocol: the largest that stands there counts. */
function maxOutputOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const fields = Object.entries(body).flatMap(([name, value]) =>
    plain(name) === 'generationconfig' && isFields(value) ? Object.entries(value) : [[name, value] as const],
  );
  const named = fields.flatMap(([name, value]) => (OUTPUT.test(plain(name)) && Number(value) > 0 ? [Number(value)] : []));
  return named.length === 0 ? undefined : Math.max(...named);
}

const OUTPUT = /^(maxtokens|maxoutputtokens|maxcompletiontokens)$/;
