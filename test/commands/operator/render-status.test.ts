import { describe, expect, it } from 'vitest';
import { judgeLoop, type LoopFacts, renderStatus, type Status } from '../../../src/commands/operator/render-status.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();

function facts(change: Partial<LoopFacts>): LoopFacts {
  return { command: 'dispatch', running: false, holdsLock: false, installedAt: new Date(0), paused: false, now: NOW, ...change };
}

const ended = (minutes: number, exit = 0, reason = '') => ({
  command: 'dispatch',
  run: 'r-1',
  startedAt: minutesAgo(minutes),
  finished: { run: 'r-1', at: minutesAgo(minutes), exit, reason },
});
const open = (minutes: number) => ({ command: 'dispatch', run: 'r-1', startedAt: minutesAgo(minutes) });

describe('judgeLoop', () => {
  it.each<[string, Partial<LoopFacts>, { overdue: boolean; reason: RegExp }]>([
    ['ran just now', { record: ended(1) }, { overdue: false, reason: /^$/ }],
    ['failed just now', { record: ended(1, 75, 'busy') }, { overdue: false, reason: /^busy$/ }],
    ['three intervals ago', { record: ended(3.1) }, { overdue: true, reason: /no pass for 3 min/ }],
    ['pr-monitor has fifteen minutes', { command: 'pr-monitor', record: ended(14) }, { overdue: false, reason: /^$/ }],
    ['plan has three hours', { command: 'plan', record: ended(181) }, { overdue: true, reason: /no pass/ }],
    ['the weekly ones have eight days', { command: 'groom', record: ended(7.9 * 1440) }, { overdue: false, reason: /^$/ }],
    ['never ran, long installed', {}, { overdue: true, reason: /never ran; is the crontab installed/ }],
    ['never ran, just installed', { installedAt: new Date(NOW.getTime() - 1000) }, { overdue: false, reason: /^never ran$/ }],
    ['runs', { record: open(10), running: true, holdsLock: true }, { overdue: false, reason: /running for 10 min/ }],
    ['is stuck', { record: open(16), running: true, holdsLock: true }, { overdue: true, reason: /held its lock for 16 min/ }],
    ['agents run without the lock', { record: open(40), running: true }, { overdue: false, reason: /running for 40 min/ }],
    ['was killed', { record: open(1) }, { overdue: false, reason: /killed/ }],
  ])('%s', (_, change, expected) => {
    const health = judgeLoop(facts(change));
    expect(health.overdue).toBe(expected.overdue);
    expect(health.reason).toMatch(expected.reason);
  });

  it('tells when and how the last pass ended', () => {
    expect(judgeLoop(facts({ record: ended(2, 1, 'x') }))).toMatchObject({
      command: 'dispatch',
      lastStartedAt: minutesAgo(2),
      lastFinishedAt: minutesAgo(2),
      lastExit: 1,
    });
  });
});

const stateOf = (change: Partial<LoopFacts>) =>
  /^ {2}dispatch +(\S+)/m.exec(renderStatus({ ...STATUS, loops: [judgeLoop(facts(change))] }, NOW, (_, text) => text))?.[1];

it('a loop that was killed is not called well by the pass before', () => {
  expect(stateOf({ record: ended(1) })).toBe('ok');
  expect(stateOf({ record: { ...ended(1), run: 'r-2' } })).toBe('died');
  expect(stateOf({ record: { ...ended(1), run: 'r-2' }, running: true })).toBe('running');
});

const STATUS: Status = {
  paused: true,
  loops: [judgeLoop(facts({ record: ended(60) }))],
  repos: [
    {
      name: 'acme/shop',
      automation: 'supervised',
      paused: true,
      trays: { inbox: 0, processing: 0, review: 2, escalated: 1, failed: 0, done: 0 },
      openPullRequests: 3,
    },
  ],
  tasks: [
    {
      id: 'acme__shop-1-1',
      repo: 'acme/shop',
      issue: 1,
      title: 'A \u001b[31mred\u001b[0m title',
      tray: 'escalated',
      attempt: 2,
      agent: 'patch',
      pullRequest: 4,
      notBefore: null,
      waitsFor: null,
      updatedAt: minutesAgo(3),
      note: 'somebody must look',
    },
  ],
  agents: [{ name: 'patch', ready: false, reason: 'gone', coolingUntil: null }],
  budget: { today: { spentUsd: 0, reservedUsd: 0, limitUsd: null }, agents: [], warnings: [] },
  quarantine: 2,
  problems: ['cannot read `x`'],
  stateDir: '/state',
};

describe('renderStatus', () => {
  const text = renderStatus(STATUS, NOW, (_, plain) => plain);

  it.each([
    /^PAUSED; `agentos resume` goes on$/m,
    /^unreadable: cannot read `x`$/m,
    /^ {2}dispatch {2}OVERDUE {2}60 min ago/m,
    /^ {2}acme\/shop {2}supervised {2}paused {2}review 2, escalated 1 {2}3 open pull requests$/m,
    /^ {2}acme__shop-1-1 {2}escalated {2}attempt 2 by patch {2}#4 {2}3 min ago {2}A red title$/m,
    /^ {2}acme__shop-1-1: somebody must look$/m,
    /^ {2}patch {2}not ready {2}gone$/m,
    /^2 files in quarantine: \/state\/mailbox\/quarantine; each has a `\.reason\.txt` beside it/m,
  ])('%s', (line) => {
    expect(text).toMatch(line);
  });

  it('says what is spent and reserved, where anything is or may be', () => {
    expect(renderStatus(STATUS, NOW, (_, plain) => plain)).not.toContain('Budget');
    const claude = { name: 'claude', runsToday: 3, runsLimit: 40, spentUsd: 12.3456, reservedUsd: 5, limitUsd: 100 };
    const codex = { name: 'codex', runsToday: 1, runsLimit: null, spentUsd: 0.5, reservedUsd: 0, limitUsd: null };
    const budget = {
      today: { spentUsd: 2, reservedUsd: 5, limitUsd: 50 },
      agents: [claude, codex],
      warnings: ['2027-01.ndjson:7: 1 entry ahead of the clock'],
    };
    const text = renderStatus({ ...STATUS, budget }, NOW, (_, plain) => plain);
    expect(text).toMatch(/all +today \$2\.00 spent of \$50\.00, \$5\.00 reserved/);
    expect(text).toMatch(/claude +this month \$12\.35 spent of \$100\.00, \$5\.00 reserved +today 3 runs of 40/);
    expect(text).toMatch(/codex +this month \$0\.50 spent +today 1 run\n/);
    expect(text).toMatch(/^ {2}2027-01\.ndjson:7: 1 entry ahead of the clock; `agentos doctor` has the remedy$/m);
  });
  it('keeps columns straight in colours', () => {
    const two = { ...STATUS, agents: [...STATUS.agents, { name: 'p', ready: true, reason: 'r', coolingUntil: null }] };
    const coloured = renderStatus(two, NOW, (_, plain) => `\u001b[31m${plain}\u001b[0m`).replace(/\u001b\[[0-9]+m/g, '');
    expect(coloured).toBe(renderStatus(two, NOW, (_, plain) => plain));
  });

  it('lists at most thirty tasks and counts the rest', () => {
    const [task] = STATUS.tasks;
    const many = Array.from({ length: 33 }, (_, index) => ({ ...task, tray: 'inbox', id: `t-${index}` }));
    const long = renderStatus({ ...STATUS, tasks: many as Status['tasks'] }, NOW, (_, plain) => plain);
    expect(long.match(/^ {2}t-/gm)).toHaveLength(30);
    expect(long).toContain('and 3 more');
  });
});
