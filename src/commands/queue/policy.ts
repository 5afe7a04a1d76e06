/** Which claims of dead owners return, and which waiting tasks start now. Pure. */

import type { AgentOsError } from '../../core/errors.ts';
import type { Waiting } from '../../core/mailbox/mailbox.ts';
import type { Choice } from '../../core/routing/choose.ts';
import { plural } from '../../core/text.ts';
import type { Action } from '../run-command.ts';
import type { StartVerdict } from './start.ts';

export interface QueueSnapshot {
  now: Date;
  maxParallel: number;
  running: { id: string; subject: string; alive: boolean }[];
  /** In the order in which they would start; only as many as were looked at carry a verdict. */
  candidates: { waiting: Waiting; verdict: QueueVerdict }[];
  /** Waiting tasks that were not looked at: no slot was left for them. */
  unseen: number;
}

/** `unreadable`: what the forge says about it could not be read. */
export type QueueVerdict = StartVerdict | { kind: 'wait'; reason: string } | { kind: 'unreadable'; reason: string; error: AgentOsError };

export type QueueAction = Action &
  (
    | { kind: 'reclaim' | 'start-attempt'; id: string }
    | { kind: 'escalate' | 'withdraw' | 'hand-over'; id: string }
    | { kind: 'unreadable'; error: AgentOsError }
    | { kind: 'skip' | 'hold' | 'wait' }
  );

const RANK: Record<Waiting['priority'], number> = { high: 0, normal: 1, low: 2 };

/** Priority, then age, then id: a total order, so that every process sees the same one. */
export function orderWaiting(waiting: readonly Waiting[]): Waiting[] {
  return [...waiting].sort((a, b) => RANK[a.priority] - RANK[b.priority] || compare(a.createdAt, b.createdAt) || compare(a.id, b.id));
}

/** A model has so long to prepare a task; then the task starts with the text it has. */
const PREPARING_MS = 10 * 60_000;

/** Why a task cannot start before dispatch is through with its text; `undefined` when it can. */
export function whyPreparing({ preparing, createdAt }: Waiting, now: Date): string | undefined {
  if (preparing === 'split') return 'being split into smaller issues by dispatch';
  if (preparing !== 'pending' || now.getTime() - Date.parse(createdAt) >= PREPARING_MS) return undefined;
  return 'being prepared by dispatch';
}

/** A new expectation that is so far off is worth a new note on the task. */
const WORTH_TELLING_MS = 10 * 60_000;

/**
 * Why a task that waits for an agent goes on waiting, as it is; `undefined`: it is to be claimed, to begin, to be
 * escalated, or to wait for something else, which is said once.
 */
export function whyStillWaiting({ waitsFor, notBefore }: Waiting, choice: Choice, now: Date): { kind: 'wait'; reason: string } | undefined {
  if (choice.kind !== 'wait' && choice.kind !== 'none') return undefined;
  if (waitsFor !== (choice.kind === 'wait' ? 'agent' : 'program')) return undefined;
  const over = notBefore !== undefined && Date.parse(notBefore) <= now.getTime();
  if (choice.kind === 'wait' && over && choice.until.getTime() - now.getTime() >= WORTH_TELLING_MS) return undefined;
  return { kind: 'wait', reason: choice.reason };
}

export function decideQueue(snapshot: QueueSnapshot): QueueAction[] {
  const dead = snapshot.running.filter((claim) => !claim.alive);
  let slots = freeSlots(snapshot);
  const actions: QueueAction[] = dead.map(({ id, subject }) => ({
    kind: 'reclaim',
    id,
    subject,
    reason: `the process that ran task ${id} is gone`,
  }));
  let full = snapshot.unseen;
  for (const { waiting, verdict } of snapshot.candidates) {
    const subject = `${waiting.repo}#${waiting.issue}`;
    if (verdict.kind !== 'start') actions.push(toAction(waiting.id, subject, verdict));
    else if (slots > 0) {
      slots--;
      actions.push({ kind: 'start-attempt', id: waiting.id, subject, reason: `task ${waiting.id} is next` });
    } else full++;
  }
  if (full > 0)
    actions.push({ kind: 'wait', subject: 'inbox', reason: `${plural(full, 'task')} wait for a free slot of ${snapshot.maxParallel}` });
  return actions;
}

function toAction(id: string, subject: string, verdict: Exclude<QueueVerdict, { kind: 'start' }>): QueueAction {
  const { reason } = verdict;
  if (verdict.kind === 'unreadable') return { kind: 'unreadable', subject, reason, error: verdict.error };
  if (verdict.kind === 'skip') return { kind: 'skip', subject, reason: `${reason}; dispatch withdraws the task` };
  if (verdict.kind === 'hold' || verdict.kind === 'wait') return { kind: verdict.kind, subject, reason };
  return { kind: verdict.kind, id, subject, reason };
}

/** Attempts that may start now; claims of dead owners run nothing. */
export function freeSlots(snapshot: Pick<QueueSnapshot, 'maxParallel' | 'running'>): number {
  return Math.max(0, snapshot.maxParallel - snapshot.running.filter((claim) => claim.alive).length);
}

/** By code unit: ISO instants and ids sort right, and no locale changes the order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
