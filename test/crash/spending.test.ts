/**
 * Kill -9 at every crash point of a pass that spends: an agent that costs money
 * is tried after its rest. Then clean passes: no answer is unpaid, no
 * reservation is left behind, and the agent is not kept from trying again.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codingScript } from '../support/coding-script.ts';
import { pick, record, restore, SWEEP_MS, save } from '../support/crash-sweep.ts';
import { type ModelServer, openModelServer } from '../support/model-server.ts';
import { type Ended, REPO, World } from '../support/world.ts';

const KEY = { LOOP_KEY: 'sk-loop-key' };
const LIMIT = 50;

describe('a kill at any point of a pass that spends', () => {
  let world: World;
  let saved: string;
  let server: ModelServer;

  const run = (args: string[], env: Record<string, string> = {}): Promise<Ended> => world.start(args, { ...KEY, ...env }).ended;

  beforeAll(async () => {
    const script = codingScript({ files: { 'done.txt': 'done\n' } });
    server = await openModelServer((asked, count) => {
      const reply = script(asked, count);
      return 'fault' in reply || 'status' in reply ? reply : { ...reply, outputTokens: 1000 };
    });
    world = World.open({
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["true"], local_ci: ["true"] }]
agents:
  loop: { kind: api, provider: anthropic, model: costly, key_env: LOOP_KEY, base_url: "${server.url}", timeout_minutes: 1 }
routing: { default: [loop] }
sandbox: { mode: "off" }
budgets: { per_day_usd: ${LIMIT}, per_task_usd: 40 }
prices: { costly: { input: 0, output: 1000 } }
`,
    });
    saved = mkdtempSync(join(tmpdir(), 'agentos-saved-'));
    world.issue('Do it', 'Do it.');
    await run(['dispatch']);
    const until = new Date(Date.now() - 1000).toISOString();
    world.write('state/breakers/loop.json', JSON.stringify({ failures: 1, until, code: 'provider_rate_limit', reason: 'busy' }));
    save(world, saved);
  });
  afterAll(async () => {
    await server.close();
    world.close();
    rmSync(saved, { recursive: true, force: true });
  });

  it(
    'pays for every answer and keeps nobody waiting',
    async () => {
      const all = await record(world, (env) => run(['queue'], env));
      expect(all).toEqual(expect.arrayContaining(['budget:reserved:1', 'budget:settled:1', 'breaker:closed:1']));
      const points = pick(all);
      for (const point of points) {
        restore(world, saved);
        const before = server.asked.length;
        const killed = await run(['queue'], { AGENTOS_CRASH: point });
        expect({ point, signal: killed.signal }).toEqual({ point, signal: 'SIGKILL' });
        await recover();
        expect({ point, ...(await look(before)) }).toEqual({
          point,
          tray: 'done',
          paid: true,
          within: true,
          reservedUsd: 0,
          resting: false,
          fsck: expect.stringMatching(/^clean/),
        });
      }
      process.stderr.write(`crash sweep: spending: killed at ${points.length} of ${all.length} points\n`);
    },
    SWEEP_MS,
  );

  /** As cron would go on. */
  async function recover(): Promise<void> {
    for (let k = 0; k < 4 && world.task(1)?.tray !== 'done'; k++)
      for (const args of [['queue'], ['local', 'ci'], ['pr-monitor']]) await run(args);
    await run(['dispatch']);
  }

  async function look(before: number) {
    const { budget } = JSON.parse((await run(['status', '--json'])).stdout);
    return {
      tray: world.task(1)?.tray,
      // Every answer costs a dollar.
      paid: budget.today.spentUsd >= server.asked.length - before,
      within: budget.today.spentUsd + budget.today.reservedUsd <= LIMIT,
      reservedUsd: budget.today.reservedUsd,
      resting: existsSync(world.path('state/breakers/loop.json')),
      fsck: (await run(['fsck'])).stdout,
    };
  }
});
