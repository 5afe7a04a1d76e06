/**
 * The program of `kind: api`, which runs inside the sandbox: reads the task from
 * stdin, works in the current directory, prints events, leaves the result file.
 * Exit status: 0 the model finished, 1 it did not, 64 the arguments are wrong,
 * 143 it was stopped. It ends by itself when nothing is left to do.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { messageOf } from '../../errors.ts';
import { guardStreams } from '../../streams.ts';
import { cleanLine } from '../../text.ts';
import { RESULT_FILE, readResultFile } from '../result-file.ts';
import { openAnthropicChat } from './anthropic-chat.ts';
import { PASS_VARIABLE, PROVIDERS, type Provider } from './api-kind.ts';
import { type Asking, askModel } from './ask-model.ts';
import type { ChatAccess, ChatModel } from './chat-model.ts';
import { estimateTokens } from './conversation.ts';
import { type ApiEvent, toRecord } from './events.ts';
import { openGoogleChat } from './google-chat.ts';
import { type LoopEnd, type LoopPorts, runLoop, toEndEvent } from './loop.ts';
import { openOpenAiChat } from './openai-chat.ts';
import { renderSystemPrompt } from './system-prompt.ts';
import { TOOL_FORMS } from './tool-forms.ts';
import { callTool } from './tools.ts';

const OPEN: Record<Provider, (access: ChatAccess) => ChatModel> = {
  anthropic: openAnthropicChat,
  openai: (access) => openOpenAiChat('openai', access),
  deepseek: (access) => openOpenAiChat('deepseek', access),
  google: openGoogleChat,
};
/** Tokens of one answer, thought included; DeepSeek takes no more. */
const OUTPUT_TOKENS: Record<Provider, number> = { anthropic: 16_000, openai: 32_000, google: 32_000, deepseek: 8192 };
/** A sign of life this often while a tool works. */
const BUSY_MS = 15_000;

interface Options {
  provider: Provider;
  model: string;
  url: string;
  session: string;
  turns: number;
  tokens: number;
  context: number;
  maxOutputTokens: number;
  stallMs: number;
  /** Wait before the second try, where the provider names none. */
  retryMs: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      provider: { type: 'string', default: '' },
      model: { type: 'string', default: '' },
      url: { type: 'string', default: '' },
      session: { type: 'string', default: '' },
      'max-turns': { type: 'string', default: '100' },
      'max-tokens': { type: 'string', default: '20000000' },
      'context-tokens': { type: 'string', default: '120000' },
      'max-output-tokens': { type: 'string', default: '' },
      'stall-seconds': { type: 'string', default: '180' },
      'retry-ms': { type: 'string', default: '1000' },
    },
  });
  const count = (name: keyof typeof values) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number above 0`);
    return value;
  };
  const provider = PROVIDERS.find((name) => name === values.provider);
  if (!provider) throw new TypeError(`--provider must be one of: ${PROVIDERS.join(', ')}`);
  if (values.model === '' || values.url === '') throw new TypeError('--model and --url are required');
  return {
    provider,
    model: values.model,
    url: values.url,
    session: values.session,
    turns: count('max-turns'),
    tokens: count('max-tokens'),
    context: count('context-tokens'),
    maxOutputTokens: values['max-output-tokens'] === '' ? OUTPUT_TOKENS[provider] : count('max-output-tokens'),
    stallMs: count('stall-seconds') * 1000,
    retryMs: count('retry-ms'),
  };
}

function emit(event: ApiEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** What this program was given for itself, taken out of the environment that commands get. */
function takePass(): string {
  const pass = process.env[PASS_VARIABLE] ?? '';
  delete process.env[PASS_VARIABLE];
  return pass;
}

async function work(options: Options, signal: AbortSignal): Promise<LoopEnd> {
  const pass = takePass();
  const root = process.cwd();
  const named = process.env['AGENTOS_RESULT_FILE'] ?? join(root, RESULT_FILE);
  // The working directory comes without symlinks, the name of the file may not.
  const file = join(realpathSync(dirname(named)), basename(named));
  const resultFile = relative(root, file);
  const system = renderSystemPrompt({ resultFile, maxTurns: options.turns });
  const asking: Asking = {
    model: OPEN[options.provider]({ model: options.model, url: options.url, pass }),
    stallMs: options.stallMs,
    waitsMs: [options.retryMs, 4 * options.retryMs],
    pass,
    now: () => new Date(),
    onRetry: (failure, waitMs) => emit({ type: 'retry', failure: toRecord(failure), wait_ms: waitMs }),
  };
  const workspace = { root, env: process.env, now: () => performance.now() };
  const ports: LoopPorts = {
    ask: (turns) => askModel(asking, { system, turns, tools: TOOL_FORMS, maxOutputTokens: options.maxOutputTokens }, signal),
    callTool: async (call) => {
      const busy = setInterval(() => emit({ type: 'busy', tool: cleanLine(call.tool, 40) }), BUSY_MS);
      try {
        return await callTool(workspace, call, signal);
      } finally {
        clearInterval(busy);
      }
    },
    findResultProblem: () => {
      const found = readResultFile(root, file);
      return 'problem' in found ? found.reason : undefined;
    },
    resultFile,
    overhead: estimateTokens([{ role: 'user', text: system + JSON.stringify(TOOL_FORMS) }]),
    emit,
  };
  return runLoop(await text(process.stdin), options, ports);
}

async function main(): Promise<number> {
  guardStreams();
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${cleanLine(messageOf(error))}\n`);
    return 64;
  }
  emit({ type: 'session', session: options.session, provider: options.provider, model: options.model });
  try {
    const end = await work(options, stop.signal);
    emit(toEndEvent(end));
    return end.failure ? 1 : 0;
  } catch (error) {
    const message = stop.signal.aborted ? 'the run was stopped' : cleanLine(messageOf(error));
    emit({ type: 'end', finished: false, failure: { kind: 'crashed', message } });
    return stop.signal.aborted ? 143 : 1;
  }
}

main().then((status) => {
  process.exitCode = status;
});
