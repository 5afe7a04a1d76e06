import { describe, expect, it } from 'vitest';
import { decideLabel, type LabelFacts } from '../../../src/commands/plan/labelling.ts';
import { decideCapacity, listInWork, mapUnblocks, type PlannedTask, propose, whyNot } from '../../../src/commands/plan/proposal.ts';
import { reviewSprint, type SprintReview } from '../../../src/commands/plan/review.ts';
import { type Candidate, rank, scoreIssue } from '../../../src/commands/plan/score.ts';
import { dueAt } from '../../../src/commands/plan/state.ts';
import type { Event } from '../../../src/core/events/event.ts';
import type { Issue, IssueEvent } from '../../../src/core/github/github.ts';
import { wilson } from '../../../src/core/statistics.ts';

const now = new Date('2026-11-22T00:00:00Z');
const day = (n: number) => new Date(now.getTime() - n * 86_400_000).toISOString();
const text = 'x'.repeat(100);

function candidate(over: Partial<Candidate> = {}): Candidate {
  return { number: 1, title: 'T', body: text, labels: [], createdAt: now.toISOString(), unblocks: [], ...over };
}

function issue(over: Partial<Issue> = {}): Issue {
  return {
    number: 1,
    title: 'T',
    body: text,
    state: 'open',
    labels: [],
    author: { id: 7, login: 'ann' },
    assignees: [],
    pinned: false,
    createdAt: day(0),
    updatedAt: day(0),
    ...over,
  };
}

describe('scoreIssue', () => {
  const cases: [string, Partial<Candidate>, string, number][] = [
    ['a high priority', { labels: ['Prio:High'] }, 'priority', 30],
    ['a low priority', { labels: ['prio:low'] }, 'priority', -20],
    ['issues that wait for it', { unblocks: [2, 3] }, 'unblocks', 20],
    ['many issues that wait for it', { unblocks: [2, 3, 4, 5] }, 'unblocks', 30],
    ['its age', { createdAt: day(22) }, 'age', 3],
    ['a great age', { createdAt: day(2000) }, 'age', 15],
    ['a change it carries', { body: `${text}\n\`\`\`diff\n+x\n\`\`\`` }, 'clarity', 15],
    ['a file it carries', { body: `${text}\n~~~js file=a.js\n~~~` }, 'clarity', 15],
    ['acceptance criteria', { body: `${text}\n## Acceptance criteria\n` }, 'clarity', 10],
    ['a checklist', { body: `${text}\n- [ ] works\n` }, 'clarity', 10],
    ['a finding', { origin: 'finding' }, 'self-improvement', 10],
    ['a requirement', { origin: 'requirement' }, 'requirement', 10],
    ['too little text', { body: `<!-- ${text} -->short` }, 'size', -10],
    ['too much text', { body: 'x'.repeat(8001) }, 'size', -10],
  ];
  it.each(cases)('counts %s', (_, over, factor, points) => {
    const scored = scoreIssue(candidate(over), now);
    expect(scored.breakdown.map((entry) => [entry.factor, entry.points])).toEqual([[factor, points]]);
    expect(scored.score).toBe(points);
  });

  it('counts nothing for a plain new issue', () => expect(scoreIssue(candidate(), now)).toMatchObject({ score: 0, breakdown: [] }));

  it('ranks by score, then number, then what is new in its order', () => {
    const { number: _, ...fresh } = candidate();
    const list = [
      { ...fresh, requirement: 'b' },
      { ...fresh, requirement: 'a' },
      candidate({ number: 9 }),
      candidate({ number: 3 }),
      candidate({ number: 12, labels: ['prio:high'] }),
    ];
    expect(rank(list, now).map(({ candidate: one }) => one.number ?? one.requirement)).toEqual([12, 3, 9, 'b', 'a']);
  });
});

describe('whyNot', () => {
  const task = (tray: PlannedTask['tray']): PlannedTask => ({ id: 'acme__shop-1-1', issue: 1, tray });
  const closed = issue({ number: 2, state: 'closed' });
  const cases: [string, Partial<Issue>, PlannedTask[], RegExp | undefined][] = [
    ['a plain issue', {}, [], undefined],
    ['hold', { labels: ['hold'] }, [], /^on hold/],
    ['Ready', { labels: ['Ready'] }, [], /Ready already/],
    ['a label of ours', { labels: ['agentos:queued'] }, [], /agentos:queued/],
    ['work', {}, [task('review')], /is in `review`/],
    ['a withdrawn task', {}, [task('failed')], /withdrawn/],
    ['a task that is done', {}, [task('done')], undefined],
    ['stale', { labels: ['groom:stale'] }, [], /groom:stale/],
    ['another label of groom', { labels: ['groom:unlabelled'] }, [], undefined],
    ['an assignee', { assignees: ['bob'] }, [], /assigned to bob/],
    ['an open dependency', { body: 'Depends on #3' }, [], /waits for #3$/],
    ['a closed dependency', { body: 'blocked by #2' }, [], undefined],
    ['a missing dependency', { body: 'depends on #99' }, [], /#99, which is no issue here/],
  ];
  const known = new Map([closed, issue({ number: 3 })].map((one) => [one.number, one]));
  it.each(cases)('%s', (_, over, tasks, expected) => {
    const reason = whyNot(issue(over), known, tasks, 'ready');
    if (expected) expect(reason).toMatch(expected);
    else expect(reason).toBeUndefined();
  });

  it('knows who waits for whom, and what is in work', () => {
    const issues = [
      issue({ number: 4, body: 'depends on #3' }),
      issue({ number: 5, body: 'depends on #3', state: 'closed' }),
      issue({ number: 6, labels: ['ready'] }),
    ];
    expect([...mapUnblocks(issues)]).toEqual([[3, [4]]]);
    expect([...listInWork(issues, [task('escalated'), { ...task('done'), issue: 8 }], 'ready')]).toEqual([6, 1]);
  });
});

describe('capacity and selection', () => {
  const review = (started: number, finished: number): SprintReview => ({
    from: '',
    to: '',
    selected: 0,
    merged: 0,
    escalated: 0,
    open: 0,
    started,
    finished,
  });
  it.each([
    ['nothing known', 5, 0, review(0, 0), { free: 5 }],
    ['all finished', 5, 1, review(2, 2), { free: 4 }],
    ['half finished', 5, 1, review(4, 2), { throughput: 3, free: 2 }],
    ['nothing finished', 5, 0, review(4, 0), { throughput: 1, free: 1 }],
    ['never above the size', 2, 0, review(9, 8), { throughput: 2, free: 2 }],
    ['never below none', 2, 7, review(0, 0), { free: 0 }],
  ])('%s', (_, size, inWork, last, expected) => {
    expect(decideCapacity(size, inWork, last)).toEqual({ size, inWork, ...expected });
  });

  it('takes the best that there is room for, and what it may not label goes to a person', () => {
    const ranked = rank(
      [1, 2, 3, 4].map((number) => candidate({ number })),
      now,
    );
    const numbers = (list: { candidate: Candidate }[]) => list.map((one) => one.candidate.number);
    const free = { size: 2, inWork: 0, free: 2 };
    const plain = propose(ranked, free, undefined);
    expect([numbers(plain.selected), plain.deferred.map((one) => one.number)]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const verdicts = new Map([1, 2, 3].map((number) => [number, { may: number !== 1, why: 'stranger' }]));
    const auto = propose(ranked, free, verdicts);
    expect([numbers(auto.selected), auto.needsPerson.map((one) => one.why), auto.deferred.map((one) => one.number)]).toEqual([
      [2, 3],
      ['stranger'],
      [4],
    ]);
    expect(propose(ranked, { ...free, free: 0 }, verdicts).deferred).toHaveLength(4);
  });
});

describe('reviewSprint', () => {
  const event = (name: string, number: number, over: Partial<Event> = {}): Event => ({
    time: day(1),
    level: 'info',
    event: name,
    run: 'r',
    command: 'x',
    outcome: 'ok',
    reason: '',
    issue: number,
    ...over,
  });
  it('follows what was selected', () => {
    const review = reviewSprint(
      [
        event('plan.issue.selected', 1),
        event('dispatch.task.submitted', 1),
        event('queue.task.escalated', 1),
        event('pr-monitor.task.finished', 1, { lead_ms: 100, attempts: 1 }),
        event('queue.task.escalated', 2),
        event('pr-monitor.task.finished', 9, { lead_ms: 300, attempts: 4 }),
      ],
      [1, 2, 3],
      new Date(day(7)),
      now,
    );
    expect(review).toEqual({
      from: day(7),
      to: day(0),
      selected: 3,
      merged: 1,
      escalated: 1,
      open: 1,
      mergedShare: wilson(1, 3),
      started: 3,
      finished: 2,
      medianLeadMs: 100,
      attemptsPerMerge: 2.5,
    });
  });
  it('says nothing about nothing', () => {
    const review = reviewSprint([], [], new Date(day(7)), now);
    expect(review).toEqual({ from: day(7), to: day(0), selected: 0, merged: 0, escalated: 0, open: 0, started: 0, finished: 0 });
  });
});

describe('decideLabel', () => {
  const ann = { id: 7, login: 'ann' };
  const eve = { id: 8, login: 'eve' };
  const edit = (actor?: typeof ann, kind: 'edited' | 'renamed' = 'edited'): IssueEvent =>
    ({ id: '1', at: day(1), kind, from: '', to: '', ...(actor && { actor }) }) as IssueEvent;
  const facts = (over: Partial<LabelFacts> = {}): LabelFacts => ({
    repo: { trusted: 'write', ready: { label: 'ready' } },
    issue: issue(),
    events: [],
    own: { id: 1, login: 'agentos', shared: false },
    filedByUs: false,
    outdated: false,
    permissions: new Map([
      [7, 'write'],
      [8, 'read'],
      [1, 'write'],
    ]),
    pins: new Map([['eve', 8]]),
    ...over,
  });
  const cases: [string, Partial<LabelFacts>, boolean][] = [
    ['a trusted author', {}, true],
    ['a stranger', { issue: issue({ author: eve }) }, false],
    ['a stranger who is listed', { issue: issue({ author: eve }), repo: { trusted: ['Eve'], ready: { label: 'ready' } } }, true],
    [
      'another account under a listed login',
      { issue: issue({ author: { ...eve, id: 99 } }), repo: { trusted: ['eve'], ready: { label: 'ready' } } },
      false,
    ],
    ['what we filed', { filedByUs: true, issue: issue({ author: { id: 1, login: 'agentos' } }) }, true],
    ['our account, unknown to the journal', { issue: issue({ author: { id: 1, login: 'agentos' } }) }, false],
    [
      'our account, shared with a person',
      { issue: issue({ author: { id: 1, login: 'agentos' } }), own: { id: 1, login: 'agentos', shared: true } },
      true,
    ],
    ['what we filed and a stranger edited', { filedByUs: true, events: [edit(eve)] }, false],
    ['what a stranger renamed and a trusted person edited', { events: [edit(eve, 'renamed'), edit(ann)] }, false],
    ['what a stranger edited, then a trusted person', { events: [edit(eve), edit(ann)] }, true],
    ['what a gone account edited', { events: [edit()] }, false],
    ['what a person took `ready` off', { events: [{ id: '1', at: day(1), actor: ann, kind: 'unlabeled', label: 'READY' }] }, false],
    ['an outdated description', { outdated: true }, false],
  ];
  it.each(cases)('%s', (_, over, may) => expect(decideLabel(facts(over))).toMatchObject({ may, why: expect.any(String) }));
});

describe('dueAt', () => {
  const last = (startedAt: string) => ({ sprint: 1, startedAt, selected: [] });
  it.each([
    ['the first time', undefined, now],
    ['a sprint that runs', last(day(6)), new Date(day(-1))],
    ['a sprint that is over', last(day(8)), new Date(day(1))],
    ['a clock that was wrong', last(day(-3)), now],
  ])('%s', (_, known, due) => expect(dueAt(known, 7, now)).toEqual(due));
});
