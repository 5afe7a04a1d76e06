/** Values for table tests: each test states only what differs. */
import type { Actor, Issue, IssueEvent, PullRequest } from '../../src/core/github/github.ts';
import type { ReadinessFacts } from '../../src/core/github/readiness.ts';
import type { Attempt, Task } from '../../src/core/mailbox/task.ts';

export const OCTOCAT: Actor = { id: 7, login: 'octocat' };
export const STRANGER: Actor = { id: 8, login: 'stranger' };
export const OWN: Actor = { id: 1, login: 'agentos' };
export const SHA = { head: 'a'.repeat(40), base: 'b'.repeat(40), tree: 'c'.repeat(40), other: 'd'.repeat(40) };

/** An instant on one fixed day: `at('10:00')`, `at('10:00:01')`. */
export function at(time: string): string {
  return `2026-11-22T${time.length === 5 ? `${time}:00` : time}Z`;
}

export function buildIssue(over: Partial<Issue> = {}): Issue {
  return {
    number: 12,
    title: 'Show the cart total with tax',
    body: 'Please.',
    state: 'open',
    labels: ['ready'],
    author: OCTOCAT,
    assignees: [],
    pinned: false,
    createdAt: at('09:00'),
    updatedAt: at('10:00'),
    ...over,
  };
}

let lastEvent = 0;
export function labeled(label: string, time: string, actor: Actor | undefined = OCTOCAT): IssueEvent {
  return { id: String(++lastEvent), kind: 'labeled', label, at: at(time), ...(actor && { actor }) };
}
export function edited(time: string): IssueEvent {
  return { id: String(++lastEvent), kind: 'edited', at: at(time), actor: OCTOCAT };
}
export function renamed(time: string): IssueEvent {
  return { id: String(++lastEvent), kind: 'renamed', from: 'a', to: 'b', at: at(time), actor: OCTOCAT };
}

export function buildReadiness(over: Partial<ReadinessFacts> = {}): ReadinessFacts {
  return {
    issue: buildIssue(),
    events: [labeled('ready', '10:00')],
    label: 'ready',
    trusted: 'write',
    own: { ...OWN, shared: false },
    ownReadyEvents: new Set(),
    ownReadyIntent: false,
    permissions: new Map([
      [OCTOCAT.id, 'write'],
      [STRANGER.id, 'triage'],
      [OWN.id, 'write'],
    ]),
    pins: new Map(),
    ...over,
  };
}

export function buildTask(over: Partial<Task> = {}): Task {
  return {
    version: 1,
    id: 'acme__shop-12-1',
    repo: 'acme/shop',
    issue: 12,
    title: 'Show the cart total with tax',
    type: 'implementation',
    priority: 'normal',
    agents: ['codex', 'claude'],
    base: 'main',
    branch: 'agent/acme__shop-12-1',
    created_at: at('10:00'),
    snapshot: { sha256: 'e'.repeat(64), ready_by: 'octocat', ready_at: at('10:00') },
    attempts: [],
    ...over,
  };
}

/** An ended attempt; `failed` with code `no_diff` unless said otherwise. */
export function buildAttempt(n: number, over: Partial<Attempt> = {}): Attempt {
  return {
    n,
    agent: 'codex',
    kind: 'work',
    started_at: at('10:01'),
    ended_at: at('10:02'),
    outcome: 'failed',
    code: 'no_diff',
    summary: 'nothing changed',
    ...over,
  };
}

export function buildPull(over: Partial<PullRequest> = {}): PullRequest {
  return {
    number: 17,
    title: 'Show the cart total with tax',
    body: 'Closes #12',
    state: 'open',
    author: OWN,
    base: 'main',
    head: 'agent/acme__shop-12-1',
    headSha: SHA.head,
    draft: false,
    labels: [],
    mergeable: true,
    createdAt: at('10:05'),
    updatedAt: at('10:05'),
    ...over,
  };
}
