import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toComment, toDependency, toIssueView, toLabelState, toRestIssue } from '../../../../src/core/github/octokit/to-issue.ts';

const ADA = { __typename: 'User', login: 'ada', databaseId: 7 };
const whole = (nodes: unknown[]) => ({ pageInfo: { hasNextPage: false, endCursor: null }, nodes });

function node(changes: Record<string, unknown> = {}) {
  return {
    id: 'I_1',
    number: 3,
    repository: { nameWithOwner: 'acme/shop' },
    title: 'Tax',
    body: 'Show it.\r\n\r\n- a\r\n',
    state: 'OPEN',
    stateReason: null,
    createdAt: '2026-01-02T03:00:00Z',
    updatedAt: '2026-01-02T04:00:00Z',
    closedAt: null,
    lastEditedAt: null,
    isPinned: false,
    author: ADA,
    editor: null,
    assignees: whole([{ login: 'bo' }]),
    labels: whole([{ name: 'ready' }]),
    userContentEdits: whole([]),
    timelineItems: whole([]),
    ...changes,
  };
}

function labeled(id: string, at: string, label: string, actor: unknown = ADA) {
  return { __typename: 'LabeledEvent', id, createdAt: at, actor, label: { name: label } };
}

function edit(id: string, at: string, editor: unknown = ADA) {
  return { id, editedAt: at, editor };
}

const view = (changes: Record<string, unknown> = {}) => toIssueView(node(changes), 'acme/shop#3');

describe('an issue with its timeline', () => {
  it('comes in the words of the port, with the line ends of the API', () => {
    expect(view()).toEqual({
      issue: {
        number: 3,
        title: 'Tax',
        body: 'Show it.\n\n- a\n',
        state: 'open',
        labels: ['ready'],
        author: { id: 7, login: 'ada' },
        assignees: ['bo'],
        pinned: false,
        createdAt: '2026-01-02T03:00:00Z',
        updatedAt: '2026-01-02T04:00:00Z',
      },
      events: [],
    });
  });

  it.each([
    [null, { id: 0, login: 'ghost' }],
    [
      { __typename: 'Bot', login: 'renovate', databaseId: 29 },
      { id: 29, login: 'renovate[bot]' },
    ],
    [
      { __typename: 'EnterpriseUserAccount', login: 'x' },
      { id: 0, login: 'ghost' },
    ],
  ])('names its author, %j', (author, expected) => {
    expect(view({ author }).issue.author).toEqual(expected);
  });

  it.each([
    ['OPEN', 'REOPENED', undefined],
    ['CLOSED', null, undefined],
    ['CLOSED', 'COMPLETED', 'completed'],
    ['CLOSED', 'NOT_PLANNED', 'not_planned'],
    ['CLOSED', 'DUPLICATE', 'not_planned'],
    ['CLOSED', 'SOMETHING_NEW', undefined],
  ])('%s, %s gives the reason %s', (state, stateReason, expected) => {
    expect(view({ state, stateReason }).issue.stateReason).toBe(expected);
  });

  it('puts every kind of event in order, and leaves out who is gone', () => {
    const { events } = view({
      timelineItems: whole([
        labeled('e2', '2026-01-02T03:00:02Z', 'ready', null),
        { __typename: 'RenamedTitleEvent', id: 'e1', createdAt: '2026-01-02T03:00:01Z', actor: ADA, previousTitle: 'A', currentTitle: 'B' },
        { __typename: 'ClosedEvent', id: 'e4', createdAt: '2026-01-02T03:00:04Z', actor: ADA, stateReason: 'COMPLETED' },
        { __typename: 'ReopenedEvent', id: 'e5', createdAt: '2026-01-02T03:00:05Z', actor: ADA },
        { ...labeled('e3', '2026-01-02T03:00:02Z', 'ready'), __typename: 'UnlabeledEvent' },
      ]),
    });
    const actor = { id: 7, login: 'ada' };
    expect(events).toEqual([
      { id: 'e1', at: '2026-01-02T03:00:01Z', actor, kind: 'renamed', from: 'A', to: 'B' },
      { id: 'e2', at: '2026-01-02T03:00:02Z', kind: 'labeled', label: 'ready' },
      { id: 'e3', at: '2026-01-02T03:00:02Z', actor, kind: 'unlabeled', label: 'ready' },
      { id: 'e4', at: '2026-01-02T03:00:04Z', actor, kind: 'closed', reason: 'completed' },
      { id: 'e5', at: '2026-01-02T03:00:05Z', actor, kind: 'reopened' },
    ]);
  });
});

describe('edits', () => {
  const created = '2026-01-02T03:00:00Z';
  const later = '2026-01-02T03:30:00Z';
  const edits = (changes: Record<string, unknown>) => view(changes).events.map((event) => [event.kind, event.at, event.actor?.login]);

  it('leave out the entry that stands for the creation, and nothing else of that second', () => {
    const list = { userContentEdits: whole([edit('u2', later), edit('u1', created)]), lastEditedAt: later };
    expect(edits(list)).toEqual([['edited', later, 'ada']]);
    const quick = { userContentEdits: whole([edit('u1', created), edit('u2', created)]), lastEditedAt: created };
    expect(edits(quick)).toEqual([['edited', created, 'ada']]);
  });

  it('keep the first entry where it is not the creation', () => {
    expect(edits({ userContentEdits: whole([edit('u1', later, null)]), lastEditedAt: later })).toEqual([['edited', later, undefined]]);
  });

  it('are told by the last edit where the list is unavailable or behind', () => {
    const editor = { __typename: 'User', login: 'eve', databaseId: 8 };
    for (const userContentEdits of [null, whole([]), whole([edit('u1', created)])])
      expect(edits({ userContentEdits, lastEditedAt: later, editor })).toEqual([['edited', later, 'eve']]);
    expect(edits({ userContentEdits: whole([edit('u1', created)]), lastEditedAt: created, editor })).toEqual([['edited', created, 'eve']]);
  });

  it('are never missed: one stands at or after the last edit, whatever the list shows', () => {
    const second = fc.integer({ min: 0, max: 5 }).map((n) => `2026-01-02T03:00:0${n}Z`);
    fc.assert(
      fc.property(fc.array(second, { maxLength: 5 }), second, (times, lastEditedAt) => {
        const { events } = view({ userContentEdits: whole(times.map((at, n) => edit(`u${n}`, at))), lastEditedAt });
        expect(events.some((event) => event.kind === 'edited' && event.at >= lastEditedAt)).toBe(true);
        expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
        expect(events.map((event) => event.at)).toEqual(events.map((event) => event.at).sort());
      }),
    );
  });
});

describe('an answer that is not what was asked for', () => {
  it.each([
    ['a body', { body: undefined }],
    ['an instant', { timelineItems: whole([labeled('e1', 'yesterday', 'ready')]) }],
    ['the rest of the timeline', { timelineItems: { pageInfo: { hasNextPage: true, endCursor: 'x' }, nodes: [] } }],
    ['an event', { timelineItems: whole([null]) }],
    ['a label', { timelineItems: whole([{ ...labeled('e1', '2026-01-02T03:00:02Z', 'x'), label: null }]) }],
    ['a known event', { timelineItems: whole([{ __typename: 'LockedEvent', id: 'e1' }]) }],
    ['the time of the last edit', { lastEditedAt: undefined }],
  ])('is an error where it lacks %s', (_, changes) => {
    expect(() => view(changes)).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });

  it('holds for the labels alone too', () => {
    const timelineItems = { nodes: [labeled('e1', '2026-01-02T03:00:02Z', 'x')] };
    expect(toLabelState({ labels: { nodes: [{ name: 'x' }] }, timelineItems }, 'a/b#1')).toMatchObject({
      labels: ['x'],
      events: [{ id: 'e1', label: 'x' }],
    });
    expect(() => toLabelState({ labels: null }, 'a/b#1')).toThrow(/labels of a\/b#1 lacks `timelineItems`/);
  });
});

function rest(changes: Record<string, unknown> = {}) {
  return {
    id: 1001,
    number: 3,
    title: 'Tax',
    body: null,
    state: 'closed',
    state_reason: 'not_planned',
    labels: ['a', { name: 'b' }],
    user: null,
    assignees: [],
    closed_by: { id: 7, login: 'ada' },
    repository_url: 'https://ghe.example/api/v3/repos/acme/shop',
    created_at: '2026-01-02T03:00:00Z',
    updated_at: '2026-01-02T04:00:00Z',
    closed_at: '2026-01-02T04:00:00Z',
    ...changes,
  };
}

describe('issues by REST', () => {
  it('tell the same, with the id and the repository they are really in', () => {
    expect(toRestIssue(rest(), 'acme/shop#3', new Set([3]))).toEqual({
      id: 1001,
      repo: 'acme/shop',
      isPull: false,
      closedBy: { id: 7, login: 'ada' },
      issue: {
        number: 3,
        title: 'Tax',
        body: '',
        state: 'closed',
        stateReason: 'not_planned',
        labels: ['a', 'b'],
        author: { id: 0, login: 'ghost' },
        assignees: [],
        pinned: true,
        createdAt: '2026-01-02T03:00:00Z',
        updatedAt: '2026-01-02T04:00:00Z',
        closedAt: '2026-01-02T04:00:00Z',
      },
    });
    expect(toRestIssue(rest({ pull_request: { url: 'x' } }), 'acme/shop#3').isPull).toBe(true);
    expect(toDependency(rest(), 'acme/shop#4')).toEqual({ repo: 'acme/shop', issue: 3, state: 'closed' });
  });

  it.each([{ user: undefined }, { repository_url: 'x' }, { number: 0 }, { state: 'locked' }])('are an error with %j', (changes) => {
    expect(() => toRestIssue(rest(changes), 'acme/shop#3')).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });

  it('have comments', () => {
    const at = '2026-01-02T03:00:00Z';
    expect(toComment({ id: 5, user: { id: 7, login: 'ada' }, body: 'a\r\nb', created_at: at, updated_at: at }, 'acme/shop#3')).toEqual({
      id: 5,
      author: { id: 7, login: 'ada' },
      body: 'a\nb',
      createdAt: at,
      updatedAt: at,
    });
  });
});
