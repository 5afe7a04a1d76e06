/**
 * A coding agent with a command line of its own, as two pure functions: how it
 * is started, and what its output says. The spawner (`cli-agent.ts`) does the
 * rest alike for all of them. A new one takes one file beside this and one line
 * in the registry (docs/agents.md, "Add an agent").
 */
import type { Protocol } from '../../gateway/gateway.ts';
import type { AgentFailure, TokenUsage } from '../report.ts';

export interface CliFacts {
  /** The model's name as configured. */
  model: string;
  /** Address of the model as the agent sees it, without a trailing slash; holds `@AGENTOS_RELAY@` in place of host and port. */
  url: string;
  /** Stands for the key; worth nothing outside the run. */
  pass: string;
  /** Absolute; HOME of the run, private and writable. */
  home: string;
  /** Absolute path of the prompt, readable inside. */
  promptFile: string;
  maxTurns: number;
  /** All that the run may spend, in US dollars, for programs that can keep to it themselves. */
  maxCostUsd?: number;
  /** A random UUID, the name of the session. */
  session: string;
}

export interface Invocation {
  /** Arguments after the program; never the prompt, never a key. `@AGENTOS_RELAY@` in them and in `env` becomes host and port. */
  args: string[];
  env: Record<string, string>;
  /** Files made before the start, by path relative to HOME. */
  files: Record<string, string>;
  /** Whether the prompt is given on stdin. */
  stdin: boolean;
  /** Host paths that the program needs beside itself, shown read-only. */
  readable?: string[];
}

/** What the output said so far; folded event by event. */
export interface CliReport {
  /** True once the agent's own final result was seen and called itself a success. */
  finished: boolean;
  failure?: AgentFailure;
  usage?: TokenUsage;
  /** As the program computed it, in US dollars; absent where it names none. */
  costUsd?: number;
  session?: string;
  /** The agent's last words, its beginning where they are long; as it printed them, not cleaned. */
  text?: string;
  /** Names of tools that were refused. */
  denials: string[];
}

const MOST_TEXT = 4000;

/** The report with these as the last words; without any, as it was. */
export function withText(report: CliReport, words: string): CliReport {
  return words.trim() === '' ? report : { ...report, text: words.slice(0, MOST_TEXT) };
}

export interface CliKind {
  /** `kind:` in the configuration. */
  readonly kind: string;
  /** Program looked for on PATH, or its absolute path. */
  readonly program: string;
  readonly protocol: Protocol;
  /** The provider's address where the configuration names none. */
  readonly baseUrl: string;
  toInvocation(facts: CliFacts): Invocation;
  /** Folds one JSON object that the program printed on a line of its own. `event` is untrusted. */
  readEvent(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport;
}

/** One that users name in the configuration by its `kind`. */
export interface ListedCliKind extends CliKind {
  /** One sentence for the documentation: what it is. */
  readonly about: string;
  /** Variable that holds the key where the configuration names none. */
  readonly keyEnv: string;
}
