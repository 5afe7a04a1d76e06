/** Where people and Agent OS meet: a forge with one small repository and three issues, on a clock that the test moves. */
import type { Clock } from '../../src/core/clock.ts';
import type { GitHub } from '../../src/core/github/github.ts';
import type { Act } from './script.ts';

export const REPO = 'demo/shop';
/** A person with write permission. */
export const PERSON = 'octocat';

export interface Place {
  /** A private directory; gone after `close`. */
  dir: string;
  clock: TestClock;
  /** As Agent OS sees it. */
  forge: GitHub;
  /** The `forge` of the configuration. */
  config: Record<string, unknown>;
  /** A person does it, now. */
  act(act: Act, pull: number | undefined): Promise<void>;
  tip(branch: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Stands still between two moves, so that nothing depends on how fast the machine is. */
export class TestClock implements Clock {
  #millis = Date.parse('2026-03-01T10:00:00Z');
  readonly #listeners: ((instant: string) => void)[] = [];

  now(): Date {
    return new Date(this.#millis);
  }

  advance(seconds: number): void {
    this.#millis += seconds * 1000;
    for (const listener of this.#listeners) listener(this.now().toISOString());
  }

  follow(listener: (instant: string) => void): void {
    this.#listeners.push(listener);
    listener(this.now().toISOString());
  }
}
