/** Builds tasks and mailboxes for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import { taskBranch, taskId } from '../../src/core/ids.ts';
import type { Owner } from '../../src/core/liveness.ts';
import type { Mailbox } from '../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../src/core/mailbox/maildir.ts';
import type { Task } from '../../src/core/mailbox/task.ts';

export const NOW = '2026-11-22T10:00:00.000Z';

/** Nobody: no boot has this id. */
export const DEAD: Owner = { boot: '00000001', pid: 4_000_000, start: 1 };

export function buildTask(fields: Partial<Task> = {}): Task {
  const issue = fields.issue ?? 12;
  const id = fields.id ?? taskId('acme/shop', issue, 1);
  return {
    version: 1,
    id,
    repo: 'acme/shop',
    issue,
    title: 'Show the cart total with tax',
    type: 'implementation',
    priority: 'normal',
    agents: ['codex', 'claude'],
    base: 'main',
    branch: taskBranch(id),
    created_at: NOW,
    snapshot: { sha256: 'a'.repeat(64), ready_by: 'octocat', ready_at: '2026-11-22T09:58:11Z' },
    attempts: [],
    ...fields,
  };
}

export interface Box {
  state: string;
  root: string;
  mailbox: Mailbox;
  /** The mailbox as another process sees it. */
  as(owner: Owner): Mailbox;
  remove(): void;
}

export function openBox(clock: Clock = { now: () => new Date(NOW) }): Box {
  const state = mkdtempSync(join(tmpdir(), 'agentos-mailbox-'));
  const options = { root: `${state}/mailbox`, locks: `${state}/locks`, clock };
  return {
    state,
    root: options.root,
    mailbox: openMailbox(options),
    as: (owner) => openMailbox({ ...options, owner }),
    remove: () => rmSync(state, { recursive: true, force: true }),
  };
}
