import { describe, expect, it } from 'vitest';
import { decideDispatch, type IssueFacts } from '../../../src/commands/dispatch/policy.ts';
import type { Readiness } from '../../../src/core/github/readiness.ts';
import { at, buildIssue, OCTOCAT } from '../../support/builders.ts';

const ready: Readiness = { ready: true, by: OCTOCAT, at: at('10:00'), n: 1, hints: {} };
const edited: Readiness = { ready: false, why: 'edited', reason: 'edited after', by: OCTOCAT };
const task = (tray: 'inbox' | 'processing' | 'review' | 'escalated', over = {}) => ({ id: 'acme__shop-12-1', tray, ...over });

function decide(over: Partial<IssueFacts>, paused = false) {
  const facts: IssueFacts = { repo: 'acme/shop', issue: buildIssue(), readyLabel: 'ready', readiness: ready, waitsFor: [], ...over };
  const actions = decideDispatch({ repos: [{ repo: 'acme/shop', paused, issues: [facts] }] });
  expect(actions).toHaveLength(1);
  return actions[0];
}

describe('dispatch', () => {
  const table: [string, Partial<IssueFacts>, object][] = [
    ['submits a Ready issue', {}, { kind: 'submit-task', id: 'acme__shop-12-1', reason: '`ready` by octocat' }],
    ['names the task by the count of ready events', { readiness: { ...ready, n: 3 } }, { kind: 'submit-task', id: 'acme__shop-12-3' }],
    ['holds a held issue', { issue: buildIssue({ labels: ['ready', 'hold'] }) }, { kind: 'hold' }],
    ['skips a closed issue', { issue: buildIssue({ state: 'closed' }) }, { kind: 'skip', reason: 'the issue is closed' }],
    [
      'skips an untrusted label with its reason',
      { readiness: { ready: false, why: 'untrusted', reason: 'put on by x' } },
      { kind: 'skip', reason: 'put on by x' },
    ],
    ['asks for the label again after an edit', { readiness: edited }, { kind: 'ask-again', by: 'octocat' }],
    ['skips what is done', { ended: { id: 'acme__shop-12-1', tray: 'done' } }, { kind: 'skip', reason: 'task acme__shop-12-1 is done' }],
    [
      'says how to go on after a failure',
      { ended: { id: 'acme__shop-12-1', tray: 'failed' } },
      { kind: 'skip', reason: expect.stringContaining('agentos retry acme__shop-12-1') },
    ],
    [
      'waits for open dependencies',
      {
        waitsFor: [
          { issue: 3, state: 'open' },
          { issue: 4, state: 'open' },
        ],
      },
      { kind: 'wait', reason: 'waits for #3, #4' },
    ],
    ['holds on a dependency that does not exist', { waitsFor: [{ issue: 999, state: 'missing' }] }, { kind: 'hold' }],
    [
      'holds on a circle',
      { waitsFor: [{ issue: 3, state: 'open' }], circle: [12, 3, 12] },
      { kind: 'hold', reason: 'depends on itself: #12 → #3 → #12' },
    ],
    ['leaves a waiting task alone', { active: task('inbox') }, { kind: 'skip', reason: 'task acme__shop-12-1 is in inbox' }],
    [
      'withdraws a waiting task whose label is gone',
      { issue: buildIssue({ labels: [] }), active: task('inbox') },
      { kind: 'withdraw', request: 'cancel', running: false },
    ],
    [
      'withdraws an escalated task whose issue is closed',
      { issue: buildIssue({ state: 'closed' }), active: task('escalated') },
      { kind: 'withdraw', request: 'cancel' },
    ],
    [
      'leaves an escalated task with a pull request to the PR monitor: a merge by hand closes the issue too',
      { issue: buildIssue({ state: 'closed' }), active: task('escalated', { pullRequest: 17 }) },
      { kind: 'skip' },
    ],
    [
      'holds a text that no task file takes',
      { issue: buildIssue({ body: '漢'.repeat(60_000) }) },
      { kind: 'hold', reason: expect.stringContaining('larger than 120 kB') },
    ],
    [
      'leaves the withdrawal of a running task to the queue',
      { issue: buildIssue({ labels: [] }), active: task('processing') },
      { kind: 'skip' },
    ],
    [
      'leaves the withdrawal of a reviewed task to the PR monitor',
      { issue: buildIssue({ state: 'closed' }), active: task('review') },
      { kind: 'skip' },
    ],
    [
      'supersedes a task by a newer ready',
      { readiness: { ...ready, n: 2 }, active: task('review', { pullRequest: 17 }) },
      { kind: 'withdraw', request: 'supersede', running: false, pullRequest: 17 },
    ],
    [
      'asks the queue to stop a superseded run',
      { readiness: { ...ready, n: 2 }, active: task('processing') },
      { kind: 'withdraw', request: 'supersede', running: true },
    ],
    ['says that a waiting task is held by an edit', { readiness: edited, active: task('inbox') }, { kind: 'ask-again' }],
  ];
  it.each(table)('%s', (_, over, expected) => {
    expect(decide(over)).toMatchObject({ subject: 'acme/shop#12', ...expected });
  });

  it('does nothing in a paused repository', () => {
    expect(decide({}, true)).toMatchObject({ kind: 'skip', reason: 'acme/shop is paused' });
  });

  it.each([
    ['no model and nothing waits', { models: false, waiting: 0 }, undefined],
    ['a model and a task of this pass', { models: true, waiting: 0 }, '1 task to prepare'],
    ['a model and tasks of earlier passes', { models: true, waiting: 2 }, '3 tasks to prepare'],
    ['tasks of a time when there was a model', { models: false, waiting: 2 }, '2 tasks to prepare, without a model'],
  ])('with %s', (_, refine, reason) => {
    const facts: IssueFacts = { repo: 'acme/shop', issue: buildIssue(), readyLabel: 'ready', readiness: ready, waitsFor: [] };
    const actions = decideDispatch({ repos: [{ repo: 'acme/shop', paused: false, issues: [facts] }], refine });
    expect(actions.slice(1)).toEqual(reason === undefined ? [] : [{ kind: 'refine-tasks', subject: 'inbox', reason }]);
  });
});
