import { describe, expect, it } from 'vitest';
import {
  type AttemptFacts,
  decideCutOff,
  decideDestination,
  decideOutcome,
  toInfrastructure,
} from '../../../src/commands/queue/outcome.ts';
import { decideQueue, orderWaiting, type QueueSnapshot, whyPreparing, whyStillWaiting } from '../../../src/commands/queue/policy.ts';
import { decideStart, type StartFacts } from '../../../src/commands/queue/start.ts';
import type { Waiting } from '../../../src/core/mailbox/mailbox.ts';
import { at, buildAttempt, buildIssue, buildPull, buildTask, OCTOCAT, SHA } from '../../support/builders.ts';

const waiting = (id: string, over: Partial<Waiting> = {}): Waiting => ({
  id,
  repo: 'acme/shop',
  issue: 1,
  priority: 'normal',
  createdAt: at('10:00'),
  ...over,
});

describe('the order of waiting tasks', () => {
  it('is by priority, then age, then id', () => {
    const tasks = [
      waiting('d', { priority: 'low', createdAt: at('08:00') }),
      waiting('c', { createdAt: at('09:00') }),
      waiting('b'),
      waiting('a'),
      waiting('e', { priority: 'high', createdAt: at('11:00') }),
    ];
    expect(orderWaiting(tasks).map((task) => task.id)).toEqual(['e', 'c', 'a', 'b', 'd']);
  });
});

describe('the queue', () => {
  const snapshot = (over: Partial<QueueSnapshot>): QueueSnapshot => ({
    now: new Date(at('10:00')),
    maxParallel: 2,
    running: [],
    candidates: [],
    unseen: 0,
    ...over,
  });
  const start = (id: string) => ({ waiting: waiting(id), verdict: { kind: 'start' as const } });
  const run = (id: string, alive: boolean) => ({ id, subject: `acme/shop#${id}`, alive });

  it('starts as many as there are slots, and says how many wait', () => {
    const actions = decideQueue(snapshot({ running: [run('r', true)], candidates: [start('a'), start('b')], unseen: 3 }));
    expect(actions.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['start-attempt', 'task a is next'],
      ['wait', '4 tasks wait for a free slot of 2'],
    ]);
  });
  it('reclaims what a dead process held; a dead claim takes no slot', () => {
    const actions = decideQueue(snapshot({ maxParallel: 1, running: [run('r', false)], candidates: [start('a')] }));
    expect(actions.map((action) => action.kind)).toEqual(['reclaim', 'start-attempt']);
  });
  it('passes verdicts on and gives their slot to the next', () => {
    const held = { waiting: waiting('h', { issue: 4 }), verdict: { kind: 'hold' as const, reason: 'held' } };
    const closed = { waiting: waiting('x', { issue: 5 }), verdict: { kind: 'escalate' as const, reason: 'closed' } };
    const actions = decideQueue(snapshot({ maxParallel: 1, candidates: [held, closed, start('a')] }));
    expect(actions).toMatchObject([
      { kind: 'hold', subject: 'acme/shop#4', reason: 'held' },
      { kind: 'escalate', id: 'x', subject: 'acme/shop#5' },
      { kind: 'start-attempt', id: 'a' },
    ]);
  });
  it('says nothing when there is nothing', () => {
    expect(decideQueue(snapshot({}))).toEqual([]);
  });
});

describe('a task that waits for an agent', () => {
  const now = new Date(at('12:00'));
  const rests = (until: string) => ({ kind: 'wait' as const, until: new Date(at(until)), reason: 'all rest' });
  const none = { kind: 'none' as const, reason: 'no key' };
  it.each<[string, Partial<Waiting>, Parameters<typeof whyStillWaiting>[1], string | undefined]>([
    ['while all rest', { waitsFor: 'agent', notBefore: at('12:30') }, rests('12:30'), 'all rest'],
    ['whatever the new time, before the old one', { waitsFor: 'agent', notBefore: at('12:30') }, rests('17:00'), 'all rest'],
    ['without a new word for a few minutes more', { waitsFor: 'agent', notBefore: at('12:00') }, rests('12:09'), 'all rest'],
    ['not silently for longer', { waitsFor: 'agent', notBefore: at('12:00') }, rests('12:10'), undefined],
    ['for its program', { waitsFor: 'program' }, none, 'no key'],
    ['not silently for another reason', { waitsFor: 'agent', notBefore: at('12:30') }, none, undefined],
    ['not silently for another reason, the other way round', { waitsFor: 'program' }, rests('12:01'), undefined],
    ['not when somebody can', { waitsFor: 'program' }, { kind: 'run', name: 'a', passedOver: [], afterRest: false }, undefined],
    ['not when its budget is spent', { waitsFor: 'agent' }, { kind: 'spent', reason: 'spent' }, undefined],
  ])('waits on %s', (_, over, choice, reason) => {
    expect(whyStillWaiting(waiting('a', over), choice, now)).toEqual(reason === undefined ? undefined : { kind: 'wait', reason });
  });
});

describe('before a task starts', () => {
  const facts = (over: Partial<StartFacts>): StartFacts => ({
    task: buildTask(),
    issue: buildIssue(),
    readiness: { ready: true, by: OCTOCAT, at: at('10:00'), n: 1, hints: {} },
    snapshotSha: 'e'.repeat(64),
    ...over,
  });
  it.each<[string, Partial<StartFacts>, object]>([
    ['everything is as it was', {}, { kind: 'start' }],
    ['the issue is closed', { issue: buildIssue({ state: 'closed' }) }, { kind: 'skip' }],
    ['the label is gone', { readiness: { ready: false, why: 'no_label', reason: 'no label `ready`' } }, { kind: 'skip' }],
    ['a hold', { issue: buildIssue({ labels: ['ready', 'Hold'] }) }, { kind: 'hold' }],
    ['trust is gone', { readiness: { ready: false, why: 'untrusted', reason: 'not trusted' } }, { kind: 'hold', reason: 'not trusted' }],
    ['a newer ready', { readiness: { ready: true, by: OCTOCAT, at: at('11:00'), n: 2, hints: {} } }, { kind: 'skip' }],
    ['another text', { snapshotSha: 'f'.repeat(64) }, { kind: 'hold' }],
    ['a hold on the pull request', { pullRequest: buildPull({ labels: ['hold'] }) }, { kind: 'hold' }],
    [
      'a pull request that a person closed',
      { pullRequest: buildPull({ state: 'closed', closedBy: OCTOCAT }) },
      {
        kind: 'escalate',
        reason:
          'pull request #17 was closed by octocat; reopen it and run `agentos retry acme__shop-12-1`, or put `ready` on again for a new one',
      },
    ],
    ['an open pull request to fix', { pullRequest: buildPull() }, { kind: 'start' }],
    [
      'a merged pull request, whatever the merge closed',
      { issue: buildIssue({ state: 'closed' }), pullRequest: buildPull({ state: 'merged' }) },
      { kind: 'hand-over' },
    ],
    [
      'a fix whose pull request a person closed',
      {
        task: buildTask({ fix: { kind: 'checks', head: SHA.head, base: SHA.base, about: [], evidence: '' } }),
        pullRequest: buildPull({ state: 'closed', closedBy: OCTOCAT }),
      },
      { kind: 'withdraw', reason: 'pull request #17 was closed by octocat' },
    ],
  ])('%s', (_, over, expected) => {
    expect(decideStart(facts(over))).toMatchObject(expected);
  });
});

describe('the outcome of an attempt', () => {
  const good: AttemptFacts = {
    ended: 'exited',
    durationMs: 1000,
    result: { status: 'complete', summary: 'did it' },
    changed: 2,
    refused: [],
    verified: { ok: true, reason: 'verified' },
  };
  const { result: _, ...silent } = good;
  const { verified: __, ...unverified } = good;
  it.each<[string, AttemptFacts, object]>([
    ['complete with a verified change', good, { outcome: 'complete', code: 'complete', summary: 'did it' }],
    ['stopped, whatever it says', { ...good, ended: 'stopped' }, { outcome: 'stopped', code: 'cancelled' }],
    ['a timeout is not raised by a good report', { ...good, ended: 'timeout' }, { outcome: 'failed', code: 'timeout' }],
    ['too much of the disk', { ...good, ended: 'limit' }, { outcome: 'failed', code: 'resource_limit' }],
    ['silence', { ...good, ended: 'stalled' }, { outcome: 'failed', code: 'stalled' }],
    [
      'no result file, after words',
      { ...silent, problem: { code: 'no_result', reason: 'none' }, said: 'I cannot "do" it.' },
      { outcome: 'failed', code: 'no_result', summary: 'none; its last words: "I cannot \\"do\\" it."' },
    ],
    ['no result file', { ...silent, problem: { code: 'no_result', reason: 'none' } }, { outcome: 'failed', code: 'no_result' }],
    [
      'an echoed template',
      { ...silent, problem: { code: 'invalid_result', reason: 'placeholders' } },
      { outcome: 'failed', code: 'invalid_result' },
    ],
    [
      'blocked with a code',
      { ...good, result: { status: 'blocked', code: 'missing_context', summary: 'what?' } },
      { outcome: 'failed', code: 'missing_context', summary: 'blocked: what?' },
    ],
    ['complete without a change', { ...good, changed: 0 }, { outcome: 'failed', code: 'no_diff' }],
    [
      'a refused path wins over no verification',
      { ...unverified, refused: ['a: b'] },
      { outcome: 'failed', code: 'policy_refused', summary: 'a: b' },
    ],
    [
      'a failing check',
      { ...good, verified: { ok: false, reason: '`npm test`: exit status 1' } },
      { outcome: 'failed', code: 'verify_failed', summary: '`npm test`: exit status 1' },
    ],
    [
      'a run that did not come to its end, whatever it left',
      { ...unverified, failure: { kind: 'crashed', message: 'exit status 137' } },
      { outcome: 'failed', code: 'no_result', summary: 'exit status 137; it reported complete, but did not come to its end' },
    ],
    ['a refused permission beside a tree that passes', { ...good, failure: { kind: 'denied', message: 'Bash' } }, { outcome: 'complete' }],
    [
      'a refused permission without one',
      { ...good, changed: 0, failure: { kind: 'denied', message: 'refused: Bash' } },
      { outcome: 'failed', code: 'no_diff', summary: 'refused: Bash; reported complete, but changed nothing: did it' },
    ],
    ...(
      [
        ['rate_limit', 'provider_rate_limit'],
        ['quota', 'provider_rate_limit'],
        ['auth', 'provider_auth'],
        ['overloaded', 'provider_unavailable'],
        ['stalled', 'provider_unavailable'],
      ] as const
    ).map(([kind, code]): [string, AttemptFacts, object] => [
      `a provider that fails (${kind}) counts for nothing`,
      { ...unverified, failure: { kind, message: 'busy' } },
      { outcome: 'infrastructure', code, summary: 'busy' },
    ]),
    [
      'a run over its limit, though it had to be killed',
      { ...unverified, ended: 'timeout', failure: { kind: 'limit', message: '100 requests' } },
      { outcome: 'failed', code: 'resource_limit' },
    ],
    [
      'a person stopping it while its provider fails',
      { ...unverified, ended: 'stopped', failure: { kind: 'overloaded', message: 'busy' } },
      { outcome: 'stopped', code: 'cancelled' },
    ],
    [
      'a limit that was the run’s own',
      { ...silent, problem: { code: 'no_result', reason: 'none' }, failure: { kind: 'limit', message: 'no money' } },
      { outcome: 'failed', code: 'resource_limit' },
    ],
    [
      'a limit that the day or the month made shorter',
      { ...silent, problem: { code: 'no_result', reason: 'none' }, failure: { kind: 'limit', message: 'no money' }, cutShort: true },
      { outcome: 'infrastructure', code: 'budget' },
    ],
    [
      'a tree that was good when the money was gone',
      { ...good, failure: { kind: 'denied', message: 'm' }, cutShort: true },
      { outcome: 'complete' },
    ],
    ['an unverified tree is not complete', unverified, { outcome: 'failed', code: 'verify_failed' }],
  ])('%s', (_, facts, expected) => {
    expect(decideOutcome(facts)).toMatchObject(expected);
  });

  it.each([
    ['auth', 'provider_auth'],
    ['rate_limit', 'provider_rate_limit'],
    ['unavailable', 'provider_unavailable'],
    ['refused', 'infrastructure'],
    ['corrupt', 'infrastructure'],
  ] as const)('an %s error counts for nothing: %s of an agent, and never its provider otherwise', (code, expected) => {
    expect(toInfrastructure({ code, message: 'm' }, 'agent')).toEqual({ outcome: 'infrastructure', code: expected, summary: 'm' });
    expect(toInfrastructure({ code, message: 'm' }, 'machine').code).toBe('infrastructure');
  });
});

describe('where a task goes', () => {
  const limits = { max_attempts: 4, max_infrastructure: 5 };
  const now = new Date(at('12:00'));
  const go = (attempts: ReturnType<typeof buildAttempt>[], over = {}, agents: Parameters<typeof decideDestination>[3] = {}) =>
    decideDestination(buildTask({ attempts, ...over }), limits, now, agents);

  it('back to the inbox without delay after a failure', () => {
    expect(go([buildAttempt(1)])).toEqual({ tray: 'inbox', note: 'Attempt 1 by codex: no_diff.' });
  });
  it('back without a word after a stop', () => {
    expect(go([buildAttempt(1, { outcome: 'stopped' })])).toEqual({ tray: 'inbox' });
  });
  it('to a person when it is spent, with what to do', () => {
    const spent = go([1, 2, 3, 4].map((n) => buildAttempt(n, { code: `c${n}`, tree: 'c'.repeat(40) })));
    expect(spent).toMatchObject({ tray: 'escalated' });
    expect(spent.note).toContain('agentos retry acme__shop-12-1');
    expect(spent.note).toContain('The work of 4 attempts is kept');
  });
  it('to a person when the machine fails for long, which no clearer issue would mend', () => {
    const row = [1, 2, 3, 4, 5].map((n) => buildAttempt(n, { outcome: 'infrastructure', summary: 'no space' }));
    expect(go(row)).toEqual({
      tray: 'escalated',
      note: '5 infrastructure failures in a row: no space. When that is mended, run `agentos retry acme__shop-12-1`, or close the issue.',
    });
  });
  it('to a person when a fix came to nothing', () => {
    expect(go([buildAttempt(1, { outcome: 'complete' }), buildAttempt(2, { kind: 'fix' })], { pull_request: 17 })).toMatchObject({
      tray: 'escalated',
      note: expect.stringContaining('the fix of pull request #17 by codex came to nothing (no_diff)'),
    });
  });
  it('waits for a provider, longer each time, or until it says', () => {
    const down = (n: number) => buildAttempt(n, { outcome: 'infrastructure', code: 'provider_unavailable' });
    expect(go([down(1)])).toMatchObject({ tray: 'inbox', notBefore: '2026-11-22T12:01:00.000Z' });
    expect(go([buildAttempt(1), down(2), down(3), down(4)])).toMatchObject({ notBefore: '2026-11-22T12:04:00.000Z' });
    expect(go([down(1)], {}, { nextAt: new Date(at('13:00')) })).toMatchObject({ notBefore: '2026-11-22T13:00:00.000Z' });
  });
  it('waits for the day or the month when its money was cut short, unless another agent has some', () => {
    const cut = [buildAttempt(1, { outcome: 'infrastructure', code: 'budget' })];
    const nextAt = new Date(at('23:00'));
    expect(go(cut, {}, { nextAt })).toMatchObject({ tray: 'inbox', notBefore: nextAt.toISOString(), waitsFor: 'agent' });
    expect(go(cut, {}, { free: true })).not.toHaveProperty('notBefore');
  });
  it('goes to the next agent at once when one is free', () => {
    const down = buildAttempt(1, { outcome: 'infrastructure', code: 'provider_rate_limit' });
    expect(go([down], {}, { free: true })).toEqual({ tray: 'inbox', note: 'Attempt 1 by codex: provider_rate_limit.' });
  });
  it('back to the inbox when a fix meets a failure of this machine, even after the last attempt of the allowance', () => {
    const made = [1, 2, 3].map((n) => buildAttempt(n, { code: `c${n}` }));
    const fix = buildAttempt(5, { kind: 'fix', outcome: 'infrastructure', code: 'infrastructure' });
    expect(go([...made, buildAttempt(4, { outcome: 'complete', code: 'complete' }), fix], { pull_request: 17 })).toMatchObject({
      tray: 'inbox',
    });
  });
  it('does not wait after a failure of this machine, unless what failed says until when', () => {
    const failed = [buildAttempt(1, { outcome: 'infrastructure', code: 'infrastructure' })];
    expect(go(failed)).not.toHaveProperty('notBefore');
    expect(go(failed, {}, { free: true, retryAt: new Date(at('11:59')) })).not.toHaveProperty('notBefore');
    expect(go(failed, {}, { free: true, retryAt: new Date(at('12:30')) })).toMatchObject({ notBefore: '2026-11-22T12:30:00.000Z' });
  });
});

describe('a claim whose owner died with no attempt running', () => {
  const complete = buildAttempt(1, { outcome: 'complete', code: 'complete' });
  const fix = { kind: 'checks' as const, head: SHA.head, base: SHA.base, about: [], evidence: '' };
  it.each<[string, Parameters<typeof buildTask>[0], string]>([
    ['back, when nothing was begun', {}, 'inbox'],
    ['on to review, when its pull request was opened', { attempts: [complete], pull_request: 17 }, 'review'],
    ['back, when a fix of it is asked for', { attempts: [complete], pull_request: 17, fix }, 'inbox'],
    ['to a person, when it could not be published', { attempts: [complete] }, 'escalated'],
    ['back, after a failure', { attempts: [buildAttempt(1)] }, 'inbox'],
    ['to a person, when it is spent', { attempts: [1, 2, 3, 4].map((n) => buildAttempt(n, { code: `c${n}` })) }, 'escalated'],
    ['back, when a person asked for a retry', { attempts: [complete], attempts_forgiven: 1, pull_request: 17 }, 'inbox'],
    ['where it was being laid to rest', { attempts: [buildAttempt(1)], rests_in: 'failed' }, 'failed'],
  ])('goes %s', (_, over, tray) => {
    expect(decideCutOff(buildTask(over), { max_attempts: 4, max_infrastructure: 5 }, new Date(at('12:00')))).toBe(tray);
  });
});

describe('a task whose text is prepared', () => {
  const now = new Date('2026-11-22T10:10:00Z');
  it.each([
    ['waits for a model', 'pending', '10:01', 'being prepared by dispatch'],
    ['waits no longer than ten minutes', 'pending', '10:00', undefined],
    ['waits for its parts, however long that takes', 'split', '08:00', 'being split into smaller issues by dispatch'],
    ['starts when nothing is prepared', undefined, '10:09', undefined],
  ] as const)('%s', (_, preparing, time, expected) => {
    const waiting = { id: 'a', repo: 'acme/shop', issue: 1, priority: 'normal' as const, createdAt: `2026-11-22T${time}:00.000Z` };
    expect(whyPreparing({ ...waiting, ...(preparing && { preparing }) }, now)).toBe(expected);
  });
});
