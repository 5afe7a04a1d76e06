import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenUsage } from '../../../src/core/agents/report.ts';
import type { Protocol } from '../../../src/core/gateway/gateway.ts';
import { openAnswerReader } from '../../../src/core/gateway/read-answer.ts';
import { foldUsage } from '../../../src/core/gateway/usage.ts';

const usage = (input: number, cacheRead: number, cacheWrite: number, output: number): TokenUsage => ({
  input,
  cacheRead,
  cacheWrite,
  output,
});

/** What is read of an answer that comes in pieces of this size. */
function read(protocol: Protocol, stream: boolean, text: string, size = text.length): TokenUsage | undefined {
  let found: TokenUsage | undefined;
  const reader = openAnswerReader(stream, (event) => {
    found = foldUsage(protocol, found, event);
  });
  for (let k = 0; k < text.length; k += size) reader.push(text.slice(k, k + size));
  reader.end();
  return found;
}

const sse = (...events: unknown[]) => events.map((event) => `event: x\r\ndata: ${JSON.stringify(event)}\r\n\r\n`).join('');

const ANSWERS: [string, Protocol, boolean, string, TokenUsage | undefined][] = [
  [
    'a stream of Anthropic, whose counts grow',
    'anthropic',
    true,
    sse(
      {
        type: 'message_start',
        message: { usage: { input_tokens: 12, cache_read_input_tokens: 100, cache_creation_input_tokens: 8, output_tokens: 1 } },
      },
      { type: 'content_block_delta', delta: { text: 'usage' } },
      { type: 'message_delta', usage: { output_tokens: 40 } },
    ),
    usage(12, 100, 8, 40),
  ],
  [
    'an answer of Anthropic, of which some is kept for an hour',
    'anthropic',
    false,
    JSON.stringify({
      usage: {
        ...{ input_tokens: 1, cache_creation_input_tokens: 300, output_tokens: 2 },
        cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
      },
    }),
    usage(1, 0, 360, 2),
  ],
  [
    'a stream of OpenAI responses',
    'openai',
    true,
    sse(
      { type: 'response.created', response: { usage: null } },
      {
        type: 'response.completed',
        response: { usage: { input_tokens: 50, input_tokens_details: { cached_tokens: 20 }, output_tokens: 7 } },
      },
    ),
    usage(30, 20, 0, 7),
  ],
  [
    'chat completions of DeepSeek',
    'openai',
    false,
    JSON.stringify({ usage: { prompt_tokens: 10, prompt_cache_hit_tokens: 4, completion_tokens: 3 } }),
    usage(6, 4, 0, 3),
  ],
  [
    'a stream of Google, which repeats its counts',
    'google',
    true,
    sse(
      { usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 1 } },
      { usageMetadata: { promptTokenCount: 10, cachedContentTokenCount: 4, candidatesTokenCount: 5, thoughtsTokenCount: 2 } },
    ),
    usage(6, 4, 0, 7),
  ],
  ['nothing that can be read', 'anthropic', false, '<html>', undefined],
  [
    'counts that are none',
    'anthropic',
    false,
    JSON.stringify({ usage: { input_tokens: -1, output_tokens: 1e300, cache_read_input_tokens: '9' } }),
    usage(0, 0, 0, 0),
  ],
];

describe('usage', () => {
  it.each(ANSWERS)('%s, however it is cut', (_, protocol, stream, text, expected) => {
    expect(read(protocol, stream, text)).toEqual(expected);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: text.length }), (size) => {
        expect(read(protocol, stream, text, size)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
  it('goes on after a line that is too long to be looked at', () => {
    const text = `data: {"junk":"${'x'.repeat(5_000_000)}"}\n\n${sse({ usage: { output_tokens: 3 } })}`;
    expect(read('anthropic', true, text, 65_536)).toEqual(usage(0, 0, 0, 3));
  });
  it('never throws, whatever an answer holds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Protocol>('anthropic', 'openai', 'google'),
        fc.dictionary(fc.constantFrom('usage', 'message', 'response', 'usageMetadata'), fc.jsonValue()),
        (protocol, event) => {
          const found = foldUsage(protocol, undefined, event);
          if (found) for (const count of Object.values(found)) expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        },
      ),
    );
  });
});
