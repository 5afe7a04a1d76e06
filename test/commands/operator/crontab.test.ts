import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { searchPath, secretVariables } from '../../../src/commands/operator/cron.ts';
import { type CrontabFacts, quoteWord, renderCrontab } from '../../../src/commands/operator/render-crontab.ts';
import { parseConfig } from '../../../src/core/config/parse.ts';

const FACTS: CrontabFacts = {
  node: '/usr/bin/node',
  bin: '/opt/agentos/bin/agentos.js',
  config: '/home/agentos/config.yaml',
  log: '/home/agentos/.local/state/agentos/cron.log',
  path: '/usr/local/bin:/usr/bin:/bin',
  localCi: false,
  variables: [],
};

/** What cron makes of a line: five fields, then the command, `\%` as `%`. */
function parseLine(line: string): { schedule: string; command: string } {
  const match = /^(\S+ \S+ \S+ \S+ \S+) (.*)$/.exec(line);
  const command = match?.[2] ?? '';
  expect(command.replaceAll('\\%', '')).not.toContain('%');
  return { schedule: match?.[1] ?? '', command: command.replaceAll('\\%', '%') };
}

const readConfig = (text: string) =>
  parseConfig({ text: `repos: [{ name: a/b }]\n${text}`, file: '/x/config.yaml', home: '/home/x', shown: 'config.yaml' });

const commandLines = (text: string) => text.split('\n').filter((line) => /^[0-9*]/.test(line));

describe('renderCrontab', () => {
  it('is crontab.example for an example', () => {
    expect(readFileSync(new URL('../../../crontab.example', import.meta.url), 'utf8')).toBe(
      `# An example. \`agentos cron print\` prints these lines for your machine.\n#\n${renderCrontab(FACTS)}`,
    );
  });

  it('has one line a loop, with its schedule', () => {
    const lines = commandLines(renderCrontab(FACTS)).map(parseLine);
    expect(lines.map(({ schedule, command }) => `${schedule} ${command.split(' ')[2]}`)).toEqual([
      '* * * * * dispatch',
      '* * * * * queue',
      '*/5 * * * * pr-monitor',
      '17 5 * * 1 analyze-logs',
      '37 5 * * 1 groom',
      '7 * * * * plan',
    ]);
  });

  it('has a line for the checks of the local forge where a repository has some', () => {
    const lines = commandLines(renderCrontab({ ...FACTS, localCi: true })).map(parseLine);
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toMatchObject({ schedule: '* * * * *', command: expect.stringContaining('agentos.js local ci --quiet --config') });
  });

  it('names the variables that cron does not pass on, without a value', () => {
    const text = renderCrontab({ ...FACTS, variables: ['GITHUB_TOKEN', 'ANTHROPIC_API_KEY'] });
    expect(text).toMatch(/^#GITHUB_TOKEN=\.\.\.$/m);
    expect(text).toMatch(/^#ANTHROPIC_API_KEY=\.\.\.$/m);
    expect(commandLines(text)).toHaveLength(6);
    expect(text.match(/in the place of the dots/g)).toHaveLength(1);
  });

  it('knows every variable of the configuration once: the token, and the keys of agents and of models', () => {
    const config = readConfig(`forge: { kind: github }
agents:
  patch: { kind: patch }
  claude: { kind: claude, model: sonnet }
  other: { kind: claude, model: deepseek-chat, key_env: DEEPSEEK_API_KEY }
  loop: { kind: api, provider: openai, model: gpt-5-mini, key_env: OPENAI_API_KEY }
routing: { default: [claude] }
models: [{ provider: anthropic, model: claude-haiku-4-5, key_env: ANTHROPIC_API_KEY }, { provider: google, model: g, key_env: G_KEY }]
`);
    expect(secretVariables(config)).toEqual(['GITHUB_TOKEN', 'ANTHROPIC_API_KEY', 'DEEPSEEK_API_KEY', 'OPENAI_API_KEY', 'G_KEY']);
    const app = readConfig(`forge: { kind: github, app: { id: 1, installation_id: 2, private_key_file: k.pem } }
agents: { patch: { kind: patch } }
routing: { default: [patch] }
`);
    expect(secretVariables(app)).toEqual([]);
  });

  it('survives cron and the shell, whatever the paths hold', () => {
    const odd = { ...FACTS, config: `/tmp/it's 100% "odd" $HOME \\ dir/config.yaml`, log: '/tmp/a%b c/cron.log' };
    const [line = ''] = commandLines(renderCrontab(odd));
    const words = parseLine(line)
      .command.replace(odd.node, 'printf "%s\\n"')
      .replace(/ >>.*$/, '');
    const printed = execFileSync('/bin/sh', ['-c', words], { encoding: 'utf8' }).trimEnd().split('\n');
    expect(printed).toEqual([odd.bin, 'dispatch', '--quiet', '--config', odd.config]);
  });

  it('refuses what a crontab cannot hold', () => {
    expect(() => renderCrontab({ ...FACTS, config: '/a\nb' })).toThrow(/line break/);
    expect(() => renderCrontab({ ...FACTS, path: '/x'.repeat(600) })).toThrow(/longer than 990/);
  });
});

describe('quoteWord', () => {
  it('gives the shell exactly the word', () => {
    const words = fc.array(
      fc.string({ minLength: 1, maxLength: 20 }).filter((word) => !word.includes('\0')),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(words, (all) => {
        const line = `for word in ${all.map(quoteWord).join(' ')}; do printf '%s\\0' "$word"; done`;
        expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })).toBe(all.map((word) => `${word}\0`).join(''));
      }),
      { numRuns: 15 },
    );
  });
});

describe('searchPath', () => {
  it('takes the directory of Node first, then what is there, once, and nothing relative', () => {
    expect(searchPath('/usr/bin/node', '/bin:/nonexistent/x:.:node_modules/.bin:/bin:/usr/bin')).toBe('/usr/bin:/bin');
  });
});
