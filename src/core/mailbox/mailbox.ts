/**
 * The port of the mailbox: trays of task files. The tray is the state, the
 * content is the history. At every instant an id is in exactly one tray;
 * nothing unreadable is ever removed. docs/mailbox.md has the guarantees.
 */
import type { Owner } from '../liveness.ts';
import type { Task } from './task.ts';

export const TRAYS = ['inbox', 'processing', 'review', 'escalated', 'failed', 'done'] as const;
export type Tray = (typeof TRAYS)[number];

/** Larger files are not read: nothing that Agent OS writes comes near it. */
export const MAX_FILE_BYTES = 256 * 1024;

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
  /** Somebody of its chain must be able to run first, whatever `notBefore` expects. */
  waitsFor?: NonNullable<Task['waits_for']>;
  /** Its chain, where it waits for somebody of it. */
  agents?: readonly string[];
  /** Its open pull request: a fix, or a retry of what was pushed. */
  pullRequest?: number;
  /** A model is still asked about its text, or its parts are being filed. */
  preparing?: 'pending' | 'split';
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
  /** The letter of an id, in whatever tray. @throws `refused` when a newer version of Agent OS wrote it. */
  find(id: string): Promise<Letter | undefined>;
  /** Every readable letter of a tray, by id. Unreadable files are quarantined on the way (see `sweep`); what a newer version wrote is left out. */
  list(tray: Tray): Promise<Letter[]>;
  /** Every waiting task, without reading files that have not changed since they were indexed. */
  listWaiting(): Promise<Waiting[]>;
  /** Letters (and claims) a tray, by names only. */
  counts(): Promise<Record<Tray | 'quarantine', number>>;
  /** Moves `inbox` → `processing` under this process's name. `undefined`: another worker was faster, or it left. */
  claim(id: string): Promise<Letter | undefined>;
  /**
   * Takes a claim over from an owner that is gone, so that one process alone clears up after it.
   * `undefined`: the owner lives, or another process was faster.
   */
  takeOver(letter: Letter): Promise<Letter | undefined>;
  /**
   * Replaces the content where it lies; the text too, where one is given.
   * @throws `conflict` when the letter is not in that tray any more (a claim: not ours any more), or was changed since it was read.
   */
  update(letter: Letter, task: Task, body?: string): Promise<Letter>;
  /**
   * Content first, then the tray: a crash in between leaves the letter where it
   * was with the newer history (one from `inbox`: in `processing`, to be reclaimed).
   * Only the owner's moves of its own claim onwards are lock-free. Nothing leaves `done`.
   * Notes in `rests_in` that it lies in `escalated` or `failed`.
   * @throws `conflict` when the letter is not where it was, was changed since it was read, or the id lies in `to` already.
   */
  move(letter: Letter, to: Tray, task: Task): Promise<Letter>;
  /**
   * Puts right what a crash or a person left: temporary files older than 36 h
   * removed, the same id in two trays resolved (the later state in the order of
   * `TRAYS` stays, the other copy is quarantined), unreadable files quarantined.
   */
  sweep(now: Date): Promise<Quarantined[]>;
}
