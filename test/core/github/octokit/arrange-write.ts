/** What the writes of the tests are arranged with. */
import type { Task } from '../../../../src/core/mailbox/task.ts';
import type { Ports } from '../../../../src/core/ports.ts';
import { buildAttempt, buildTask } from '../../../support/builders.ts';
import { OWN, type Passes, PERSON, REPO } from './passes.ts';

export interface Write {
  /** The request that may meet a fault. */
  request: { method: string; path: RegExp };
  /** False where only the adapter can look whether it happened. */
  asked?: boolean;
  /** Arranges what comes before it; no request is counted until then. */
  arrange(at: Passes): Promise<Case>;
}

export interface Case {
  /** One pass, as a loop makes it; resolves when everything is done. */
  run(ports: Ports): Promise<unknown>;
  /** How often it happened, by GitHub's own memory. */
  happened(): number;
}

export const projector = async (ports: Ports) => ({ forge: await ports.forge(), effects: await ports.effects() });

let last = 0;
/** For names that nothing else has. */
export const fresh = (): number => ++last;

export function openIssue(at: Passes, labels: string[] = []): number {
  return at.server.as(PERSON).openIssue(REPO, { title: `Issue ${++last}`, body: 'text', labels });
}

/** A branch of ours that changes a file of its own, and its pull request. */
export function openPull(at: Passes): { number: number; head: string; branch: string } {
  const branch = `agent/x-${++last}`;
  const head = at.server.as(OWN).push(REPO, branch, { [`file-${last}`]: 'x\n' });
  return { number: at.server.as(OWN).openPull(REPO, { title: `Pull ${last}`, head: branch }), head, branch };
}

export function taskOf(issue: number, over: Partial<Task> = {}): Task {
  const id = `acme__shop-${issue}-1`;
  return buildTask({ id, issue, branch: `agent/${id}`, attempts: [buildAttempt(1, { outcome: 'complete', code: 'ok' })], ...over });
}
