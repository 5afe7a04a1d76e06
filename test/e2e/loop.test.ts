import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addsFile, REPO, ROOT, World } from '../support/world.ts';

const example = (name: string) => readFileSync(join(ROOT, 'examples/issues', name), 'utf8');
const SUM = addsFile('src/sum.js', 'export const sum = (a, b) => a + b;');

describe('an issue becomes a merged change', () => {
  let world: World;
  beforeEach(() => {
    world = World.open();
  });
  afterEach(() => world.close());

  it('from Ready to done: one pull request, one comment, labels gone, branch gone, memory kept', () => {
    const issue = world.issue('Give a discount', example('discount.md'));
    world.tickUntil(issue, 'done');
    const view = world.json('local', 'issue', 'view', REPO, String(issue));
    expect(view).toMatchObject({ state: 'closed', stateReason: 'completed', labels: [] });
    expect(view.comments).toHaveLength(1);
    expect(view.comments[0]).toMatchObject({ author: 'agentos', body: expect.stringContaining('**Done**') });
    const pulls = world.json('local', 'pr', 'list', REPO, '--state', 'all');
    expect(pulls).toHaveLength(1);
    expect(pulls[0]).toMatchObject({ state: 'merged', title: 'Give a discount', body: expect.stringContaining(`Closes #${issue}`) });
    const bare = 'forge/demo/shop/repo.git';
    expect(world.git(bare, 'branch', '--list').trim()).toBe('* main');
    const log = world.git(bare, 'log', '-1', '--format=%an%n%B', 'main');
    expect(log).toContain('Agent OS');
    for (const trailer of ['Task: demo__shop-1-1', `Issue: ${REPO}#1`, 'Agent: patch']) expect(log).toContain(trailer);
    expect(world.git(bare, 'show', 'main:src/cart.js')).toContain('export function discount');
    expect(world.git(bare, 'ls-tree', '-r', '--name-only', 'main')).not.toMatch(/agent_result|CODEBASE/);
    expect(world.read('state/memory/demo__shop/CODEBASE.md')).toContain('Give a discount');
    expect(world.run(['fsck']).status).toBe(0);
  });

  it('reports every step by the kinds that other programs rely on', () => {
    const issue = world.issue('Describe every function', example('document.md'));
    const kinds = (...args: string[]) =>
      world.json(...args).actions.map((action: { kind: string; outcome: string }) => `${action.kind} ${action.outcome}`);
    expect(kinds('dispatch', '--dry-run')).toEqual(['submit-task planned']);
    expect(world.listMailbox()).toEqual([]);
    expect(kinds('dispatch')).toEqual(['submit-task applied']);
    expect(kinds('queue')).toEqual(['start-attempt applied', 'requeue applied']);
    const document = world.json('queue');
    expect(document).toMatchObject({
      command: 'queue',
      dryRun: false,
      summary: { decided: 2, applied: 2, skipped: 0, deferred: 0, failed: 0 },
    });
    expect(document.actions[1]).toMatchObject({
      kind: 'open-pull-request',
      subject: `${REPO}#${issue}`,
      reason: expect.stringContaining('#2'),
    });
    expect(kinds('pr-monitor')).toEqual(['wait skipped']);
    world.must('local', 'ci');
    expect(kinds('pr-monitor')).toEqual(['merge applied']);
  });

  it('passes the task to the next agent when the first gives up, with its reason in the prompt', () => {
    const issue = world.issue('Describe every function', example('document.md'));
    world.must('dispatch');
    world.must('queue');
    expect(world.task(issue)).toMatchObject({ tray: 'inbox', text: expect.stringContaining('missing_context') });
    world.must('queue');
    expect(world.task(issue)?.tray).toBe('review');
    expect(world.read('state/runs/demo__shop-1-1/2/prompt.md')).toContain('- attempt 1 by patch ended with `missing_context`');
  });

  it('fixes a red check once, then asks a person by name', () => {
    const issue = world.issue('Print a receipt', example('receipt.md'));
    world.tickUntil(issue, 'escalated');
    world.must('dispatch');
    const view = world.json('local', 'issue', 'view', REPO, String(issue));
    expect(view).toMatchObject({ state: 'open', labels: expect.arrayContaining(['ready', 'agentos:needs-human']) });
    expect(view.comments).toHaveLength(1);
    expect(view.comments[0].body).toContain('@operator');
    const [pull] = world.json('local', 'pr', 'list', REPO);
    expect(pull.state).toBe('open');
    expect(world.task(issue)?.text).toContain('after one fix');
  });

  it('gives a conflict to the next agent once, and to a person when markers are left', () => {
    const edit = (line: string) => addsFile('README.md', `# shop\n\n${line}\n`);
    const issues = [world.issue('Say one thing', edit('One thing.')), world.issue('Say another thing', edit('Another thing.'))];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci'], ['pr-monitor']]) world.must(...args);
    // Both ran side by side; the lower pull request is merged first.
    const [done, other] = issues.sort((one) => (world.task(one)?.tray === 'done' ? -1 : 1)) as [number, number];
    expect(world.task(done)?.tray).toBe('done');
    expect(world.must('pr-monitor')).toContain('conflicts with main: README.md');
    expect(world.task(other)).toMatchObject({ tray: 'inbox', text: expect.stringContaining('kind: conflict') });
    expect(world.must('queue')).toContain('policy_refused');
    expect(world.task(other)).toMatchObject({ tray: 'escalated', text: expect.stringContaining('conflict markers were left') });
    expect(world.run(['fsck']).status).toBe(0);
  });

  it('updates a branch that fell behind and merges it after its checks ran again', () => {
    const issues = [world.issue('Add a sum', SUM), world.issue('Add a product', addsFile('src/product.js', 'export const product = 2;'))];
    for (const args of [['dispatch'], ['queue'], ['local', 'ci']]) world.must(...args);
    expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['review', 'review']);
    expect(world.must('pr-monitor')).toContain('merge demo/shop#3');
    expect(world.must('pr-monitor')).toContain('update-branch demo/shop#4');
    expect(world.run(['pr-monitor', '-v']).stdout).toContain('checks run');
    world.must('local', 'ci');
    world.must('pr-monitor');
    expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['done', 'done']);
  });

  it('withdraws at every stage when the label is taken off, and closes our pull request', () => {
    const unready = (issue: number) => world.must('local', 'issue', 'edit', REPO, String(issue), '--remove-label', 'ready');
    const waiting = world.issue('One', SUM);
    world.must('dispatch');
    unready(waiting);
    world.must('dispatch');
    expect(world.task(waiting)?.tray).toBe('failed');
    const reviewed = world.issue('Two', SUM);
    world.must('dispatch');
    world.must('queue');
    unready(reviewed);
    world.must('pr-monitor');
    expect(world.task(reviewed)?.tray).toBe('failed');
    expect(world.json('local', 'pr', 'list', REPO, '--state', 'all')).toMatchObject([{ state: 'closed' }]);
    expect(world.json('local', 'issue', 'view', REPO, String(reviewed)).labels).toEqual([]);
  });

  it('starts anew under a new id when ready is put on again, and supersedes what runs', () => {
    const issue = world.issue('Add a sum', SUM);
    world.must('dispatch');
    world.must('queue');
    for (const flag of ['--remove-label', '--add-label']) world.must('local', 'issue', 'edit', REPO, String(issue), flag, 'ready');
    world.must('dispatch');
    expect(world.task(issue)?.tray).toBe('failed');
    world.must('dispatch');
    expect(world.task(issue, 2)?.tray).toBe('inbox');
    for (let k = 0; k < 4 && world.task(issue, 2)?.tray !== 'done'; k++) world.tick();
    expect(world.task(issue, 2)?.tray).toBe('done');
    expect(world.run(['fsck']).status).toBe(0);
  });

  it('does nothing for a stranger, and asks again after an edit', () => {
    world.must('local', 'user', 'add', 'mallory', '--permission', 'triage');
    const stranger = world.issue('Do my bidding', SUM, []);
    world.must('local', 'issue', 'edit', REPO, String(stranger), '--add-label', 'ready', '--as', 'mallory');
    const edited = world.issue('Add a sum', SUM);
    world.must('local', 'issue', 'edit', REPO, String(edited), '--body', 'something else');
    const run = world.json('dispatch');
    expect(run.actions).toMatchObject([
      { kind: 'skip', reason: expect.stringContaining('mallory, who has triage permission') },
      { kind: 'ask-again', outcome: 'applied' },
    ]);
    expect(world.listMailbox()).toEqual([]);
    expect(world.json('dispatch').actions[1]).toMatchObject({ kind: 'ask-again', outcome: 'skipped' });
    const { comments } = world.json('local', 'issue', 'view', REPO, String(edited));
    expect(comments).toHaveLength(1);
    expect(comments[0].body).toContain('@operator');
  });

  it('waits for a dependency, and holds for `hold`', () => {
    const first = world.issue('Add a sum', SUM, ['ready', 'hold']);
    const second = world.issue('Add more', `depends on #${first}\n\n${addsFile('src/more.js', 'export const more = 1;')}`);
    expect(world.json('dispatch').actions).toMatchObject([{ kind: 'hold' }, { kind: 'wait', reason: `waits for #${first}` }]);
    world.must('local', 'issue', 'edit', REPO, String(first), '--remove-label', 'hold');
    world.tickUntil(first, 'done');
    world.tickUntil(second, 'done');
  });

  it('holds protected paths in every mode, and merges them after `agentos approve` of that very head', () => {
    const issue = world.issue('Pin the engine', addsFile('.github/workflows/ci.yml', 'on: push'));
    world.must('dispatch');
    world.must('queue');
    world.must('local', 'ci');
    expect(world.json('pr-monitor').actions).toMatchObject([{ kind: 'hold', reason: expect.stringContaining('.github/workflows/ci.yml') }]);
    const [pull] = world.json('local', 'pr', 'list', REPO);
    expect(world.run(['approve', `${REPO}#${issue}`, '--sha', '0'.repeat(40)]).status).not.toBe(0);
    world.must('approve', `${REPO}#${issue}`, '--sha', pull.headSha);
    world.must('pr-monitor');
    expect(world.task(issue)?.tray).toBe('done');
  });
});

describe('a conflict that an agent resolves', () => {
  it('is pushed as a merge of both, on top of what was reviewed', () => {
    const world = World.open({
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["node --test"], local_ci: ["node --test"] }]
agents: { patch: { kind: patch }, both: { kind: command, command: ["./keep-both.mjs"] } }
routing: { default: [patch, both] }
sandbox: { mode: "off" }
`,
    });
    try {
      world.write(
        'keep-both.mjs',
        `#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
const text = readFileSync('README.md', 'utf8').replace(/^(<{7}|={7}|>{7}).*\\n/gm, '');
writeFileSync('README.md', text);
writeFileSync(process.env.AGENTOS_RESULT_FILE, 'STATUS: complete\\nBLOCKER_CODE: none\\nSUMMARY: Kept both lines.\\n');
`,
      );
      chmodSync(world.path('keep-both.mjs'), 0o755);
      const edit = (line: string) => addsFile('README.md', `# shop\n\n${line}\n`);
      const issues = [world.issue('Say one thing', edit('One thing.')), world.issue('Say another thing', edit('Another thing.'))];
      for (let k = 0; k < 8 && issues.some((issue) => world.task(issue)?.tray !== 'done'); k++) world.tick();
      expect(issues.map((issue) => world.task(issue)?.tray)).toEqual(['done', 'done']);
      const readme = world.git('forge/demo/shop/repo.git', 'show', 'main:README.md');
      expect(readme).toContain('One thing.');
      expect(readme).toContain('Another thing.');
      expect(world.run(['fsck']).status).toBe(0);
    } finally {
      world.close();
    }
  });
});
