import { describe, expect, it } from 'vitest';
import type { EffectRecord } from '../../../src/core/effects/effects.ts';
import { checkInvariants } from '../../../src/core/fsck/invariants.ts';
import type { FsckLetter, FsckRepo, FsckSnapshot } from '../../../src/core/fsck/snapshot.ts';
import type { Comment, PullRequest } from '../../../src/core/github/github.ts';
import { STATUS_MARKER } from '../../../src/core/github/status-comment.ts';
import type { Tray } from '../../../src/core/mailbox/mailbox.ts';
import type { Attempt, Task } from '../../../src/core/mailbox/task.ts';
import { buildTask, DEAD, NOW } from '../../support/mailbox-task.ts';

const HEAD = 'b'.repeat(40);
const BRANCH = 'agent/acme__shop-12-1';
const OWN = { id: 7, login: 'agentos' };

function letter(tray: Tray, task: Partial<Task> = {}): FsckLetter {
  const needs: Partial<Task> = tray === 'review' ? { pull_request: 17, pushed: HEAD } : tray === 'done' ? { merged: HEAD } : {};
  const claim = tray === 'processing' ? { owner: DEAD } : {};
  return { letter: { task: buildTask({ ...needs, ...task }), body: '', tray, ...claim }, ...(tray === 'processing' && { alive: true }) };
}

function attempt(n: number, fields: Partial<Attempt> = {}): Attempt {
  return { n, agent: 'codex', kind: 'work', started_at: NOW, ended_at: NOW, outcome: 'failed', ...fields };
}

function openAttempt(n: number): Attempt {
  return { n, agent: 'codex', kind: 'work', started_at: NOW };
}

function pull(fields: Partial<PullRequest> = {}): PullRequest {
  return {
    number: 17,
    title: '',
    body: '',
    state: 'open',
    author: OWN,
    base: 'main',
    head: BRANCH,
    headSha: HEAD,
    draft: false,
    labels: [],
    createdAt: NOW,
    updatedAt: NOW,
    ...fields,
  };
}

function comment(id: number, fields: Partial<Comment> = {}): Comment {
  return { id, author: OWN, body: `${STATUS_MARKER}\nQueued`, createdAt: NOW, updatedAt: NOW, ...fields };
}

function effect(fields: Partial<EffectRecord> = {}): EffectRecord {
  const base = { version: 1 as const, id: 'x', repo: 'acme/shop', subject: '#12', kind: 'create-status-comment', key: 'status' };
  return { ...base, state: 'done', intendedAt: NOW, result: { id: 5 }, ...fields };
}

function repo(fields: Partial<FsckRepo> = {}): FsckRepo {
  return { repo: 'acme/shop', own: { id: OWN.id, shared: false }, pulls: [pull()], comments: new Map([[12, [comment(5)]]]), ...fields };
}

/** One task in review, as it should be. */
function snapshot(fields: Partial<FsckSnapshot> = {}): FsckSnapshot {
  return {
    now: NOW,
    maxAttempts: 4,
    letters: [letter('review', { attempts: [attempt(1), attempt(2, { outcome: 'complete' })] })],
    unreadable: [],
    quarantine: [],
    effects: [effect(), effect({ subject: BRANCH, kind: 'open-pull-request', result: { number: 17 } })],
    unreadableEffects: [],
    unseen: [],
    repos: [repo()],
    workspaces: [],
    strayLocks: [],
    strayProcesses: [],
    books: { entries: [], unreadable: [] },
    unreadableBreakers: [],
    ...fields,
  };
}

const breaches = (fields: Partial<FsckSnapshot>) =>
  checkInvariants(snapshot(fields)).map(({ invariant, severity, subject, what }) => `${invariant} ${severity} ${subject}: ${what}`);

const ID = 'acme__shop-12-1';
const noForge = { repos: [], effects: [] };

it('finds nothing in a system that is as it should be', () => {
  expect(checkInvariants(snapshot())).toEqual([]);
  const running = letter('processing', { attempts: [attempt(1), openAttempt(2)] });
  const cutOff = letter('inbox', { id: 'acme__shop-13-1', issue: 13, attempts: [openAttempt(1)] });
  const ended = letter('failed', { id: 'acme__shop-12-0' });
  expect(breaches({ ...noForge, letters: [running, cutOff, ended] })).toEqual([]);
});

describe('I1', () => {
  it('a task is in one tray', () => {
    const letters = [letter('done'), letter('inbox')];
    expect(breaches({ ...noForge, letters })).toEqual([`I1 error ${ID}: the task lies in \`inbox\` and \`done\``]);
  });

  it('an issue has one task that has not ended', () => {
    const letters = [letter('inbox'), letter('escalated', { id: 'acme__shop-12-2' })];
    expect(breaches({ ...noForge, letters })).toEqual([
      `I1 error acme/shop#12: the issue has 2 tasks that have not ended: ${ID}, acme__shop-12-2`,
    ]);
  });
});

describe('I2', () => {
  const { pull_request: _pull, pushed: _pushed, ...bare } = buildTask();
  const cases: [string, FsckLetter, string[]][] = [
    [
      'review',
      { letter: { task: bare, body: '', tray: 'review' } },
      ['it is in `review` and nothing was pushed', 'it is in `review` without a pull request'],
    ],
    ['done', { letter: { task: bare, body: '', tray: 'done' } }, ['it is in `done` and nothing was merged']],
    ['no owner', { letter: { task: bare, body: '', tray: 'processing' }, alive: true }, ['it is in `processing` without an owner']],
    ['open', letter('escalated', { attempts: [openAttempt(1)] }), ['an attempt is open, and it is in `escalated`']],
    ['number', letter('inbox', { attempts: [attempt(1), attempt(3)] }), ['attempt 2 has the number 3']],
    ['order', letter('inbox', { attempts: [openAttempt(1), attempt(2)] }), ['attempt 1 has not ended, and 2 has begun']],
    [
      'time',
      letter('inbox', { attempts: [attempt(1), attempt(2, { started_at: '2026-11-22T09:00:00Z' })] }),
      ['attempt 2 begins before 1 has ended'],
    ],
    ['backwards', letter('inbox', { attempts: [attempt(1, { ended_at: '2026-11-22T09:00:00Z' })] }), ['attempt 1 ends before it begins']],
  ];
  it.each(cases)('the history agrees with the tray: %s', (_, one, what) => {
    expect(breaches({ ...noForge, letters: [one] })).toEqual(what.map((text) => `I2 error ${ID}: ${text}`));
  });

  it('files can be read', () => {
    const unreadable = [{ tray: 'inbox' as const, file: 'x.md', reason: 'it is empty' }];
    expect(breaches({ unreadable, quarantine: ['y.md'] })).toEqual([
      'I2 error inbox/x.md: the file is no task: it is empty',
      'I2 warning quarantine/y.md: the file waits for a person',
    ]);
  });
});

describe('I3', () => {
  it('an agent branch and an issue have one open pull request', () => {
    const repos = [
      repo({ pulls: [pull(), pull({ number: 18 }), pull({ number: 19, state: 'closed' }), pull({ number: 20, head: 'feature' })] }),
    ];
    expect(breaches({ repos })).toEqual([
      'I3 error acme/shop #12: 2 pull requests are open: #17, #18',
      `I3 error acme/shop branch ${BRANCH}: 2 pull requests are open: #17, #18`,
    ]);
  });
});

describe('I4', () => {
  const comments = (...all: Comment[]) => [repo({ comments: new Map([[12, all]]) })];

  it('an issue has one status comment, and the journal knows it', () => {
    expect(breaches({ repos: comments(comment(5), comment(6)) })).toEqual([
      'I4 error acme/shop#12: comment 6 is ours, and the journal does not know it',
      'I4 error acme/shop#12: the issue has 2 status comments: 5, 6',
    ]);
  });

  it('an open intent may be the comment', () => {
    const { result: _, ...intent } = effect({ state: 'intent' });
    expect(breaches({ effects: [intent], repos: comments(comment(6)) })).toEqual([]);
  });

  it('what a person says with a shared account, or with another, is not ours', () => {
    const shared = repo({ own: { id: OWN.id, shared: true }, comments: new Map([[12, [comment(5), comment(6, { body: 'Hello' })]]]) });
    expect(breaches({ repos: [shared] })).toEqual([]);
    expect(breaches({ repos: comments(comment(5), comment(6, { author: { id: 8, login: 'octocat' } })) })).toEqual([]);
  });
});

describe('I5', () => {
  it('what is recorded as done is there', () => {
    const empty = repo({ pulls: [], comments: new Map([[12, []]]) });
    expect(breaches({ repos: [empty] })).toEqual([
      `I5 error acme/shop ${BRANCH}: pull request #17 is recorded and not there`,
      'I5 warning acme/shop #12: comment 5 is recorded and not there: somebody removed it',
    ]);
  });

  it('a repository that is not seen is no clean one', () => {
    expect(breaches({ unseen: [{ repo: 'acme/gone', reason: 'there is no acme/gone' }] })).toEqual([
      'I5 error acme/gone: the forge does not show it, so that nothing of it could be checked there: there is no acme/gone',
    ]);
  });

  it('intents end within the hour, and records can be read', () => {
    const { result: _, ...intent } = effect({ state: 'intent', kind: 'add-label', intendedAt: '2026-11-22T08:59:59.000Z' });
    expect(breaches({ effects: [effect(), intent], unreadableEffects: ['effects/x.json'] })).toEqual([
      'I5 error effects/x.json: the record of an effect cannot be read',
      `I5 warning acme/shop #12: \`add-label\` is intended since ${intent.intendedAt}, and nobody knows whether it happened`,
    ]);
    expect(breaches({ effects: [effect(), { ...intent, intendedAt: '2026-11-22T09:00:00.000Z' }] })).toEqual([]);
  });
});

it('I6: the books can be read and agree with the tasks, and so can the breakers', () => {
  const left = { id: `${ID}.1`, task: ID, agent: 'codex', at: '2026-01-01T00:00:00.000Z', reservedUsd: 5, path: 'b', line: 1 };
  expect(
    breaches({ books: { entries: [left], unreadable: [{ path: 'b', line: 2 }] }, unreadableBreakers: ['breakers/codex.json'] }),
  ).toEqual([
    'I6 error b:2: `b` cannot be read at line 2: nothing that a limit concerns is spent until it can',
    `I6 warning b:1: $5.00 are reserved for \`${ID}.1\` since 2026-01-01T00:00:00.000Z, which is not under way: they count as spent`,
    'I6 warning breakers/codex.json: the breaker of an agent cannot be read, and rests nobody',
  ]);
});

describe('I7', () => {
  it('the head of an open agent branch is what was pushed, or is said to be foreign', () => {
    const foreign = 'c'.repeat(40);
    const other = pull({ number: 18, head: 'agent/somebody' });
    expect(breaches({ repos: [repo({ pulls: [pull({ headSha: foreign }), other] })] })).toEqual([
      `I7 warning acme/shop#17: its head ${foreign.slice(0, 12)} is not what Agent OS pushed (${HEAD.slice(0, 12)})`,
      'I7 warning acme/shop#18: no task stands behind branch `agent/somebody`',
    ]);
  });

  it('our own merge of the base into it is not foreign', () => {
    const updated = 'd'.repeat(40);
    const made = effect({ subject: '#17', kind: 'update-branch', key: HEAD, result: { sha: updated } });
    const repos = [repo({ pulls: [pull({ headSha: updated })] })];
    const foreign = (effects: EffectRecord[]) => breaches({ repos, effects }).filter((line) => line.startsWith('I7'));
    expect(foreign([effect(), made])).toEqual([]);
    expect(foreign([effect()])).toHaveLength(1);
  });
});

describe('I9 and I10', () => {
  it('nothing is left of a process that is gone', () => {
    const claim: FsckLetter = { ...letter('processing'), alive: false };
    const workspaces = [
      { task: ID, attempt: 1, alive: false },
      { task: ID, attempt: 2, alive: true },
    ];
    const strayProcesses = [{ pid: 99, task: ID, attempt: 1 }];
    expect(breaches({ ...noForge, letters: [claim], workspaces, strayLocks: ['queue.lock'], strayProcesses })).toEqual([
      `I9 error ${ID}: the task is claimed by a process that is gone`,
      `I9 error ${ID}/1: process 99 of this attempt runs, and the attempt has ended`,
      'I9 error locks/queue.lock: a process that should be gone holds this lock',
      `I9 error workspaces/${ID}/1: nobody works in this directory any more`,
    ]);
  });

  it('attempts end somewhere; a retry of a person gives a new allowance', () => {
    const attempts = [1, 2, 3, 4, 5].map((n) => attempt(n));
    expect(breaches({ ...noForge, letters: [letter('escalated', { attempts })] })).toEqual([
      `I10 error ${ID}: 5 attempts count, and 4 are allowed`,
    ]);
    expect(breaches({ ...noForge, letters: [letter('escalated', { attempts, attempts_forgiven: 4 })] })).toEqual([]);
  });
});
