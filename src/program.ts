/**
 * The option parser: help, mistakes and every command but a loop with plain
 * options, which `cli.ts` starts without it. Registers the commands and passes
 * them what they may use; it never ends the process.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { registerLocal } from './commands/local/local.ts';
import { registerApprove } from './commands/operator/approve.ts';
import { registerCancel } from './commands/operator/cancel.ts';
import { registerConfig } from './commands/operator/config.ts';
import { registerCron } from './commands/operator/cron.ts';
import { registerDoctor } from './commands/operator/doctor.ts';
import { registerExplain } from './commands/operator/explain.ts';
import { registerFsck } from './commands/operator/fsck.ts';
import { registerGc } from './commands/operator/gc.ts';
import { registerInit } from './commands/operator/init.ts';
import { registerPause } from './commands/operator/pause.ts';
import { registerRetry } from './commands/operator/retry.ts';
import { registerShow } from './commands/operator/show.ts';
import { registerStatus } from './commands/operator/status.ts';
import { type Call, type Explainers, type Globals, type OperatorTools, openPaint } from './commands/operator/tools.ts';
import { openContext } from './context.ts';
import { AgentOsError } from './core/errors.ts';
import type { Output } from './core/ports.ts';
import type { LoopName, LoopRequest } from './loop-request.ts';

type RunLoop = (name: LoopName, request: LoopRequest, signal: AbortSignal) => Promise<number>;

const EXIT_STATUS = `
Exit status: 0 done or nothing to do; 1 some actions failed, or something was
found; 64 usage; 70 a bug of ours; 74 input/output; 75 temporary, try again;
77 authentication; 78 configuration; 128+n ended by signal n.

The configuration is --config, $AGENTOS_CONFIG, ./config.yaml or
$XDG_CONFIG_HOME/agentos/config.yaml, the first that is there.`;

/** Parses the command line and runs the command. @returns its exit status. @throws AgentOsError `usage`, and what the command throws. */
export async function runProgram(argv: string[], signal: AbortSignal, runLoop: RunLoop): Promise<number> {
  const program = new Command('agentos');
  program
    .description('Six small programs, started by cron, that turn issues into merged software.')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map((one) => `<${one.name()}>`)].join(' '),
    })
    .helpCommand('help [command]', 'help on a command')
    .addHelpText('after', EXIT_STATUS);
  let status = 0;
  const tools: OperatorTools = {
    explainers,
    action:
      (act) =>
      async (...received) => {
        status = await act(toCall(received, signal));
      },
  };
  program.commandsGroup('Loops, started by cron:');
  registerLoops(program, async (name, request) => {
    status = await runLoop(name, request, signal);
  });
  program.commandsGroup('Looking:');
  registerStatus(program, tools);
  registerShow(program, tools);
  registerExplain(program, tools);
  registerDoctor(program, tools);
  registerFsck(program, tools);
  registerGc(program, tools);
  program.commandsGroup('Deciding:');
  registerPause(program, tools, collect);
  registerRetry(program, tools);
  registerCancel(program, tools);
  registerApprove(program, tools);
  program.commandsGroup('Setting up:');
  registerInit(program, tools, collect);
  registerConfig(program, tools);
  registerCron(program, tools);
  program.commandsGroup('The forge on this machine:');
  registerLocal(program, tools);
  addGlobals(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return 64;
    throw toUsageError(error, program, argv);
  }
  return status;
}

/** What each loop would say of one issue; the only place where the loops' own words reach an operator command. */
const explainers: Explainers = {
  dispatch: async (...about) => (await import('./commands/dispatch/command.ts')).explainDispatch(...about),
  queue: async (...about) => (await import('./commands/queue/command.ts')).explainQueue(...about),
  'pr-monitor': async (...about) => (await import('./commands/pr-monitor/command.ts')).explainPrMonitor(...about),
};

const LOOPS: Record<LoopName, string> = {
  dispatch: 'Ready issues become task files',
  queue: 'task files become attempts, and pull requests',
  'pr-monitor': 'pull requests are merged, updated, fixed or handed to a person',
  'analyze-logs': 'events become findings, and issues',
  groom: 'the backlog is kept in order',
  plan: 'requirements and figures become issues and the next sprint',
};

interface LoopFlags {
  repo?: string[];
  dryRun?: true;
  once?: true;
  watch?: number | true;
  requirements?: string;
  days?: number;
}

function registerLoops(program: Command, run: (name: LoopName, request: LoopRequest) => Promise<void>): void {
  for (const [name, summary] of Object.entries(LOOPS) as [LoopName, string][]) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`One pass: ${summary}.`)
      .option('--dry-run', 'say what would be done, and do nothing')
      .option('--repo <OWNER/NAME>', 'only this repository (repeatable)', collect)
      .option('--once', 'one pass, which is the default')
      .addOption(
        new Option('--watch [SECONDS]', 'repeat after a pause of SECONDS, 60 by default; for machines without cron')

          .argParser(parseSeconds)
          .conflicts('once'),
      )
      .addHelpText('after', LOOP_STATUS)
      .action((flags: LoopFlags, self: Command) => run(name, toRequest(flags, readGlobals(self))));
    if (name === 'plan') command.option('--requirements <FILE>', 'Markdown list of requirements to turn into issues');
    if (name === 'analyze-logs') command.option('--days <N>', 'length of the window', parseDays);
  }
}

const LOOP_STATUS = `
Exit status: 0 done or nothing to do; 1 some actions failed; 75 another pass
runs, or try again later; see \`agentos --help\` for the rest.`;

function toRequest(flags: LoopFlags, globals: Globals): LoopRequest {
  return {
    dryRun: flags.dryRun ?? false,
    repos: flags.repo ?? [],
    json: globals.json,
    verbose: globals.verbose,
    quiet: globals.quiet,
    config: globals.config,
    days: flags.days ?? 7,
    ...(flags.watch !== undefined && { watch: flags.watch === true ? 60 : flags.watch }),
    ...(flags.requirements !== undefined && { requirements: flags.requirements }),
  };
}

function toCall<Options>(received: unknown[], signal: AbortSignal): Call<Options> {
  const command = received.at(-1) as Command;
  const globals = readGlobals(command);
  const out = openOutput();
  return {
    args: received.slice(0, -2) as string[],
    options: received.at(-2) as Options,
    globals,
    out,
    paint: openPaint(globals.color),
    signal,
    ports: () => openContext({ config: globals.config, command: wordsOf(command), signal, out }),
  };
}

/** `local issue create`: what the event log calls the command. */
function wordsOf(command: Command): string {
  return command.parent?.parent ? `${wordsOf(command.parent)} ${command.name()}` : command.name();
}

function openOutput(): Output {
  return {
    result: (text) => {
      process.stdout.write(text);
    },
    note: (text) => {
      process.stderr.write(`agentos: ${text}\n`);
    },
  };
}

/** The global options stand on every command, so that they are read before and after its name, and never out of another option's value. */
function addGlobals(command: Command): void {
  const options = [
    new Option('-c, --config <FILE>', 'configuration file'),
    new Option('--json', 'one JSON document on stdout'),
    new Option('-v, --verbose', 'say more'),
    new Option('-q, --quiet', 'say only what went wrong'),
    new Option('--no-color', 'no colours (also: NO_COLOR)'),
  ];
  command.optionsGroup('Global options:');
  for (const option of options) {
    if (!command.options.some((known) => known.long === option.long || (option.short && known.short === option.short)))
      command.addOption(option);
  }
  command.setOptionValue('color', undefined);
  command.version(readVersion(), '--version', 'print the version');
  command.helpOption('-h, --help', 'print this');
  if (command.commands.length > 0) command.enablePositionalOptions();
  for (const sub of command.commands) addGlobals(sub);
}

/** What was given on the command or on one above it. */
function readGlobals(command: Command): Globals {
  const given: Partial<Globals>[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) given.push(at.opts<Partial<Globals>>());
  const config = given.find((options) => options.config !== undefined)?.config;
  const has = (name: 'json' | 'verbose' | 'quiet') => given.some((options) => options[name] === true);
  const plain = given.some((options) => options.color === false) || (process.env['NO_COLOR'] ?? '') !== '' || process.stdout.isTTY !== true;
  return { ...(config !== undefined && { config }), json: has('json'), verbose: has('verbose'), quiet: has('quiet'), color: !plain };
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || seconds < 1 || seconds > 86_400)
    throw new InvalidArgumentError('It must be from 1 to 86400 seconds.');
  return seconds;
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^[0-9]+$/.test(text) || days < 1 || days > 3650) throw new InvalidArgumentError('It must be a whole number from 1 to 3650.');
  return days;
}

/** The words of commander in our form: `unknown command \`stats\``, with the nearest known word or the help as the hint. */
function toUsageError(error: CommanderError, program: Command, argv: readonly string[]): AgentOsError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const close = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(rest.join(' '))?.[1];
  const hint =
    close === undefined
      ? `Run \`${helpOf(program, argv)}\`.`
      : `Did you mean ${close
          .split(', ')
          .map((word) => `\`${word}\``)
          .join(' or ')}?`;
  return new AgentOsError('usage', first.replace(/\.$/, '').replace(/'([^']*)'/g, '`$1`'), { hint });
}

/** The help of the command that was meant, as far as the words lead. */
function helpOf(program: Command, argv: readonly string[]): string {
  const words = ['agentos'];
  let at = program;
  for (const word of argv) {
    const sub = at.commands.find((command) => command.name() === word);
    if (!sub) continue;
    words.push(word);
    at = sub;
  }
  return [...words, '--help'].join(' ');
}

function readVersion(): string {
  const build = process.env['AGENTOS_BUILD'];
  if (build !== undefined) return build.split('+')[0] ?? build;
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
