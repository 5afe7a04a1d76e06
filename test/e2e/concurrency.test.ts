import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, REPO, World } from '../support/world.ts';

const MANY = 20;

describe(`${MANY} processes of every loop at once`, () => {
  let world: World;
  beforeEach(() => {
    world = World.open({
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["node src/sum.js"], local_ci: ["node src/sum.js"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
`,
      files: { 'src/sum.js': 'export const sum = 0;\n' },
    });
  });
  afterEach(() => world.close());

  it('end where one of each would', { timeout: 300_000 }, async () => {
    const issues = [1, 2, 3].map((k) => world.issue(`Add part ${k}`, addsFile(`src/part-${k}.js`, `export const part = ${k};`)));
    for (let round = 0; round < 12 && issues.some((issue) => world.task(issue)?.tray !== 'done'); round++) {
      for (const loop of ['dispatch', 'queue', 'pr-monitor']) {
        const ended = await Promise.all(Array.from({ length: MANY }, () => world.start([loop]).ended));
        for (const { status, stderr } of ended) expect([0, 75], stderr).toContain(status);
      }
      world.must('local', 'ci');
    }
    world.tick();
    expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['done', 'done', 'done']);
    const pulls = world.json('local', 'pr', 'list', REPO, '--state', 'all');
    expect(pulls.map((pull: { state: string }) => pull.state)).toEqual(['merged', 'merged', 'merged']);
    for (const issue of issues) {
      const view = world.json('local', 'issue', 'view', REPO, String(issue));
      expect(view).toMatchObject({ state: 'closed', labels: [] });
      expect(view.comments).toHaveLength(1);
      expect(world.task(issue)?.text.match(/\bn: \d+/g)).toEqual(['n: 1']);
    }
    expect(world.run(['fsck']).status).toBe(0);
  });
});
