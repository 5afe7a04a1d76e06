/**
 * Exactly-once writes on a forge, in practice (docs/reliability.md, "Effects on
 * the forge"): durable intent, probe by natural key, one try,
 * record. A write whose outcome nobody knows is probed later and never repeated
 * blindly. Every write to a forge goes through this port, and through it alone
 * our own effects are recognised.
 */

import type { Owner } from '../liveness.ts';

/** JSON that the journal keeps. */
export type Recorded = string | number | boolean | null | { [key: string]: Recorded } | Recorded[];

export interface Effect<T extends Recorded> {
  repo: string;
  /** What is written to: `#12`, or a branch. */
  subject: string;
  /** Verb and noun in kebab-case: `open-pull-request`, `add-label`. */
  kind: string;
  /** Tells this effect from others of its kind on the same subject: a task id, a label, a fingerprint. */
  key: string;
  /** What is sent, for the record; long texts as a hash. */
  payload?: Recorded;
  /**
   * `once`: happens at most once in the life of its key, and a recorded result
   * is returned without asking. `state`: makes something so; asked each time.
   */
  nature: 'once' | 'state';
  /** Looks for the effect by its natural key, and adopts only what is ours. */
  probe(): Promise<T | undefined>;
  /** The one request. Must not retry. */
  act(): Promise<T>;
}

export interface EffectRecord {
  version: 1;
  id: string;
  repo: string;
  subject: string;
  kind: string;
  key: string;
  payload?: Recorded;
  state: 'intent' | 'done' | 'failed';
  /** Of the latest intent. */
  intendedAt: string;
  /** Who is at it right now: set with the intent, taken away with its end or when the outcome is unknown. */
  owner?: Owner;
  recordedAt?: string;
  result?: Recorded;
  /** Message of a definite refusal. */
  error?: string;
  /** Probes that found nothing since an outcome became unknown. */
  emptyProbes?: number;
  lastProbeAt?: string;
}

export interface Effects {
  /**
   * Makes the effect happen exactly once.
   * @throws what `act` throws when the forge refused it (recorded as failed, may be tried again later);
   *   `unknown_outcome` while an earlier try may still turn up (`retryAt`: when to ask again);
   *   `locked` while another process, or another call of this one, is at the same effect.
   */
  ensure<T extends Recorded>(effect: Effect<T>): Promise<T>;
  /** The record of one effect. One that cannot be read is set aside, and counts as an intent of unknown outcome. */
  find(effect: Pick<Effect<Recorded>, 'repo' | 'subject' | 'kind' | 'key'>): Promise<EffectRecord | undefined>;
  /** Every record of a repository, of one kind when given; unreadable ones are an error. */
  list(repo: string, kind?: string): Promise<EffectRecord[]>;
}
