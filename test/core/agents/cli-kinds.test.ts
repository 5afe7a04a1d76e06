/** What each command-line agent is told, and how what it prints is read; the events are those of the real programs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claude } from '../../../src/core/agents/cli/claude.ts';
import type { CliFacts, CliKind, CliReport } from '../../../src/core/agents/cli/cli-kind.ts';
import { CLI_KINDS } from '../../../src/core/agents/cli/cli-kinds.ts';
import { codex } from '../../../src/core/agents/cli/codex.ts';
import { gemini } from '../../../src/core/agents/cli/gemini.ts';
import { RELAY } from '../../../src/core/sandbox/sandbox.ts';

const FACTS: CliFacts = {
  model: 'model-1',
  url: `http://${RELAY}/base`,
  pass: 'agentos-pass',
  home: '/home/agent',
  promptFile: '/prompt.md',
  maxTurns: 7,
  session: '11111111-2222-4333-8444-555555555555',
};
/** How each prints what its agent says. */
const LAST_WORDS: Readonly<Record<string, (text: string) => Record<string, unknown>[]>> = {
  claude: (text) => [
    {
      type: 'assistant',
      message: {
        content: [
          { type: 'text', text },
          { type: 'tool_use', name: 'Bash' },
        ],
      },
    },
  ],
  codex: (text) => [
    { type: 'item.completed', item: { type: 'agent_message', text } },
    { type: 'item.completed', item: { type: 'command_execution', text: 'ls' } },
  ],
  gemini: (text) => [
    { type: 'message', role: 'user', content: 'Do it.' },
    { type: 'message', role: 'assistant', content: text.slice(0, 3), delta: true },
    { type: 'message', role: 'assistant', content: text.slice(3), delta: true },
  ],
};
const fold = (kind: CliKind, events: readonly Record<string, unknown>[]) =>
  events.reduce<CliReport>((report, event) => kind.readEvent(report, event), { finished: false, denials: [] });

describe.each(Object.values(CLI_KINDS))('$kind', (kind) => {
  const { args, env, files, stdin } = kind.toInvocation(FACTS);

  it('is given its model and address; pass and prompt never as an argument', () => {
    expect(args).toContain('model-1');
    expect([...args, ...Object.values(env)].join(' ')).toContain(FACTS.url);
    expect(Object.values(env)).toContain(FACTS.pass);
    expect(args.join(' ')).not.toContain(FACTS.pass);
    expect(stdin).toBe(true);
  });
  it('has its settings in its own HOME', () => {
    expect(Object.keys(files).length).toBeGreaterThan(0);
    for (const path of Object.keys(files)) expect(path).toMatch(/^\.[a-z]+\/[a-z.]+$/);
  });
  it('has the last words of its agent, bounded', () => {
    const words = (text: string) => LAST_WORDS[kind.kind]?.(text) ?? [];
    expect(fold(kind, words('First.')).text).toBe('First.');
    expect(fold(kind, [...words('First.'), { type: 'tool_use' }, ...words('All done.')]).text).toBe('All done.');
    expect(fold(kind, [...words('First.'), ...words(' ')]).text?.trim()).toBe('First.');
    expect(fold(kind, words('x'.repeat(100_000))).text?.length).toBe(4000);
  });
  it('takes any event, and is never finished by one that says nothing of it', () => {
    const types = ['result', 'error', 'system', 'init', 'turn.completed', 'turn.failed', 'thread.started', 'item.completed', 'message'];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...types), fc.dictionary(fc.string(), fc.jsonValue()))), (events) => {
        const report = fold(
          kind,
          events.map(([type, rest]) => ({ ...rest, type })),
        );
        expect(typeof report.finished).toBe('boolean');
      }),
    );
    expect(fold(kind, [{ type: 'result' }, { type: 'message' }, { type: 'item.completed' }]).finished).toBe(false);
  });
});

describe('claude', () => {
  const result = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    session_id: 's',
    total_cost_usd: 0.25,
    result: 'Done.',
    permission_denials: [],
    usage: { input_tokens: 3, cache_read_input_tokens: 20, cache_creation_input_tokens: 4, output_tokens: 9 },
  };

  // That they keep it from the settings of the repository, the case `hostile` of test/agents/matrix.ts proves.
  it('is told to read no settings but ours and to start no server, and is bounded in its turns and retries', () => {
    const { args, env } = claude.toInvocation(FACTS);
    expect(args.slice(args.indexOf('--strict-mcp-config'))).toEqual(['--strict-mcp-config', '--setting-sources', '']);
    expect(args[args.indexOf('--max-turns') + 1]).toBe('7');
    expect(env['CLAUDE_CODE_MAX_RETRIES']).toBe('2');
  });
  it('asks one model for everything where it is not one of its own', () => {
    expect(claude.toInvocation({ ...FACTS, model: 'deepseek-chat' }).env).toMatchObject({ ANTHROPIC_DEFAULT_HAIKU_MODEL: 'deepseek-chat' });
    expect(claude.toInvocation({ ...FACTS, model: 'sonnet' }).env).not.toHaveProperty('ANTHROPIC_DEFAULT_HAIKU_MODEL');
  });
  it('finished', () => {
    expect(fold(claude, [{ type: 'system', subtype: 'init', session_id: 's' }, result])).toEqual({
      finished: true,
      denials: [],
      session: 's',
      text: 'Done.',
      costUsd: 0.25,
      usage: { input: 3, cacheRead: 20, cacheWrite: 4, output: 9 },
    });
  });
  it.each<[string, object, object]>([
    [
      'an error that calls itself a success',
      { is_error: true, result: 'API Error: 529' },
      { finished: false, failure: { kind: 'crashed', message: 'claude ended with an error: API Error: 529' } },
    ],
    [
      'too many turns',
      { is_error: true, subtype: 'error_max_turns' },
      { finished: false, failure: { kind: 'limit', message: 'the run used up its turns' } },
    ],
    ['no word of an error', { is_error: undefined }, { finished: false }],
    [
      'a refused permission',
      { permission_denials: [{ tool_name: 'Write', tool_use_id: 'x', tool_input: {} }, 7] },
      { finished: true, denials: ['Write', 'a tool'] },
    ],
  ])('%s', (_, over, expected) => {
    expect(fold(claude, [{ ...result, ...over }])).toMatchObject(expected);
  });
});

describe('codex', () => {
  const done = { type: 'turn.completed', usage: { input_tokens: 2400, cached_input_tokens: 2000, output_tokens: 84 } };

  it('is told to take no settings but ours, and leaves no snapshot of its environment', () => {
    const { args, env } = codex.toInvocation(FACTS);
    expect(args).toEqual(expect.arrayContaining(['--ignore-user-config', '--ignore-rules', 'features.shell_snapshot=false']));
    expect(env['CODEX_HOME']?.startsWith(`${env['TMPDIR']}/`)).toBe(false);
  });
  it('finished, after errors that it overcame', () => {
    expect(
      fold(codex, [{ type: 'thread.started', thread_id: 't' }, { type: 'error', message: 'Reconnecting... 1/2' }, done]),
    ).toMatchObject({
      finished: true,
      session: 't',
      usage: { input: 400, cacheRead: 2000, output: 84 },
    });
  });
  it('failed', () => {
    expect(fold(codex, [done, { type: 'turn.failed', error: { message: 'boom' } }])).toMatchObject({
      finished: false,
      failure: { kind: 'crashed', message: 'codex ended with an error: boom' },
    });
  });
});

describe('gemini', () => {
  const done = { type: 'result', status: 'success', stats: { input_tokens: 2400, output_tokens: 84, cached: 2000 } };

  it('is bounded in its turns and starts itself only once', () => {
    const { env, files } = gemini.toInvocation(FACTS);
    expect(env['GEMINI_CLI_NO_RELAUNCH']).toBe('true');
    expect(JSON.parse(files['.gemini/settings.json'] ?? '')).toMatchObject({ model: { maxSessionTurns: 7 } });
  });
  // That the program keeps to it, the case `hostile` of test/agents/matrix.ts proves.
  it('trusts no folder before its settings are read, and is told to run no hook and no server and to read no `.env`', () => {
    const { args, env, files } = gemini.toInvocation(FACTS);
    const settings = JSON.parse(files['.gemini/settings.json'] ?? '');
    expect(args).toEqual(expect.arrayContaining(['--skip-trust', '--yolo', '--allowed-mcp-server-names', '--extensions']));
    expect(env).not.toHaveProperty('GEMINI_CLI_TRUST_WORKSPACE');
    expect(settings.security).toEqual({ auth: { selectedType: 'gemini-api-key', useExternal: true } });
    expect(settings).toMatchObject({ hooksConfig: { enabled: false }, advanced: { ignoreLocalEnv: true } });
  });
  it('finished', () => {
    expect(fold(gemini, [{ type: 'init', session_id: 's' }, { type: 'error', severity: 'warning', message: 'slow' }, done])).toMatchObject({
      finished: true,
      session: 's',
      usage: { input: 400, cacheRead: 2000, output: 84 },
    });
  });
  it.each<[string, Record<string, unknown>[], object]>([
    [
      'an error at its end',
      [{ ...done, status: 'error', error: { message: '[API Error: boom]' } }],
      { kind: 'crashed', message: 'gemini ended with an error: [API Error: boom]' },
    ],
    [
      'too many turns',
      [{ ...done, status: 'error', error: { message: 'Reached max session turns for this session.' } }],
      { kind: 'limit' },
    ],
    [
      'a loop that it calls a success',
      [{ type: 'error', severity: 'warning', message: 'Loop detected, stopping execution' }, done],
      { kind: 'limit' },
    ],
  ])('%s', (_, events, failure) => {
    expect(fold(gemini, events)).toMatchObject({ finished: false, failure });
  });
});
