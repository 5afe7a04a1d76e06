/** `agentos init`: writes a commented configuration from flags, checked before it is written. Asks nothing. */
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createFileAtomic, ensureDirectory, writeFileAtomic } from '../../core/atomic-file.ts';
import { AgentOsError } from '../../core/errors.ts';
import { isRepoName } from '../../core/ids.ts';
import { renderConfig } from './render-config.ts';
import { quoteWord } from './render-crontab.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

interface InitOptions {
  repo?: string[];
  forgeRoot: string;
  stateDir?: string;
  agent?: string[];
  automation?: string;
  setup?: string[];
  verify?: string[];
  localCi?: string[];
  sandbox?: string;
  output?: string;
  force?: true;
}

const EXAMPLES = `
Exit status: 0; 1 when the file exists; 64 when the options make no
configuration (nothing is written then).

Examples:
  agentos init --repo acme/shop --verify 'npm test'
  agentos init --repo acme/shop --agent patch=patch \\
    --agent 'house=command:./my-agent --careful' --automation full`;

export function registerInit(program: Command, tools: OperatorTools, collect: (value: string, all?: string[]) => string[]): void {
  program
    .command('init')
    .summary('write a configuration file')
    .description(
      'Writes a commented configuration for the local forge and says what to do next. Asks nothing; what no option says has its default.',
    )
    .option('--repo <OWNER/NAME>', 'a repository to look after (repeatable; at least one)', collect)
    .option('--forge-root <DIR>', 'directory of the local forge', '~/.local/share/agentos/forge')
    .option('--state-dir <DIR>', 'where mailbox, workspaces and events live')
    .option('--agent <NAME=KIND[:COMMAND]>', 'an agent, tried in this order (repeatable; default: patch=patch)', collect)
    .addOption(new Option('--automation <MODE>', 'what may merge').choices(['dispatch_only', 'supervised', 'full']))
    .option('--setup <LINE>', 'shell line that makes a checkout ready (repeatable)', collect)
    .option('--verify <LINE>', 'shell line that must pass before anything is pushed (repeatable)', collect)
    .option('--local-ci <LINE>', 'shell line that `agentos local ci` runs as a check (repeatable)', collect)
    .addOption(new Option('--sandbox <MODE>', 'where agents run').choices(['required', 'auto', 'off']))
    .option('-o, --output <FILE>', 'the file to write (default: --config, else ./config.yaml)')
    .option('--force', 'replace the file when it exists')
    .addHelpText('after', EXAMPLES)
    .action(tools.action(init));
}

async function init(call: Call<InitOptions>): Promise<number> {
  const { options, globals } = call;
  const { configShape } = await import('../../core/config/shape.ts');
  const file = resolve(options.output ?? globals.config ?? 'config.yaml');
  const text = renderConfig(configShape(), toConfig(options));
  await checkText(file, text);
  ensureDirectory(dirname(file));
  if (options.force) writeFileAtomic(file, text, { mode: 0o600 });
  else if (!createFileAtomic(file, text, { mode: 0o600 })) {
    throw new AgentOsError('refused', `\`${file}\` exists already`, {
      hint: 'Name another file with --output, or replace it with --force.',
    });
  }
  print(call, { file, repos: options.repo }, globals.quiet ? '' : nextSteps(file, options));
  return 0;
}

/** What the options say, in the form of the file. @throws AgentOsError `usage`. */
function toConfig(options: InitOptions): Record<string, unknown> {
  const repos = options.repo ?? [];
  if (repos.length === 0) throw new AgentOsError('usage', 'no repository', { hint: 'Name one: `agentos init --repo OWNER/NAME`.' });
  const wrong = repos.find((name) => !isRepoName(name));
  if (wrong !== undefined) throw new AgentOsError('usage', `--repo \`${wrong}\` is not \`owner/name\``);
  const agents = (options.agent ?? ['patch=patch']).map(parseAgent);
  const { setup, verify, localCi, automation } = options;
  return {
    ...(options.stateDir !== undefined && { state_dir: options.stateDir }),
    forge: { kind: 'local', root: options.forgeRoot },
    repos: repos.map((name) => ({
      name,
      ...(automation !== undefined && { automation }),
      ...(setup && { setup }),
      ...(verify && { verify }),
      ...(localCi && { local_ci: localCi }),
    })),
    agents: Object.fromEntries(agents),
    routing: { default: agents.map(([name]) => name) },
    ...(options.sandbox !== undefined && { sandbox: { mode: options.sandbox } }),
  };
}

/** `patch=patch`, `house=command:./my-agent --flag`; a command with spaces in its words is written as a JSON list. */
function parseAgent(text: string): [string, Record<string, unknown>] {
  const match = /^([^=]+)=([^:]+)(?::(.*))?$/s.exec(text);
  if (!match) {
    throw new AgentOsError('usage', `--agent \`${text}\` is not \`NAME=KIND\` or \`NAME=command:PROGRAM …\``, {
      hint: "Write it like `--agent patch=patch` or `--agent 'house=command:./my-agent --flag'`.",
    });
  }
  const [, name = '', kind = '', command] = match;
  return [name, { kind, ...(command !== undefined && { command: parseWords(command) }) }];
}

function parseWords(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text.split(/\s+/).filter((word) => word !== '');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentOsError('usage', `the command \`${text}\` is no JSON list`, { cause: error });
  }
}

/** The very check that every command makes. @throws AgentOsError `usage` with what is wrong; nothing was written. */
async function checkText(file: string, text: string): Promise<void> {
  const { parseConfig } = await import('../../core/config/parse.ts');
  const { homeOf } = await import('../../core/config/resolve.ts');
  try {
    parseConfig({ text, file, shown: 'the configuration to be written', home: homeOf(process.env) });
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code !== 'config') throw error;
    throw new AgentOsError('usage', error.message, { hint: 'Correct the options; nothing was written.', cause: error });
  }
}

function nextSteps(file: string, options: InitOptions): string {
  const config = file === resolve('config.yaml') ? '' : ` --config ${quoteWord(file)}`;
  const local = (options.repo ?? []).map((name) => `  agentos local init ${name} --from PATH${config}`);
  return `wrote ${file}

Next:
${local.join('\n')}
  agentos doctor${config}
  agentos cron print${config}
`;
}
