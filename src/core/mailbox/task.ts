/**
 * The task file (docs/contracts.md, "Task file"): front matter that only Agent OS
 * writes, then Markdown for the agent. Strict: an unknown key or a wrong type
 * makes the file unreadable, and unreadable files go to quarantine. Pure.
 */
import * as z from 'zod';
import { isRepoName, isTaskId } from '../ids.ts';

z.config({ jitless: true });

const instant = z.iso.datetime({ offset: true });
const sha = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const line = z.string().max(2000);

export const TASK_TYPES = [
  'implementation',
  'debugging',
  'architecture',
  'research',
  'docs',
  'design',
  'content',
  'browser_automation',
] as const;
export const PRIORITIES = ['high', 'normal', 'low'] as const;

/** How an attempt ended. `complete` alone leads to a pull request. */
export const OUTCOMES = ['complete', 'failed', 'infrastructure', 'stopped'] as const;

const Attempt = z.strictObject({
  n: z.number().int().min(1),
  agent: z.string(),
  /** A fix of an open pull request is not counted in `queue.max_attempts`. */
  kind: z.enum(['work', 'fix']).default('work'),
  started_at: instant,
  /** The commit that the attempt started from. */
  base: sha.optional(),
  ended_at: instant.optional(),
  outcome: z.enum(OUTCOMES).optional(),
  /** A code of the contract: what the agent reported or the host computed. */
  code: z.string().max(60).optional(),
  summary: line.optional(),
  /** It tried an agent whose provider had failed before: that it fails still says nothing of the task. */
  after_rest: z.literal(true).optional(),
  /** The agents before it in the chain that could not run, each with the reason. */
  passed_over: z.array(line).optional(),
  /** The tree that the attempt left, when it could be read. */
  tree: sha.optional(),
  /** The commit that was made of it. */
  commit: sha.optional(),
});
export type Attempt = z.infer<typeof Attempt>;

/** What the next attempt must put right on the open pull request. */
const Fix = z.strictObject({
  kind: z.enum(['checks', 'conflict']),
  /** Head of the pull request when the fix was asked for: the recorded base of the fix. */
  head: sha,
  /** Tip of the base branch at that time. */
  base: sha,
  /** Names of the failing checks, or of the conflicting paths. */
  about: z.array(line),
  /** Their output, cut. */
  evidence: z.string().max(20_000),
});
export type Fix = z.infer<typeof Fix>;

/** One of the smaller issues that an issue is split into, as a model proposed it and we cleaned it. */
const Part = z.strictObject({
  title: z.string().min(1).max(300),
  type: z.enum(TASK_TYPES),
  goal: z.string().max(5000),
  success_criteria: z.array(line).max(20),
  /** Parts that come first, by their place in the list, from 0. */
  after: z.array(z.number().int().min(0)).max(8),
});
export type Part = z.infer<typeof Part>;

export const Task = z.strictObject({
  version: z.literal(1),
  id: z.string().refine(isTaskId, 'not a task id'),
  repo: z.string().refine(isRepoName, 'not a repository name'),
  issue: z.number().int().min(1),
  title: z.string().max(1000),
  type: z.enum(TASK_TYPES),
  priority: z.enum(PRIORITIES),
  agents: z.array(z.string()).min(1),
  base: z.string().min(1).max(255),
  branch: z.string().min(1).max(255),
  created_at: instant,
  snapshot: z.strictObject({
    /** Of title and body as they were when the task was made. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    ready_by: z.string(),
    ready_at: instant,
  }),
  /**
   * What a model does for the text before the first attempt. `pending`: it will be asked; `done`: it was;
   * `skipped`: it could not be, and the text is the issue's; `split`: `parts` are being filed as issues.
   */
  refine: z.enum(['pending', 'done', 'skipped', 'split']).optional(),
  parts: z.array(Part).min(2).max(8).optional(),
  pull_request: z.number().int().min(1).optional(),
  /** A wait for a provider, for money, or for a publication that could not be finished; a failed attempt returns without delay. */
  not_before: instant.optional(),
  /**
   * It waits until somebody of its chain can run, which every pass asks anew, whatever `not_before` expects.
   * `agent`: all rest or have no budget. `program`: their programs or keys are not there.
   */
  waits_for: z.enum(['agent', 'program']).optional(),
  /** Attempts with `n` at or below this number were made before a person asked for a retry and count no more. */
  attempts_forgiven: z.number().int().min(0).optional(),
  /** The head SHA that we pushed last; another head on the branch is somebody else's. */
  pushed: sha.optional(),
  /** Whether the pushed change touches protected paths, and which. */
  protected: z.array(line).optional(),
  /** Set while a fix of the open pull request is asked for or was tried. */
  fix: Fix.optional(),
  /** Fixes asked for so far: one is allowed. */
  fixes: z.number().int().min(0).optional(),
  /** SHA of the merge, once there is one. */
  merged: sha.optional(),
  /** Why the task stands where it stands, for people: the last transition's reason. */
  note: z.string().max(8000).optional(),
  /** When the task last changed tray. */
  settled_at: instant.optional(),
  /** Where the mailbox laid the task to rest. One that says so and lies in `inbox` was moved there by hand. */
  rests_in: z.enum(['escalated', 'failed']).optional(),
  attempts: z.array(Attempt),
});
export type Task = z.infer<typeof Task>;

/** The task as it is written with a move: at rest it says where, so that a move back by hand can be seen. */
export function laidTo({ rests_in: _, ...task }: Task, to: string): Task {
  return to === 'escalated' || to === 'failed' ? { ...task, rests_in: to } : task;
}

/** The task without a wait: the next pass looks at it. */
export function withoutWait({ not_before: _, waits_for: __, ...task }: Task): Task {
  return task;
}

/** A person moved this waiting task back from `escalated` or `failed` by hand, which is a retry (docs/contracts.md, "State directory"). */
export function isHandedBack(task: Task): boolean {
  return task.rests_in !== undefined;
}

/** The task with every attempt so far forgiven. @param note why, for people. */
export function afresh(task: Task, now: Date, note: string): Task {
  const { fix: _, fixes: __, note: ___, rests_in: ____, ...kept } = withoutWait(task);
  const last = task.attempts.at(-1)?.n ?? 0;
  return { ...kept, ...(last > 0 && { attempts_forgiven: last }), note, settled_at: now.toISOString() };
}

/** Attempts that count against `queue.max_attempts`. */
export function countedAttempts(task: Task): Attempt[] {
  const forgiven = task.attempts_forgiven ?? 0;
  return task.attempts.filter((attempt) => attempt.n > forgiven && attempt.kind === 'work' && isCounted(attempt));
}

function isCounted(attempt: Attempt): boolean {
  return attempt.outcome === undefined || attempt.outcome === 'complete' || attempt.outcome === 'failed';
}

/**
 * Infrastructure outcomes of one agent at the end of the attempt log, without a
 * break; of the agent that had most. A chain whose providers fail in turn is
 * one outage and no row of failures; an outage that lasts is none either. Stops
 * by a signal are not looked at.
 */
export function infrastructureStreak(task: Task): number {
  const streaks = new Map<string, number>();
  for (const attempt of [...task.attempts].reverse()) {
    if (attempt.n <= (task.attempts_forgiven ?? 0)) break;
    if (attempt.outcome === 'stopped') continue;
    if (attempt.outcome !== 'infrastructure') break;
    if (isOutageStill(attempt)) continue;
    streaks.set(attempt.agent, (streaks.get(attempt.agent) ?? 0) + 1);
  }
  return Math.max(0, ...streaks.values());
}

/** Tries of agents after a rest that met the same outage, since the last attempt that counted or was forgiven. */
export function outageTries(task: Task): number {
  const since = task.attempts.findLastIndex((attempt) => attempt.n <= (task.attempts_forgiven ?? 0) || isCounted(attempt));
  return task.attempts.slice(since + 1).filter(isOutageStill).length;
}

function isOutageStill({ after_rest, outcome, code }: Attempt): boolean {
  return after_rest === true && outcome === 'infrastructure' && code?.startsWith('provider_') === true;
}
