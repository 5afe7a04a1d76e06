/** What the invariants are judged on: everything that was looked at, once. Pure. */
import type { Inspection } from '../budget/judge-books.ts';
import type { EffectRecord } from '../effects/effects.ts';
import type { Comment, PullRequest } from '../github/github.ts';
import type { Letter, Tray } from '../mailbox/mailbox.ts';

export interface FsckSnapshot {
  /** ISO instant. */
  now: string;
  /** `queue.max_attempts`. */
  maxAttempts: number;
  letters: FsckLetter[];
  /** Files in a tray that are no task, with the reason. */
  unreadable: { tray: Tray; file: string; reason: string }[];
  /** Names in `mailbox/quarantine`, without the files of reasons. */
  quarantine: string[];
  effects: EffectRecord[];
  /** Paths of records that cannot be read. */
  unreadableEffects: string[];
  repos: FsckRepo[];
  /** Repositories that the forge did not show, and why. */
  unseen: { repo: string; reason: string }[];
  /** `workspaces/<task>/<attempt>`; `alive`: the process that owns the attempt runs. */
  workspaces: { task: string; attempt: number; alive: boolean }[];
  /** Names in `locks` that processes which should be gone still hold. */
  strayLocks: string[];
  /** Processes that carry the mark of an attempt which has ended. */
  strayProcesses: { pid: number; task: string; attempt: number }[];
  books: Inspection;
  /** Files in `breakers` that are none. */
  unreadableBreakers: string[];
}

export interface FsckLetter {
  letter: Letter;
  /** `processing` only: whether the owner runs. */
  alive?: boolean;
}

/** What the forge shows of one repository; only what tasks and effects of ours concern. */
export interface FsckRepo {
  repo: string;
  /** Numeric id of our identity, and whether a person uses it too. */
  own: { id: number; shared: boolean };
  pulls: PullRequest[];
  /** Of issues, by number. */
  comments: ReadonlyMap<number, Comment[]>;
}

export interface Finding {
  invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I9' | 'I10';
  /** An error is broken; a warning is for a person to look at, and breaks nothing. */
  severity: 'error' | 'warning';
  subject: string;
  what: string;
  /** An imperative sentence. */
  remedy: string;
}
