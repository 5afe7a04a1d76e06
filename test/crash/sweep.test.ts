/**
 * Kill -9 at every crash point of dispatch, queue and pr-monitor, one after
 * another; then clean passes; then the invariants. A sample in `npm test`, every
 * point where AGENTOS_SWEEP=full.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pick, record, restore, SWEEP_MS, save } from '../support/crash-sweep.ts';
import { addsFile, REPO, World } from '../support/world.ts';

/** The passes of one issue's life; each stage starts from what the one before left. */
const STAGES = [
  { name: 'dispatch', args: ['dispatch'] },
  { name: 'queue', args: ['queue'] },
  { name: 'pr-monitor', args: ['pr-monitor'] },
] as const;

describe('a kill at any point', () => {
  let world: World;
  let saved: string;

  beforeAll(() => {
    world = World.open({
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["node src/sum.js"], local_ci: ["node src/sum.js"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`,
      files: { 'src/sum.js': 'export const sum = 0;\n' },
    });
    saved = mkdtempSync(join(tmpdir(), 'agentos-saved-'));
    world.issue('Add a product', addsFile('src/product.js', 'export const product = 1;'));
  });
  afterAll(() => {
    world.close();
    rmSync(saved, { recursive: true, force: true });
  });

  it.each(STAGES)(
    'in $name loses nothing and does nothing twice',
    async ({ name, args }) => {
      if (name === 'pr-monitor') world.must('local', 'ci');
      save(world, saved);
      const all = await record(world, (env) => world.run([...args], env));
      expect(all.length).toBeGreaterThan(20);
      const points = pick(all);
      for (const point of points) {
        restore(world, saved);
        const killed = world.run([...args], { AGENTOS_CRASH: point });
        expect({ point, signal: killed.signal }).toEqual({ point, signal: 'SIGKILL' });
        recover(world, point);
      }
      process.stderr.write(`crash sweep: ${name}: killed at ${points.length} of ${all.length} points\n`);
      restore(world, saved);
      world.must(...args);
    },
    SWEEP_MS,
  );
});

/** Clean passes bring the issue to its end; then nothing may be lost, doubled or left over. */
function recover(world: World, point: string): void {
  for (let k = 0; k < 6 && world.task(1)?.tray !== 'done'; k++) world.tick();
  world.tick();
  const facts = {
    point,
    tray: world.task(1)?.tray,
    issue: world.json('local', 'issue', 'view', REPO, '1'),
    pulls: world.json('local', 'pr', 'list', REPO, '--state', 'all'),
  };
  expect(facts).toMatchObject({
    point,
    tray: 'done',
    issue: { state: 'closed', labels: [], comments: [{ author: 'agentos', body: expect.stringContaining('**Done**') }] },
    pulls: [{ state: 'merged' }],
  });
  expect(facts.issue.comments).toHaveLength(1);
  expect(facts.pulls).toHaveLength(1);
  const fsck = world.run(['fsck']);
  expect({ point, status: fsck.status, found: fsck.stdout }).toMatchObject({ point, status: 0 });
}
