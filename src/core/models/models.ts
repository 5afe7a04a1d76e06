/**
 * The port of language models: one question, one answer that keeps a schema.
 * What a model says is data. The answer was parsed and validated before the
 * caller sees it, and nothing else of the reply gets out. A question calls no
 * tool, keeps no conversation and has no effect.
 */
import type * as z from 'zod';
import type { FailedAnswer } from '../gateway/classify.ts';

export interface Usage {
  input_tokens: number;
  output_tokens: number;
}

/** Which model answered. */
export interface ModelName {
  provider: Provider;
  model: string;
}

export type Provider = 'anthropic' | 'openai' | 'google' | 'deepseek';

export interface Question<T> {
  /** What it is for, in kebab-case, for error texts: `dispatch-task`. */
  purpose: string;
  /** Our words: role and rules. */
  system: string;
  /** The data, fenced by whoever asks. */
  prompt: string;
  /** Strict objects, so that an unknown key is an error. */
  schema: z.ZodType<T>;
  maxOutputTokens: number;
  /** For everything, all models and second tries together; a model that hangs leaves the others their share. */
  deadlineMs: number;
  signal: AbortSignal;
  /** Told of each call that may have cost something, answered or not. */
  onCall?: (call: Called) => void;
}

/** One call of a model; without `usage` nobody knows what it used: it was broken off, or its answer could not be read. */
export interface Called {
  by: ModelName;
  usage?: Usage;
}

export interface Answer<T> {
  value: T;
  by: ModelName;
  /** Of every call that was made for this question. */
  usage: Usage;
}

export interface Models {
  /**
   * Asks the configured models in their order until one gives a valid answer.
   * @throws `cancelled` after a signal; else one error that says of each model why it did not answer: `auth`,
   *   `rate_limit` (with `retryAt`), `timeout`, `refused` or `corrupt` where all failed alike, `unavailable` otherwise.
   */
  ask<T>(question: Question<T>): Promise<Answer<T>>;
}

/** One call of one model, as an adapter gets it. */
export interface ModelCall {
  system: string;
  /** Turns in order, beginning and ending with `user`. */
  turns: { role: 'user' | 'assistant'; text: string }[];
  maxOutputTokens: number;
  /** Ends the call: the deadline, or the caller. */
  signal: AbortSignal;
}

export interface ModelReply {
  text: string;
  usage: Usage;
  /** `cut`: the limit of output was reached. `refused`: the provider or the model declined. */
  end: 'complete' | 'cut' | 'refused';
}

/** One provider's adapter. */
export interface ModelAdapter {
  /** One request, never repeated by itself. @throws what the SDK throws. */
  call(call: ModelCall): Promise<ModelReply>;
  /** What an error of `call` says; `undefined` for one that is not the provider's. */
  explain(error: unknown): FailedAnswer | undefined;
}

/** How an adapter is opened. The key is held in memory and sent to the provider, nowhere else. */
export interface ModelAccess {
  model: string;
  key: string;
  /** Another address than the provider's own. */
  baseUrl?: string;
}
