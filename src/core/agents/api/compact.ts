/**
 * Keeps a conversation within its budget. What a tool gave long ago is the
 * first to go, for it can be asked again; what was asked, that it was asked, and
 * the task itself stay, so that every call keeps its result. Pure.
 */
import { truncate } from '../../text.ts';
import { estimateTokens, type ToolCall, type ToolResult, type Turn } from './conversation.ts';

/**
 * `gentle` leaves out older results alone. `hard` also shortens what the model
 * said and wrote, and the last results.
 */
export type Strength = 'gentle' | 'hard';

export interface Compacted {
  turns: readonly Turn[];
  /** Results that were left out this time. */
  leftOut: number;
  /** False when even so it is too long. */
  fits: boolean;
}

/** How many of the last turns of results stay whole. */
const KEEP: Record<Strength, number> = { gentle: 3, hard: 1 };
/** Part of the budget to come down to: a change costs the provider's cache, so it should last for a while. */
const TARGET: Record<Strength, number> = { gentle: 0.6, hard: 0.5 };
/** What is shorter is not worth a note. */
const SHORT = 300;
const LAST_RESULT = 6000;
const SAID = 600;
const WRITTEN = 200;

/** @param budget tokens by `estimateTokens` */
export function compact(turns: readonly Turn[], budget: number, strength: Strength): Compacted {
  if (strength === 'gentle' && estimateTokens(turns) <= budget) return { turns, leftOut: 0, fits: true };
  const tools = turns.flatMap((turn, index) => (turn.role === 'tools' ? [index] : []));
  const older = tools.slice(0, Math.max(0, tools.length - KEEP[strength]));
  const now = strength === 'hard' ? turns.map((turn) => shorten(turn)) : [...turns];
  let leftOut = 0;
  let size = estimateTokens(now);
  for (const index of older) {
    if (size <= budget * TARGET[strength]) break;
    const turn = now[index];
    if (turn?.role !== 'tools') continue;
    const next: Turn = { role: 'tools', results: turn.results.map((result) => leaveOut(result)) };
    leftOut += next.results.filter((result, at) => result !== turn.results[at]).length;
    size += estimateTokens([next]) - estimateTokens([turn]);
    now[index] = next;
  }
  return { turns: now, leftOut, fits: estimateTokens(now) <= budget };
}

function leaveOut(result: ToolResult): ToolResult {
  if (result.text.length <= SHORT) return result;
  return { ...result, text: `[${result.text.length} characters were left out here to save room; call the tool again if you need them]` };
}

function shorten(turn: Turn): Turn {
  switch (turn.role) {
    case 'user':
      return turn;
    case 'model':
      return { ...turn, text: truncate(turn.text, SAID), calls: turn.calls.map(shortenInput) };
    case 'tools':
      return { role: 'tools', results: turn.results.map((result) => ({ ...result, text: bound(result.text, LAST_RESULT) })) };
  }
}

/** Long texts among the inputs (the content of a file written) by their beginning. */
function shortenInput(call: ToolCall): ToolCall {
  if (typeof call.input !== 'object' || call.input === null) return call;
  const input = Object.fromEntries(
    Object.entries(call.input).map(([name, value]) => [name, typeof value === 'string' ? truncate(value, WRITTEN) : value]),
  );
  return { ...call, input };
}

/** The first third and the last two of a long text, with a line that says how much is missing. */
export function bound(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = text.slice(0, Math.floor(most / 3)).replace(/[\ud800-\udbff]$/, '');
  const end = text.slice(text.length - (most - head.length)).replace(/^[\udc00-\udfff]/, '');
  return `${head}\n[… ${text.length - head.length - end.length} characters left out …]\n${end}`;
}
