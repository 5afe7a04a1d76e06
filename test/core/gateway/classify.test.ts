import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFailure, errorInStream, type FailedAnswer } from '../../../src/core/gateway/classify.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const KEY = 'sk-secret';
const judge = (over: Partial<FailedAnswer>) => classifyFailure({ headers: {}, error: undefined, text: '', ...over }, NOW, KEY);
const google = (code: number, status: string, message: string, details: unknown[] = []) => ({ error: { code, status, message, details } });

describe('what went wrong at a provider', () => {
  it.each<[string, Partial<FailedAnswer>, string]>([
    ['anthropic: key', { status: 401, error: { error: { type: 'authentication_error', message: 'invalid x-api-key' } } }, 'auth'],
    [
      'anthropic: no credit',
      { status: 400, error: { error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access' } } },
      'quota',
    ],
    ['anthropic: overloaded', { status: 529, error: { error: { type: 'overloaded_error', message: 'Overloaded' } } }, 'overloaded'],
    [
      'anthropic: too long',
      { status: 400, error: { error: { type: 'invalid_request_error', message: 'prompt is too long: 210000 tokens > 200000 maximum' } } },
      'context_too_long',
    ],
    ['anthropic: rate', { status: 429, error: { error: { type: 'rate_limit_error', message: 'slow' } } }, 'rate_limit'],
    [
      'openai: quota',
      {
        status: 429,
        error: { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota' } },
      },
      'quota',
    ],
    [
      'openai: rate',
      { status: 429, error: { error: { type: 'tokens', code: 'rate_limit_exceeded', message: 'Rate limit reached' } } },
      'rate_limit',
    ],
    [
      'openai: too long',
      { status: 400, error: { error: { code: 'context_length_exceeded', message: 'maximum context length is 128000' } } },
      'context_too_long',
    ],
    ['openai: key', { status: 401, error: { error: { code: 'invalid_api_key', message: `Incorrect API key provided: ${KEY}` } } }, 'auth'],
    ['google: key', { status: 400, error: google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.') }, 'auth'],
    ['google: a moment', { status: 429, error: google(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted') }, 'rate_limit'],
    ['google: no money', { status: 402, error: google(402, 'FAILED_PRECONDITION', 'Billing is not enabled.') }, 'quota'],
    [
      'google: a region without a free tier (ChatGPTNextWeb/NextChat#5255)',
      {
        status: 400,
        error: google(
          400,
          'FAILED_PRECONDITION',
          'Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.',
        ),
      },
      'crashed',
    ],
    [
      'anthropic: no credit, as a type of its own',
      { status: 403, error: { error: { type: 'billing_error', message: 'Your account is not active.' } } },
      'quota',
    ],
    [
      'openai: quota, without a code (ayaka14732/ChatGPTAPIFree#16)',
      {
        status: 429,
        error: {
          error: {
            message: 'You exceeded your current quota, please check your plan and billing details.',
            type: 'insufficient_quota',
            param: null,
            code: null,
          },
        },
      },
      'quota',
    ],
    ['a request that speaks of billing', { status: 400, error: { error: { message: 'unknown field: billing_address' } } }, 'crashed'],
    ['a request that speaks of credit, busy', { status: 529, error: { error: { message: 'credit balance is too low' } } }, 'overloaded'],
    [
      'a rate limit that speaks of the context window',
      { status: 429, error: { error: { message: 'context window too busy' } } },
      'rate_limit',
    ],
    ['a request that speaks of a key', { status: 400, error: { error: { message: 'no tool named authentication_error' } } }, 'crashed'],
    [
      'google: too long',
      {
        status: 400,
        error: google(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed'),
      },
      'context_too_long',
    ],
    ['deepseek: no money', { status: 402, error: { error: { message: 'Insufficient Balance' } } }, 'quota'],
    ['a proxy in between', { status: 503, text: 'upstream connect error' }, 'overloaded'],
    ['a large request', { status: 413, text: 'too large' }, 'context_too_long'],
    ['a wrong model', { status: 404, error: { error: { type: 'not_found_error', message: 'model: opus-9' } } }, 'crashed'],
    ['in a stream, overloaded', { error: { error: { type: 'overloaded_error', message: 'Overloaded' } } }, 'overloaded'],
    ['in a stream of Responses, overloaded', { error: { error: { code: 'overloaded', message: 'busy' } } }, 'overloaded'],
    ['in a stream, rate', { error: { error: { code: 'rate_limit_exceeded', message: 'slow' } } }, 'rate_limit'],
    ['in a stream, a wrong request', { error: { error: { type: 'invalid_request_error', message: 'no' } } }, 'crashed'],
  ])('%s', (_, answer, kind) => {
    const failure = judge(answer);
    expect(failure.kind).toBe(kind);
    expect(failure.message).not.toContain(KEY);
  });

  it.each<[string, string, string, string]>([
    // google-gemini/gemini-cli#8437, RooCodeInc/Roo-Code#3883, browserbase/mcp-server-browserbase#129
    ['a minute of tokens, free', 'GenerateContentInputTokensPerModelPerMinute-FreeTier', '26s', '2026-11-22T12:00:26Z'],
    ['a minute of tokens, paid', 'GenerateContentPaidTierInputTokensPerModelPerMinute', '47s', '2026-11-22T12:00:47Z'],
    ['a minute of requests', 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', '8s', '2026-11-22T12:00:08Z'],
    // diegosouzapw/OmniRoute#9504: the delay is that of a minute, the quota that of a day.
    ['a day of requests', 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', '36s', '2026-11-23T08:00:00.000Z'],
  ])('Google says the same of every quota; its id tells when there is more: %s', (_, quotaId, retryDelay, at) => {
    const words =
      'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.';
    const error = google(429, 'RESOURCE_EXHAUSTED', words, [
      {
        '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
        violations: [{ quotaMetric: 'generativelanguage.googleapis.com/x', quotaId }],
      },
      { '@type': 'type.googleapis.com/google.rpc.Help', links: [{ url: 'https://ai.google.dev/gemini-api/docs/rate-limits' }] },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
    ]);
    expect(judge({ status: 429, error })).toMatchObject({ kind: 'rate_limit', retryAt: new Date(at) });
  });

  it('a limit of the account itself ends on the day that it names', () => {
    // NousResearch/hermes-agent#80553
    const message = 'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.';
    expect(judge({ status: 400, error: { error: { type: 'invalid_request_error', message } } })).toMatchObject({
      kind: 'quota',
      retryAt: new Date('2026-12-01T00:00:00Z'),
    });
  });

  it.each<[string, FailedAnswer['headers'], unknown, string | undefined]>([
    ['seconds', { 'retry-after': '90' }, undefined, '12:01:30'],
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '9' }, undefined, '12:00:01.500'],
    ['a date', { 'retry-after': 'Sun, 22 Nov 2026 12:05:00 GMT' }, undefined, '12:05:00'],
    [
      'a reset of what is used up',
      { 'anthropic-ratelimit-tokens-reset': '2026-11-22T12:02:00Z', 'anthropic-ratelimit-tokens-remaining': '0' },
      undefined,
      '12:02:00',
    ],
    [
      'not one of what is left',
      { 'anthropic-ratelimit-tokens-reset': '2026-11-22T12:02:00Z', 'anthropic-ratelimit-tokens-remaining': '9' },
      undefined,
      undefined,
    ],
    ['a span', { 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-remaining-requests': '0' }, undefined, '12:06:00'],
    ['a second of the calendar', { 'x-ratelimit-reset': String(Date.parse('2026-11-22T12:03:00Z') / 1000) }, undefined, '12:03:00'],
    ['a detail', {}, google(429, 'RESOURCE_EXHAUSTED', 'slow', [{ retryDelay: '17.5s' }]), '12:00:17.500'],
    ['nonsense', { 'retry-after': 'soon' }, undefined, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined, undefined],
  ])('when to ask again: %s', (_, headers, error, at) => {
    expect(judge({ status: 429, headers, error })).toEqual({
      kind: 'rate_limit',
      message: expect.any(String),
      ...(at !== undefined && { retryAt: new Date(`2026-11-22T${at}Z`) }),
    });
  });

  it('never throws, never waits longer than a month, never says more than a line, whatever comes', () => {
    const headers = fc.dictionary(
      fc.constantFrom('retry-after', 'retry-after-ms', 'x-ratelimit-reset-tokens', 'anthropic-ratelimit-requests-reset'),
      fc.oneof(fc.string(), fc.double().map(String)),
    );
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
        headers,
        fc.jsonValue(),
        fc.string(),
        (status, names, error, text) => {
          const failure = judge({ ...(status !== undefined && { status }), headers: names, error, text: `${text}${KEY}` });
          expect(failure.message).not.toContain(KEY);
          expect(failure.message).not.toMatch(/[\n\r\u001b]/);
          expect(failure.message.length).toBeLessThan(500);
          if (failure.retryAt) expect(failure.retryAt.getTime() - NOW.getTime()).toBeLessThanOrEqual(31 * 24 * 3_600_000);
          errorInStream(typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {});
        },
      ),
    );
  });
});
