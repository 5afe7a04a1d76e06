import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidePrMonitor, type PullFacts, type TreeFacts } from '../../../src/commands/pr-monitor/policy.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { CheckRun, Review } from '../../../src/core/github/github.ts';
import { at, buildIssue, buildPull, buildTask, OCTOCAT, SHA } from '../../support/builders.ts';

const check = (state: CheckRun['state'], name = 'npm test'): CheckRun => ({ name, sha: SHA.head, state });
const tree: TreeFacts = { baseTip: SHA.base, upToDate: true, headTree: SHA.tree, verified: false, protected: [], refused: [] };
const review = (state: Review['state'], time = '10:00'): Review => ({ author: OCTOCAT, state, sha: SHA.head, body: '', at: at(time) });

function facts(over: Partial<PullFacts> = {}): PullFacts {
  return {
    task: buildTask({ pull_request: 17, pushed: SHA.head }),
    tray: 'review',
    automation: 'full',
    readyLabel: 'ready',
    hasVerify: false,
    issue: buildIssue(),
    sameText: true,
    pull: buildPull(),
    ours: true,
    checks: [check('success')],
    reviews: { trusted: [], approvedShas: [] },
    tree,
    ...over,
  };
}
const one = (over: Partial<PullFacts>) => decidePrMonitor({ pulls: [facts(over)] })[0];
const approved = { trusted: [review('approved')], approvedShas: [SHA.head] };

describe('the PR monitor', () => {
  it.each<[string, Partial<PullFacts>, object]>([
    ['merges what is green, up to date and fully automatic', {}, { kind: 'merge', expectedHeadSha: SHA.head }],
    ['finalizes what is merged, whoever merged it', { pull: buildPull({ state: 'merged' }), ours: false }, { kind: 'finalize' }],
    [
      'withdraws what a person closed',
      { pull: buildPull({ state: 'closed', closedBy: OCTOCAT }) },
      { kind: 'withdraw', reason: 'the pull request was closed by octocat' },
    ],
    ['withdraws when the issue is closed', { issue: buildIssue({ state: 'closed' }) }, { kind: 'withdraw' }],
    ['withdraws when ready is gone', { issue: buildIssue({ labels: [] }) }, { kind: 'withdraw' }],
    ['leaves an escalated task to its person', { tray: 'escalated' }, { kind: 'skip' }],
    ['finalizes an escalated task that a person merged', { tray: 'escalated', pull: buildPull({ state: 'merged' }) }, { kind: 'finalize' }],
    ['holds for `hold` on the issue', { issue: buildIssue({ labels: ['ready', 'hold'] }) }, { kind: 'hold' }],
    ['holds for `hold` on the pull request', { pull: buildPull({ labels: ['HOLD'] }) }, { kind: 'hold' }],
    ['holds a draft', { pull: buildPull({ draft: true }) }, { kind: 'hold' }],
    ['holds when the base was changed', { pull: buildPull({ base: 'release' }) }, { kind: 'hold' }],
    ['holds when somebody else pushed', { ours: false }, { kind: 'hold' }],
    ['withdraws what was cancelled too late for its run', { request: 'cancelled by the operator' }, { kind: 'withdraw' }],
    [
      'finishes what is merged rather than cancel it',
      { request: 'cancelled by the operator', pull: buildPull({ state: 'merged' }) },
      { kind: 'finalize' },
    ],
    [
      'tells of a merge that cannot be verified once',
      {
        tray: 'escalated',
        task: buildTask({ merged: SHA.other }),
        pull: buildPull({ state: 'merged', mergeSha: SHA.other }),
      },
      { kind: 'skip' },
    ],
    [
      'lets a newer ready take its place',
      { readiness: { ready: true, by: OCTOCAT, at: at('11:00'), n: 2, hints: {} } },
      { kind: 'wait', reason: expect.stringContaining('put on anew by octocat') },
    ],
    [
      'holds when who made it ready is not trusted any more',
      { readiness: { ready: false, why: 'untrusted', reason: 'not trusted' } },
      { kind: 'hold', reason: 'not trusted' },
    ],
    ['holds when the issue was edited', { sameText: false }, { kind: 'hold' }],
    [
      'holds for requested changes',
      { reviews: { trusted: [review('changes_requested'), review('commented', '11:00')], approvedShas: [] } },
      { kind: 'hold' },
    ],
    [
      'is not held once that reviewer approved',
      { reviews: { trusted: [review('changes_requested'), review('approved', '11:00')], approvedShas: [SHA.head] } },
      { kind: 'merge' },
    ],
    ['waits while the forge computes', { pull: (({ mergeable: _, ...rest }) => rest)(buildPull()) }, { kind: 'wait' }],
    [
      'asks for a fix of a conflict, once',
      { pull: buildPull({ mergeable: false, conflicts: ['a.js'] }) },
      { kind: 'queue-fix', fix: 'conflict', reason: 'conflicts with main: a.js' },
    ],
    [
      'names a few of many conflicts: the reason goes into the task file',
      { pull: buildPull({ mergeable: false, conflicts: Array.from({ length: 500 }, (_, k) => `${'long/'.repeat(30)}${k}\u001b[2J.js`) }) },
      { kind: 'queue-fix', reason: expect.stringMatching(/^(?!.*\u001b)[\s\S]{0,3000}and 490 more$/) },
    ],
    [
      'asks again for a fix whose move was cut off',
      {
        pull: buildPull({ mergeable: false }),
        task: buildTask({ fixes: 1, fix: { kind: 'conflict', head: SHA.head, base: SHA.base, about: [], evidence: '' } }),
      },
      { kind: 'queue-fix' },
    ],
    ['escalates a conflict after a fix', { pull: buildPull({ mergeable: false }), task: buildTask({ fixes: 1 }) }, { kind: 'escalate' }],
    [
      'waits for pending checks even when another failed',
      { checks: [check('failure', 'lint'), check('pending')] },
      { kind: 'wait', reason: 'checks run: `npm test`' },
    ],
    [
      'asks for a fix of red checks, once',
      { checks: [check('failure', 'lint'), check('success')] },
      { kind: 'queue-fix', fix: 'checks', reason: 'checks failed: `lint`' },
    ],
    [
      'escalates red after a fix',
      { checks: [check('failure')], task: buildTask({ fixes: 1 }) },
      { kind: 'escalate', reason: 'checks failed: `npm test`, after one fix' },
    ],
    [
      'waits for the first check where the base has some',
      { checks: [], checksMayCome: true, hasVerify: true, tree: { ...tree, verified: true } },
      { kind: 'wait', reason: expect.stringContaining('no check has begun') },
    ],
    [
      'holds what the forge has just refused to merge',
      { refusedMerge: 'at least 1 approving review is required.' },
      { kind: 'hold', reason: expect.stringContaining('refused the merge: at least 1 approving review is required; it is tried') },
    ],
    ['holds without any proof', { checks: [] }, { kind: 'hold', reason: expect.stringContaining('nothing proves it') }],
    ['neutral checks prove nothing', { checks: [check('neutral')] }, { kind: 'hold' }],
    ['verifies the head itself where the forge has no checks', { checks: [], hasVerify: true }, { kind: 'verify-head' }],
    ['merges a verified head without checks', { checks: [], hasVerify: true, tree: { ...tree, verified: true } }, { kind: 'merge' }],
    [
      'leaves what the merge queue has to it, also when the base has moved on',
      { queue: 'in', tree: { ...tree, upToDate: false } },
      { kind: 'wait', reason: 'the merge queue of acme/shop has it' },
    ],
    [
      'asks a person about what the merge queue gave back',
      { queue: 'out' },
      { kind: 'hold', reason: expect.stringContaining('gave it back') },
    ],
    [
      'holds for `hold` whatever the queue says',
      { queue: 'in', pull: buildPull({ labels: ['hold'] }) },
      { kind: 'hold', reason: 'label `hold` on #17' },
    ],
    ['waits when the tree could not be read', { tree: undefined as never }, { kind: 'wait' }],
    ['holds a refused tree', { tree: { ...tree, refused: ['.git/config: no'] } }, { kind: 'hold' }],
    ['never merges in dispatch_only, approved or not', { automation: 'dispatch_only', reviews: approved }, { kind: 'hold' }],
    [
      'holds for approval where supervised',
      { automation: 'supervised' },
      { kind: 'hold', reason: expect.stringContaining(`agentos approve acme/shop#17 --sha ${SHA.head}`) },
    ],
    [
      'an approval of another head is none',
      { automation: 'supervised', reviews: { trusted: [], approvedShas: [SHA.other] } },
      { kind: 'hold' },
    ],
    ['merges what was approved', { automation: 'supervised', reviews: approved }, { kind: 'merge' }],
    [
      'holds protected paths in every mode',
      { tree: { ...tree, protected: ['package.json'] } },
      { kind: 'hold', reason: expect.stringContaining('package.json') },
    ],
    ['merges protected paths that were approved', { tree: { ...tree, protected: ['package.json'] }, reviews: approved }, { kind: 'merge' }],
    ['updates a branch that is behind', { tree: { ...tree, upToDate: false } }, { kind: 'update-branch', expectedHeadSha: SHA.head }],
  ])('%s', (_, over, expected) => {
    expect(one(over)).toMatchObject(expected);
  });

  it('says what it left alone, and what it could not read', () => {
    const error = new AgentOsError('corrupt', 'the file is broken');
    const one = { id: 'x', issue: 1, subject: 'acme/shop#1' };
    expect(
      decidePrMonitor({
        pulls: [],
        left: [
          { ...one, reason: 'acme/shop is paused' },
          { ...one, reason: error.message, error },
        ],
      }),
    ).toMatchObject([
      { kind: 'hold', reason: 'acme/shop is paused' },
      { kind: 'unreadable', error },
    ]);
  });

  it('merges one pull request a base branch and pass, the oldest first', () => {
    const pull = (number: number, base = 'main') =>
      facts({ pull: buildPull({ number, base }), task: buildTask({ base, pull_request: number }) });
    const actions = decidePrMonitor({ pulls: [pull(19), pull(18), pull(20, 'next')] });
    expect(actions.map(({ subject, kind }) => [subject, kind])).toEqual([
      ['acme/shop#18', 'merge'],
      ['acme/shop#19', 'wait'],
      ['acme/shop#20', 'merge'],
    ]);
  });

  it('brings one pull request a base branch and pass up to date, and none that a merge of the same pass would leave behind', () => {
    const behind = (number: number, over: Partial<PullFacts> = {}) =>
      facts({ pull: buildPull({ number }), task: buildTask({ pull_request: number }), tree: { ...tree, upToDate: false }, ...over });
    const kinds = (...pulls: PullFacts[]) => decidePrMonitor({ pulls }).map(({ subject, kind, reason }) => [subject, kind, reason]);
    expect(kinds(behind(19), behind(18))).toEqual([
      ['acme/shop#18', 'update-branch', 'main has moved on'],
      ['acme/shop#19', 'wait', 'another pull request is brought up to date with main first'],
    ]);
    expect(kinds(behind(18), behind(19, { tree }))).toEqual([
      ['acme/shop#18', 'wait', 'another pull request is merged into main first'],
      ['acme/shop#19', 'merge', expect.any(String)],
    ]);
    expect(kinds(behind(18, { refusedUpdate: 'no.' }), behind(19))).toEqual([
      ['acme/shop#18', 'hold', 'acme/shop refused the update of its branch: no; it is tried again every ten minutes'],
      ['acme/shop#19', 'update-branch', 'main has moved on'],
    ]);
  });

  it('merges nothing that any single gate refuses, in any combination', () => {
    const bad: Partial<PullFacts>[] = [
      { ours: false },
      { sameText: false },
      { checks: [check('pending')] },
      { checks: [check('failure')] },
      { checks: [] },
      { pull: buildPull({ mergeable: false }) },
      { pull: buildPull({ labels: ['hold'] }) },
      { issue: buildIssue({ labels: ['ready', 'hold'] }) },
      { issue: buildIssue({ labels: [] }) },
      { automation: 'dispatch_only' },
      { tree: { ...tree, upToDate: false } },
      { tree: { ...tree, refused: ['x'] } },
      { tree: { ...tree, protected: ['x'] } },
      { tray: 'escalated' },
    ];
    fc.assert(
      fc.property(fc.subarray(bad, { minLength: 1 }), (some) => {
        expect(one(Object.assign({}, ...some))?.kind).not.toBe('merge');
      }),
    );
  });
});
