/**
 * Spent plus reserved never exceeds a limit: random runs, costs, crashes and
 * clocks, on the real books, against the plainest model there is. Runs keep
 * within what they were granted, as the gateway makes them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Books, openBooks } from '../../../src/core/budget/books.ts';
import { type BudgetLimits, dayOf, type Entry, sumUsd } from '../../../src/core/budget/ledger.ts';

const LIMITS: BudgetLimits = {
  per_task_usd: 6,
  per_day_usd: 15,
  per_run_usd: 4,
  per_agent_month_usd: { claude: 25 },
  per_agent_day_runs: { codex: 3 },
};
const TASKS = ['a', 'b', 'c', 'd', 'e'];
const AGENTS = ['claude', 'codex', 'gemini'];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'budget-model-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Throws where any sum of the books is above its limit. */
function check(entries: readonly Entry[]): void {
  const groups = new Map<string, { limit: number; entries: Entry[] }>();
  const put = (key: string, limit: number | undefined, entry: Entry) => {
    if (limit === undefined) return;
    const group = groups.get(key) ?? { limit, entries: [] };
    groups.set(key, { limit, entries: [...group.entries, entry] });
  };
  const runs = new Map<string, number>();
  for (const entry of entries) {
    put(`task ${entry.task}`, LIMITS.per_task_usd, entry);
    put(`day ${entry.at.slice(0, 10)}`, LIMITS.per_day_usd, entry);
    put(`month ${entry.agent} ${entry.at.slice(0, 7)}`, LIMITS.per_agent_month_usd[entry.agent], entry);
    const key = `${entry.agent} ${entry.at.slice(0, 10)}`;
    runs.set(key, (runs.get(key) ?? 0) + 1);
    expect(runs.get(key)).toBeLessThanOrEqual(LIMITS.per_agent_day_runs[entry.agent] ?? Number.POSITIVE_INFINITY);
  }
  for (const [key, group] of groups) expect(sumUsd(group.entries), key).toBeLessThanOrEqual(group.limit + 1e-9);
}

/** The books and the runs that are under way, by id: what each was granted. */
interface World {
  books: Books;
  now: Date;
  running: Map<string, number>;
  attempts: Map<string, number>;
  /** The run that was settled last, as long as nothing else was written since. */
  settled?: string | undefined;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('begin' as const),
      task: fc.constantFrom(...TASKS),
      agent: fc.constantFrom(...AGENTS),
      crash: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      pick: fc.nat(),
      share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reclaim' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tear' as const), bytes: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), hours: fc.integer({ min: -3, max: 40 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function act(world: World, one: Step): void {
  const ids = [...world.running.keys()];
  switch (one.kind) {
    case 'begin': {
      const n = (world.attempts.get(one.task) ?? 0) + 1;
      const id = `${one.task}.${n}`;
      const grant = world.books.reserve({ id, task: one.task, agent: one.agent, paid: true });
      // A crash right after it: nobody remembers the run, and its number is begun again.
      if (!grant.granted) return;
      world.settled = undefined;
      if (one.crash) return;
      world.attempts.set(one.task, n);
      world.running.set(id, grant.usd ?? 0);
      return;
    }
    case 'end': {
      const id = ids[one.pick % Math.max(1, ids.length)];
      if (id === undefined) return;
      settle(world, id, one.share === null ? undefined : (world.running.get(id) ?? 0) * one.share);
      return;
    }
    case 'reclaim': {
      const id = ids[one.pick % Math.max(1, ids.length)];
      if (id === undefined) return;
      settle(world, id, undefined);
      return;
    }
    case 'tear':
      if (world.settled !== undefined) tear(world.settled, one.bytes);
      world.settled = undefined;
      return;
    case 'time':
      world.now = new Date(world.now.getTime() + one.hours * 3_600_000);
  }
}

function settle(world: World, id: string, usd: number | undefined): void {
  world.books.settle(id, usd);
  world.running.delete(id);
  world.settled = id;
}

/**
 * A power cut in the middle of the last append. A reservation that somebody
 * acts on is durable; a settlement may be lost as long as nothing was written
 * since, in any book: the run then counts with all that it reserved, as before.
 */
function tear(id: string, bytes: number): void {
  for (const name of readdirSync(join(dir, 'budget'))) {
    const path = join(dir, 'budget', name);
    const text = readFileSync(path, 'utf8');
    const last = text.lastIndexOf('\n', text.length - 2) + 1;
    if (text.startsWith(`{"op":"settle","id":${JSON.stringify(id)}`, last)) truncateSync(path, Math.max(last, text.length - bytes));
  }
}

describe('spent plus reserved', () => {
  it('never exceeds a limit, in any state', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        rmSync(dir, { recursive: true, force: true });
        mkdirSync(dir);
        const world: World = {
          books: undefined as never,
          now: new Date('2026-11-28T20:00:00Z'),
          running: new Map(),
          attempts: new Map(),
        };
        world.books = openBooks({ root: join(dir, 'budget'), locks: join(dir, 'locks'), limits: LIMITS, clock: { now: () => world.now } });
        for (const one of steps) {
          act(world, one);
          check(world.books.list());
          // What runs is in the books, with all that it may spend.
          const known = new Map(world.books.list().map((entry) => [entry.id, entry]));
          for (const [id, usd] of world.running) expect(known.get(id)?.reservedUsd).toBe(usd);
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('never exceeds one where many processes reserve at once and some are killed in it', async () => {
    const spender = fileURLToPath(new URL('./spender.ts', import.meta.url));
    const tsx = fileURLToPath(new URL('../../../node_modules/.bin/tsx', import.meta.url));
    const now = new Date('2026-11-28T20:00:00Z');
    const runStep = (request: object, crash: string | undefined) =>
      new Promise<string>((resolve) => {
        const args = [spender, dir, String(now.getTime()), JSON.stringify(LIMITS), JSON.stringify({ op: 'reserve', request })];
        const child = spawn(tsx, args, {
          env: { ...process.env, ...(crash !== undefined && { AGENTOS_CRASH: crash }) },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let out = '';
        child.stdout.on('data', (data) => {
          out += data;
        });
        child.on('close', () => resolve(out));
      });
    const requests = Array.from({ length: 12 }, (_, i) => ({
      id: `${TASKS[i % 5]}.${i}`,
      task: TASKS[i % 5],
      agent: AGENTS[i % 3],
      paid: true,
    }));
    const answers = await Promise.all(requests.map((request, i) => runStep(request, i % 4 === 3 ? 'budget:reserved:1' : undefined)));
    const books = openBooks({ root: join(dir, 'budget'), locks: join(dir, 'locks'), limits: LIMITS, clock: { now: () => now } });
    const entries = books.list();
    check(entries);
    expect(dayOf(now)).toBe('2026-11-28');
    const granted = answers.filter((answer) => answer.includes('"granted":true'));
    expect(granted.length).toBeGreaterThan(0);
    // Whoever was told `granted` is in the books; whoever was killed may be, and then counts.
    expect(entries.length).toBeGreaterThanOrEqual(granted.length);
    expect(sumUsd(entries)).toBeLessThanOrEqual(15);
    expect(answers.some((answer) => answer.includes('per_day_usd') || answer.includes('per_task_usd'))).toBe(true);
  }, 120_000);
});
