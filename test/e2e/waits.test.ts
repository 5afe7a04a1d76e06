/** Tasks that nobody can work on now: they wait without an attempt, say so once, and go on by themselves. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderMessage } from '../../src/core/mailbox/message.ts';
import { codingScript } from '../support/coding-script.ts';
import { buildTask } from '../support/mailbox-task.ts';
import { type ModelServer, openModelServer, withFaults } from '../support/model-server.ts';
import { addsFile, type Ended, REPO, World } from '../support/world.ts';

const WORK = codingScript({ files: { 'done.txt': 'done\n' } });
const KEY = { LOOP_KEY: 'sk-loop-key' };

let server: ModelServer;
let world: World;
beforeEach(async () => {
  server = await openModelServer(WORK);
});
afterEach(async () => {
  await server.close();
  world.close();
});

function open(more = ''): void {
  world = World.open({
    config: `
repos:
  - { name: ${REPO}, automation: full, verify: ["true"], local_ci: ["true"] }
agents:
  loop: { kind: api, provider: anthropic, model: costly, key_env: LOOP_KEY, base_url: "${server.url}", timeout_minutes: 1 }
routing: { default: [loop] }
sandbox: { mode: "off" }
prices: { costly: { input: 0, output: 1000 } }
${more}`,
  });
}

const run = (args: string[], env: Record<string, string> = KEY): Promise<Ended> => world.start(args, env).ended;
const begin = async () => {
  const issue = world.issue('Do it', 'Do it.');
  await run(['dispatch']);
  return issue;
};
const told = (): string[] =>
  existsSync(world.path('state/events'))
    ? readdirSync(world.path('state/events')).flatMap((file) =>
        world
          .read(`state/events/${file}`)
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
          .filter(({ event }) => event.startsWith('queue.'))
          .map(({ event }) => event),
      )
    : [];
const fill = (until: string) =>
  world.write('state/breakers/loop.json', JSON.stringify({ failures: 7, until, code: 'provider_rate_limit', reason: 'asked to wait' }));
const explain = async (issue: number, env = KEY as Record<string, string>) =>
  JSON.parse((await run(['explain', `${REPO}#${issue}`, '--json'], env)).stdout).verdicts.find(
    ({ loop }: { loop: string }) => loop === 'queue',
  );

describe('a task that nobody can work on', () => {
  it('waits for a key without an attempt or a clone, says so once, and goes on when it is there', async () => {
    open();
    const issue = await begin();
    const first = await run(['queue'], {});
    expect(first.stdout).toContain('no attempt; task demo__shop-1-1 is in inbox: Waits: no agent of the chain can run');
    for (let k = 0; k < 5; k++) expect(await run(['queue'], {})).toMatchObject({ status: 0, stdout: '' });
    const waiting = world.task(issue);
    expect(waiting).toMatchObject({ tray: 'inbox', text: expect.stringMatching(/^attempts: \[\]$/m) });
    expect(waiting?.text).toMatch(/^waits_for: program$/m);
    expect(waiting?.text).toContain('the variable `LOOP_KEY`, which holds its key, is not set');
    expect(told()).toEqual(['queue.task.requeued']);
    expect(existsSync(world.path('state/mirrors'))).toBe(false);
    expect((await run(['status'], {})).stdout).toMatch(
      /demo__shop-\d+-1: Waits: no agent of the chain can run: loop: the variable `LOOP_KEY`/,
    );
    expect(await explain(issue, {})).toMatchObject({ kind: 'wait', reason: expect.stringContaining('the variable `LOOP_KEY`') });
    await run(['queue']);
    expect(world.task(issue)).toMatchObject({ tray: 'review', text: expect.not.stringContaining('waits_for') });
  });

  it('goes on as soon as a person takes the breaker away, and is quiet until then', async () => {
    open();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    fill(until);
    const issue = await begin();
    for (let k = 0; k < 3; k++) await run(['queue']);
    expect(world.task(issue)?.text).toContain(`not_before: ${until}`);
    expect(told()).toEqual(['queue.task.requeued']);
    expect(await explain(issue)).toMatchObject({
      kind: 'wait',
      reason: expect.stringContaining(`loop rests until ${until} (asked to wait)`),
    });
    rmSync(world.path('state/breakers/loop.json'));
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('goes on as soon as a limit is raised', async () => {
    open('budgets: { per_day_usd: 0.01 }');
    const issue = await begin();
    for (let k = 0; k < 3; k++) await run(['queue']);
    expect(world.task(issue)?.text).toMatch(/^not_before: .*T00:00:00\.000Z$/m);
    expect(told()).toEqual(['queue.task.requeued']);
    expect(await explain(issue)).toMatchObject({ kind: 'wait', reason: expect.stringContaining('(budgets.per_day_usd)') });
    world.write('config.yaml', world.read('config.yaml').replace('0.01', '50'));
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('is tried by one run when the rest of its agent is over; the others of its kind wait for how that ends', async () => {
    open();
    fill(new Date(Date.now() - 1000).toISOString());
    const issues = [world.issue('Do it', 'Do it.'), world.issue('Do that', 'Do that.')];
    await run(['dispatch']);
    await run(['queue']);
    const trays = () => issues.map((issue) => world.task(issue)?.tray).sort();
    expect(trays()).toEqual(['inbox', 'review']);
    expect(existsSync(world.path('state/breakers/loop.json'))).toBe(false);
    await run(['queue']);
    expect(trays()).toEqual(['review', 'review']);
  });

  it('waits through a long outage of its provider, which is told once', async () => {
    open();
    server.script(withFaults(WORK, () => ({ fault: 'auth' })));
    const issue = await begin();
    for (let k = 0; k < 7; k++) {
      await run(['queue']);
      const breaker = JSON.parse(world.read('state/breakers/loop.json'));
      world.write('state/breakers/loop.json', JSON.stringify({ ...breaker, until: new Date(Date.now() - 1000).toISOString() }));
    }
    expect(world.task(issue)).toMatchObject({ tray: 'inbox', text: expect.stringMatching(/n: 7\b.*provider_auth.*after_rest: true/) });
    expect(told().filter((event) => event === 'queue.agent.resting')).toHaveLength(1);
    server.script(WORK);
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
    expect(told().filter((event) => event === 'queue.agent.recovered')).toHaveLength(1);
  });

  it('closes the breaker of its agent, too, where the run that tried it was killed before its work was published', async () => {
    open();
    fill(new Date(Date.now() - 1000).toISOString());
    const issue = await begin();
    expect((await run(['queue'], { ...KEY, AGENTOS_CRASH: 'queue:evidence-written:1' })).signal).toBe('SIGKILL');
    expect(existsSync(world.path('state/breakers/loop.json'))).toBe(true);
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('inbox');
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
    expect(existsSync(world.path('state/breakers/loop.json'))).toBe(false);
    expect(told().filter((event) => event === 'queue.agent.recovered')).toHaveLength(1);
  });

  it('waits for nobody any more when its issue is closed', async () => {
    open();
    const issue = await begin();
    await run(['queue'], {});
    expect(world.task(issue)?.text).toMatch(/^waits_for: program$/m);
    await run(['local', 'issue', 'close', REPO, String(issue)]);
    await run(['dispatch']);
    expect(world.task(issue)).toMatchObject({ tray: 'failed', text: expect.not.stringContaining('waits_for') });
  });

  it('is looked at when a person says so, whatever it waits for', async () => {
    open();
    const issue = await begin();
    const { file, text } = world.task(issue) ?? { file: '', text: '' };
    world.write(`state/mailbox/inbox/${file}`, text.replace(/^attempts:/m, 'not_before: 2999-01-01T00:00:00.000Z\nattempts:'));
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('inbox');
    expect((await run(['retry', `${REPO}#${issue}`])).stdout).toContain('waits no longer');
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('goes on when its agent can run, however many wait before it for one that cannot', async () => {
    open();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    fill(until);
    await run(['queue']);
    for (let issue = 1001; issue <= 2200; issue++) {
      const task = buildTask({ id: `demo__shop-${issue}-1`, repo: REPO, issue, agents: ['loop'], waits_for: 'agent', not_before: until });
      world.write(`state/mailbox/inbox/${task.id}.md`, renderMessage(task, 'Do it.\n'));
    }
    world.write(
      'config.yaml',
      world.read('config.yaml').replace('agents:', 'agents:\n  patch: { kind: patch }').replace('[loop]', '[patch]'),
    );
    const issue = world.issue('Do it', addsFile('done.txt', 'done'));
    await run(['dispatch']);
    const { file, text } = world.task(issue) ?? { file: '', text: '' };
    world.write(`state/mailbox/inbox/${file}`, text.replace(/^attempts:/m, 'waits_for: agent\nattempts:'));
    await run(['queue']);
    expect(world.task(issue)?.tray).toBe('review');
  });

  it('is told once a pass, for all that wait, when the books cannot be read', async () => {
    open('budgets: { per_day_usd: 0.01 }');
    for (const title of ['Do it', 'Do that', 'Do more']) world.issue(title, 'Do it.');
    await run(['dispatch']);
    for (let k = 0; k < 2; k++) await run(['queue']);
    world.write(`state/budget/${new Date().toISOString().slice(0, 7)}.ndjson`, 'nonsense\n');
    const { status, stderr } = await run(['queue']);
    expect(status).toBe(1);
    expect(stderr.match(/cannot be read at line 1/g)).toHaveLength(1);
  });
});
