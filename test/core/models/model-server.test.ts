/** The model server of the tests, asked over real HTTP and through the providers' own SDKs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, type ModelServer, openModelServer, type ScriptedReply, withFaults } from '../../support/model-server.ts';
import { askAnthropic, askChat, askGoogle, askResponses, CALLS, KEY } from './ask-sdk.ts';

const REPLY = { text: 'Let me see: „ü“ 🙂', calls: CALLS, inputTokens: 7, cacheRead: 5, cacheWrite: 3, outputTokens: 11 };
/** Everything that differs: how it is asked, where the key is, how it counts and ends. */
const PROTOCOLS = {
  anthropic: { ask: askAnthropic, keyIn: 'authorization', input: 7, ends: ['tool_use', 'end_turn', 'max_tokens'] },
  openai: { ask: askChat, keyIn: 'authorization', input: 15, ends: ['tool_calls', 'stop', 'length'] },
  responses: { ask: askResponses, keyIn: 'authorization', input: 15, ends: ['completed', 'completed', 'max_output_tokens'] },
  google: { ask: askGoogle, keyIn: 'x-goog-api-key', input: 15, ends: ['STOP', 'STOP', 'MAX_TOKENS'] },
} as const;
type Name = keyof typeof PROTOCOLS;

const QUESTIONS: Record<Name, { path: (stream: boolean) => string; body: object }> = {
  anthropic: { path: () => '/v1/messages', body: { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi.' }] } },
  openai: { path: () => '/v1/chat/completions', body: { model: 'm', messages: [{ role: 'user', content: 'Hi.' }] } },
  responses: { path: () => '/v1/responses', body: { model: 'm', input: 'Hi.' } },
  google: {
    path: (stream) => `/v1beta/models/m:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi.' }] }] },
  },
};

let server: ModelServer;
beforeEach(async () => {
  server = await openModelServer([REPLY]);
});
afterEach(() => server.close());

function post(name: Name, stream = false, signal?: AbortSignal): Promise<Response> {
  const { path, body } = QUESTIONS[name];
  return fetch(server.url + path(stream), { method: 'POST', body: JSON.stringify({ ...body, stream }), ...(signal && { signal }) });
}

/** What arrives within the time, and whether the answer ended well. */
async function listen(
  name: Name,
  stream: boolean,
  ms: number,
): Promise<{ status?: number; text: string; end: 'whole' | 'torn' | 'silent' }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ms);
  let [status, text] = [undefined as number | undefined, ''];
  const told = () => ({ ...(status !== undefined && { status }), text });
  try {
    const response = await post(name, stream, stop.signal);
    status = response.status;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk as Uint8Array, { stream: true });
    return { ...told(), end: 'whole' };
  } catch {
    return { ...told(), end: stop.signal.aborted ? 'silent' : 'torn' };
  } finally {
    clearTimeout(timer);
  }
}

describe.each(Object.keys(PROTOCOLS) as Name[])('%s', (name) => {
  const { ask, keyIn, input, ends } = PROTOCOLS[name];

  it.each([
    ['streamed', true],
    ['whole', false],
  ])('says words, calls tools and hears their results, %s', async (_, stream) => {
    server.script(({ results }) => (results.length === 0 ? REPLY : { text: 'Done.' }));
    const before = await ask(server.url, stream);
    expect(before).toMatchObject({ text: REPLY.text, calls: CALLS, tokens: [input, 11], end: ends[0] });
    if (name !== 'google') expect(new Set(before.calls.map(({ id }) => id)).size).toBe(2);

    const after = await ask(server.url, stream, { before, results: ['one\n', 'two'] });
    expect(after).toEqual({ text: 'Done.', calls: [], tokens: [100, 20], end: ends[1] });

    const [first, second] = server.asked as [Asked, Asked];
    expect(first).toMatchObject({ number: 1, protocol: name, model: 'm', key: KEY, keyIn, stream, system: 'Rules.', maxOutputTokens: 50 });
    expect(first).toMatchObject({ tools: ['read', 'run'], calls: [], results: [], turns: [{ role: 'user', text: 'Do it.' }] });
    expect(second.calls).toMatchObject(CALLS);
    expect(second.results).toMatchObject([
      { name: 'read', text: 'one\n', id: second.calls[0]?.id },
      { name: 'run', text: 'two', failed: name === 'anthropic' || name === 'google' },
    ]);
    expect(second.at.getTime()).toBeGreaterThanOrEqual(first.at.getTime());
    expect(Object.keys(server.seen[1] ?? {})).toEqual(['protocol', 'model', 'key', 'system', 'turns', 'maxOutputTokens']);
    expect(server.seen[1]?.turns.map(({ text }) => text).join('|')).toContain('one\n');
  });

  it.each([true, false])('ends where the output is cut (streamed: %s)', async (stream) => {
    server.script([{ text: 'Half', end: 'cut' }]);
    expect(await ask(server.url, stream)).toMatchObject({ text: 'Half', calls: [], end: ends[2] });
  });

  it('takes no call without its result, and no result without its call', async () => {
    const before = {
      text: '',
      tokens: [0, 0] as [number, number],
      end: '',
      calls: CALLS.map((call, index) => ({ id: `c${index}`, ...call })),
    };
    await expect(ask(server.url, false, { before, results: ['one'] })).rejects.toThrow(/the call .* of run has no result/);
    const [call] = before.calls;
    await expect(ask(server.url, false, { before: { ...before, calls: call ? [call] : [] }, results: ['one', 'two'] })).rejects.toThrow(
      /belongs to no call/,
    );
  });

  it.each([
    ['x-api-key', { 'x-api-key': KEY }, ''],
    ['x-goog-api-key', { 'x-goog-api-key': KEY }, ''],
    ['authorization', { authorization: `Bearer ${KEY}` }, ''],
    ['?key', {}, `key=${KEY}`],
  ])('finds the key in %s', async (where, headers, query) => {
    const { path, body } = QUESTIONS[name];
    await fetch(`${server.url}/any/prefix${path(false)}?${query}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(server.asked).toMatchObject([{ keyIn: where, key: KEY, path: `/any/prefix${path(false)}?${query}`.replace(/\?$/, '') }]);
  });

  it('complains about a body that it cannot read', async () => {
    const response = await fetch(server.url + QUESTIONS[name].path(false), { method: 'POST', body: '{"model":' });
    expect([response.status, server.asked.length, server.beside.length]).toEqual([400, 0, 1]);
    expect(JSON.stringify(await response.json())).toContain('cannot be read');
  });

  it.each([true, false])('hangs, stalls, tears, drips and talks nonsense (streamed: %s)', async (stream) => {
    const whole = await (await post(name, stream)).text();
    server.script([{ fault: 'hang' }]);
    expect(await listen(name, stream, 60)).toEqual({ text: '', end: 'silent' });
    server.script([{ fault: 'garbage' }]);
    expect(await listen(name, stream, 5000)).toMatchObject({ status: 200, text: expect.stringMatching(/^<html>/), end: 'whole' });
    server.script([{ fault: 'torn' }]);
    expect(await listen(name, stream, 5000)).toMatchObject({ status: 200, end: 'torn' });
    server.script([{ fault: 'stall' }]);
    const stalled = await listen(name, stream, 120);
    expect(stalled).toMatchObject({ status: 200, end: 'silent' });
    expect(stalled.text).toContain(whole.slice(0, 5));
    if (stream) expect(stalled.text).toMatch(/\n\n$/);
    server.script([{ fault: 'drip', everyMs: 20 }]);
    const dripped = await listen(name, stream, 200);
    expect(dripped).toMatchObject({ status: 200, end: 'silent' });
    expect(dripped.text.length).toBeGreaterThan(2);
    expect(dripped.text.length).toBeLessThan(12);
    server.script([{ fault: 'fails_in_stream', as: 'overloaded' }]);
    const failed = await listen(name, stream, 5000);
    expect(failed).toMatchObject({ status: stream ? 200 : name === 'anthropic' ? 529 : 503, text: expect.stringMatching(/overloaded/i) });
    expect(failed.end).toBe('whole');
  });

  it('says when to ask again, in seconds or as a date', async () => {
    server.script([{ fault: 'rate_limit', retryAfter: 7 }]);
    const seconds = await post(name);
    expect(seconds.status).toBe(429);
    if (name === 'google') expect(await seconds.json()).toMatchObject({ error: { details: [{ retryDelay: '7s' }] } });
    else expect(seconds.headers.get('retry-after')).toBe('7');
    server.script([{ fault: 'rate_limit', retryAfter: new Date('2026-11-22T10:05:00Z') }, { fault: 'rate_limit' }]);
    expect((await post(name)).headers.get('retry-after')).toBe('Sun, 22 Nov 2026 10:05:00 GMT');
    expect((await post(name)).headers.get('retry-after')).toBeNull();
  });
});

describe('a refusal in the words of its provider', () => {
  it.each<[Name, ScriptedReply, number, RegExp]>([
    ['anthropic', { fault: 'auth' }, 401, /authentication_error/],
    ['anthropic', { fault: 'forbidden' }, 403, /permission_error/],
    ['anthropic', { fault: 'quota' }, 400, /credit balance is too low/],
    ['anthropic', { fault: 'rate_limit' }, 429, /rate_limit_error/],
    ['anthropic', { fault: 'server_error' }, 500, /api_error/],
    ['anthropic', { fault: 'overloaded' }, 529, /overloaded_error/],
    ['anthropic', { fault: 'unavailable' }, 503, /api_error/],
    ['anthropic', { fault: 'context_too_long' }, 400, /prompt is too long/],
    ['openai', { fault: 'unauthenticated' }, 401, /invalid_api_key/],
    ['openai', { fault: 'quota' }, 429, /insufficient_quota/],
    ['openai', { fault: 'context_too_long' }, 400, /context_length_exceeded/],
    ['responses', { fault: 'rate_limit' }, 429, /rate_limit_exceeded/],
    ['responses', { fault: 'overloaded' }, 503, /overloaded/],
    ['google', { fault: 'auth' }, 400, /API key not valid/],
    ['google', { fault: 'unauthenticated' }, 401, /UNAUTHENTICATED/],
    ['google', { fault: 'forbidden' }, 403, /PERMISSION_DENIED/],
    ['google', { fault: 'quota' }, 429, /RESOURCE_EXHAUSTED.*QuotaFailure.*PerDay/],
    ['google', { fault: 'context_too_long' }, 400, /input token count/],
    ['openai', { status: 402, body: { error: { message: 'Insufficient Balance' } } }, 402, /Insufficient Balance/],
  ])('%s %j', async (name, reply, status, words) => {
    server.script([reply]);
    const response = await post(name, true);
    expect(response.status).toBe(status);
    expect(JSON.stringify(await response.json())).toMatch(words);
  });
});

describe('a script', () => {
  it('has faults by number or by what was asked, and goes on behind them', async () => {
    const ask = async () => (await post('openai')).status;
    server.script(withFaults([{ text: 'Good.' }], { 2: { fault: 'server_error' }, 3: { fault: 'auth' } }));
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([200, 500, 401, 200]);
    server.script(withFaults([{ text: 'Good.' }], ({ number }) => (number % 2 === 0 ? { fault: 'overloaded' } : undefined)));
    expect([await ask(), await ask()]).toEqual([200, 503]);
    server.script([]);
    expect(await ask()).toBe(500);
  });

  it('takes its time where that is wanted, and forgets who went away', async () => {
    server.script([{ text: 'Late.', delayMs: 200 }]);
    expect((await listen('openai', true, 50)).end).toBe('silent');
    const started = performance.now();
    expect((await listen('openai', true, 5000)).end).toBe('whole');
    expect(performance.now() - started).toBeGreaterThan(190);
    await sleep(10);
  });
});

it.each([
  ['HEAD', '/', 200, undefined],
  ['GET', '/', 200, {}],
  ['GET', '/v1/models', 200, { object: 'list', data: [{ id: 'scripted-model' }] }],
  ['GET', '/v1/models/gpt-5', 200, { id: 'gpt-5' }],
  ['GET', '/v1beta/models', 200, { models: [{ name: 'models/scripted-model' }] }],
  ['GET', '/v1beta/models/gemini-2.5-pro', 200, { name: 'models/gemini-2.5-pro' }],
  ['POST', '/v1/messages/count_tokens', 200, { input_tokens: 100 }],
  ['POST', '/v1beta/models/gemini-2.5-pro:countTokens', 200, { totalTokens: 100 }],
  ['GET', '/v1/files', 404, { error: { message: 'no route /v1/files' } }],
  ['POST', '/v1/embeddings', 404, {}],
])('what clients ask beside: %s %s', async (method, path, status, body) => {
  const response = await fetch(server.url + path, { method });
  expect(response.status).toBe(status);
  if (body) expect(await response.json()).toMatchObject(body);
  expect(server.beside).toEqual([`${method} ${path}`]);
  expect(server.asked).toEqual([]);
});
