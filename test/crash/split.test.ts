/** Kills dispatch between any two steps while it splits an issue, again and again in one installation: nothing is filed twice. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type ModelServer, openModelServer } from '../support/model-server.ts';
import { REPO, World } from '../support/world.ts';

const EPIC = {
  kind: 'epic',
  type: 'implementation',
  goal: 'Prices everywhere.',
  reason: 'Two pieces.',
  children: [
    { title: 'Model', goal: 'A price.', type: 'implementation' },
    { title: 'Page', goal: 'Show it.', type: 'implementation', after: [0] },
  ],
};

const STAGES = ['before-intent', 'after-intent', 'after-act', 'after-record'];
const KINDS = ['file-issue', 'link-issue', 'add-ready-label'];
const POINTS = [
  'mailbox:staged',
  'mailbox:replaced',
  ...KINDS.flatMap((kind) => STAGES.map((stage) => `effect:${kind}:${stage}`)),
  'dispatch:split',
  'mailbox:content-written',
];

let world: World;
let server: ModelServer;
beforeEach(async () => {
  server = await openModelServer([{ text: JSON.stringify(EPIC) }]);
  world = World.open({
    config: `
repos: [{ name: ${REPO} }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
models: [{ provider: anthropic, model: small, key_env: MODEL_KEY, base_url: "${server.url}" }]
dispatch: { auto_ready: true }
`,
  });
});
afterEach(async () => {
  await server.close();
  world.close();
});

it('a split that is killed at every step files every part once', async () => {
  const epic = world.issue('Prices', 'Add prices.');
  const killed = new Map<string, number>();
  const run = (env: Record<string, string>) => world.start(['dispatch'], { MODEL_KEY: 'k', ...env }).ended;
  for (let round = 0; round < 6 && world.task(epic)?.tray !== 'failed'; round++) {
    for (const point of POINTS) {
      // A letter whose move was cut off is a claim of a dead process: the queue finishes the move.
      if (world.task(epic)?.tray === 'processing') world.run(['queue']);
      if (world.task(epic)?.tray === 'failed') break;
      if ((await run({ AGENTOS_CRASH: `${point}:1` })).signal === 'SIGKILL') killed.set(point, (killed.get(point) ?? 0) + 1);
    }
  }
  expect(world.task(epic)?.tray).toBe('failed');
  expect([...killed.keys()].sort()).toEqual([...POINTS].sort());
  await run({});
  const issues: { title: string; labels: string[] }[] = world.json('local', 'issue', 'list', REPO);
  expect(issues.map(({ title }) => title)).toEqual(['Prices', 'Model', 'Page']);
  expect(issues.map(({ labels }) => labels.includes('ready'))).toEqual([true, true, true]);
  expect(world.read('forge/demo/shop/issues/3.md')).toMatch(/^blocked_by: \[2\]\nparent: 1$/m);
  expect(world.must('local', 'issue', 'view', REPO, String(epic))).toContain('Split into #2, #3.');
  expect(world.task(2)).toMatchObject({ tray: 'inbox' });
});
