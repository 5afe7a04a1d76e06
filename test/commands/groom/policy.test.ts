import { describe, expect, it } from 'vitest';
import { decideGroom, type GroomSnapshot, type IssueFacts, MAX_COMMENTS, MAX_LABELS } from '../../../src/commands/groom/policy.ts';
import type { Issue } from '../../../src/core/github/github.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
const OLD = '2026-05-01T00:00:00Z';
const RECENT = '2026-11-10T00:00:00Z';

function facts(fields: Partial<Omit<IssueFacts, 'issue'>> & { issue?: Partial<Issue> } = {}): IssueFacts {
  const { issue, ...rest } = fields;
  return {
    activityAt: RECENT,
    blockers: [],
    duplicates: [],
    recorded: { labels: [] },
    ...rest,
    issue: {
      number: 5,
      title: 'Five',
      body: '',
      state: 'open',
      labels: ['bug'],
      author: { id: 2, login: 'alice' },
      assignees: [],
      pinned: false,
      createdAt: OLD,
      updatedAt: OLD,
      ...issue,
    },
  };
}

function decide(issues: IssueFacts[], fields: Partial<GroomSnapshot> = {}): string[] {
  const snapshot: GroomSnapshot = {
    now: NOW,
    staleDays: 90,
    apply: true,
    repos: [{ repo: 'acme/shop', readyLabel: 'ready', state: 'read', issues }],
    ...fields,
  };
  return decideGroom(snapshot).map((action) =>
    [action.kind, 'label' in action ? action.label : '', action.subject, action.reason].filter(Boolean).join(' | '),
  );
}

const STALE_REASON = 'no activity of a person since 2026-05-01 (90 days count as stale)';
const STALE = facts({ activityAt: OLD });
const DUPLICATE = facts({ duplicates: [{ number: 3, title: 'Three', score: 0.9 }] });
const BLOCKED = facts({
  blockers: [
    { number: 3, state: 'open' },
    { number: 4, state: 'closed' },
  ],
});
const MISSING = facts({ blockers: [{ number: 99, state: 'missing' }] });

describe('facts', () => {
  it.each<[string, IssueFacts, string[]]>([
    ['nothing', facts(), []],
    [
      'stale',
      STALE,
      [
        `add-label | groom:stale | acme/shop#5 | put on \`groom:stale\`: ${STALE_REASON}`,
        `comment | acme/shop#5 | say what was found: ${STALE_REASON}`,
      ],
    ],
    ['not stale for a day', facts({ activityAt: '2026-08-24T10:00:01Z' }), []],
    [
      'a duplicate',
      DUPLICATE,
      [
        'add-label | groom:duplicate | acme/shop#5 | put on `groom:duplicate`: looks like #3 (0.9)',
        'comment | acme/shop#5 | say what was found: looks like #3 (0.9)',
      ],
    ],
    [
      'blocked: a label, and no comment on what its author wrote',
      BLOCKED,
      ['add-label | groom:blocked | acme/shop#5 | put on `groom:blocked`: waits for #3 (open)'],
    ],
    [
      'blocked by what does not exist',
      MISSING,
      [
        'add-label | groom:blocked | acme/shop#5 | put on `groom:blocked`: waits for #99 (missing)',
        'comment | acme/shop#5 | say what was found: waits for #99 (missing)',
      ],
    ],
    [
      'no longer blocked',
      facts({ blockers: [{ number: 4, state: 'closed' }] }),
      ['skip | acme/shop#5 | unblocked: what it waited for is closed: #4'],
    ],
    ['without a label', facts({ issue: { labels: [] } }), ['skip | acme/shop#5 | unlabelled: has no label']],
  ])('%s', (_, one, expected) => {
    expect(decide([one])).toEqual(expected);
  });
});

describe('sparing', () => {
  const base = { activityAt: OLD, duplicates: [{ number: 3, title: 'Three', score: 0.9 }] };
  it.each<[string, Partial<Issue>, string]>([
    ['assigned', { assignees: ['bob'] }, 'assigned to bob'],
    ['pinned', { pinned: true }, 'pinned'],
    ['held', { labels: ['Hold'] }, 'label `hold`'],
    ['ready', { labels: ['READY'] }, 'label `ready`'],
    ['ours at work', { labels: ['agentos:review'] }, 'label `agentos:review`'],
    ['security', { labels: ['Security'] }, 'label `security`'],
    ['kept', { labels: ['keep'] }, 'label `keep`'],
    ['frozen', { labels: ['frozen'] }, 'label `frozen`'],
  ])('%s issues are neither stale nor written on', (_, issue, why) => {
    expect(decide([facts({ ...base, issue })])).toEqual([`skip | acme/shop#5 | duplicate: looks like #3 (0.9); left alone: ${why}`]);
  });

  it('issues that a person touched in the last day wait', () => {
    const at = '2026-11-21T10:00:01Z';
    expect(decide([facts({ ...DUPLICATE, activityAt: at })])).toEqual([
      `skip | acme/shop#5 | duplicate: looks like #3 (0.9); left alone: touched by a person on ${at}`,
    ]);
  });
});

describe('taking back', () => {
  const labels = ['bug', 'groom:stale'];
  const ours = { labels: [{ key: `stale:${OLD}`, done: true }] };
  const off = 'remove-label | groom:stale | acme/shop#5 | take off `groom:stale`: it is so no more';
  it.each<[string, IssueFacts, string[]]>([
    ['our label goes when a person is active again', facts({ issue: { labels }, recorded: ours }), [off]],
    ['and at once, however fresh the activity', facts({ issue: { labels }, recorded: ours, activityAt: NOW.toISOString() }), [off]],
    ['and when somebody takes the issue', facts({ issue: { labels, assignees: ['bob'] }, recorded: ours, activityAt: OLD }), [off]],
    ['a held issue is not touched at all', facts({ issue: { labels: [...labels, 'hold'] }, recorded: ours }), []],
    ['a person’s label of that name is the person’s', facts({ issue: { labels } }), []],
    [
      'our comment says that it is so no more',
      facts({ recorded: { labels: [], comment: { id: 8, facts: `stale:${OLD}` } } }),
      ['comment | acme/shop#5 | edit our comment: nothing of it is so any more'],
    ],
  ])('%s', (_, one, expected) => {
    expect(decide([one])).toEqual(expected);
  });
});

describe('once', () => {
  const said = (key: string, done = true) => ({ labels: [{ key, done }], comment: { id: 8, facts: key } });
  it.each<[string, IssueFacts, string[]]>([
    [
      'a label that a person took off stays off',
      facts({ ...DUPLICATE, recorded: said('duplicate:#3') }),
      ['skip | acme/shop#5 | duplicate: looks like #3 (0.9)'],
    ],
    [
      'also when fewer candidates are left',
      facts({ ...DUPLICATE, recorded: { ...said('duplicate:#3,#4'), comment: { id: 8, facts: 'duplicate:#3' } } }),
      ['skip | acme/shop#5 | duplicate: looks like #3 (0.9)'],
    ],
    [
      'a new candidate is news, and edits the one comment',
      facts({ ...DUPLICATE, recorded: said('duplicate:#2') }),
      [
        'add-label | groom:duplicate | acme/shop#5 | put on `groom:duplicate`: looks like #3 (0.9)',
        'comment | acme/shop#5 | edit our comment: looks like #3 (0.9)',
      ],
    ],
    [
      'stale again after activity is news',
      facts({
        ...STALE,
        recorded: { labels: [{ key: 'stale:2025-01-01T00:00:00Z', done: true }], comment: { id: 8, facts: `stale:${OLD}` } },
      }),
      [`add-label | groom:stale | acme/shop#5 | put on \`groom:stale\`: ${STALE_REASON}`],
    ],
    [
      'an outcome that nobody knows is settled, though the label stands',
      facts({ ...BLOCKED, issue: { labels: ['groom:blocked', 'bug'] }, recorded: { labels: [{ key: 'blocked:#3', done: false }] } }),
      ['add-label | groom:blocked | acme/shop#5 | put on `groom:blocked`: waits for #3 (open)'],
    ],
  ])('%s', (_, one, expected) => {
    expect(decide([one])).toEqual(expected);
  });
});

describe('a run', () => {
  it('keeps its caps; the rest waits', () => {
    const issues = Array.from({ length: 30 }, (_, n) => facts({ activityAt: OLD, issue: { number: n + 1 } }));
    const kinds = decide(issues).map((line) => line.split(' ')[0]);
    const count = (kind: string) => kinds.filter((one) => one === kind).length;
    expect([count('add-label'), count('comment'), count('wait')]).toEqual([MAX_LABELS, MAX_COMMENTS, 60 - MAX_LABELS - MAX_COMMENTS]);
  });

  it('without `groom.apply` only proposes', () => {
    expect(decide([STALE, BLOCKED], { apply: false })).toEqual([
      `skip | acme/shop#5 | would put on \`groom:stale\`: ${STALE_REASON}; \`groom.apply\` is off`,
      `skip | acme/shop#5 | would say what was found: ${STALE_REASON}; \`groom.apply\` is off`,
      'skip | acme/shop#5 | would put on `groom:blocked`: waits for #3 (open); `groom.apply` is off',
    ]);
  });

  it('goes on where one repository is paused or cannot be read', () => {
    const at = { readyLabel: 'ready' };
    const repos: GroomSnapshot['repos'] = [
      { repo: 'acme/paused', ...at, state: 'paused' },
      { repo: 'acme/broken', ...at, state: 'failed', error: new Error('x'), message: 'no answer' },
      { repo: 'acme/shop', ...at, state: 'read', issues: [BLOCKED] },
    ];
    expect(decide([], { repos })).toEqual([
      'skip | acme/paused | acme/paused is paused',
      'read-backlog | acme/broken | no answer',
      'add-label | groom:blocked | acme/shop#5 | put on `groom:blocked`: waits for #3 (open)',
    ]);
  });
});
