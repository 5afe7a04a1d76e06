/**
 * What a command may use. Everything behind a function is opened at its first
 * call, so that a tick pays only for what it needs; `context.ts` alone builds
 * it.
 */
import type { Agent } from './agents/agent.ts';
import type { Books } from './budget/books.ts';
import type { Clock } from './clock.ts';
import type { StatePaths } from './config/paths.ts';
import type { LoadedConfig } from './config/schema.ts';
import type { Effects } from './effects/effects.ts';
import type { EventLog } from './events/event.ts';
import type { Git } from './git/git.ts';
import type { GitHub, Spent } from './github/github.ts';
import type { AccessFacts } from './github/octokit/access.ts';
import type { Mailbox } from './mailbox/mailbox.ts';
import type { Models } from './models/models.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

export interface Ports {
  readonly config: LoadedConfig;
  readonly paths: StatePaths;
  readonly clock: Clock;
  /** Id of this run, on every event. */
  readonly run: string;
  readonly log: EventLog;
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  forge(): Promise<GitHub>;
  /** What our credential may do, asked now; only where the forge is GitHub. */
  access?(): Promise<AccessFacts>;
  /** What the forge was asked so far; opens nothing. */
  spent(): Readonly<Spent>;
  effects(): Promise<Effects>;
  mailbox(): Promise<Mailbox>;
  git(): Promise<Git>;
  /** Opens the sandbox in the configured mode. @throws `config` where it is required and missing. */
  sandbox(): Promise<Sandbox>;
  agents(): Promise<ReadonlyMap<string, Agent>>;
  /** What runs may spend, and have. */
  books(): Promise<Books>;
  /** `undefined` where no model is configured. */
  models(): Promise<Models | undefined>;
}

/** Where a command's words go: results to stdout, words to people to stderr. */
export interface Output {
  result(text: string): void;
  note(text: string): void;
}
