/** The adapters against raw streams: what is sent, what is read, and what becomes of a stream that goes wrong. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAnthropicChat } from '../../../../src/core/agents/api/anthropic-chat.ts';
import type { ChatModel, ChatRequest } from '../../../../src/core/agents/api/chat-model.ts';
import type { Turn } from '../../../../src/core/agents/api/conversation.ts';
import { openGoogleChat } from '../../../../src/core/agents/api/google-chat.ts';
import { openOpenAiChat } from '../../../../src/core/agents/api/openai-chat.ts';
import { TOOL_FORMS } from '../../../../src/core/agents/api/tool-forms.ts';
import { classifyFailure } from '../../../../src/core/gateway/classify.ts';

// biome-ignore lint/suspicious/noExplicitAny: bodies are what the SDKs send
let bodies: any[];
let paths: string[];
let headers: Record<string, string | string[] | undefined>[];
let reply: (response: ServerResponse) => void;
let server: Server;
let url: string;

beforeEach(async () => {
  bodies = [];
  paths = [];
  headers = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      paths.push(request.url ?? '');
      headers.push(request.headers);
      reply(response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((done) => server.close(done));
});

/** A stream of events in pieces that respect nothing: not lines, not characters. */
const stream =
  (text: string, end: 'end' | 'destroy' = 'end') =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(text);
    let at = 0;
    const more = () => {
      if (at >= bytes.length) return end === 'end' ? response.end() : response.destroy();
      response.write(bytes.subarray(at, at + 37));
      at += 37;
      setImmediate(more);
    };
    more();
  };
const fail =
  (status: number, body: unknown, more: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(JSON.stringify(body));
  };
const data = (...events: unknown[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
const named = (...events: { type: string }[]) => events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

const TURNS: Turn[] = [
  { role: 'user', text: 'the task' },
  { role: 'model', text: '', calls: [{ id: 'a', tool: 'read', input: { path: 'x' } }] },
  { role: 'tools', results: [{ id: 'a', tool: 'read', text: 'content', failed: false }] },
  { role: 'model', text: '', calls: [] },
  { role: 'user', text: 'go on' },
];
const ask = (model: ChatModel, more: Partial<ChatRequest> = {}) =>
  model.ask({
    system: 'be good',
    turns: TURNS,
    tools: TOOL_FORMS,
    maxOutputTokens: 500,
    signal: new AbortController().signal,
    onPiece: () => {},
    ...more,
  });
const why = async (model: ChatModel) => {
  const error = await ask(model).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const said = model.explain(error);
  return said ? classifyFailure(said, new Date(0), 'pass-1').kind : (error as Error).name;
};
const access = () => ({ model: 'm-1', url, pass: 'pass-1' });

describe('Anthropic', () => {
  const open = () => openAnthropicChat(access());
  const begin = {
    type: 'message_start',
    message: { id: 'm', role: 'assistant', content: [], usage: { input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 1 } },
  };
  const events = [
    begin,
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Grüße ' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: '🙂' } },
    { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't1', name: 'read', input: {} } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"path":' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '"ä.js"}' } },
    { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 't2', name: 'list', input: {} } },
  ];
  const end = [{ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } }, { type: 'message_stop' }];

  it('reads text, thought, calls and usage, and gives the thought back', async () => {
    reply = stream(named(...events, ...end));
    const answer = await ask(open());
    expect(answer).toEqual({
      text: 'Grüße 🙂',
      calls: [
        { id: 't1', tool: 'read', input: { path: 'ä.js' } },
        { id: 't2', tool: 'list', input: {} },
      ],
      kept: [{ type: 'thinking', thinking: 'hm', signature: 'sig' }],
      usage: { input: 10, cacheRead: 4, cacheWrite: 0, output: 9 },
      end: 'complete',
    });
    await ask(open(), { turns: [TURNS[0] as Turn, { role: 'model', text: answer.text, calls: answer.calls, kept: answer.kept }] });
    expect(bodies[1].messages[1].content[0]).toEqual({ type: 'thinking', thinking: 'hm', signature: 'sig' });
  });

  it('writes the conversation in its words', async () => {
    reply = stream(named(...events, ...end));
    await ask(open());
    expect(paths).toEqual(['/v1/messages']);
    expect([headers[0]?.['x-api-key'], headers[0]?.['authorization']]).toContain('Bearer pass-1');
    expect(bodies[0]).toMatchObject({ model: 'm-1', stream: true, max_tokens: 500, system: [{ text: 'be good' }] });
    expect(bodies[0].messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'the task' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'read', input: { path: 'x' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'content', is_error: false }] },
      { role: 'assistant', content: [{ type: 'text', text: '(no answer)' }] },
      { role: 'user', content: [{ type: 'text', text: 'go on', cache_control: { type: 'ephemeral' } }] },
    ]);
    expect(bodies[0].tools[3]).toMatchObject({ name: 'edit', input_schema: { type: 'object', required: ['path', 'old', 'new'] } });
  });

  it('tells a cut answer, and the call that came half', async () => {
    const half = { type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '{"pa' } };
    const cut = { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 500 } };
    reply = stream(named(...events, half, cut, { type: 'message_stop' }));
    expect(await ask(open())).toMatchObject({ end: 'cut', calls: [{}, { id: 't2', problem: expect.stringContaining('no valid JSON') }] });
  });

  it('tells apart what goes wrong', async () => {
    reply = stream(named(...events));
    expect(await why(open())).toBe('TornAnswer');
    reply = stream(named(...events), 'destroy');
    expect(await why(open())).not.toBe('undefined');
    reply = stream(named(...events, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } as { type: string }));
    expect(await why(open())).toBe('overloaded');
    reply = fail(401, { type: 'error', error: { type: 'authentication_error', message: 'invalid' } });
    expect(await why(open())).toBe('auth');
    reply = fail(400, {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' },
    });
    expect(await why(open())).toBe('context_too_long');
  });
});

describe.each(['openai', 'deepseek'] as const)('%s', (provider) => {
  const open = () => openOpenAiChat(provider, access());
  const chunk = (delta: unknown, finish: string | null = null) => ({
    id: 'c',
    choices: [{ index: 0, delta, finish_reason: finish }],
    usage: null,
  });
  const part = (index: number, more: Record<string, unknown>) => chunk({ tool_calls: [{ index, ...more }] });
  const chunks = [
    chunk({ role: 'assistant', content: '' }),
    chunk({ reasoning_content: 'hm' }),
    chunk({ content: 'Grüße ' }),
    chunk({ content: '🙂' }),
    part(0, { id: 't1', type: 'function', function: { name: 'read', arguments: '' } }),
    part(0, { function: { arguments: '{"path":' } }),
    part(1, { type: 'function', function: { name: 'functions.list', arguments: '{}' } }),
    part(0, { function: { arguments: '"ä.js"}' } }),
  ];
  const counted = {
    id: 'c',
    choices: [],
    usage: {
      prompt_tokens: 14,
      completion_tokens: 9,
      ...(provider === 'openai' ? { prompt_tokens_details: { cached_tokens: 4 } } : { prompt_cache_hit_tokens: 4 }),
    },
  };

  it('reads text, thought, calls and usage, and gives the thought back', async () => {
    reply = stream(`${data(...chunks, chunk({}, 'tool_calls'), counted)}data: [DONE]\n\n`);
    const answer = await ask(open());
    expect(answer).toEqual({
      text: 'Grüße 🙂',
      calls: [
        { id: 't1', tool: 'read', input: { path: 'ä.js' } },
        { id: 'call-1-2', tool: 'functions_list', input: {} },
      ],
      kept: 'hm',
      usage: { input: 10, cacheRead: 4, cacheWrite: 0, output: 9 },
      end: 'complete',
    });
    await ask(open(), { turns: [TURNS[0] as Turn, { role: 'model', text: answer.text, calls: answer.calls, kept: answer.kept }] });
    expect(bodies[1].messages[2]).toMatchObject({
      role: 'assistant',
      reasoning_content: 'hm',
      tool_calls: [{ id: 't1' }, { id: 'call-1-2' }],
    });
  });

  it('writes the conversation in its words', async () => {
    reply = stream(`${data(...chunks, chunk({}, 'stop'), counted)}data: [DONE]\n\n`);
    await ask(open());
    expect(paths).toEqual(['/chat/completions']);
    expect(headers[0]).toMatchObject({ authorization: 'Bearer pass-1' });
    expect(bodies[0]).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(provider === 'openai' ? bodies[0].max_completion_tokens : bodies[0].max_tokens).toBe(500);
    expect(bodies[0].messages).toEqual([
      { role: 'system', content: 'be good' },
      { role: 'user', content: 'the task' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'read', arguments: '{"path":"x"}' } }],
      },
      { role: 'tool', tool_call_id: 'a', content: 'content' },
      { role: 'assistant', content: '(no answer)' },
      { role: 'user', content: 'go on' },
    ]);
    expect(bodies[0].tools[3].function).toMatchObject({ name: 'edit', parameters: { type: 'object', required: ['path', 'old', 'new'] } });
  });

  it('tells apart what goes wrong', async () => {
    reply = stream(data(...chunks));
    expect(await why(open())).toBe('TornAnswer');
    reply = stream(data(...chunks, { error: { type: 'server_error', message: 'boom' } }));
    expect(await why(open())).toBe('overloaded');
    reply = fail(429, { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota' } });
    expect(await why(open())).toBe('quota');
    reply = fail(400, { error: { type: 'invalid_request_error', code: 'context_length_exceeded', message: 'too long' } });
    expect(await why(open())).toBe('context_too_long');
    reply = stream(data(...chunks, chunk({}, 'length')));
    expect((await ask(open())).end).toBe('cut');
  });
});

describe('Google', () => {
  const open = () => openGoogleChat(access());
  const chunk = (parts: unknown[], more: Record<string, unknown> = {}) => ({
    candidates: [{ index: 0, content: { role: 'model', parts }, ...more }],
  });
  const chunks = [
    chunk([{ text: 'hm', thought: true }]),
    chunk([{ text: 'Grüße ' }]),
    chunk([{ text: '🙂' }, { functionCall: { name: 'read', args: { path: 'ä.js' } }, thoughtSignature: 'sig' }]),
    chunk([{ functionCall: { name: 'list' } }]),
  ];
  const end = {
    ...chunk([], { finishReason: 'STOP' }),
    usageMetadata: { promptTokenCount: 14, cachedContentTokenCount: 4, candidatesTokenCount: 7, thoughtsTokenCount: 2 },
  };

  it('reads text, calls and usage, and gives the signature back with its call', async () => {
    reply = stream(data(...chunks, end));
    const answer = await ask(open());
    expect(answer).toEqual({
      text: 'Grüße 🙂',
      calls: [
        { id: 'call-1-1', tool: 'read', input: { path: 'ä.js' } },
        { id: 'call-1-2', tool: 'list', input: {} },
      ],
      kept: { 'call-1-1': 'sig' },
      usage: { input: 10, cacheRead: 4, cacheWrite: 0, output: 9 },
      end: 'complete',
    });
    await ask(open(), { turns: [TURNS[0] as Turn, { role: 'model', text: answer.text, calls: answer.calls, kept: answer.kept }] });
    expect(bodies[1].contents[1].parts).toEqual([
      { text: 'Grüße 🙂' },
      { functionCall: { name: 'read', args: { path: 'ä.js' } }, thoughtSignature: 'sig' },
      { functionCall: { name: 'list', args: {} } },
    ]);
  });

  it('writes the conversation in its words', async () => {
    reply = stream(data(...chunks, end));
    await ask(open());
    expect(paths).toEqual(['/v1beta/models/m-1:streamGenerateContent?alt=sse']);
    expect(headers[0]).toMatchObject({ 'x-goog-api-key': 'pass-1' });
    expect(bodies[0].contents).toEqual([
      { role: 'user', parts: [{ text: 'the task' }] },
      { role: 'model', parts: [{ functionCall: { name: 'read', args: { path: 'x' } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'read', response: { output: 'content' } } }] },
      { role: 'model', parts: [{ text: '(no answer)' }] },
      { role: 'user', parts: [{ text: 'go on' }] },
    ]);
    expect(bodies[0].tools[0].functionDeclarations[1]).toMatchObject({
      name: 'read',
      parameters: { type: 'object', properties: { from: { type: 'integer' } }, required: ['path'] },
    });
    expect(JSON.stringify(bodies[0].tools)).not.toMatch(/minLength|maximum|additionalProperties/);
  });

  it('tells apart what goes wrong', async () => {
    reply = stream(data(...chunks));
    expect(await why(open())).toBe('TornAnswer');
    reply = stream(data(...chunks), 'destroy');
    expect(await why(open())).toBe('overloaded');
    reply = stream(data(...chunks, { error: { code: 503, status: 'UNAVAILABLE', message: 'overloaded' } }));
    expect(await why(open())).toBe('overloaded');
    reply = fail(400, { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'API key not valid. Please pass a valid API key.' } });
    expect(await why(open())).toBe('auth');
    reply = fail(429, {
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow', details: [{ '@type': 'x/RetryInfo', retryDelay: '7s' }] },
    });
    const model = open();
    const said = model.explain(await ask(model).catch((error: unknown) => error));
    expect(said && classifyFailure(said, new Date(0), 'k')).toMatchObject({ kind: 'rate_limit', retryAt: new Date(7000) });
    reply = stream(data({ promptFeedback: { blockReason: 'SAFETY' } }));
    expect(await ask(open())).toMatchObject({ end: 'refused', calls: [], text: '' });
  });
});
