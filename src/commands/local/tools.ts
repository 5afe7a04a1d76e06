/** What the `agentos local` commands share: the forge as a person, options that several take, arguments read strictly. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { LoadedConfig } from '../../core/config/schema.ts';
import { AgentOsError, toIoError } from '../../core/errors.ts';
import type { LocalForge } from '../../core/github/local/forge.ts';
import { isRepoName } from '../../core/ids.ts';
import type { Output, Ports } from '../../core/ports.ts';

/** One call of a command, as `program.ts` gives it. */
export interface LocalCall<Options> {
  args: string[];
  options: Options;
  globals: { json: boolean };
  out: Output;
  signal: AbortSignal;
  ports(): Promise<Ports>;
}

export interface LocalTools {
  /** Makes a commander action of a function that returns the exit status. */
  action<Options>(act: (call: LocalCall<Options>) => Promise<number>): (...received: unknown[]) => Promise<void>;
}

/** What every command that writes takes. */
export interface AsOption {
  as?: string;
}

export interface BodyOptions {
  body?: string;
  bodyFile?: string;
}

/** @throws AgentOsError `config` where the forge is not a local one. */
export function localRoot({ forge, path }: Pick<LoadedConfig, 'forge' | 'path'>): string {
  if (forge.kind === 'local') return forge.root;
  throw new AgentOsError('config', `\`${path}\` has no local forge: \`forge.kind\` is \`${forge.kind}\``, {
    hint: 'Use GitHub itself for this, or name another configuration with --config.',
  });
}

/** The forge as the person that `--as` names; `operator` when it names none. */
export async function openForge(call: LocalCall<AsOption>): Promise<LocalForge> {
  const { config, clock } = await call.ports();
  const { openLocalForge } = await import('../../core/github/local/forge.ts');
  const localCi = Object.fromEntries(config.repos.map((repo) => [repo.name, repo.local_ci]));
  return openLocalForge({ root: localRoot(config), clock, as: call.options.as ?? 'operator', localCi });
}

export function addAs(command: Command): Command {
  return command.option('--as <LOGIN>', 'who does it (default: operator)');
}

export function addBody(command: Command): Command {
  return command
    .addOption(new Option('--body <TEXT>', 'the text').conflicts('bodyFile'))
    .option('--body-file <FILE>', 'read the text from a file; `-` is stdin');
}

export function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

/** The text of `--body` or `--body-file`; `undefined` when neither is given. */
export function readBody({ body, bodyFile }: BodyOptions): string | undefined {
  if (bodyFile === undefined) return body;
  try {
    return readFileSync(bodyFile === '-' ? 0 : bodyFile, 'utf8');
  } catch (error) {
    throw toIoError(error, `read \`${bodyFile}\``);
  }
}

/** The text, or a `usage` error that says where to put it. */
export function requireBody(options: BodyOptions): string {
  const body = readBody(options);
  if (body === undefined)
    throw new AgentOsError('usage', 'there is no text', { hint: 'Give it with `--body TEXT` or `--body-file FILE`.' });
  return body;
}

/** The first argument, `OWNER/NAME`. */
export function repoOf(call: { args: string[] }): string {
  const repo = call.args[0] ?? '';
  if (!isRepoName(repo))
    throw new AgentOsError('usage', `\`${repo}\` is not the name of a repository`, { hint: 'Write it as `OWNER/NAME`.' });
  return repo;
}

/** The second argument, the number of an issue or a pull request; `#12` is fine too. */
export function numberOf(call: { args: string[] }): number {
  const text = call.args[1] ?? '';
  if (!/^#?[1-9][0-9]{0,8}$/.test(text)) throw new AgentOsError('usage', `\`${text}\` is not the number of an issue or a pull request`);
  return Number(text.replace('#', ''));
}

/** With `--json` one document, otherwise text. */
export function print(call: { globals: { json: boolean }; out: Output }, document: unknown, text: string): void {
  call.out.result(call.globals.json ? `${JSON.stringify(document)}\n` : text);
}
