/**
 * The port of the mailbox: trays of task files. The tray is the state, the
 * content is the history. At every instant an id is in exactly one tray;
 * nothing unreadable is ever removed. docs/mailbox.md has the guarantees.
 */
import type { Owner } from '../liveness.ts';
import type { Task } from './task.ts';

export const TRAYS = ['inbox', 'processing', 'review', 'escalated', 'failed', 'done'] as const;
export type Tray = (typeof TRAYS)[number];

/** A task file: what it says, and where it lies. */
export interface Letter {
  readonly task: Task;
  /** The Markdown below the front matter. */
  readonly body: string;
  readonly tray: Tray;
  /** Who claimed it: `processing` only. */
  readonly owner?: Owner;
}

/** What the choice of the next task needs to know; may come from the index. */
export interface Waiting {
  id: string;
  repo: string;
  issue: number;
  priority: Task['priority'];
  createdAt: string;
  notBefore?: string;
}

/** A file that could not be read as a task and was moved to `quarantine`. */
export interface Quarantined {
  file: string;
  from: Tray;
  reason: string;
}

export interface Mailbox {
  /** Publishes a new task in `inbox`. False, and nothing changed, when its id is in any tray. */
  submit(task: Task, body: string): Promise<boolean>;
  /** The letter of an id, in whatever tray. */
  find(id: string): Promise<Letter | undefined>;
  /** Every readable letter of a tray, by id. Unreadable files are quarantined on the way (see `sweep`). */
  list(tray: Tray): Promise<Letter[]>;
  /** Every waiting task, without reading files that have not changed since they were indexed. */
  listWaiting(): Promise<Waiting[]>;
  /** Letters (and claims) a tray, by names only. */
  counts(): Promise<Record<Tray | 'quarantine', number>>;
  /** Moves `inbox` → `processing` under this process's name. `undefined`: another worker was faster, or it left. */
  claim(id: string): Promise<Letter | undefined>;
  /** Replaces the content where it lies. @throws `conflict` when the letter is not in that tray any more (a claim: not ours any more). */
  update(letter: Letter, task: Task): Promise<Letter>;
  /**
   * Content first, then the tray: a crash in between leaves the letter where it
   * was with the newer history. Only forward moves (in the order of `TRAYS`)
   * are lock-free; moves back to `inbox` exclude `submit`.
   * @throws `conflict` when the letter is not where it was.
   */
  move(letter: Letter, to: Tray, task: Task): Promise<Letter>;
  /**
   * Puts right what a crash or a person left: temporary files older than 36 h
   * removed, the same id in two trays resolved (the later state in the order of
   * `TRAYS` stays, the other copy is quarantined), unreadable files quarantined.
   */
  sweep(now: Date): Promise<Quarantined[]>;
}
