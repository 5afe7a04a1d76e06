/**
 * What may be removed: pure, so that the dry run and the real one agree. A task
 * id is never freed while its `ready` event is the newest of the issue: without
 * its file, dispatch would submit the same work again.
 */
import type { EffectRecord } from '../../core/effects/effects.ts';
import type { Tray } from '../../core/mailbox/mailbox.ts';

const DAY = 24 * 3600 * 1000;

/** Events are read by `analyze-logs` and `plan` over longer windows than anything else is kept. */
const EVENT_DAYS = 90;

/** Effects that are asked about again only while a task of the issue is under way. Comments, issues and pull requests stay on record. */
const PASSING_KINDS: ReadonlySet<string> = new Set([
  'add-label',
  'remove-label',
  'set-board-status',
  'push-branch',
  'update-branch',
  'delete-branch',
  'merge-pull-request',
  'close-pull-request',
]);

export interface GcTask {
  id: string;
  repo: string;
  issue: number;
  branch: string;
  pullRequest?: number;
  tray: Tray;
  /** When it last changed tray. */
  settledAt: string;
  /** `ready` events in the timeline of its issue now; `undefined` when the forge does not know the issue. */
  readyCount?: number;
}

export interface GcSnapshot {
  now: Date;
  days: number;
  /** Longest time between two plans. */
  cadenceDays: number;
  tasks: GcTask[];
  /** Directories of `runs` and when they last changed. */
  runs: { task: string; changedAt: Date }[];
  /** Tasks with preserved work, by repository. */
  preserved: { repo: string; task: string }[];
  /** Names `<YYYY-MM-DD>.ndjson`. */
  eventDays: string[];
  effects: Pick<EffectRecord, 'id' | 'repo' | 'subject' | 'kind' | 'state' | 'intendedAt' | 'recordedAt'>[];
}

export interface Removal {
  kind: 'task-file' | 'run' | 'preserved-work' | 'events' | 'effect';
  /** A task id, a day, or the id of an effect. */
  subject: string;
  repo?: string;
  tray?: Tray;
  reason: string;
}

export function decideGc(snapshot: GcSnapshot): Removal[] {
  const old = snapshot.tasks.filter((task) => isEnded(task) && isOld(snapshot, task.settledAt));
  return [
    ...old.filter((task) => mayBeFreed(task)).map((task) => removeFile(task, snapshot.days)),
    ...removeRuns(snapshot, old),
    ...removePreserved(snapshot, old),
    ...removeEvents(snapshot),
    ...removeEffects(snapshot, old),
  ];
}

/** The last part of a task id counts the `ready` events up to the one it came from. */
export function mayBeFreed({ id, readyCount }: Pick<GcTask, 'id' | 'readyCount'>): boolean {
  const n = Number(/-([0-9]+)$/.exec(id)?.[1]);
  return readyCount !== undefined && Number.isSafeInteger(n) && readyCount > n;
}

function isEnded({ tray }: Pick<GcTask, 'tray'>): boolean {
  return tray === 'done' || tray === 'failed';
}

function isOld({ now, days }: GcSnapshot, at: string | Date): boolean {
  return now.getTime() - new Date(at).getTime() > days * DAY;
}

function removeFile({ id, tray, settledAt }: GcTask, days: number): Removal {
  return {
    kind: 'task-file',
    subject: id,
    tray,
    reason: `in ${tray} since ${settledAt}, more than ${days} days; a newer \`ready\` has taken its place`,
  };
}

/** Transcripts and evidence of ended tasks, and of tasks whose file is gone. */
function removeRuns(snapshot: GcSnapshot, old: readonly GcTask[]): Removal[] {
  const known = new Set(snapshot.tasks.map((task) => task.id));
  const ended = new Set(old.map((task) => task.id));
  return snapshot.runs
    .filter(({ task, changedAt }) => ended.has(task) || (!known.has(task) && isOld(snapshot, changedAt)))
    .map(({ task }) => ({ kind: 'run', subject: task, reason: ended.has(task) ? 'the task has ended' : 'the task is gone' }));
}

/** What was merged needs no second copy; work that was not is kept for as long as its task is. */
function removePreserved(snapshot: GcSnapshot, old: readonly GcTask[]): Removal[] {
  const merged = new Set(old.filter((task) => task.tray === 'done').map((task) => task.id));
  return snapshot.preserved
    .filter(({ task }) => merged.has(task))
    .map(({ repo, task }) => ({ kind: 'preserved-work', subject: task, repo, reason: 'the task is merged' }));
}

function removeEvents(snapshot: GcSnapshot): Removal[] {
  const days = Math.max(snapshot.days, EVENT_DAYS, 3 * snapshot.cadenceDays);
  return snapshot.eventDays
    .filter((day) => snapshot.now.getTime() - Date.parse(`${day}T23:59:59Z`) > days * DAY)
    .map((day) => ({ kind: 'events', subject: day, reason: `older than ${days} days` }));
}

function removeEffects(snapshot: GcSnapshot, old: readonly GcTask[]): Removal[] {
  const keyOf = (repo: string, subject: string) => `${repo} ${subject}`;
  const busy = new Set(
    snapshot.tasks.filter((task) => !old.includes(task)).flatMap((task) => subjectsOf(task).map((one) => keyOf(task.repo, one))),
  );
  const done = new Set(old.flatMap((task) => subjectsOf(task).map((one) => keyOf(task.repo, one))));
  return snapshot.effects
    .filter((effect) => {
      const key = keyOf(effect.repo, effect.subject);
      const settled = effect.state === 'done' && isOld(snapshot, effect.recordedAt ?? effect.intendedAt);
      return settled && PASSING_KINDS.has(effect.kind) && done.has(key) && !busy.has(key);
    })
    .map(({ id, repo, subject, kind }) => ({
      kind: 'effect',
      subject: id,
      repo,
      reason: `\`${kind}\` on ${subject}: every task of it has ended`,
    }));
}

function subjectsOf(task: GcTask): string[] {
  return [`#${task.issue}`, task.branch, ...(task.pullRequest === undefined ? [] : [`#${task.pullRequest}`])];
}
