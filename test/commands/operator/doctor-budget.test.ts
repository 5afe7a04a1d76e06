import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decidePriceChecks } from '../../../src/commands/operator/doctor-budget.ts';
import { REPO, World } from '../../support/world.ts';

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
const reserve = (id: string, days: number) => ({ op: 'reserve', id, task: id.slice(0, -2), agent: 'claude', at: at(days), usd: 5 });

describe('doctor, status and fsck', () => {
  let world: World;
  beforeEach(() => {
    world = World.open({
      config: `repos: [{ name: ${REPO}, automation: full, verify: ["true"] }]
agents: { patch: { kind: patch } }
routing: { default: [patch] }
sandbox: { mode: "off" }
budgets: { per_day_usd: 5 }
`,
    });
  });
  afterEach(() => world.close());

  const write = (days: number, lines: object[], rest = '') => {
    const name = `state/budget/${at(days).slice(0, 7)}.ndjson`;
    world.write(name, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n${rest}`);
    return world.path(name);
  };
  const doctor = () => {
    const ended = world.run(['doctor', '--json']);
    const checks: { name: string; state: string; what: string }[] = JSON.parse(ended.stdout).checks;
    return {
      status: ended.status,
      checks: checks.filter(({ name }) => /books|agent/.test(name)).map(({ state, what }) => `${state} ${what}`),
    };
  };
  const fsck = () => JSON.parse(world.run(['fsck', '--json']).stdout);

  it('are content with books and breakers that are as they should be', () => {
    write(0, [reserve('gone.1', -0.01), { op: 'settle', id: 'gone.1', at: at(0), usd: 1 }]);
    expect(doctor().checks).toEqual(['ok patch', 'ok every line can be read']);
    expect(fsck()).toMatchObject({ clean: true, findings: [] });
  });

  it('name the line that cannot be read', () => {
    const path = write(0, [reserve('gone.1', -0.01)], 'nonsense\n');
    const says = `\`${path}\` cannot be read at line 2: nothing that a limit concerns is spent until it can`;
    expect(doctor()).toMatchObject({ status: 1, checks: expect.arrayContaining([`bad ${says}`]) });
    expect(fsck()).toMatchObject({ clean: false, findings: [{ invariant: 'I6', severity: 'error', what: says }, { severity: 'warning' }] });
    const status = world.run(['status', '--json']);
    expect(status.status).toBe(74);
    expect(JSON.parse(status.stdout)).toMatchObject({ budget: null, problems: [says] });
  });

  it('name what was left behind, an entry ahead of the clock, and the breakers', () => {
    const left = write(0, [reserve('gone.1', -0.01)]);
    const ahead = write(40, [reserve('far.1', 40), { op: 'settle', id: 'far.1', at: at(40), usd: 1 }]);
    world.write(
      'state/breakers/patch.json',
      JSON.stringify({ failures: 1, until: at(1), code: 'provider_auth', reason: 'the key was refused' }),
    );
    world.write('state/breakers/other.json', 'nonsense');
    const { checks } = doctor();
    expect(checks).toEqual([
      'ok patch',
      expect.stringContaining(`warn \`${left}:1\`: $5.00 are reserved for \`gone.1\``),
      expect.stringContaining(`warn \`${ahead}:1\`: 1 entry ahead of the clock, up to `),
      `warn \`${world.path('state/breakers/other.json')}\` cannot be read, and rests nobody`,
      expect.stringMatching(/^warn it rests until .*: the key was refused$/),
    ]);
    expect(fsck()).toMatchObject({ clean: true, warnings: 3 });
    const { budget } = JSON.parse(world.must('status', '--json'));
    expect(budget.warnings).toEqual([expect.stringContaining(`${left}:1: `), expect.stringContaining(`${ahead}:1: `)]);
    expect(world.must('status')).toContain('1 entry ahead of the clock');
  });
});

describe('a model whose price nobody knows', () => {
  const models = [{ provider: 'openai' as const, model: 'gpt-9', key_env: 'K' }];
  const limits = { timeout_minutes: 1, silence_minutes: 1, max_turns: 1 };
  const claude = (model: string, base_url?: string) => ({
    kind: 'claude' as const,
    model,
    key_env: 'K',
    program: 'claude',
    ...limits,
    ...(base_url !== undefined && { base_url }),
  });
  const agents = {
    one: claude('sonnet'),
    two: claude('claude-9'),
    three: claude('sonnet', 'https://example.com'),
    patch: { kind: 'patch' as const, ...limits },
  };
  const none = { per_agent_month_usd: {}, per_agent_day_runs: {} };
  const check = (budgets: object, prices = {}) =>
    decidePriceChecks({ agents, models, budgets: { ...none, ...budgets }, prices }).map(({ name, state }) => `${state} ${name}`);

  it('is a warning where a limit on money concerns it', () => {
    expect(check({})).toEqual([]);
    expect(check({ per_day_usd: 5 })).toEqual(['warn agent two', 'warn agent three', 'warn models']);
    expect(check({ per_agent_month_usd: { two: 5 } })).toEqual(['warn agent two']);
    expect(check({ per_day_usd: 5 }, { 'claude-9': { input: 1, output: 1 }, 'gpt-9': { input: 1, output: 1 } })).toEqual([
      'warn agent three',
    ]);
  });
});
