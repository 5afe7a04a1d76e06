/** The scripted coding model, with programs of every family of tools that do what it asks in a real directory. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseResult } from '../../../src/core/agents/result.ts';
import { type CodingTask, codingScript, endlessScript, IDLE_SCRIPT, STEP_USAGE } from '../../support/coding-script.ts';
import { type ModelServer, openModelServer } from '../../support/model-server.ts';

type Input = Record<string, string>;
type Tool = (directory: string, input: Input) => string;
const shell =
  (of: (input: Input) => string): Tool =>
  (cwd, input) =>
    execFileSync('sh', ['-c', of(input)], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const read =
  (path: string): Tool =>
  (directory, input) =>
    readFileSync(join(directory, input[path] ?? '?'), 'utf8');
const write =
  (path: string): Tool =>
  (directory, input) => {
    const file = join(directory, input[path] ?? '?');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, input['content'] ?? '?');
    return 'written';
  };
const edit =
  (path: string, old: string, now: string): Tool =>
  (directory, input) => {
    const file = join(directory, input[path] ?? '?');
    const [before, ...after] = readFileSync(file, 'utf8').split(input[old] ?? '?');
    if (after.length !== 1) throw new Error('not exactly once');
    writeFileSync(file, `${before}${input[now]}${after[0]}`);
    return 'changed';
  };

/** Named for who offers them; each with a tool beside that the task needs not. */
const FAMILIES: Record<string, Record<string, Tool>> = {
  claude: {
    Agent: () => '',
    Read: read('file_path'),
    Write: write('file_path'),
    Edit: edit('file_path', 'old_string', 'new_string'),
    Bash: shell(({ command = '' }) => command),
  },
  codex: { exec_command: shell(({ cmd = '' }) => cmd), write_stdin: () => '' },
  'older codex': {
    shell: (cwd, { command = [] as never }) =>
      execFileSync(command[0] ?? '', command.slice(1) as never, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  },
  gemini: {
    list_directory: () => '',
    read_file: read('file_path'),
    write_file: write('file_path'),
    replace: edit('file_path', 'old_string', 'new_string'),
    run_shell_command: shell(({ command = '' }) => command),
  },
  'the api loop': {
    list: () => '',
    read: read('path'),
    search: () => '',
    edit: edit('path', 'old', 'new'),
    write: write('path'),
    run: shell(({ command = '' }) => command),
  },
};

/** What shells and patterns would change, were it not quoted. */
const NASTY = `it's "$HOME" \`id\` $(id) * \\n %s é🙂\n\ttab\n\n`;
const TASK: CodingTask = {
  files: { 'src/deep/new.txt': NASTY, 'old.txt': 'replaced' },
  edits: [{ path: 'lib.js', old: "return '*' + \\d;", new: `return "$1 & 'x'";` }],
  run: ['cat lib.js > seen-by-run.txt'],
};
const LIB = "// lib\nfunction f() {\n  return '*' + \\d;\n}\n\n";

let server: ModelServer;
let directories: string[];
beforeEach(async () => {
  server = await openModelServer(codingScript(TASK));
  directories = [];
});
afterEach(async () => {
  await server.close();
  for (const directory of directories) rmSync(directory, { recursive: true });
});

function openDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coding-'));
  directories.push(directory);
  writeFileSync(join(directory, 'lib.js'), LIB);
  writeFileSync(join(directory, 'old.txt'), 'before');
  return directory;
}

/** Asks and does until there are last words, or for so many turns. */
async function work(directory: string, tools: Record<string, Tool>, most = 20): Promise<{ text: string; turns: number; calls: string[] }> {
  const client = new OpenAI({ apiKey: 'k', baseURL: server.url, maxRetries: 0, logLevel: 'off' });
  const messages: OpenAI.Chat.Completions.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Do the task.' }];
  const calls: string[] = [];
  for (let turns = 1; turns <= most; turns++) {
    const forms = Object.keys(tools).map((name) => ({ type: 'function' as const, function: { name } }));
    const answer = await client.chat.completions.create({ model: 'm', messages, ...(forms.length > 0 && { tools: forms }) });
    const message = answer.choices[0]?.message;
    if (!message?.tool_calls) return { text: message?.content ?? '', turns, calls };
    messages.push(message);
    for (const call of message.tool_calls) {
      if (call.type !== 'function') throw new Error(call.type);
      calls.push(call.function.name);
      messages.push({ role: 'tool', tool_call_id: call.id, content: perform(directory, tools, call.function) });
    }
  }
  return { text: '', turns: most, calls };
}

function perform(directory: string, tools: Record<string, Tool>, { name, arguments: input }: { name: string; arguments: string }): string {
  try {
    return tools[name]?.(directory, JSON.parse(input)) ?? `no tool ${name}`;
  } catch (error) {
    return `failed: ${String(error)}`;
  }
}

describe.each(Object.keys(FAMILIES))('the tools of %s', (family) => {
  it('are enough for the task', async () => {
    const directory = openDirectory();
    const fileOf = (name: string) => readFileSync(join(directory, name), 'utf8');
    const done = await work(directory, FAMILIES[family] ?? {});
    // Three reads at once, two files, an edit, a command, the result, the last words.
    expect(done).toMatchObject({ text: 'All done.', turns: 7 });
    expect(done.calls).toHaveLength(8);
    expect(fileOf('src/deep/new.txt')).toBe(NASTY);
    expect(fileOf('old.txt')).toBe('replaced');
    expect(fileOf('lib.js')).toBe(LIB.replace("return '*' + \\d;", () => `return "$1 & 'x'";`));
    expect(fileOf('seen-by-run.txt')).toBe(fileOf('lib.js'));
    expect(parseResult(fileOf('.agent_result.md'))).toMatchObject({
      status: 'complete',
      filesChanged: ['src/deep/new.txt', 'old.txt', 'lib.js'],
    });
  });
});

it('keeps runs apart that go on beside each other', async () => {
  const [one, two] = [openDirectory(), openDirectory()];
  const both = await Promise.all([work(one, FAMILIES['claude'] ?? {}), work(two, FAMILIES['codex'] ?? {})]);
  expect(both.map(({ turns }) => turns)).toEqual([7, 7]);
  for (const directory of [one, two]) expect(existsSync(join(directory, '.agent_result.md'))).toBe(true);
});

it('writes the result it is given, or none', async () => {
  const directory = openDirectory();
  server.script(codingScript({ result: false, text: 'I did nothing.' }));
  expect(await work(directory, FAMILIES['gemini'] ?? {})).toEqual({ text: 'I did nothing.', turns: 1, calls: [] });
  expect(existsSync(join(directory, '.agent_result.md'))).toBe(false);
  server.script(codingScript({ result: 'STATUS: <one of>\n' }));
  await work(directory, FAMILIES['gemini'] ?? {});
  expect(readFileSync(join(directory, '.agent_result.md'), 'utf8')).toBe('STATUS: <one of>\n');
});

it('answers who offers no tools with words, or with what is said for them', async () => {
  expect(await work(openDirectory(), {})).toEqual({ text: 'OK.', turns: 1, calls: [] });
  server.script(codingScript({ ...TASK, beside: ({ model }) => ({ text: `A title for ${model}` }) }));
  expect((await work(openDirectory(), {})).text).toBe('A title for m');
  server.script(codingScript(TASK));
  const json = await new OpenAI({ apiKey: 'k', baseURL: server.url }).chat.completions.create({
    model: 'm',
    messages: [{ role: 'user', content: 'JSON.' }],
    response_format: { type: 'json_object' },
  });
  expect(json.choices[0]?.message.content).toBe('{}');
});

it('asks for the same for ever, or says that it is done without doing anything', async () => {
  server.script(endlessScript());
  expect((await work(openDirectory(), FAMILIES['codex'] ?? {}, 12)).calls).toEqual(Array(12).fill('exec_command'));
  server.script(IDLE_SCRIPT);
  expect(await work(openDirectory(), FAMILIES['codex'] ?? {})).toEqual({ text: 'All done.', turns: 1, calls: [] });
});

it('says what each step used', async () => {
  const client = new OpenAI({ apiKey: 'k', baseURL: server.url });
  const { usage } = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'Hi.' }], tools: [] });
  expect(usage?.completion_tokens).toBe(20);
  const tools = [{ type: 'function' as const, function: { name: 'exec_command' } }];
  const step = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'Hi.' }], tools });
  expect(step.usage).toMatchObject({
    prompt_tokens: STEP_USAGE.inputTokens + STEP_USAGE.cacheRead + STEP_USAGE.cacheWrite,
    prompt_tokens_details: { cached_tokens: STEP_USAGE.cacheRead },
    completion_tokens: STEP_USAGE.outputTokens,
  });
});
