import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderConfig } from '../../../src/commands/operator/render-config.ts';
import { PROVIDERS } from '../../../src/core/agents/api/api-kind.ts';
import { CLI_KINDS } from '../../../src/core/agents/cli/cli-kinds.ts';
import { findPrice } from '../../../src/core/budget/prices.ts';
import { readDocument } from '../../../src/core/config/document.ts';
import { parseConfig } from '../../../src/core/config/parse.ts';
import { configShape } from '../../../src/core/config/shape.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import { runProgram } from '../../../src/program.ts';

let dir = '';
let before = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-init-'));
  before = process.cwd();
  process.chdir(dir);
});

afterEach(() => {
  process.chdir(before);
  rmSync(dir, { recursive: true, force: true });
});

const init = (...options: string[]) =>
  runProgram(['-q', 'init', ...options], new AbortController().signal, async () => {
    throw new Error('no loop was asked for');
  });

async function problemOf(...options: string[]): Promise<AgentOsError> {
  const error = await init(...options).catch((caught: unknown) => caught);
  if (!(error instanceof AgentOsError)) throw new Error(`init ${options.join(' ')} was taken`);
  return error;
}

function load(file = 'config.yaml') {
  return parseConfig({ text: readFileSync(join(dir, file), 'utf8'), file: join(dir, file), home: '/home/x', shown: file });
}

describe('agentos init', () => {
  it('writes what was asked for, private, and the rest switched off', async () => {
    const agents = ['--agent', 'first=patch', '--agent', 'house=command:./my-agent --flag', '--agent', 'odd=command:["./a b","c d"]'];
    const lines = ['--verify', 'npm test', '--verify', "sh -c 'a; b' # c", '--setup', 'npm ci', '--local-ci', 'npm test'];
    const rest = ['--automation', 'full', '--sandbox', 'off', '--state-dir', './s', '--forge-root', './f'];
    expect(await init('--repo', 'acme/shop', '--repo', 'acme/api', ...agents, ...lines, ...rest)).toBe(0);
    expect(statSync('config.yaml').mode & 0o777).toBe(0o600);
    expect(load()).toMatchObject({
      state_dir: join(dir, 's'),
      forge: { kind: 'local', root: join(dir, 'f') },
      repos: ['acme/shop', 'acme/api'].map((name) => ({
        name,
        automation: 'full',
        setup: ['npm ci'],
        verify: ['npm test', "sh -c 'a; b' # c"],
        local_ci: ['npm test'],
      })),
      agents: {
        first: { kind: 'patch' },
        house: { kind: 'command', command: [join(dir, 'my-agent'), '--flag'] },
        odd: { kind: 'command', command: [join(dir, 'a b'), 'c d'] },
      },
      routing: { default: ['first', 'house', 'odd'] },
      sandbox: { mode: 'off' },
    });
  });

  it('writes a configuration for GitHub, with a token or as an app', async () => {
    await init('--github', '--repo', 'acme/shop', '--verify', 'npm test');
    const plain = { kind: 'github', token_env: 'GITHUB_TOKEN', api_url: 'https://api.github.com', machine_account: false };
    expect(load().forge).toEqual({ ...plain, writes: { per_minute: 60, per_hour: 450 } });
    const text = readFileSync('config.yaml', 'utf8');
    for (const key of ['token_env: GITHUB_TOKEN', 'app: # { id, installation_id, private_key_file }', 'machine_account: false', 'writes:'])
      expect(text).toContain(`\n  #${key}`);
    const app = ['--app-id', '12', '--app-installation', '34', '--app-key', 'key.pem'];
    await init(
      '--github',
      '--repo',
      'acme/shop',
      '-o',
      'app.yaml',
      ...app,
      '--api-url',
      'https://ghe.example.com/api/v3',
      '--machine-account',
    );
    expect(load('app.yaml').forge).toMatchObject({
      api_url: 'https://ghe.example.com/api/v3',
      app: { id: 12, installation_id: 34, private_key_file: join(dir, 'key.pem') },
      machine_account: true,
    });
  });

  it('writes a correct entry for every kind of the pool, with its model and the variable of its key', async () => {
    const written = async (...agents: string[]) => {
      await init('--repo', 'acme/shop', '--force', ...agents.flatMap((agent) => ['--agent', agent]));
      return load().agents;
    };
    const deepseek = { kind: 'claude', base_url: 'https://api.deepseek.com/anthropic', key_env: 'DEEPSEEK_API_KEY' };
    expect(await written('claude=claude', 'codex=codex', 'gemini=gemini', 'ds=deepseek', 'loop=api')).toMatchObject({
      claude: { kind: 'claude', model: 'sonnet', key_env: 'ANTHROPIC_API_KEY', program: 'claude' },
      codex: { kind: 'codex', model: 'gpt-5-codex', key_env: 'OPENAI_API_KEY' },
      gemini: { kind: 'gemini', model: 'gemini-2.5-pro', key_env: 'GEMINI_API_KEY' },
      ds: { ...deepseek, model: 'deepseek-chat' },
      loop: { kind: 'api', provider: 'anthropic', model: 'claude-sonnet-4-5', key_env: 'ANTHROPIC_API_KEY' },
    });
    expect(await written('c=claude:opus', 'd=deepseek:deepseek-reasoner', 'o=api:openai/acme/m:1', 'g=api:google')).toMatchObject({
      c: { kind: 'claude', model: 'opus' },
      d: { ...deepseek, model: 'deepseek-reasoner' },
      o: { kind: 'api', provider: 'openai', model: 'acme/m:1', key_env: 'OPENAI_API_KEY' },
      g: { kind: 'api', provider: 'google', model: 'gemini-2.5-pro', key_env: 'GEMINI_API_KEY' },
    });
  });

  it.each([...Object.keys(CLI_KINDS), 'deepseek', ...PROVIDERS.map((provider) => `api:${provider}`)])(
    'knows a model for %s, of which the price is known too',
    async (kind) => {
      await init('--repo', 'acme/shop', '--agent', `x=${kind}`);
      const { x } = load().agents;
      if (!x || !('model' in x)) throw new Error(`${kind} was written without a model`);
      // Claude Code turns its own short names into a model; only then is there a price.
      expect(x.model === 'sonnet' || findPrice(x.model) !== undefined).toBe(true);
    },
  );

  it('says which keys to set, and nothing of keys where no agent has one', () => {
    const main = new URL('../../../bin/agentos.js', import.meta.url).pathname;
    const said = (...agents: string[]) =>
      execFileSync(process.execPath, [main, 'init', '--force', '--repo', 'a/b', ...agents.flatMap((agent) => ['--agent', agent])], {
        cwd: dir,
        encoding: 'utf8',
      });
    const text = said('claude=claude', 'loop=api', 'codex=codex');
    expect(text).toMatch(/^ {2}export ANTHROPIC_API_KEY=….*`claude`, `loop`.*crontab/m);
    expect(text).toMatch(/^ {2}export OPENAI_API_KEY=….*`codex`/m);
    expect(text).toContain('`budgets`');
    const check = execFileSync(process.execPath, [main, 'config', 'check'], { cwd: dir, encoding: 'utf8' });
    expect(check).toMatch(/^ {2}claude: claude, sonnet, the key in \$ANTHROPIC_API_KEY, at most 45 min/m);
    expect(check).toMatch(/^ {2}loop: api of anthropic, claude-sonnet-4-5, /m);
    expect(said('patch=patch')).not.toMatch(/API_KEY|budgets/);
  });

  it('has safe defaults', async () => {
    await init('--repo', 'acme/shop');
    expect(load()).toMatchObject({
      repos: [{ automation: 'supervised', trusted: 'write' }],
      agents: { patch: { kind: 'patch' } },
      sandbox: { mode: 'required' },
      groom: { apply: false },
      plan: { auto_ready: false },
    });
  });

  it('names every key of the schema, each with its description', async () => {
    await init('--repo', 'acme/shop', '--agent', 'house=command:true');
    const text = readFileSync('config.yaml', 'utf8');
    const { repos, agents, ...sections } = configShape().properties ?? {};
    expect(Object.keys(sections).filter((key) => !new RegExp(`^#?${key}:`, 'm').test(text))).toEqual([]);
    const keys = Object.keys(repos?.items?.properties ?? {});
    expect(keys.filter((key) => !new RegExp(`^ {2}(?:- | {2}#?)${key}:`, 'm').test(text))).toEqual([]);
    expect(text).toContain('# How a pull request is merged.\n');
    expect(agents?.description).toBeTruthy();
    expect(text).toContain(`# ${agents?.description}\n`);
  });

  it.each([[[]], [['--github']]])('what is switched off means its default when it is switched on: %j', async (forge) => {
    await init('--repo', 'acme/shop', ...forge);
    const text = readFileSync('config.yaml', 'utf8');
    const on = text.replace(/^( *)#(?!( |\S+: # ))(\S.*)$/gm, '$1$3').replace(/^ *#\S+: # .*$/gm, '');
    expect(readDocument(on).problems).toEqual([]);
    expect(on).toMatch(/^ {2}max_parallel: 2$/m);
    expect(parseConfig({ text: on, file: join(dir, 'config.yaml'), home: '/home/x', shown: 'config.yaml' })).toEqual(load());
  });

  it('replaces a file only when it is told to', async () => {
    writeFileSync('config.yaml', 'mine\n');
    expect(await problemOf('--repo', 'acme/shop')).toMatchObject({ code: 'refused' });
    expect(readFileSync('config.yaml', 'utf8')).toBe('mine\n');
    expect(await init('--repo', 'acme/shop', '--force')).toBe(0);
    expect(load().repos).toHaveLength(1);
  });

  it('writes where --output or --config says', async () => {
    await init('--repo', 'acme/shop', '--output', 'deep/er/x.yaml');
    expect(load('deep/er/x.yaml').repos).toHaveLength(1);
    await init('--repo', 'acme/shop', '--config', 'y.yaml');
    expect(existsSync('y.yaml')).toBe(true);
    expect(existsSync('config.yaml')).toBe(false);
  });

  it.each([
    [[], /no repository/],
    [['--repo', 'shop'], /is not `owner\/name`/],
    [['--repo', 'acme/shop', '--repo', 'acme/SHOP'], /the same repository/],
    [['--repo', 'acme/shop', '--agent', 'x'], /is not `NAME=KIND`/],
    [['--repo', 'acme/shop', '--agent', 'x=robot'], /kind/],
    [['--repo', 'acme/shop', '--agent', 'x=api:acme'], /`acme` is no provider .* anthropic, openai, google, deepseek/],
    [['--repo', 'acme/shop', '--agent', 'x=api:toString'], /is no provider/],
    [['--repo', 'acme/shop', '--agent', 'x=patch:sonnet'], /agents\.x\.command/],
    [['--repo', 'acme/shop', '--agent', 'x=patch', '--agent', 'x=claude'], /two agents are called `x`/],
    [['--repo', 'acme/shop', '--agent', 'Bad Name=patch'], /name/],
    [['--repo', 'acme/shop', '--agent', 'x=command:[oops'], /no JSON list/],
    [['--repo', 'acme/shop', '--automation', 'yolo'], /Allowed choices/],
    [['--repo', 'acme/shop', '--state-dir', './s', '--forge-root', './s/f'], /state_dir|root/],
    [['--repo', 'acme/shop', '--token-env', 'X'], /--token-env without --github/],
    [['--repo', 'acme/shop', '--github', '--local-ci', 'true'], /cannot be used with/],
    [['--repo', 'acme/shop', '--github', '--forge-root', './f'], /cannot be used with/],
    [['--repo', 'acme/shop', '--github', '--app-id', '1'], /an app needs/],
    [
      ['--repo', 'acme/shop', '--github', '--app-id', 'x', '--app-installation', '2', '--app-key', 'k'],
      /forge\.app\.id: expected a whole number/,
    ],
    [['--repo', 'acme/shop', '--github', '--api-url', 'https://github.com'], /write `https:\/\/api\.github\.com`/],
    [['--repo', 'acme/shop', '--github', '--token-env', 'ghp_0123456789abcdef0123456789abcdef0123'], /looks like a secret/],
  ])('writes nothing for %j', async (options, message) => {
    const problem = await problemOf(...options);
    expect(problem.code).toBe('usage');
    expect(problem.message).toMatch(message);
    expect(existsSync('config.yaml')).toBe(false);
  });
});

describe('renderConfig', () => {
  it.each([['"quoted"'], ['# no comment'], ['a: b'], ['- x'], ['yes'], ['null'], ['1.0'], ["it's"], ['*x'], ['%y'], ['a\\b'], [' x ']])(
    'carries %j through YAML',
    (line) => {
      const value = { repos: [{ name: 'a/b', verify: [line] }], identity: { name: line.trim() } };
      expect(readDocument(renderConfig(configShape(), value)).value).toEqual(value);
    },
  );
});

it('prints a schema that is JSON', () => {
  const main = new URL('../../../bin/agentos.js', import.meta.url).pathname;
  const schema = JSON.parse(execFileSync(process.execPath, [main, 'config', 'schema'], { cwd: dir, encoding: 'utf8' }));
  expect(schema).toMatchObject({ type: 'object', title: 'Agent OS configuration' });
});
