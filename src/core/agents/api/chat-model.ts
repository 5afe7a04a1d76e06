/** The port of a model that can call tools: one request, one streamed answer. One adapter a provider. Pure. */
import type { FailedAnswer } from '../../gateway/classify.ts';
import type { TokenUsage } from '../report.ts';
import type { ToolCall, Turn } from './conversation.ts';

export interface ToolForm {
  name: string;
  description: string;
  /** JSON Schema of an object: `properties` and `required`. */
  input: Record<string, unknown>;
}

export interface ChatRequest {
  system: string;
  /** Begins with `user`; every call is answered by the turn after it. */
  turns: readonly Turn[];
  tools: readonly ToolForm[];
  maxOutputTokens: number;
  signal: AbortSignal;
  /** Told of every piece of the answer that arrives. */
  onPiece: () => void;
}

export interface ChatAnswer {
  text: string;
  calls: ToolCall[];
  /** To be given back with this turn. */
  kept?: unknown;
  usage?: TokenUsage;
  /** `cut`: the limit of output was reached. `refused`: provider or model declined. */
  end: 'complete' | 'cut' | 'refused';
}

export interface ChatModel {
  /** Sent once, never repeated by itself. @throws what the SDK throws, and `TornAnswer`. */
  ask(request: ChatRequest): Promise<ChatAnswer>;
  /** What an error of `ask` says; `undefined` for one that is not the provider's. */
  explain(error: unknown): FailedAnswer | undefined;
}

export interface ChatAccess {
  model: string;
  /** Address of the provider without a trailing slash. */
  url: string;
  /** Goes where the key goes. */
  pass: string;
}

/** An answer that ended before its end. */
export class TornAnswer extends Error {
  override readonly name = 'TornAnswer';
  constructor() {
    super('the answer ended in the middle');
  }
}

/** The input of a call from the text that the model wrote; a cut or broken text becomes a problem to tell the model. */
export function readArguments(text: string): { input: unknown; problem?: string } {
  if (text.trim() === '') return { input: {} };
  try {
    const input: unknown = JSON.parse(text);
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { input };
    return { input: {}, problem: 'the arguments are no JSON object' };
  } catch {
    return { input: {}, problem: `the arguments are no valid JSON (${text.length} characters)` };
  }
}

/** A name of a tool as every provider takes it back, also where the model made it up. */
export function toToolName(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'unknown';
}
