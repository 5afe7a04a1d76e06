/**
 * What was said so far, in a form that belongs to no provider. Each adapter
 * writes it in the words of its own; nothing else knows theirs. Pure.
 */

/** A tool that the model wants called. */
export interface ToolCall {
  /** Joins the call to its result; unique in the conversation. */
  id: string;
  tool: string;
  /** As the model gave it: unchecked. */
  input: unknown;
  /** Why the input could not be read at all, for the model. */
  problem?: string;
}

export interface ToolResult {
  id: string;
  tool: string;
  text: string;
  failed: boolean;
}

export type Turn =
  | { role: 'user'; text: string }
  /** `kept`: what the provider wants to see again word for word (reasoning, signatures); understood by its adapter alone. */
  | { role: 'model'; text: string; calls: readonly ToolCall[]; kept?: unknown }
  /** Answers every call of the turn before, in the same order. */
  | { role: 'tools'; results: readonly ToolResult[] };

/** Characters a token: code has a few less than prose. What a provider counts corrects it (`loop.ts`). */
const CHARACTERS_A_TOKEN = 3.5;

export function estimateTokens(turns: readonly Turn[]): number {
  return Math.ceil(turns.reduce((sum, turn) => sum + lengthOf(turn), 0) / CHARACTERS_A_TOKEN);
}

function lengthOf(turn: Turn): number {
  switch (turn.role) {
    case 'user':
      return turn.text.length;
    case 'model':
      return turn.text.length + lengthOfJson(turn.kept) + turn.calls.reduce((sum, call) => sum + 40 + lengthOfJson(call.input), 0);
    case 'tools':
      return turn.results.reduce((sum, result) => sum + 40 + result.text.length, 0);
  }
}

function lengthOfJson(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}
