import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { AgentOsError } from '../../../src/core/errors.ts';
import { openModels } from '../../../src/core/models/chain.ts';
import type { Answer, Called, Provider } from '../../../src/core/models/models.ts';
import { type ModelServer, openModelServer, type Script } from '../../support/model-server.ts';

const CANARY = 'sk-canary-0123456789-secret';
const GOOD = { text: '{"colour":"red"}' };
const schema = z.strictObject({ colour: z.string() });
const PROVIDERS: readonly Provider[] = ['anthropic', 'openai', 'google', 'deepseek'];
const now = new Date('2026-11-22T10:00:00Z');

let server: ModelServer;
let second: ModelServer;
/** What was told of calls. */
let calls: Called[];

beforeEach(async () => {
  calls = [];
  server = await openModelServer([GOOD]);
  second = await openModelServer([{ text: '{"colour":"blue"}' }]);
});
afterEach(async () => {
  await server.close();
  await second.close();
});

interface Asking {
  providers?: Provider[];
  script?: Script;
  deadlineMs?: number;
  signal?: AbortSignal;
  env?: Record<string, string>;
}

/** Asks a chain whose first model is at `server` and whose others are at `second`. */
function ask({ providers = ['openai'], script, deadlineMs = 5000, signal, env }: Asking): Promise<Answer<z.infer<typeof schema>>> {
  if (script) server.script(script);
  const models = openModels({
    models: providers.map((provider, index) => ({
      provider,
      model: `model-${index}`,
      key_env: 'MODEL_KEY',
      base_url: index === 0 ? server.url : second.url,
    })),
    env: env ?? { MODEL_KEY: CANARY },
    clock: { now: () => now },
  });
  if (!models) throw new Error('no models');
  return models.ask({
    purpose: 'test',
    system: 'Rules.',
    prompt: 'What colour?',
    schema,
    maxOutputTokens: 500,
    deadlineMs,
    signal: signal ?? new AbortController().signal,
    onCall: (call) => calls.push(call),
  });
}

async function fail(asking: Asking): Promise<AgentOsError> {
  const error = await ask(asking).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AgentOsError)) throw error ?? new Error('it did not fail');
  expect(JSON.stringify([error.message, error.hint, String(error.cause), error.stack])).not.toMatch(/canary|sk-can/);
  return error;
}

describe.each(PROVIDERS)('a model of %s', (provider) => {
  const one = [provider];

  it('answers in its own protocol', async () => {
    const answer = await ask({ providers: one });
    expect(answer).toEqual({
      value: { colour: 'red' },
      by: { provider, model: 'model-0' },
      usage: { input_tokens: 100, output_tokens: 20 },
    });
    expect(server.seen).toEqual([
      {
        protocol: provider === 'deepseek' ? 'openai' : provider,
        model: 'model-0',
        key: CANARY,
        system: 'Rules.',
        turns: [{ role: 'user', text: 'What colour?' }],
        maxOutputTokens: 500,
      },
    ]);
  });

  it.each([
    ['auth', { fault: 'auth' }, 'auth', 'the key was refused'],
    ['a used-up account', { fault: 'credit' }, 'auth', 'the account has nothing left'],
    ['a rate limit', { fault: 'rate_limit' }, 'rate_limit', 'asks to wait, HTTP 429'],
    ['a server error', { fault: 'server_error' }, 'unavailable', 'does not answer, HTTP 500'],
    ['an overloaded provider', { fault: 'overloaded' }, 'unavailable', 'does not answer, HTTP 5'],
    ['a request it does not take', { fault: 'refused' }, 'refused', 'refused the request, HTTP 400'],
    ['what is no answer', { fault: 'garbage' }, 'unavailable', 'could not be read'],
    ['a torn answer', { fault: 'torn' }, 'unavailable', 'does not answer'],
    ['a refusal', { text: '', end: 'refused' }, 'refused', 'declined to answer'],
  ] as const)('says what %s is, and asks once', async (_, reply, code, words) => {
    const error = await fail({ providers: one, script: [reply] });
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(server.seen).toHaveLength(1);
  });

  it('says until when to wait', async () => {
    const error = await fail({ providers: one, script: [{ fault: 'rate_limit', retryAfter: 30 }] });
    expect(error.retryAt?.toISOString()).toBe('2026-11-22T10:00:30.000Z');
  });

  it('ends at the deadline', async () => {
    expect(await fail({ providers: one, script: [{ fault: 'hang' }], deadlineMs: 100 })).toMatchObject({ code: 'timeout' });
  });

  it('is asked once more, with what was wrong', async () => {
    const answer = await ask({ providers: one, script: [{ text: 'I think it is {red}.' }, GOOD] });
    expect(answer.value).toEqual({ colour: 'red' });
    expect(answer.usage).toEqual({ input_tokens: 200, output_tokens: 40 });
    expect(server.seen[1]?.turns).toEqual([
      { role: 'user', text: 'What colour?' },
      { role: 'assistant', text: 'I think it is {red}.' },
      { role: 'user', text: expect.stringContaining('it holds no JSON object') },
    ]);
  });
});

it('counts what a model of Google thought as output', async () => {
  const body = {
    candidates: [{ content: { role: 'model', parts: [{ text: GOOD.text }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 70, totalTokenCount: 85 },
  };
  expect((await ask({ providers: ['google'], script: [{ status: 200, body }] })).usage).toEqual({ input_tokens: 10, output_tokens: 75 });
});

it('waits until the next day of Google where the quota of one is used up', async () => {
  const violations = [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }];
  const details = [
    { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '20s' },
  ];
  const body = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'You exceeded your current quota', details } };
  const error = await fail({ providers: ['google'], script: [{ status: 429, body }] });
  expect(error).toMatchObject({ code: 'rate_limit', retryAt: new Date('2026-11-23T08:00:00Z') });
});

describe('the chain', () => {
  it('is not there where nothing is configured', () => {
    expect(openModels({ models: [], env: {}, clock: { now: () => now } })).toBeUndefined();
  });

  it.each(['auth', 'rate_limit', 'server_error', 'overloaded', 'garbage', 'torn', 'refused'] as const)(
    'goes to the next model after %s',
    async (fault) => {
      const answer = await ask({ providers: ['anthropic', 'google'], script: [{ fault }] });
      expect(answer).toMatchObject({ value: { colour: 'blue' }, by: { provider: 'google', model: 'model-1' } });
      expect(server.seen).toHaveLength(1);
    },
  );

  it('leaves the next model its share of the time when one hangs', async () => {
    const answer = await ask({ providers: ['anthropic', 'openai'], script: [{ fault: 'hang' }], deadlineMs: 400 });
    expect(answer.by.provider).toBe('openai');
  });

  it('goes to the next model after two bad answers', async () => {
    const bad = { text: '{"colour":"red","id":"acme__shop-1-1"}' };
    const answer = await ask({ providers: ['openai', 'google'], script: [bad] });
    expect(answer).toMatchObject({ value: { colour: 'blue' }, usage: { input_tokens: 300, output_tokens: 60 } });
    expect(server.seen).toHaveLength(2);
    expect(server.seen[1]?.turns.at(-1)?.text).toMatch(/Unrecognized key/);
  });

  it('tells of each call that may have cost something, and by whom', async () => {
    const usage = { input_tokens: 100, output_tokens: 20 };
    const [one, two] = [
      { provider: 'openai', model: 'model-0' },
      { provider: 'google', model: 'model-1' },
    ];
    await ask({ providers: ['openai', 'google'], script: [{ text: 'red' }] });
    expect(calls).toEqual([
      { by: one, usage },
      { by: one, usage },
      { by: two, usage },
    ]);
  });

  it.each([
    ['broken off', { fault: 'hang' }, 1],
    ['torn', { fault: 'torn' }, 1],
    ['what is no answer', { fault: 'garbage' }, 1],
    ['refused by its provider', { fault: 'overloaded' }, 0],
    ['of a wrong key', { fault: 'auth' }, 0],
  ] as const)('tells of a call that was %s without its usage, or not at all where it costs nothing', async (_, reply, told) => {
    await fail({ providers: ['openai'], script: [reply], deadlineMs: 400 });
    expect(calls).toEqual(Array.from({ length: told }, () => ({ by: { provider: 'openai', model: 'model-0' } })));
  });

  // The SDK of Google does not say why a connection failed.
  it.each(PROVIDERS.filter((provider) => provider !== 'google'))('tells nothing of a call that was never sent: %s', async (provider) => {
    await server.close();
    const error = await fail({ providers: [provider] });
    server = await openModelServer([GOOD]);
    expect(error.code).toBe('unavailable');
    expect(calls).toEqual([]);
  });

  it('tells a cut answer from one without JSON', async () => {
    await ask({ script: [{ text: '{"colour":"re', end: 'cut' }, GOOD] });
    expect(server.seen[1]?.turns.at(-1)?.text).toContain('was cut off');
  });

  it('says of each model why it failed, in one error', async () => {
    second.script([{ fault: 'overloaded' }]);
    const error = await fail({ providers: ['anthropic', 'openai', 'deepseek'], script: [{ fault: 'auth' }] });
    expect(error).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('key_env') });
    expect(error.message).toBe(
      'no model answered for test: anthropic `model-0` the key was refused, HTTP 401; openai `model-1` does not answer, HTTP 503: The engine is currently overloaded.; deepseek `model-2` does not answer, HTTP 503: The engine is currently overloaded.',
    );
  });

  it('says which variable holds no key, and sends nothing', async () => {
    const error = await fail({ env: { MODEL_KEY: ' ' } });
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining('`MODEL_KEY`, which holds its key, is not set') });
    expect(server.seen).toEqual([]);
  });

  it('ends with a signal, and asks nobody else', async () => {
    const stop = new AbortController();
    server.script(() => {
      stop.abort();
      return { fault: 'hang' };
    });
    expect(await fail({ providers: ['openai', 'google'], signal: stop.signal })).toMatchObject({ code: 'cancelled' });
    expect(second.seen).toEqual([]);
  });
});
