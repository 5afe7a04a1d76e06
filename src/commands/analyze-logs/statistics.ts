/**
 * Success, time and effort of the issues that came to an end in the window. The
 * unit is the issue: attempts of one issue are not independent. An issue ends
 * when it is merged and verified, or when a person must decide; what a person
 * withdrew says nothing about the work, and what failed for reasons of
 * providers, machines or budgets is counted apart. Pure.
 */
import type { Event } from '../../core/events/event.ts';
import { type Interval, mean, quantile, wilson } from '../../core/statistics.ts';
import { isQuality, listAttempts } from './detect.ts';

export type Rate = { name: string; successes: number; n: number; interval: Interval };
export type Spread = { n: number; p50: number | null; p85: number | null; mean: number | null };

export type Metrics = {
  byAgent: Rate[];
  byType: Rate[];
  /** From the accepted `ready` to the merge, in milliseconds. */
  leadMs: Spread;
  /** Attempts of a merged issue. */
  attemptsPerMerge: Spread;
  merged: number;
  escalated: number;
  withdrawn: number;
  /** Issues that ended without one attempt that says anything about the work. */
  endedOnInfrastructure: number;
  /** Issues with attempts in the window that have not ended: they count nowhere yet. */
  unfinished: number;
};

interface Unit {
  attempts: Event[];
  end?: Event;
  type?: string;
}

/**
 * @param events of the window and of some weeks before it, oldest first: attempts before the window belong to issues that ended in it
 * @param from start of the window
 */
export function measure(events: readonly Event[], from: Date): Metrics {
  const units = [...toUnits(events).values()];
  const ended = units.filter((unit) => unit.end && Date.parse(unit.end.time) >= from.getTime());
  const merged = ended.filter(isMerged);
  const escalated = ended.filter((unit) => unit.end?.event.endsWith('.task.escalated'));
  const judged = [...merged, ...escalated].filter((unit) => isMerged(unit) || unit.attempts.some(isQuality));
  return {
    byAgent: toRates(judged.flatMap(agentsOf)),
    byType: toRates(judged.map((unit) => ({ name: unit.type ?? 'unknown', success: isMerged(unit) }))),
    leadMs: toSpread(merged.flatMap((unit) => unit.end?.lead_ms ?? [])),
    attemptsPerMerge: toSpread(merged.flatMap((unit) => unit.end?.attempts ?? (unit.attempts.length || []))),
    merged: merged.length,
    escalated: escalated.length,
    withdrawn: ended.length - merged.length - escalated.length,
    endedOnInfrastructure: merged.length + escalated.length - judged.length,
    unfinished: units.filter((unit) => !unit.end && unit.attempts.some((event) => Date.parse(event.time) >= from.getTime())).length,
  };
}

/** Issues by name; the last end of an issue is its end, and a later attempt or retry opens it again. */
function toUnits(events: readonly Event[]): Map<string, Unit> {
  const units = new Map<string, Unit>();
  const attempts = new Set(listAttempts(events));
  for (const event of events) {
    const key = event.repo !== undefined && event.issue !== undefined ? `${event.repo}#${event.issue}` : event.task;
    if (key === undefined) continue;
    const unit = units.get(key) ?? { attempts: [] };
    units.set(key, unit);
    if (event.type !== undefined) unit.type = event.type;
    if (isEnd(event)) unit.end = event;
    else if (isReopening(event)) delete unit.end;
    if (attempts.has(event) && event.outcome !== 'stopped') unit.attempts.push(event);
  }
  return units;
}

const ENDS: ReadonlySet<string> = new Set([
  'pr-monitor.task.finished',
  'queue.task.escalated',
  'pr-monitor.task.escalated',
  'dispatch.task.withdrawn',
  'dispatch.task.superseded',
  'queue.task.withdrawn',
  'pr-monitor.task.withdrawn',
  'operator.task.cancelled',
]);

function isEnd(event: Event): boolean {
  return ENDS.has(event.event);
}

function isReopening(event: Event): boolean {
  return event.event === 'dispatch.task.submitted' || event.event === 'operator.task.retried' || event.event === 'queue.attempt.started';
}

function isMerged(unit: Unit): boolean {
  return unit.end?.event === 'pr-monitor.task.finished';
}

/** Every agent that tried, and whether the merge was its work: one of them made the merged change, the others gave it up. */
function agentsOf(unit: Unit): { name: string; success: boolean }[] {
  const tried = unit.attempts.filter(isQuality);
  const last = tried.findLast((event) => event.outcome === 'complete');
  const credited = isMerged(unit) ? (unit.end?.agent ?? last?.agent) : undefined;
  const names = new Set([...tried.flatMap((event) => event.agent ?? []), ...(credited === undefined ? [] : [credited])]);
  return [...names].map((name) => ({ name, success: name === credited }));
}

function toRates(results: readonly { name: string; success: boolean }[]): Rate[] {
  const names = [...new Set(results.map(({ name }) => name))].sort();
  return names.map((name) => {
    const mine = results.filter((result) => result.name === name);
    const successes = mine.filter(({ success }) => success).length;
    return { name, successes, n: mine.length, interval: wilson(successes, mine.length) };
  });
}

function toSpread(values: readonly number[]): Spread {
  return { n: values.length, p50: quantile(values, 0.5) ?? null, p85: quantile(values, 0.85) ?? null, mean: mean(values) ?? null };
}
