/**
 * Named instants at which a test may kill the process, so that every gap
 * between two side effects can be swept. Without the two variables below a
 * crash point is one comparison.
 *
 * `AGENTOS_CRASH_RECORD=FILE` appends the name of every point that is passed.
 * `AGENTOS_CRASH=NAME:N` kills this process, uncatchably, at the Nth pass of NAME.
 */
import { appendFileSync } from 'node:fs';

const record = process.env['AGENTOS_CRASH_RECORD'];
const plan = parsePlan(process.env['AGENTOS_CRASH']);
let seen = 0;

/** Passes the point `name` (lower case, `noun:stage`), or dies there when a test asked for it. */
export function crashPoint(name: string): void {
  if (record === undefined && plan === undefined) return;
  if (record !== undefined) appendFileSync(record, `${name}\n`);
  if (plan?.name === name && ++seen === plan.pass) process.kill(process.pid, 'SIGKILL');
}

function parsePlan(text: string | undefined): { name: string; pass: number } | undefined {
  const at = text?.lastIndexOf(':') ?? -1;
  if (text === undefined || at < 1) return undefined;
  return { name: text.slice(0, at), pass: Number(text.slice(at + 1)) };
}
