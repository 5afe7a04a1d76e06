import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../../src/core/gateway/gateway.ts';
import { readQuestion } from '../../../src/core/gateway/read-question.ts';

const PATHS: Record<string, [Protocol, string]> = {
  anthropic: ['anthropic', '/v1/messages'],
  responses: ['openai', '/v1/responses'],
  chat: ['openai', '/v1/chat/completions'],
  google: ['google', '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse'],
};
const read = (name: string, body: unknown) => {
  const [protocol, path] = PATHS[name] ?? ['anthropic', ''];
  return readQuestion(protocol, path, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
};
const user = (...content: object[]) => ({ messages: [{ role: 'user', content }] });
const item = (...content: object[]) => ({ input: [{ type: 'message', role: 'user', content }] });
const parts = (...list: object[]) => ({ contents: [{ role: 'user', parts: list }] });

/** As the real programs send them (versions: test/agents/clis/package.json). */
const GOOD: [string, string, object][] = [
  [
    'claude',
    'anthropic',
    {
      model: 'claude-sonnet-5-5',
      max_tokens: 128_000,
      stream: true,
      metadata: { user_id: '{"file_id":"x"}' },
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
      tools: [
        { name: 'Bash', description: 'd', input_schema: { properties: { file_id: {}, source: { type: 'object' } } }, defer_loading: true },
      ],
      mcp_servers: [],
      messages: [
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Fetch', input: { source: { type: 'url' }, file_id: 'x' } }] },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'see https://example.com' }] }],
        },
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } }] },
        { role: 'user', content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }] },
      ],
    },
  ],
  [
    'tools that run here',
    'anthropic',
    { tools: [{ type: 'bash_20250124' }, { type: 'text_editor_20250728' }, { type: 'custom', name: 'x' }] },
  ],
  [
    'codex',
    'responses',
    {
      model: 'gpt-5-codex',
      store: false,
      previous_response_id: null,
      background: false,
      include: ['reasoning.encrypted_content'],
      client_metadata: { prompt: 'x', file_id: 'y' },
      tools: [
        { type: 'function', name: 'exec', parameters: { properties: { file_id: {}, image_url: { type: 'string' } } } },
        { type: 'custom', name: 'apply_patch' },
        { type: 'local_shell' },
        { type: 'namespace', name: 'agents', tools: [{ type: 'function', name: 'close', parameters: {} }] },
      ],
      input: [
        { type: 'function_call', name: 'exec', arguments: '{"file_id":1}', call_id: 'c' },
        { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_image', image_url: 'data:image/png;base64,AA==' }] },
      ],
    },
  ],
  ['a picture', 'chat', user({ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } })],
  [
    'our loop',
    'chat',
    { tools: [{ type: 'function', function: { name: 'x', parameters: { file_url: 1 } } }], stream_options: { include_usage: true } },
  ],
  [
    'gemini',
    'google',
    {
      contents: [
        { role: 'model', parts: [{ functionCall: { name: 'x', args: { fileUri: 'x' } } }] },
        { role: 'user', parts: [{ functionResponse: { name: 'x', response: { fileData: 'x' } } }, { inlineData: { data: 'AA==' } }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'x', parametersJsonSchema: { properties: { fileData: {} } } }] }],
    },
  ],
];

const CLOSED: [string, object, string][] = [
  ['anthropic', { mcp_servers: [{ type: 'url', url: 'https://evil.example' }] }, '`mcp_servers`'],
  ['anthropic', { container: { skills: [] } }, '`container`'],
  ['anthropic', { container: 'container_1' }, '`container`'],
  ['anthropic', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'web_search_20250305'],
  ['anthropic', { tools: [{ name: 'a', input_schema: {} }, { type: 'web_fetch_20250910' }] }, 'web_fetch_20250910'],
  ['anthropic', { tools: [{ type: 'code_execution_20250825' }] }, 'code_execution_20250825'],
  ['anthropic', { tools: [{ type: 'mcp_toolset', mcp_server_name: 'x' }] }, 'mcp_toolset'],
  ['anthropic', { tools: { type: 'web_search_20250305' } }, '`tools`'],
  ['anthropic', { tools: ['web_search'] }, 'a tool'],
  ['anthropic', user({ type: 'image', source: { type: 'url', url: 'https://evil.example/?secret' } }), 'type `url`'],
  ['anthropic', user({ type: 'document', source: { type: 'file', file_id: 'file_1' } }), '`'],
  ['anthropic', user({ type: 'tool_result', content: [{ type: 'image', source: { type: 'url', url: 'x' } }] }), 'type `url`'],
  [
    'anthropic',
    user({ type: 'document', source: { type: 'content', content: [{ type: 'image', source: { type: 'url' } }] } }),
    'type `url`',
  ],
  ['anthropic', { system: [{ type: 'image', source: { type: 'url', url: 'x' } }] }, 'type `url`'],
  ['anthropic', { messages: [{ role: 'system', content: [], tools: [{ type: 'web_fetch_20250910' }] }] }, 'web_fetch_20250910'],
  ['anthropic', user({ type: 'container_upload', file_id: 'x' }), '`'],
  ['anthropic', { speed: 'fast' }, '`speed`'],
  ['responses', { background: true }, '`background`'],
  ['responses', { conversation: 'conv_1' }, '`conversation`'],
  ['responses', { prompt: { id: 'pmpt_1' } }, '`prompt`'],
  ['responses', { previous_response_id: 'resp_1' }, '`previous_response_id`'],
  ['responses', { store: true }, '`store`'],
  ['responses', { service_tier: 'priority' }, '`service_tier`'],
  ...[
    'web_search',
    'web_search_preview',
    'mcp',
    'file_search',
    'code_interpreter',
    'image_generation',
    'shell',
    'computer_use_preview',
  ].map((type): [string, object, string] => ['responses', { tools: [{ type, server_url: 'https://evil.example' }] }, `\`${type}\``]),
  ['responses', { tools: [{ type: 'namespace', tools: [{ type: 'mcp' }] }] }, '`mcp`'],
  ['responses', { tools: [{ name: 'x' }] }, 'the tool'],
  ['responses', item({ type: 'input_image', image_url: 'https://evil.example/?secret' }), 'address'],
  ['responses', item({ type: 'input_file', file_url: 'https://evil.example/?secret' }), '`file_url`'],
  ['responses', item({ type: 'input_file', file_id: 'file-1' }), '`file_id`'],
  ['responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 'item_reference'],
  ['responses', { input: [{ type: 'function_call_output', output: [{ type: 'input_image', image_url: 'http://x' }] }] }, 'address'],
  ['chat', user({ type: 'image_url', image_url: { url: 'https://evil.example/?secret' } }), 'address'],
  ['chat', user({ type: 'file', file: { file_id: 'file-1' } }), '`file_id`'],
  ['chat', { web_search_options: {} }, '`web_search_options`'],
  ['chat', { store: true }, '`store`'],
  ['google', { tools: [{ url_context: {} }] }, '`url_context`'],
  ['google', { tools: [{ urlContext: {} }] }, '`urlContext`'],
  ['google', { tools: [{ functionDeclarations: [], googleSearch: {} }] }, '`googleSearch`'],
  ['google', { tools: [{ google_search: {} }] }, '`google_search`'],
  ['google', { tools: [{ code_execution: {} }] }, '`code_execution`'],
  ['google', { tools: [{ googleSearchRetrieval: {} }] }, '`googleSearchRetrieval`'],
  ['google', { tools: { urlContext: {} } }, '`tools`'],
  ['google', parts({ fileData: { fileUri: 'https://evil.example/?secret' } }), '`fileData`'],
  ['google', parts({ file_data: { file_uri: 'gs://x' } }), '`file_data`'],
  ['google', { systemInstruction: { parts: [{ fileData: {} }] } }, '`fileData`'],
  ['google', { cachedContent: 'cachedContents/1' }, '`cachedContent`'],
  ['google', { generationConfig: { candidateCount: 8 } }, '`candidateCount`'],
  ['google', { serviceTier: 'SERVICE_TIER_PRIORITY' }, '`serviceTier`'],
  ['chat', { n: 128 }, '`n`'],
  ['chat', { model: 'gpt-4o-search-preview-2025-03-11' }, 'searches the web'],
  ['chat', { model: 'openai/gpt-5:online' }, 'searches the web'],
  ['chat', { model: 'groq/compound-mini' }, 'searches the web'],
  ['responses', { model: 'o4-mini-deep-research' }, 'searches the web'],
  ['anthropic', { inference_geo: 'us' }, '`inference_geo`'],
  ['google', { cached_content: 'cachedContents/1' }, '`cached_content`'],
];

describe('a question', () => {
  it.each(GOOD)('of %s passes', (_, name, body) => {
    expect(read(name, body)).toMatchObject({ ok: true });
  });

  it.each(CLOSED)('%s %j is refused, and told why', (name, body, word) => {
    expect(read(name, { model: 'm', ...body })).toEqual({ ok: false, reason: expect.stringContaining(word) });
  });

  it.each(['', '[]', 'null', '"x"', '{', '{}x', '\u001f\u008b', '{"a":"'])('that is no JSON object is refused: %j', (text) => {
    expect(read('anthropic', text)).toEqual({ ok: false, reason: 'the request is no JSON object' });
  });

  it.each([
    ['a model that is no name', '{"model":["m"]}'],
    ['a thousand levels', `{"messages":${'['.repeat(1000)}${']'.repeat(1000)}}`],
    ['a million values', `{"messages":[${'{},'.repeat(1_000_000)}{}]}`],
    ['a million levels in data of a tool', `{"input_schema":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`],
  ])('with %s is refused', (_, text) => {
    expect(read('anthropic', text)).toMatchObject({ ok: false });
  });

  it('is judged in little time, whatever its size', () => {
    const large = [`{"messages":[${'[],'.repeat(10_000_000)}0]}`, `{"input":${'['.repeat(30_000_000)}`].map((text) => Buffer.from(text));
    const began = performance.now();
    for (const bytes of large) expect(readQuestion('anthropic', '/v1/messages', bytes)).toMatchObject({ ok: false });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('may have any brackets and commas in its texts', () => {
    const text = `${'[{,'.repeat(300_000)}\\"[{`;
    expect(read('anthropic', user({ type: 'text', text }))).toMatchObject({ ok: true });
  });

  it('may have fields named like what every object has', () => {
    expect(read('anthropic', '{"model":"m","constructor":1,"__proto__":{"toString":2}}')).toMatchObject({ ok: true });
  });

  it('that is no UTF-8 is refused', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(readQuestion('anthropic', '/v1/messages', bytes)).toMatchObject({ ok: false });
  });

  it.each<[string, object, object]>([
    ['responses', { model: 'm', input: 'x' }, { model: 'm', input: 'x', store: false }],
    ['chat', { model: 'm', stream: true }, { model: 'm', stream: true, stream_options: { include_usage: true } }],
    [
      'chat',
      { model: 'm', stream: true, stream_options: { include_usage: false, include_obfuscation: false } },
      { model: 'm', stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
    ],
    ['chat', { model: 'm' }, { model: 'm' }],
    ['anthropic', { model: 'm', stream: true }, { model: 'm', stream: true }],
  ])('%s %j is sent with what the gateway needs', (name, body, sent) => {
    const result = read(name, body);
    expect(result.ok && JSON.parse(result.question.body.toString())).toEqual(sent);
  });

  it.each<[string, object, object]>([
    ['anthropic', { model: 'm', max_tokens: 100 }, { model: 'm', stream: false, maxOutput: 100 }],
    ['responses', { model: 'm', max_output_tokens: 100, stream: true }, { model: 'm', stream: true, maxOutput: 100 }],
    ['chat', { model: 'm', max_completion_tokens: 100, max_tokens: 50, n: 1 }, { model: 'm', stream: false, maxOutput: 100 }],
    [
      'google',
      { generationConfig: { maxOutputTokens: 100, candidate_count: 1 } },
      { model: 'gemini-2.5-pro', stream: true, maxOutput: 100 },
    ],
    ['google', { generation_config: { max_output_tokens: 100 } }, { model: 'gemini-2.5-pro', maxOutput: 100 }],
  ])('%s %j tells what it may cost', (name, body, question) => {
    expect(read(name, body)).toMatchObject({ ok: true, question });
  });
});
