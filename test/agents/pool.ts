/** The agents of the matrix: how each is configured against the model server. */

export interface PoolAgent {
  name: string;
  /** Variable that holds its key. */
  keyEnv: string;
  /** Its entry in `agents`, without the limits. */
  config(url: string): Record<string, string>;
}

/** Where `npm run e2e:agents` put the programs. */
const CLIS = process.env['AGENTOS_CLIS'] ?? '';

const program = (name: string) => `${CLIS}/node_modules/.bin/${name}`;

const POOL: readonly PoolAgent[] = [
  {
    name: 'claude',
    keyEnv: 'ANTHROPIC_API_KEY',
    config: (url) => ({ kind: 'claude', model: 'sonnet', base_url: url, program: program('claude') }),
  },
  {
    name: 'codex',
    keyEnv: 'OPENAI_API_KEY',
    config: (url) => ({ kind: 'codex', model: 'gpt-5-codex', base_url: `${url}/v1`, program: program('codex') }),
  },
  {
    name: 'gemini',
    keyEnv: 'GEMINI_API_KEY',
    config: (url) => ({ kind: 'gemini', model: 'gemini-2.5-pro', base_url: url, program: program('gemini') }),
  },
  {
    name: 'deepseek',
    keyEnv: 'DEEPSEEK_API_KEY',
    config: (url) => ({
      kind: 'claude',
      model: 'deepseek-chat',
      base_url: `${url}/anthropic`,
      key_env: 'DEEPSEEK_API_KEY',
      program: program('claude'),
    }),
  },
  {
    name: 'api',
    keyEnv: 'ANTHROPIC_API_KEY',
    config: (url) => ({ kind: 'api', provider: 'anthropic', model: 'claude-sonnet-4-5', key_env: 'ANTHROPIC_API_KEY', base_url: url }),
  },
  {
    name: 'api-openai',
    keyEnv: 'OPENAI_API_KEY',
    config: (url) => ({ kind: 'api', provider: 'openai', model: 'gpt-5', key_env: 'OPENAI_API_KEY', base_url: `${url}/v1` }),
  },
  {
    name: 'api-google',
    keyEnv: 'GEMINI_API_KEY',
    config: (url) => ({ kind: 'api', provider: 'google', model: 'gemini-2.5-pro', key_env: 'GEMINI_API_KEY', base_url: url }),
  },
  {
    name: 'api-deepseek',
    keyEnv: 'DEEPSEEK_API_KEY',
    config: (url) => ({ kind: 'api', provider: 'deepseek', model: 'deepseek-chat', key_env: 'DEEPSEEK_API_KEY', base_url: url }),
  },
];

export function poolAgent(name: string): PoolAgent {
  const agent = POOL.find((one) => one.name === name);
  if (!agent) throw new Error(`there is no agent ${name} in the pool`);
  return agent;
}
