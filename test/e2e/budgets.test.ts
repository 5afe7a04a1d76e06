/** Money through the whole program: a model that costs, limits that hold, and what people are told. Needs no command-line agent. */
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CodingTask, codingScript } from '../support/coding-script.ts';
import { type ModelServer, openModelServer, type ScriptFunction } from '../support/model-server.ts';
import { addsFile, type Ended, REPO, World } from '../support/world.ts';

const WORK: CodingTask = { files: { 'done.txt': 'done\n' } };
/** Each answer of the model costs one dollar. */
const PRICE = 'prices: { costly: { input: 0, output: 1000 } }';
const dollarEach =
  (script: ScriptFunction): ScriptFunction =>
  (asked, count) => {
    const reply = script(asked, count);
    return 'fault' in reply || 'status' in reply ? reply : { ...reply, outputTokens: 1000 };
  };

let server: ModelServer;
let world: World;
beforeEach(async () => {
  server = await openModelServer(dollarEach(codingScript(WORK)));
});
afterEach(async () => {
  await server.close();
  world.close();
});

function open(budgets: string, chain = '[loop]', repo = 'verify: ["true"]'): void {
  world = World.open({
    config: `
repos:
  - { name: ${REPO}, automation: full, ${repo}, local_ci: ["true"] }
agents:
  loop: { kind: api, provider: anthropic, model: costly, key_env: LOOP_KEY, base_url: "${server.url}", timeout_minutes: 1 }
  patch: { kind: patch }
routing: { default: ${chain} }
sandbox: { mode: "off" }
budgets: ${budgets}
${PRICE}
`,
  });
}

const run = (...args: string[]): Promise<Ended> => world.start(args, { LOOP_KEY: 'sk-loop-key' }).ended;
const status = async () => JSON.parse((await run('status', '--json')).stdout);
const book = () => world.read(`state/budget/${readdirSync(world.path('state/budget'))[0]}`);

describe('a budget', () => {
  it('knows what a run cost, in the books, the events and the evidence', async () => {
    open('{ per_day_usd: 50 }');
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    await run('queue');
    expect(world.task(issue)?.tray).toBe('review');
    const evidence = JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/1/evidence.json`));
    const answers = server.asked.length;
    expect(evidence.cost_usd).toBe(answers);
    expect(
      book()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { op: 'reserve', id: `demo__shop-${issue}-1.1`, agent: 'loop', usd: 5 },
      { op: 'settle', usd: answers },
    ]);
    expect((await status()).budget).toEqual({
      today: { spentUsd: answers, reservedUsd: 0, limitUsd: 50 },
      agents: [{ name: 'loop', runsToday: 1, runsLimit: null, spentUsd: answers, reservedUsd: 0, limitUsd: null }],
      warnings: [],
    });
    expect((await run('status')).stdout).toContain(`today $${answers}.00 spent of $50.00`);
  });

  it('ends a run that has spent what it may, and asks a person when the task has nothing left', async () => {
    open('{ per_task_usd: 4, per_run_usd: 2 }');
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    for (let k = 0; k < 4; k++) await run('queue');
    const codes = [1, 2].map((n) => JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/${n}/evidence.json`)));
    expect(codes).toMatchObject([
      { code: 'resource_limit', cost_usd: 2 },
      { code: 'resource_limit', cost_usd: 2 },
    ]);
    expect(server.asked).toHaveLength(4);
    const task = world.task(issue);
    expect(task?.tray).toBe('escalated');
  });

  it('counts no attempt of a run that had less than a run may spend because the day had no more', async () => {
    open('{ per_day_usd: 3, per_run_usd: 2 }', '[loop, patch]');
    const issue = world.issue('Do it', addsFile('done.txt', 'done'));
    await run('dispatch');
    await run('queue');
    await run('queue');
    expect(JSON.parse(world.read(`state/runs/demo__shop-${issue}-1/1/evidence.json`))).toMatchObject({
      code: 'resource_limit',
      cost_usd: 2,
    });
    world.write('config.yaml', world.read('config.yaml').replace('[loop, patch]', '[loop]'));
    const second = world.issue('Do that', 'Do that.');
    await run('dispatch');
    const queue = await run('queue');
    expect(queue.stdout).toContain('budget');
    expect(JSON.parse(world.read(`state/runs/demo__shop-${second}-1/1/evidence.json`))).toMatchObject({
      outcome: 'infrastructure',
      code: 'budget',
      cost_usd: 1,
    });
    expect(world.task(second)).toMatchObject({ tray: 'inbox', text: expect.stringMatching(/^waits_for: agent$/m) });
    expect(world.task(second)?.text).toMatch(/^not_before: .*T00:00:00\.000Z$/m);
    expect(existsSync(world.path('state/breakers/loop.json'))).toBe(false);
  });

  it('says by its figures why a task has nothing left', async () => {
    open('{ per_task_usd: 2 }');
    server.script(dollarEach(codingScript({ ...WORK, result: false })));
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    await run('queue');
    await run('queue');
    const task = world.task(issue);
    expect(task?.tray).toBe('escalated');
    expect(task?.text).toMatch(
      /the budget allows no further attempt: loop: \$2\.00 of \$2\.00 are spent or reserved \(budgets\.per_task_usd\)\. Raise the limit/,
    );
    expect(existsSync(world.path(`state/runs/demo__shop-${issue}-1/2`))).toBe(false);
  });

  it('lets a task wait for the next day, without an attempt, or go to an agent that costs nothing', async () => {
    open('{ per_agent_day_runs: { loop: 1 } }');
    const first = world.issue('Do it', 'Do it.');
    const second = world.issue('Do that', 'Do that.');
    await run('dispatch');
    await run('queue');
    await run('queue');
    const [one, two] = [world.task(first), world.task(second)];
    expect([one?.tray, two?.tray].sort()).toEqual(['inbox', 'review']);
    const waiting = one?.tray === 'inbox' ? one : two;
    expect(waiting?.text).toMatch(/^attempts: \[\]$/m);
    expect(waiting?.text).toMatch(/^not_before: .*T00:00:00\.000Z/m);
    expect(waiting?.text).toContain('loop had its 1 runs of today');
  });

  it('passes over an agent without budget', async () => {
    open('{ per_agent_month_usd: { loop: 0.01 } }', '[loop, patch]');
    const issue = world.issue('Do it', addsFile('done.txt', 'done'));
    await run('dispatch');
    await run('queue');
    expect(server.asked).toEqual([]);
    expect(world.task(issue)).toMatchObject({ tray: 'review', text: expect.stringContaining('agent: patch') });
    expect(world.task(issue)?.text).toContain('loop: $0.00 of $0.01 are spent or reserved (budgets.per_agent_month_usd.loop)');
    expect((await run('show', `${REPO}#${issue}`)).stdout).toMatch(/passed over: +loop: \$0\.00 of \$0\.01/);
  });

  it('counts a run whose process was killed with all that it reserved', async () => {
    open('{ per_day_usd: 50 }');
    server.script(() => ({ fault: 'hang' }));
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    const queue = world.start(['queue'], { LOOP_KEY: 'sk-loop-key' });
    await expect.poll(() => server.asked.length, { timeout: 20_000 }).toBe(1);
    queue.kill('SIGKILL');
    await queue.ended;
    expect((await status()).budget.today).toEqual({ spentUsd: 0, reservedUsd: 5, limitUsd: 50 });
    server.script(dollarEach(codingScript(WORK)));
    await run('queue');
    await run('queue');
    expect(world.task(issue)?.tray).toBe('review');
    expect((await status()).budget.today).toMatchObject({ spentUsd: 5 + server.asked.length - 1, reservedUsd: 0 });
  });

  it('books what the answers cost when this machine fails after the run, and rests no agent for it', async () => {
    open('{ per_day_usd: 50 }', '[loop]', 'verify: ["rm -r $MIRROR_OBJECTS"]');
    world.write('config.yaml', world.read('config.yaml').replace('$MIRROR_OBJECTS', world.path('state/mirrors/demo__shop.git/objects')));
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    await run('queue');
    expect(server.asked.length).toBeGreaterThan(1);
    expect(world.task(issue)).toMatchObject({ tray: 'inbox', text: expect.stringContaining('code: infrastructure') });
    expect((await status()).budget.today).toMatchObject({ spentUsd: server.asked.length, reservedUsd: 0 });
    expect(existsSync(world.path('state/breakers/loop.json'))).toBe(false);
  });

  it('takes a reservation back when `setup` failed: no run of the day is used up', async () => {
    open('{ per_agent_day_runs: { loop: 1 } }', '[loop]', 'setup: ["test -e ready"], verify: ["true"]');
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    await run('queue');
    expect(world.task(issue)?.text).toContain('setup failed');
    expect(
      book()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).op),
    ).toEqual(['reserve', 'release']);
    world.write('config.yaml', world.read('config.yaml').replace('test -e ready', 'true'));
    await run('queue');
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('stops spending where its books cannot be read', async () => {
    open('{ per_day_usd: 50 }');
    const month = new Date().toISOString().slice(0, 7);
    world.write(`state/budget/${month}.ndjson`, 'nonsense\n');
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    const queue = await run('queue');
    expect(queue.status).toBe(1);
    expect(queue.stderr).toContain('cannot be read at line 1: nothing that a limit concerns is spent until it can');
    expect(server.asked).toEqual([]);
    expect(world.task(issue)?.tray).toBe('inbox');
  });

  it('keeps how an attempt ended whose books were damaged while it ran', async () => {
    open('{ per_day_usd: 50 }');
    const script = codingScript({ ...WORK, result: false });
    server.script((asked, count) => {
      world.write(`state/budget/${new Date().toISOString().slice(0, 7)}.ndjson`, `nonsense\n${book().replace(/^nonsense\n/, '')}`);
      return script(asked, count);
    });
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    expect(await run('queue')).toMatchObject({ status: 0 });
    expect(world.task(issue)).toMatchObject({ tray: 'inbox', text: expect.stringContaining('code: no_result') });
    expect(book()).toContain('"op":"settle"');
  });

  it('begins a run that no damaged book counts for, as if it were not there', async () => {
    open('{ per_agent_month_usd: { loop: 50 } }');
    world.write('state/budget/2025-01.ndjson', 'nonsense\n');
    const issue = world.issue('Do it', 'Do it.');
    await run('dispatch');
    expect(await run('queue')).toMatchObject({ status: 0 });
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('stops no task whose agents cost nothing for books that cannot be read', async () => {
    open('{ per_day_usd: 50 }', '[patch]');
    world.write(`state/budget/${new Date().toISOString().slice(0, 7)}.ndjson`, 'nonsense\n');
    const issue = world.issue('Do it', addsFile('free.txt', 'done'));
    await run('dispatch');
    expect(await run('queue')).toMatchObject({ status: 0 });
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('goes on where nothing is limited, whatever its books say, and books what it spends', async () => {
    open('{}', '[patch, loop]');
    const month = new Date().toISOString().slice(0, 7);
    world.write(`state/budget/${month}.ndjson`, 'nonsense\n');
    const [free, paid] = [world.issue('Do it', addsFile('free.txt', 'done')), world.issue('Do that', 'Do that.')];
    await run('dispatch');
    for (let k = 0; k < 4; k++) await run('queue');
    expect([world.task(free)?.tray, world.task(paid)?.tray]).toEqual(['review', 'review']);
    expect(book()).toMatch(/"op":"settle"/);
  });
});
