/** Notices a model that does the same thing again and again. Pure. */
import type { ToolCall, ToolResult } from './conversation.ts';

/** How often in a row the same call had the same result. */
export interface Repeats {
  what: string;
  count: number;
}

export const NO_REPEATS: Repeats = { what: '', count: 0 };
const WARN_AT = 5;
const STOP_AT = 10;

export function countRepeat(before: Repeats, call: ToolCall, result: ToolResult): Repeats {
  const what = JSON.stringify([call.tool, call.input ?? null, result.text]);
  return { what, count: what === before.what ? before.count + 1 : 1 };
}

export function judgeRepeats({ count }: Repeats): 'fine' | 'warn' | 'stop' {
  if (count >= STOP_AT) return 'stop';
  return count >= WARN_AT ? 'warn' : 'fine';
}
