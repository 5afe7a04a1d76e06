/**
 * Spent plus reserved never exceeds a limit: random runs, costs, crashes, clocks
 * and hands on the files, on the real books, against the plainest model there
 * is, which keeps its own record. Runs keep within what they were granted, as
 * the gateway makes them.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
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
const NO_TASK_LIMIT: BudgetLimits = { ...LIMITS, per_task_usd: undefined };
const TASKS = ['a', 'b', 'c', 'd', 'e'];
const AGENTS = ['claude', 'codex', 'gemini'];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'budget-model-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Throws where any sum of these entries is above its limit. */
function check(entries: readonly Entry[], limits: BudgetLimits): void {
  const groups = new Map<string, { limit: number; entries: Entry[] }>();
  const put = (key: string, limit: number | undefined, entry: Entry) => {
    if (limit === undefined) return;
    const group = groups.get(key) ?? { limit, entries: [] };
    groups.set(key, { limit, entries: [...group.entries, entry] });
  };
  const runs = new Map<string, number>();
  for (const entry of entries) {
    put(`task ${entry.task}`, limits.per_task_usd, entry);
    put(`day ${entry.at.slice(0, 10)}`, limits.per_day_usd, entry);
    put(`month ${entry.agent} ${entry.at.slice(0, 7)}`, limits.per_agent_month_usd[entry.agent], entry);
    const key = `${entry.agent} ${entry.at.slice(0, 10)}`;
    runs.set(key, (runs.get(key) ?? 0) + 1);
    expect(runs.get(key)).toBeLessThanOrEqual(limits.per_agent_day_runs[entry.agent] ?? Number.POSITIVE_INFINITY);
  }
  for (const [key, group] of groups) expect(sumUsd(group.entries), key).toBeLessThanOrEqual(group.limit + 1e-9);
}

/** The books; what the model itself knows of every run that was ever granted; and the runs under way, with what each was granted. */
interface World {
  books: Books;
  now: Date;
  granted: Entry[];
  running: Map<string, number>;
  attempts: Map<string, number>;
  /** The run that was settled last, as long as nothing else was written since. */
  settled?: Entry | undefined;
}

const HOUR = 3_600_000;
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('begin' as const),
      task: fc.constantFrom(...TASKS),
      agent: fc.constantFrom(...AGENTS),
      crash: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      pick: fc.nat(),
      share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reclaim' as const, 'release' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tear' as const), bytes: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), task: fc.constantFrom(...TASKS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      // Hours, months, and a machine without a clock of its own.
      hours: fc.oneof(fc.integer({ min: -3, max: 40 }), fc.constantFrom(24 * 70, -24 * 70, -24 * 2500, 24 * 400)),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function act(world: World, one: Step): void {
  switch (one.kind) {
    case 'begin':
      begin(world, one);
      return;
    case 'end': {
      const id = pick(world, one.pick);
      if (id !== undefined) settle(world, id, one.share === null ? undefined : (world.running.get(id) ?? 0) * one.share);
      return;
    }
    case 'reclaim': {
      const id = pick(world, one.pick);
      if (id !== undefined) settle(world, id, undefined);
      return;
    }
    case 'release': {
      const id = pick(world, one.pick);
      if (id === undefined) return;
      world.books.release(id);
      world.running.delete(id);
      world.granted = world.granted.filter((entry) => !isOpen(entry, id));
      world.settled = undefined;
      return;
    }
    case 'tear':
      tear(world, one.bytes);
      return;
    case 'edit':
      dropLastLineEnds();
      return;
    case 'forget':
      // Its file was removed by hand, or comes from a backup: its attempts begin at 1 again.
      if (![...world.running.keys()].some((id) => id.startsWith(`${one.task}.`))) world.attempts.delete(one.task);
      return;
    case 'time':
      world.now = new Date(world.now.getTime() + one.hours * HOUR);
  }
}

function pick(world: World, n: number): string | undefined {
  return [...world.running.keys()][n % Math.max(1, world.running.size)];
}

function isOpen(entry: Entry, id: string): boolean {
  return entry.id === id && entry.settledUsd === undefined;
}

function begin(world: World, { task, agent, crash }: Step & { kind: 'begin' }): void {
  const n = (world.attempts.get(task) ?? 0) + 1;
  const id = `${task}.${n}`;
  const newest = Math.max(world.now.getTime(), ...world.granted.map(({ at }) => Date.parse(at)));
  const grant = world.books.reserve({ id, task, agent, paid: true });
  if (!grant.granted) return;
  world.granted = world.granted.filter((entry) => !isOpen(entry, id));
  world.granted.push({ id, task, agent, at: new Date(newest).toISOString(), reservedUsd: grant.usd ?? 0 });
  world.settled = undefined;
  // A crash right after it: nobody remembers the run, and its number is begun again.
  if (crash) return;
  world.attempts.set(task, n);
  world.running.set(id, grant.usd ?? 0);
}

function settle(world: World, id: string, usd: number | undefined): void {
  world.books.settle(id, usd);
  world.running.delete(id);
  const entry = world.granted.find((one) => isOpen(one, id));
  if (entry) entry.settledUsd = usd ?? entry.reservedUsd;
  world.settled = entry;
}

/**
 * A power cut in the middle of the last append. A reservation that somebody
 * acts on is durable; a settlement may be lost as long as nothing was written
 * since, in any book: the run then counts with all that it reserved, as before,
 * and is settled again by whoever takes its task over.
 */
function tear(world: World, bytes: number): void {
  const { settled } = world;
  world.settled = undefined;
  if (!settled) return;
  for (const path of listBooks()) {
    const text = readFileSync(path, 'utf8');
    const last = text.lastIndexOf('\n', text.length - 2) + 1;
    if (!text.endsWith('\n') || !text.startsWith(`{"op":"settle","id":${JSON.stringify(settled.id)}`, last)) continue;
    truncateSync(path, Math.max(last, text.length - bytes));
    // Without its line feed alone it is whole.
    if (bytes === 1) return;
    delete settled.settledUsd;
    world.running.set(settled.id, settled.reservedUsd);
    return;
  }
}

/** Editors that save a file without the end of its last line. */
function dropLastLineEnds(): void {
  for (const path of listBooks()) {
    const text = readFileSync(path, 'utf8');
    if (text.endsWith('\n')) truncateSync(path, Buffer.byteLength(text) - 1);
  }
}

function listBooks(): string[] {
  const root = join(dir, 'budget');
  return existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : [];
}

function sorted(entries: readonly Entry[]): string[] {
  return entries
    .map(({ id, task, agent, at, reservedUsd, settledUsd }) => JSON.stringify([id, task, agent, at, reservedUsd, settledUsd]))
    .sort();
}

describe('spent plus reserved', () => {
  it('never exceeds a limit, in any state', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), fc.constantFrom(LIMITS, NO_TASK_LIMIT), (steps, limits) => {
        rmSync(dir, { recursive: true, force: true });
        mkdirSync(dir);
        const world: World = {
          books: undefined as never,
          now: new Date('2026-11-28T20:00:00Z'),
          granted: [],
          running: new Map(),
          attempts: new Map(),
        };
        world.books = openBooks({ root: join(dir, 'budget'), locks: join(dir, 'locks'), limits, clock: { now: () => world.now } });
        for (const one of steps) {
          act(world, one);
          check(world.granted, limits);
          // The books know every run that was granted, as another process reads them.
          const known = openBooks({
            root: join(dir, 'budget'),
            locks: join(dir, 'locks'),
            limits,
            clock: { now: () => world.now },
          }).inspect().entries;
          expect(sorted(known)).toEqual(sorted(world.granted));
        }
      }),
      { numRuns: 60 },
    );
  }, 240_000);

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
    const entries = books.inspect().entries;
    check(entries, LIMITS);
    expect(dayOf(now)).toBe('2026-11-28');
    const granted = answers.filter((answer) => answer.includes('"granted":true'));
    expect(granted.length).toBeGreaterThan(0);
    // Whoever was told `granted` is in the books; whoever was killed may be, and then counts.
    expect(entries.length).toBeGreaterThanOrEqual(granted.length);
    expect(sumUsd(entries)).toBeLessThanOrEqual(15);
    expect(answers.some((answer) => answer.includes('per_day_usd') || answer.includes('per_task_usd'))).toBe(true);
  }, 120_000);
});
