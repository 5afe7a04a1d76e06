/**
 * What the loops did, one JSON object a line (docs/contracts.md, "Events"): commands
 * write these and `analyze-logs` reads them. Names are
 * `<command>.<noun>.<past participle>`; changes only add. Pure.
 */
import * as z from 'zod';

z.config({ jitless: true });

const EVENT_NAMES = [
  'dispatch.task.submitted', // a Ready issue became a task
  'dispatch.task.refined', // a model was asked: outcome refined, needs_person, split or skipped; usage, duration_ms
  'dispatch.task.escalated', // a decision is missing, or the issue could not be split
  'dispatch.issue.filed', // a part of a large issue
  'dispatch.issue.split', // all parts are filed
  'dispatch.task.withdrawn', // a person took the issue back
  'dispatch.task.superseded', // a newer `ready` replaced the task
  'queue.attempt.started',
  'queue.attempt.finished', // outcome, code, duration_ms, type; usage and cost_usd where known; reason is the summary
  'queue.agent.resting', // its provider asked to wait, or failed; once per change
  'queue.agent.recovered',
  'queue.task.reclaimed', // its owner died
  'queue.task.requeued',
  'queue.task.withdrawn',
  'queue.task.escalated',
  'queue.pull_request.opened',
  'pr-monitor.pull_request.updated', // base merged into head
  'pr-monitor.pull_request.merged',
  'pr-monitor.pull_request.closed',
  'pr-monitor.fix.queued',
  'pr-monitor.task.finished', // merged and verified: attempts, lead_ms, type, agent
  'pr-monitor.task.withdrawn',
  'pr-monitor.task.escalated',
  'analyze-logs.finding.filed',
  'groom.issue.labelled',
  'groom.issue.commented',
  'plan.issue.filed',
  'plan.issue.commented',
  'plan.issue.selected',
  'operator.task.retried',
  'operator.task.cancelled',
  'operator.head.approved',
  'run.action.failed', // kind, code, reason
  'run.pass.finished', // only passes that did something, or failed
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

const Usage = z.looseObject({ input_tokens: z.number().optional(), output_tokens: z.number().optional() });

/** One line of the event log. Loose: a newer version may have added fields. */
export const Event = z.looseObject({
  time: z.iso.datetime({ offset: true }),
  level: z.enum(['info', 'warn', 'error']),
  event: z.string(),
  run: z.string(),
  command: z.string(),
  repo: z.string().optional(),
  issue: z.number().optional(),
  pr: z.number().optional(),
  task: z.string().optional(),
  attempt: z.number().optional(),
  agent: z.string().optional(),
  /** Task type. */
  type: z.string().optional(),
  outcome: z.string(),
  reason: z.string(),
  code: z.string().optional(),
  kind: z.string().optional(),
  duration_ms: z.number().optional(),
  /** Attempts a merged task took. */
  attempts: z.number().optional(),
  /** From the accepted `ready` to the merge. */
  lead_ms: z.number().optional(),
  /** Of the model that answered. */
  provider: z.string().optional(),
  model: z.string().optional(),
  usage: Usage.optional(),
  cost_usd: z.number().optional(),
});
export type Event = z.infer<typeof Event>;

/** What a writer gives; time, level, run and command are added by the log. */
export type NewEvent = Omit<Event, 'time' | 'level' | 'run' | 'command' | 'event'> & { event: EventName; level?: Event['level'] };

/** Writes events; what it wrote survives the process. A full disk is an `io` error. */
export interface EventLog {
  write(event: NewEvent): Promise<void>;
}
