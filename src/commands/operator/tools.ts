/**
 * What an operator command is given by `program.ts`: the options, a way to the
 * ports, the terminal, and what the loops would say. Operator commands import
 * no other command.
 */
import type { RepoConfig } from '../../core/config/schema.ts';
import type { IssueView } from '../../core/github/github.ts';
import type { Output, Ports } from '../../core/ports.ts';
import type { Action } from '../run-command.ts';

/** Options that every command takes, before or after its name. */
export interface Globals {
  config?: string;
  json: boolean;
  verbose: boolean;
  quiet: boolean;
  /** False with `--no-color`, `NO_COLOR`, and where stdout is no terminal. */
  color: boolean;
}

type Style = 'good' | 'bad' | 'warn' | 'dim' | 'bold';
export type Paint = (style: Style, text: string) => string;

/** One call of a command. */
export interface Call<Options = Record<string, never>> {
  /** Positional arguments. */
  args: string[];
  options: Options;
  globals: Globals;
  out: Output;
  paint: Paint;
  signal: AbortSignal;
  /** Loads the configuration and opens the state directory. @throws AgentOsError `config` or `io`. */
  ports(): Promise<Ports>;
}

/** What each loop would say of one issue now. */
export interface Explainers {
  dispatch(ports: Ports, repo: RepoConfig, view: IssueView): Promise<Action[]>;
  queue(ports: Ports, repo: RepoConfig, issue: number): Promise<Action[]>;
  'pr-monitor'(ports: Ports, repo: RepoConfig, issue: number): Promise<Action[]>;
}

export interface OperatorTools {
  /** Makes a commander action of a function that returns the exit status. */
  action<Options = Record<string, never>>(act: (call: Call<Options>) => Promise<number>): (...received: unknown[]) => Promise<void>;
  explainers: Explainers;
}

/** With `--json` one document, otherwise text. */
export function print(call: Pick<Call, 'globals' | 'out'>, document: unknown, text: string): void {
  call.out.result(call.globals.json ? `${JSON.stringify(document)}\n` : text);
}

const CODES: Record<Style, number> = { good: 32, bad: 31, warn: 33, dim: 2, bold: 1 };

/** Colours, or the plain text. */
export function openPaint(color: boolean): Paint {
  return (style, text) => (color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}
