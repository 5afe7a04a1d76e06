import { describe, expect, it } from 'vitest';
import { type Asking, askModel, ModelFailure } from '../../../../src/core/agents/api/ask-model.ts';
import { type ChatAnswer, type ChatRequest, readArguments, TornAnswer, toToolName } from '../../../../src/core/agents/api/chat-model.ts';
import type { FailedAnswer } from '../../../../src/core/gateway/classify.ts';

const now = new Date('2026-11-23T10:00:00Z');
const answer: ChatAnswer = { text: 'yes', calls: [], end: 'complete' };
const never = new AbortController().signal;

class Refused extends Error {
  readonly said: FailedAnswer;
  constructor(status: number, headers: Record<string, string> = {}, error: unknown = undefined, text = 'no, key-12345') {
    super(text);
    this.said = { status, headers, error, text };
  }
}

/** Asks a model that does each of `acts` in turn, the last for ever. */
async function ask(acts: ((request: ChatRequest) => Promise<ChatAnswer>)[], more: Partial<Asking> = {}, signal = never) {
  let asked = 0;
  const waits: number[] = [];
  const model = {
    ask: (request: ChatRequest) => (acts[Math.min(asked++, acts.length - 1)] as (typeof acts)[number])(request),
    explain: (error: unknown) => (error instanceof Refused ? error.said : undefined),
  };
  const asking: Asking = {
    model,
    stallMs: 1000,
    waitsMs: [1, 2],
    pass: 'key-12345',
    now: () => now,
    onRetry: (_, wait) => waits.push(wait),
    ...more,
  };
  const question = { system: 's', turns: [], tools: [], maxOutputTokens: 10 };
  const end = await askModel(asking, question, signal).catch((error: unknown) => error);
  return { end, asked, waits, failure: end instanceof ModelFailure ? end.failure : undefined };
}
const fail = (error: Error) => async () => {
  throw error;
};
const good = async () => answer;

describe('askModel', () => {
  it('asks once more after what passes', async () => {
    for (const error of [
      new Refused(500),
      new Refused(529),
      new Refused(429),
      new TornAnswer(),
      new TypeError('terminated'),
      new SyntaxError('x'),
    ]) {
      expect(await ask([fail(error), good])).toMatchObject({ end: answer, asked: 2, waits: [1] });
    }
  });

  it('gives up after three', async () => {
    expect(await ask([fail(new Refused(503))])).toMatchObject({ asked: 3, waits: [1, 2], failure: { kind: 'overloaded' } });
  });

  it.each([
    [401, undefined, 'auth'],
    [402, undefined, 'quota'],
    [429, { error: { code: 'insufficient_quota' } }, 'quota'],
    [400, { error: { message: 'prompt is too long' } }, 'context_too_long'],
    [400, { error: { message: 'bad' } }, 'crashed'],
  ])('does not repeat what stays: %s %j is %s', async (status, error, kind) => {
    expect(await ask([fail(new Refused(status, {}, error)), good])).toMatchObject({ asked: 1, failure: { kind } });
  });

  it('waits as long as it is asked to, up to a minute', async () => {
    expect(await ask([fail(new Refused(429, { 'retry-after': '0.02' })), good])).toMatchObject({ end: answer, waits: [20] });
    expect(await ask([fail(new Refused(429, { 'retry-after': '90' })), good])).toMatchObject({
      asked: 1,
      failure: { kind: 'rate_limit', retryAt: new Date('2026-11-23T10:01:30Z') },
    });
  });

  it('ends an answer that stalls, also where the model does not listen', async () => {
    const deaf = () => new Promise<ChatAnswer>(() => {});
    expect(await ask([deaf], { stallMs: 30 })).toMatchObject({ asked: 1, failure: { kind: 'stalled' } });
    const quiet = ({ signal }: ChatRequest) => new Promise<ChatAnswer>((done) => signal.addEventListener('abort', () => done(answer)));
    expect((await ask([quiet], { stallMs: 30 })).failure?.kind).toBe('stalled');
  });

  it('bears a slow answer as long as something comes', async () => {
    const slow = async ({ onPiece }: ChatRequest) => {
      for (let at = 0; at < 8; at++) {
        await new Promise((done) => setTimeout(done, 40));
        onPiece();
      }
      return answer;
    };
    expect((await ask([slow], { stallMs: 200 })).end).toEqual(answer);
  });

  it('ends at once when the run is stopped, also while it waits', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stop')), 30);
    const { end, asked } = await ask([fail(new Refused(500))], { waitsMs: [60_000, 1] }, stop.signal);
    expect(asked).toBe(1);
    expect(end).toBeInstanceOf(Error);
    expect(end).not.toBeInstanceOf(ModelFailure);
  });

  it('repeats no key', async () => {
    expect((await ask([fail(new Refused(500, {}, undefined, 'no, key-12345'))])).failure?.message).not.toContain('key-12345');
    expect((await ask([fail(new Error('key-12345 lost'))])).failure?.message).toBe('the answer broke off: *** lost');
  });
});

describe('what a model writes', () => {
  it.each([
    ['', { input: {} }],
    ['{"a":1}', { input: { a: 1 } }],
    ['{"a":', { input: {}, problem: 'the arguments are no valid JSON (5 characters)' }],
    ['[1]', { input: {}, problem: 'the arguments are no JSON object' }],
    ['null', { input: {}, problem: 'the arguments are no JSON object' }],
  ])('as arguments: %s', (text, read) => {
    expect(readArguments(text)).toEqual(read);
  });

  it('as the name of a tool becomes one that providers take back', () => {
    expect(toToolName('functions.read')).toBe('functions_read');
    expect(toToolName('')).toBe('unknown');
    expect(toToolName('x'.repeat(100))).toHaveLength(64);
  });
});
