/**
 * The books of a budget: what runs have reserved and what they cost, and
 * whether another may begin. Days and months are those of UTC. A run counts
 * with its reservation until it is settled; one whose cost nobody knows goes on
 * counting with it. Pure.
 */

/** One run. Money in US dollars. */
export interface Entry {
  /** `<task>.<attempt>`, or `<task>.models` for what models were asked about the task. */
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
  /** What it may cost at most, in US dollars, where nothing could end it earlier: it is granted as a whole or not at all. */
  estimateUsd?: number;
}

/**
 * `usd` absent: nothing limits the run. `cutShort`: it is less than the run might spend but for the limits of the day
 * and of its agent's month. `until` absent: waiting does not help.
 */
export type Grant = { granted: true; usd?: number; cutShort?: true } | { granted: false; reason: string; until?: Date };

/** What a run reserves where no `per_run_usd` says otherwise. */
const USUAL_RUN_USD = 5;
/** Less than this is no run. */
const LEAST_RUN_USD = 0.05;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** No run takes longer: what is reserved for longer was left behind, and is nobody's to wait for. */
const LONGEST_RUN_MS = 24 * HOUR_MS;
/** A clock that was ahead by no more than this is worth no word. */
const AHEAD_MS = 24 * HOUR_MS;

/**
 * May this run begin, and how much may it spend? An entry with the id of the
 * request that is not settled is the same run, begun again.
 * @param clock what the clock says; a newer entry wins over it
 */
export function decideGrant(entries: readonly Entry[], limits: BudgetLimits, request: RunRequest, clock: Date): Grant {
  const now = laterOf(entries, clock);
  const others = entries.filter(({ id, settledUsd }) => id !== request.id || settledUsd !== undefined);
  const today = others.filter(({ at }) => at.slice(0, 10) === dayOf(now));
  const most = limitOf(limits.per_agent_day_runs, request.agent);
  const runs = today.filter(({ agent }) => agent === request.agent).length;
  if (most !== undefined && runs >= most) {
    const reason = `${request.agent} had its ${most} runs of today (budgets.per_agent_day_runs)`;
    return refuse({ reason, until: nextDay(now) }, now, clock);
  }
  if (!request.paid) return { granted: true };
  const want = request.estimateUsd ?? limits.per_run_usd ?? USUAL_RUN_USD;
  const least = request.estimateUsd ?? Math.min(LEAST_RUN_USD, want);
  const rooms = listRooms(others, limits, request, { now, clock, least });
  const own = request.estimateUsd ?? limits.per_run_usd;
  if (rooms.length === 0) return own === undefined ? { granted: true } : { granted: true, usd: own };
  // What waiting does not mend is said first.
  const spent = rooms.filter(({ left }) => left < least).sort((a, b) => Number(a.until !== undefined) - Number(b.until !== undefined));
  const [first] = spent;
  if (!first) {
    const usd = Math.min(want, ...rooms.map(({ left }) => left));
    const otherwise = Math.min(want, ...rooms.map(({ left, until }) => (until ? want : left)));
    return { granted: true, usd, ...(usd < otherwise && { cutShort: true }) };
  }
  if (!first.until) return { granted: false, reason: first.reason };
  // The last of them says why, and when every limit that is used up has room again.
  const last = spent.reduce((late, room) => ((room.until ?? clock) > (late.until ?? clock) ? room : late));
  return refuse({ reason: last.reason, until: last.until ?? clock }, now, clock);
}

/** The limit of an agent, whatever its name: `constructor` is one. */
export function limitOf(limits: Readonly<Record<string, number>>, agent: string): number | undefined {
  return Object.hasOwn(limits, agent) ? limits[agent] : undefined;
}

/** The newest entry where the clock is behind it: a clock that went back gives no day a second time. */
export function laterOf(entries: readonly Entry[], clock: Date): Date {
  return new Date(entries.reduce((latest, { at }) => Math.max(latest, Date.parse(at)), clock.getTime()));
}

/** Entries more than a day ahead of the clock: until then their day and month are the ones that count. */
export function findAhead<E extends Entry>(entries: readonly E[], clock: Date): E[] {
  return entries.filter(({ at }) => Date.parse(at) - clock.getTime() > AHEAD_MS);
}

/** Where an entry is far ahead of the clock, a person is to mend the books: to wait for its day would outlast that. */
function refuse({ reason, until }: { reason: string; until: Date }, now: Date, clock: Date): Grant {
  if (now.getTime() - clock.getTime() <= AHEAD_MS) return { granted: false, reason, until };
  const why = `${reason}; an entry of ${now.toISOString()} is ahead of the clock: see \`agentos doctor\``;
  return { granted: false, reason: why, until: new Date(Math.min(until.getTime(), clock.getTime() + HOUR_MS)) };
}

interface Room {
  left: number;
  reason: string;
  until?: Date;
}

interface Times {
  now: Date;
  clock: Date;
  /** US dollars that the run needs at least. */
  least: number;
}

function listRooms(entries: readonly Entry[], limits: BudgetLimits, { task, agent }: RunRequest, times: Times): Room[] {
  const { now } = times;
  const rooms: Room[] = [];
  const add = (key: string, limit: number | undefined, counted: readonly Entry[], until?: Date) => {
    if (limit !== undefined) rooms.push(toRoom(key, limit, counted, times, until));
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
  add(`budgets.per_agent_month_usd.${agent}`, limitOf(limits.per_agent_month_usd, agent), month, nextMonth(now));
  return rooms;
}

/** @param until when the limit begins anew; absent for that of a task, which has one run at a time: waiting for others gives it nothing. */
function toRoom(key: string, limit: number, counted: readonly Entry[], { now, clock, least }: Times, until: Date | undefined): Room {
  const used = sumUsd(counted);
  const reason = `${renderUsd(used)} of ${renderUsd(limit)} are spent or reserved (${key})`;
  const underWay = sumUsd(
    counted.filter(({ settledUsd, at }) => settledUsd === undefined && now.getTime() - Date.parse(at) < LONGEST_RUN_MS),
  );
  if (!until || limit - used >= least || limit - used + underWay < least) return { left: limit - used, reason, ...(until && { until }) };
  // Runs seldom cost what they reserve: there may be room as soon as one of them ends.
  return {
    left: limit - used,
    reason: `${reason}; ${renderUsd(underWay)} of it is reserved by runs under way`,
    until: new Date(clock.getTime() + MINUTE_MS),
  };
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
