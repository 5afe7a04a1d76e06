import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, REPO, World } from '../support/world.ts';

const CONFIG = `
repos: [{ name: ${REPO}, automation: full, verify: ["node src/sum.js"], local_ci: ["node src/sum.js"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
plan: { size: 2, auto_ready: true }
`;
const indent = (text: string) => text.replace(/^(?=.)/gm, '  ');
const requirement = (title: string, file: string) => `- ${title}\n\n${indent(addsFile(file, 'export const part = 1;'))}\n`;

describe('a requirements list', () => {
  let world: World;
  beforeEach(() => {
    world = World.open({ config: CONFIG, files: { 'src/sum.js': 'export const sum = 0;\n' } });
  });
  afterEach(() => world.close());

  it('becomes issues, a plan, tasks and merged work by the same programs as everything else', () => {
    world.write(
      'req.md',
      `# Parts\n\n${requirement('Add part one', 'src/one.js')}\n${requirement('Add part two', 'src/two.js')}\n${requirement('Add part three', 'src/three.js')}`,
    );
    world.must('plan', '--requirements', world.path('req.md'));
    const issues: { number: number; title: string; labels: string[] }[] = world.json('local', 'issue', 'list', REPO);
    expect(issues.map((issue) => issue.title)).toEqual(['Add part one', 'Add part two', 'Add part three']);
    const chosen = issues.filter((issue) => issue.labels.includes('ready'));
    expect(chosen).toHaveLength(2);
    expect(world.read('state/plan/demo__shop/plan.md')).toContain('Add part one');
    for (const { number } of chosen) world.tickUntil(number, 'done');
    expect(world.git('forge/demo/shop/repo.git', 'ls-tree', '-r', '--name-only', 'main')).toContain('src/one.js');
    expect(world.json('local', 'issue', 'list', REPO)).toHaveLength(1);
    world.must('plan', '--requirements', world.path('req.md'));
    expect(world.json('local', 'issue', 'list', REPO, '--state', 'all')).toHaveLength(3);
    expect(world.run(['fsck']).status).toBe(0);
  });
});

describe('a failure that repeats', () => {
  let world: World;
  beforeEach(() => {
    world = World.open({
      config: CONFIG.replace('auto_ready: true', 'auto_ready: false'),
      files: { 'src/sum.js': 'export const sum = 0;\n' },
    });
  });
  afterEach(() => world.close());

  it('becomes a finding that goes through the same pipeline once a person makes it Ready', () => {
    for (const title of ['First', 'Second', 'Third']) world.issue(title, 'No diff in here.');
    for (let k = 0; k < 4; k++) world.tick();
    expect([1, 2, 3].map((issue) => world.task(issue)?.tray)).toEqual(['escalated', 'escalated', 'escalated']);
    const report = world.must('analyze-logs');
    expect(report).toContain('`missing_context`');
    const [finding] = world.json('local', 'issue', 'list', REPO).slice(-1);
    expect(finding).toMatchObject({ author: 'agentos', labels: [] });
    expect(finding.body).toContain('demo__shop-1-1');
    world.must('analyze-logs');
    expect(world.json('local', 'issue', 'list', REPO, '--state', 'all')).toHaveLength(4);
    world.must('local', 'issue', 'edit', REPO, String(finding.number), '--body', addsFile('src/context.js', 'export const context = 1;'));
    world.must('local', 'issue', 'edit', REPO, String(finding.number), '--add-label', 'ready');
    world.tickUntil(finding.number, 'done');
  });
});
