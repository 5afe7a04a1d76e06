/** `agentos init`: writes a commented configuration from flags, checked before it is written. Asks nothing. */
import { dirname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createFileAtomic, ensureDirectory, writeFileAtomic } from '../../core/atomic-file.ts';
import { AgentOsError } from '../../core/errors.ts';
import { isRepoName } from '../../core/ids.ts';
import { agentSteps, type NamedAgent, parseAgentOption } from './agent-option.ts';
import { renderConfig } from './render-config.ts';
import { quoteWord } from './render-crontab.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

interface InitOptions {
  repo?: string[];
  forgeRoot?: string;
  github?: true;
  tokenEnv?: string;
  appId?: string;
  appInstallation?: string;
  appKey?: string;
  apiUrl?: string;
  machineAccount?: true;
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
Agents, by kind:
  NAME=patch                                   no model: applies the diff of an issue
  NAME=command:PROGRAM ARG …                   any program; or a JSON list of words
  NAME=claude[:MODEL], codex, gemini           the program of that name, and a key
  NAME=deepseek[:MODEL]                        the program \`claude\` with a key of DeepSeek
  NAME=api[:PROVIDER[/MODEL]]                  a key alone: anthropic, openai, google, deepseek
The key goes into the environment; \`key_env\` in the file names the variable.

Exit status: 0; 1 when the file exists; 64 when the options make no
configuration (nothing is written then).

Examples:
  agentos init --repo acme/shop --verify 'npm test'
  agentos init --repo acme/shop --agent patch=patch \\
    --agent 'house=command:./my-agent --careful' --automation full
  agentos init --repo acme/shop --agent claude=claude --agent loop=api:openai
  agentos init --github --repo acme/shop --verify 'npm test'
  agentos init --github --repo acme/shop --app-id 123456 \\
    --app-installation 7890123 --app-key ./agentos.private-key.pem`;

const LOCAL_ROOT = '~/.local/share/agentos/forge';
/** Long options that mean something on GitHub alone. */
const GITHUB_ONLY = {
  tokenEnv: '--token-env',
  appId: '--app-id',
  appInstallation: '--app-installation',
  appKey: '--app-key',
  apiUrl: '--api-url',
  machineAccount: '--machine-account',
} as const;

export function registerInit(program: Command, tools: OperatorTools, collect: (value: string, all?: string[]) => string[]): void {
  program
    .command('init')
    .summary('write a configuration file')
    .description('Writes a commented configuration and says what to do next. Asks nothing and nobody; what no option says has its default.')
    .option('--repo <OWNER/NAME>', 'a repository to look after (repeatable; at least one)', collect)
    .option('--github', 'the repositories are on GitHub (default: on the local forge)')
    .option('--token-env <NAME>', 'GitHub: the variable that holds the token (default: GITHUB_TOKEN)')
    .option('--app-id <ID>', 'GitHub: act as this app instead of with a token')
    .option('--app-installation <ID>', 'GitHub: the installation of the app')
    .option('--app-key <FILE>', 'GitHub: the private key of the app')
    .option('--api-url <URL>', 'GitHub Enterprise: https://HOST/api/v3')
    .option('--machine-account', "GitHub: the token's account is used by Agent OS alone")
    .addOption(new Option('--forge-root <DIR>', `directory of the local forge (default: ${LOCAL_ROOT})`).conflicts('github'))
    .option('--state-dir <DIR>', 'where mailbox, workspaces and events live')
    .option('--agent <NAME=KIND[:…]>', 'an agent, tried in this order (repeatable; default: patch=patch); see below', collect)
    .addOption(new Option('--automation <MODE>', 'what may merge').choices(['dispatch_only', 'supervised', 'full']))
    .option('--setup <LINE>', 'shell line that makes a checkout ready (repeatable)', collect)
    .option('--verify <LINE>', 'shell line that must pass before anything is pushed (repeatable)', collect)
    .addOption(
      new Option('--local-ci <LINE>', 'shell line that `agentos local ci` runs as a check (repeatable)')
        .argParser(collect)
        .conflicts('github'),
    )
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
  const agents = toAgents(options);
  const { setup, verify, localCi, automation } = options;
  return {
    ...(options.stateDir !== undefined && { state_dir: options.stateDir }),
    forge: toForge(options),
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

function toAgents({ agent }: InitOptions): NamedAgent[] {
  const agents = (agent ?? ['patch=patch']).map(parseAgentOption);
  const names = agents.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new AgentOsError('usage', `two agents are called \`${twice}\``, { hint: 'Give each its own name.' });
  return agents;
}

function toForge(options: InitOptions): Record<string, unknown> {
  if (!options.github) {
    const needing = Object.entries(GITHUB_ONLY).flatMap(([key, flag]) =>
      options[key as keyof typeof GITHUB_ONLY] === undefined ? [] : [flag],
    );
    if (needing.length === 0) return { kind: 'local', root: options.forgeRoot ?? LOCAL_ROOT };
    throw new AgentOsError('usage', `${needing.join(' and ')} without --github`, { hint: 'Add --github, or take it out.' });
  }
  const { tokenEnv, appId, appInstallation, appKey, apiUrl, machineAccount } = options;
  const app = [appId, appInstallation, appKey];
  if (app.some((part) => part !== undefined) && app.includes(undefined)) {
    throw new AgentOsError('usage', 'an app needs --app-id, --app-installation and --app-key');
  }
  return {
    kind: 'github',
    ...(tokenEnv !== undefined && { token_env: tokenEnv }),
    ...(appId !== undefined && { app: { id: toId(appId), installation_id: toId(appInstallation ?? ''), private_key_file: appKey } }),
    ...(apiUrl !== undefined && { api_url: apiUrl }),
    ...(machineAccount && { machine_account: true }),
  };
}

/** What is no number stays as it is: the check that follows says what is wrong with it. */
function toId(text: string): number | string {
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
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
  const first = options.github
    ? loginSteps(options)
    : (options.repo ?? []).map((name) => `  agentos local init ${name} --from PATH${config}`);
  return `wrote ${file}

Next:
${[...first, ...agentSteps(toAgents(options))].join('\n')}
  agentos doctor${config}
  agentos cron print${config}
`;
}

function loginSteps({ appKey, tokenEnv }: InitOptions): string[] {
  if (appKey !== undefined) return [`  chmod 600 ${quoteWord(appKey)}`];
  return [`  export ${tokenEnv ?? 'GITHUB_TOKEN'}=…   (or log in with \`gh auth login\`; cron needs the variable in the crontab)`];
}
