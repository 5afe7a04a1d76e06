/** `--agent` of `agentos init`: one entry of the pool, with what its kind needs to be a correct one. Pure. */
import { PROVIDERS, type Provider } from '../../core/agents/api/api-kind.ts';
import { CLI_KINDS } from '../../core/agents/cli/cli-kinds.ts';
import { AgentOsError } from '../../core/errors.ts';

/** A name and its entry, in the form of the file. */
export type NamedAgent = readonly [name: string, entry: Record<string, unknown>];

/** The models that docs/agents.md and demo.sh begin with. A CLI kind that is not here has none: the user names one. */
const CLI_MODELS: Readonly<Record<string, string>> = { claude: 'sonnet', codex: 'gpt-5-codex', gemini: 'gemini-2.5-pro' };

const API_MODELS: Record<Provider, { model: string; keyEnv: string }> = {
  anthropic: { model: 'claude-sonnet-4-5', keyEnv: 'ANTHROPIC_API_KEY' },
  openai: { model: 'gpt-5', keyEnv: 'OPENAI_API_KEY' },
  google: { model: 'gemini-2.5-pro', keyEnv: 'GEMINI_API_KEY' },
  deepseek: { model: 'deepseek-chat', keyEnv: 'DEEPSEEK_API_KEY' },
};

/** No kind of its own: Claude Code with DeepSeek's model, which speaks its protocol. */
const DEEPSEEK = {
  kind: 'claude',
  model: 'deepseek-chat',
  base_url: 'https://api.deepseek.com/anthropic',
  key_env: 'DEEPSEEK_API_KEY',
};

const FORMS = "`patch=patch`, `claude=claude`, `codex=codex:gpt-5-codex`, `loop=api:openai` or `'house=command:./my-agent --flag'`";

/**
 * `NAME=KIND` with what the kind takes behind a colon: `command:PROGRAM …` (a
 * JSON list where a word holds a space), `claude:MODEL`, `deepseek:MODEL`,
 * `api:PROVIDER/MODEL`. What is wrong with an unknown kind, the check of the
 * whole configuration says. @throws AgentOsError `usage`.
 */
export function parseAgentOption(text: string): NamedAgent {
  const match = /^([^=]+)=([^:]+)(?::(.*))?$/s.exec(text);
  if (!match) {
    throw new AgentOsError('usage', `--agent \`${text}\` is not \`NAME=KIND\` or \`NAME=KIND:…\``, { hint: `Write it like ${FORMS}.` });
  }
  const [, name = '', kind = '', rest] = match;
  return [name, toEntry(kind, rest === '' ? undefined : rest)];
}

function toEntry(kind: string, rest: string | undefined): Record<string, unknown> {
  if (Object.hasOwn(CLI_KINDS, kind)) {
    const { keyEnv } = CLI_KINDS[kind as keyof typeof CLI_KINDS];
    return { kind, model: rest ?? CLI_MODELS[kind], key_env: keyEnv };
  }
  if (kind === 'deepseek') return { ...DEEPSEEK, model: rest ?? DEEPSEEK.model };
  if (kind === 'api') return toApi(rest);
  return { kind, ...(rest !== undefined && { command: parseWords(rest) }) };
}

/** The part up to the first slash is the provider; names of models may hold slashes themselves. */
function toApi(rest = 'anthropic'): Record<string, unknown> {
  const slash = rest.indexOf('/');
  const provider = slash < 0 ? rest : rest.slice(0, slash);
  const usual = API_MODELS[provider as Provider];
  if (!Object.hasOwn(API_MODELS, provider)) {
    throw new AgentOsError('usage', `\`${provider}\` is no provider of an \`api\` agent; known are ${PROVIDERS.join(', ')}`, {
      hint: 'Write it like `--agent loop=api:openai` or `--agent loop=api:openai/gpt-5-mini`.',
    });
  }
  return { kind: 'api', provider, model: slash < 0 ? usual.model : rest.slice(slash + 1), key_env: usual.keyEnv };
}

function parseWords(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text.split(/\s+/).filter((word) => word !== '');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentOsError('usage', `the command \`${text}\` is no JSON list`, { cause: error });
  }
}

/** What a person must do before these can work, a line each; empty for agents without a model. */
export function agentSteps(agents: readonly NamedAgent[]): string[] {
  const needs = agents.flatMap(([name, { kind, key_env: key }]) => (typeof key === 'string' ? [{ name, kind: String(kind), key }] : []));
  const of = (names: string[]) => `the key of ${[...new Set(names)].map((name) => `\`${name}\``).join(', ')}`;
  const keys = [...new Set(needs.map(({ key }) => key))].map(
    (key) => `  export ${key}=…   (${of(needs.filter((one) => one.key === key).map(({ name }) => name))}; cron needs it in the crontab)`,
  );
  if (keys.length === 0) return [];
  return [...keys, '  set `budgets` in the file: without it nothing limits what models cost'];
}
