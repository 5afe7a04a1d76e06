/**
 * The books of a budget: what runs have reserved and what they cost, and
 * whether another may begin. Days and months are those of UTC. A run counts
 * with its reservation until it is settled; one whose cost nobody knows goes on
 * counting with it. Pure.
 */

/** One run. Money in US dollars. */
export interface Entry {
  /** `<task>.<attempt>`. */
  id: string;
  task: string;
  agent: string;
  /** ISO 8601, when it was reserved. */
  at: string;
  reservedUsd: number;
  /** Absent while it runs. */
  settledUsd?: number;
}

/** As configured; what is absent limits nothing. */
export interface BudgetLimits {
  per_task_usd?: number | undefined;
  per_day_usd?: number | undefined;
  per_run_usd?: number | undefined;
  per_agent_month_usd: Readonly<Record<string, number>>;
  per_agent_day_runs: Readonly<Record<string, number>>;
}

export interface RunRequest {
  id: string;
  task: string;
  agent: string;
  /** Whether its runs cost money that can be told. */
  paid: boolean;
}

/** `usd` absent: nothing limits the run. `until` absent: waiting does not help. */
export type Grant = { granted: true; usd?: number } | { granted: false; reason: string; until?: Date };

/** What a run reserves where no `per_run_usd` says otherwise. */
const USUAL_RUN_USD = 5;
/** Less than this is no run. */
const LEAST_RUN_USD = 0.05;

/** May this run begin, and how much may it spend? An entry with the id of the request is the same run, begun again. */
export function decideGrant(entries: readonly Entry[], limits: BudgetLimits, request: RunRequest, now: Date): Grant {
  const others = entries.filter(({ id }) => id !== request.id);
  const today = others.filter(({ at }) => at.slice(0, 10) === dayOf(now));
  const most = limits.per_agent_day_runs[request.agent];
  const runs = today.filter(({ agent }) => agent === request.agent).length;
  if (most !== undefined && runs >= most) {
    return { granted: false, reason: `${request.agent} had its ${most} runs of today (budgets.per_agent_day_runs)`, until: nextDay(now) };
  }
  if (!request.paid) return { granted: true };
  const rooms = listRooms(others, limits, request, now);
  if (rooms.length === 0) return limits.per_run_usd === undefined ? { granted: true } : { granted: true, usd: limits.per_run_usd };
  const want = limits.per_run_usd ?? USUAL_RUN_USD;
  const least = Math.min(LEAST_RUN_USD, want);
  // What waiting does not mend is said first.
  const spent = rooms.filter(({ left }) => left < least).sort((a, b) => Number(a.until !== undefined) - Number(b.until !== undefined))[0];
  if (spent) return { granted: false, reason: spent.reason, ...(spent.until && { until: latest(rooms, least) }) };
  return { granted: true, usd: Math.min(want, ...rooms.map(({ left }) => left)) };
}

interface Room {
  left: number;
  reason: string;
  until?: Date;
}

function listRooms(entries: readonly Entry[], limits: BudgetLimits, { task, agent }: RunRequest, now: Date): Room[] {
  const rooms: Room[] = [];
  const add = (key: string, limit: number | undefined, counted: readonly Entry[], until?: Date) => {
    if (limit === undefined) return;
    const used = sumUsd(counted);
    rooms.push({
      left: limit - used,
      reason: `${renderUsd(used)} of ${renderUsd(limit)} are spent or reserved (${key})`,
      ...(until && { until }),
    });
  };
  add(
    'budgets.per_task_usd',
    limits.per_task_usd,
    entries.filter((entry) => entry.task === task),
  );
  add(
    'budgets.per_day_usd',
    limits.per_day_usd,
    entries.filter(({ at }) => at.slice(0, 10) === dayOf(now)),
    nextDay(now),
  );
  const month = entries.filter((entry) => entry.agent === agent && entry.at.slice(0, 7) === dayOf(now).slice(0, 7));
  add(`budgets.per_agent_month_usd.${agent}`, limits.per_agent_month_usd[agent], month, nextMonth(now));
  return rooms;
}

/** The instant after which every limit that is used up now has room again. */
function latest(rooms: readonly Room[], least: number): Date {
  return new Date(Math.max(...rooms.filter(({ left }) => left < least).map(({ until }) => until?.getTime() ?? 0)));
}

/** Spent plus reserved, in US dollars. */
export function sumUsd(entries: readonly Entry[]): number {
  // In millionths, so that a thousand small sums are still exact.
  return entries.reduce((sum, entry) => sum + Math.round((entry.settledUsd ?? entry.reservedUsd) * 1e6), 0) / 1e6;
}

/** The entries of a day, an agent, … that are still reserved, and those that are spent. */
export function splitUsd(entries: readonly Entry[]): { spentUsd: number; reservedUsd: number } {
  return {
    spentUsd: sumUsd(entries.filter(({ settledUsd }) => settledUsd !== undefined)),
    reservedUsd: sumUsd(entries.filter(({ settledUsd }) => settledUsd === undefined)),
  };
}

/** `2026-11-22`. */
export function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10);
}

function nextDay(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1));
}

function nextMonth(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
}

export function renderUsd(usd: number): string {
  return `$${usd.toFixed(2)}`;
}
