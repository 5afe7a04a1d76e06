/**
 * The configured models, tried in their order. Owns the fallback: a bad answer
 * gets one second try with what was wrong about it, every other failure goes to
 * the next model at once. Keys are read from the environment when a model is
 * first asked, and show up nowhere. What a model said is never logged and never
 * part of an error.
 */
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import type { ConfigFile } from '../config/schema.ts';
import { AgentOsError, type ErrorCode } from '../errors.ts';
import { readModelKey } from '../model-key.ts';
import { cleanLine, truncate } from '../text.ts';
import { extractJson } from './extract-json.ts';
import type { Answer, Called, ModelAccess, ModelAdapter, ModelCall, ModelName, ModelReply, Models, Question, Usage } from './models.ts';
import { neverSent, toModelError } from './provider-error.ts';

type Configured = ConfigFile['models'][number];

export interface ChainOptions {
  models: readonly Configured[];
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
}

/** `undefined` where no model is configured. */
export function openModels(options: ChainOptions): Models | undefined {
  return options.models.length === 0 ? undefined : new Chain(options);
}

/** A model that failed, and why. */
interface Failure extends ModelName {
  error: AgentOsError;
}

/** A question whose asker is told of its calls. */
type Told<T> = Question<T> & Required<Pick<Question<T>, 'onCall'>>;

class Chain implements Models {
  readonly #options: ChainOptions;
  readonly #opened = new Map<Configured, ModelAdapter>();
  /** Models that asked to wait, which are not asked before. */
  readonly #resting = new Map<Configured, AgentOsError>();

  constructor(options: ChainOptions) {
    this.#options = options;
  }

  async ask<T>(question: Question<T>): Promise<Answer<T>> {
    const started = this.#now().getTime();
    const usage: Usage = { input_tokens: 0, output_tokens: 0 };
    const onCall = (call: Called) => {
      usage.input_tokens += call.usage?.input_tokens ?? 0;
      usage.output_tokens += call.usage?.output_tokens ?? 0;
      question.onCall?.(call);
    };
    const failures: Failure[] = [];
    for (const [index, configured] of this.#options.models.entries()) {
      const left = question.deadlineMs - (this.#now().getTime() - started);
      const share = left / (this.#options.models.length - index);
      try {
        const value = await this.#askOne(configured, { ...question, onCall }, Math.max(1, share));
        return { value, by: nameOf(configured), usage };
      } catch (error) {
        if (!(error instanceof AgentOsError) || error.code === 'cancelled') throw error;
        if (error.retryAt) this.#resting.set(configured, error);
        failures.push({ ...nameOf(configured), error });
      }
    }
    throw toOneError(question.purpose, failures);
  }

  async #askOne<T>(configured: Configured, question: Told<T>, ms: number): Promise<T> {
    const resting = this.#resting.get(configured);
    if (resting?.retryAt && resting.retryAt > this.#now()) throw resting;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), ms);
    const signal = AbortSignal.any([question.signal, limit.signal]);
    const { system, prompt, maxOutputTokens } = question;
    const call: ModelCall = { system, turns: [{ role: 'user', text: prompt }], maxOutputTokens, signal };
    try {
      const first = await this.#call(configured, call, question.onCall);
      const answer = readAnswer(first, question.schema);
      if ('value' in answer) return answer.value;
      call.turns.push({ role: 'assistant', text: truncate(first.text, 20_000) || '(nothing)' }, { role: 'user', text: answer.complaint });
      const second = readAnswer(await this.#call(configured, call, question.onCall), question.schema);
      if ('value' in second) return second.value;
      throw new AgentOsError('corrupt', 'gave no valid answer, twice');
    } catch (error) {
      if (question.signal.aborted) throw new AgentOsError('cancelled', 'stopped by a signal', { cause: error });
      if (limit.signal.aborted) throw new AgentOsError('timeout', `took longer than ${Math.ceil(ms / 1000)} s`);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #call(configured: Configured, call: ModelCall, onCall: (call: Called) => void): Promise<ModelReply> {
    const access = readModelKey(this.#options.env, configured.key_env);
    if ('problem' in access) throw new AgentOsError('auth', access.problem);
    const { key } = access;
    let adapter = this.#opened.get(configured);
    if (!adapter) {
      adapter = await openAdapter(configured, key);
      this.#opened.set(configured, adapter);
    }
    let reply: ModelReply;
    try {
      reply = await adapter.call(call);
    } catch (error) {
      // Neither the request nor the answer gets into the error: both hold what must not be kept.
      const failed = adapter.explain(error) ?? { headers: {}, error: undefined, text: 'its answer could not be read' };
      // What a provider answers with an error costs nothing; what was broken off may.
      if (failed.status === undefined && !neverSent(error)) onCall({ by: nameOf(configured) });
      throw toModelError(failed, this.#now(), key);
    }
    onCall({ by: nameOf(configured), usage: reply.usage });
    if (reply.end === 'refused') throw new AgentOsError('refused', 'declined to answer');
    return reply;
  }

  #now(): Date {
    return this.#options.clock.now();
  }
}

/** Each provider's SDK is loaded when it is first asked. */
async function openAdapter({ provider, model, base_url }: Configured, key: string): Promise<ModelAdapter> {
  const access: ModelAccess = { model, key, ...(base_url !== undefined && { baseUrl: base_url }) };
  switch (provider) {
    case 'anthropic':
      return (await import('./anthropic.ts')).openAnthropic(access);
    case 'google':
      return (await import('./google.ts')).openGoogle(access);
    default:
      return (await import('./openai.ts')).openOpenAi(provider, access);
  }
}

function readAnswer<T>(reply: ModelReply, schema: z.ZodType<T>): { value: T } | { complaint: string } {
  const json = extractJson(reply.text);
  const again = 'Answer again: one JSON object as described, and nothing else.';
  if (json === undefined) {
    const why = reply.end === 'cut' ? 'it was longer than allowed and was cut off; be shorter' : 'it holds no JSON object';
    return { complaint: `Your answer could not be used: ${why}. ${again}` };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { value: parsed.data };
  const wrong = cleanLine(z.prettifyError(parsed.error), 1500);
  return { complaint: `Your answer could not be used: ${wrong}. ${again}` };
}

function nameOf({ provider, model }: Configured): ModelName {
  return { provider, model };
}

/** The codes that are kept where every model failed alike; anything else is an outage that may pass. */
const KEPT: ReadonlySet<ErrorCode> = new Set(['auth', 'rate_limit', 'timeout', 'refused', 'corrupt']);

function toOneError(purpose: string, failures: readonly Failure[]): AgentOsError {
  const codes = new Set(failures.map(({ error }) => error.code));
  const [only] = codes;
  const code = codes.size === 1 && only !== undefined && KEPT.has(only) ? only : 'unavailable';
  const times = failures.flatMap(({ error }) => (error.retryAt ? [error.retryAt.getTime()] : []));
  const why = failures.map(({ provider, model, error }) => `${provider} \`${model}\` ${error.message}`).join('; ');
  return new AgentOsError(code, `no model answered for ${purpose}: ${why}`, {
    ...(times.length > 0 && { retryAt: new Date(Math.min(...times)) }),
    ...(codes.has('auth') && {
      hint: 'Put a valid key into the variable that `key_env` of `models` names, of an account that has something left.',
    }),
  });
}
