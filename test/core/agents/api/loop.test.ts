import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelFailure } from '../../../../src/core/agents/api/ask-model.ts';
import type { ChatAnswer } from '../../../../src/core/agents/api/chat-model.ts';
import { estimateTokens, type ToolCall, type Turn } from '../../../../src/core/agents/api/conversation.ts';
import type { ApiEvent } from '../../../../src/core/agents/api/events.ts';
import { type LoopLimits, runLoop } from '../../../../src/core/agents/api/loop.ts';
import type { AgentFailure } from '../../../../src/core/agents/report.ts';

const used = { input: 100, cacheRead: 10, cacheWrite: 5, output: 20 };
const say = (text: string, more: Partial<ChatAnswer> = {}): ChatAnswer => ({ text, calls: [], usage: used, end: 'complete', ...more });
let next = 0;
const use = (tool: string, input: unknown = {}): ChatAnswer => say('', { calls: [{ id: `c${++next}`, tool, input }] });
const WRITE = use('write', { path: '.agent_result.md', content: 'STATUS: complete' });

/** A model that follows a script, the last of it for ever, and tools that do nothing but answer. */
function open(script: (ChatAnswer | AgentFailure)[], give: (call: ToolCall) => string = ({ tool }) => `${tool} done`) {
  const asked: (readonly Turn[])[] = [];
  const events: ApiEvent[] = [];
  let written = false;
  return {
    asked,
    events,
    notes: () => events.flatMap((event) => (event.type === 'note' ? [event.text] : [])),
    run: (limits: Partial<LoopLimits> = {}) =>
      runLoop(
        'the task',
        { turns: 50, tokens: 1e9, context: 100_000, ...limits },
        {
          async ask(turns) {
            asked.push(turns);
            const answer = script[Math.min(asked.length - 1, script.length - 1)] as ChatAnswer | AgentFailure;
            if ('kind' in answer) throw new ModelFailure(answer);
            return { ...answer, calls: answer.calls.map((call) => ({ ...call, id: `${asked.length}-${call.id}` })) };
          },
          async callTool(call) {
            if (call.tool === 'write') written = true;
            return { id: call.id, tool: call.tool, text: give(call), failed: false };
          },
          findResultProblem: () => (written ? undefined : 'the agent left no result file'),
          resultFile: '.agent_result.md',
          overhead: 100,
          emit: (event) => events.push(event),
        },
      ),
  };
}

describe('the loop', () => {
  it('asks, calls, tells, and ends when the result is written', async () => {
    const loop = open([
      use('list'),
      say('', { calls: [...use('read').calls, ...use('search').calls], kept: { sign: 1 } }),
      WRITE,
      say('Done.'),
    ]);
    expect(await loop.run()).toEqual({ turns: 4, usage: { input: 400, cacheRead: 40, cacheWrite: 20, output: 80 } });
    expect(loop.asked.map((turns) => turns.length)).toEqual([1, 3, 5, 7]);
    const last = loop.asked[3] ?? [];
    expect(last[0]).toEqual({ role: 'user', text: 'the task' });
    expect(last[3]).toMatchObject({ role: 'model', kept: { sign: 1 } });
    expect(last[4]).toMatchObject({ role: 'tools', results: [{ text: 'read done' }, { text: 'search done' }] });
    expect(loop.events.filter(({ type }) => type === 'call')).toHaveLength(4);
  });

  it('reminds twice of a missing result, then ends and says why', async () => {
    const loop = open([say('All done!')]);
    expect(await loop.run()).toMatchObject({
      turns: 3,
      failure: { kind: 'crashed', message: 'the model ended its work, but the agent left no result file' },
    });
    expect(loop.asked[1]?.at(-1)).toMatchObject({ role: 'user', text: expect.stringContaining('then write `.agent_result.md`') });
  });

  it('goes on after a reminder that helps', async () => {
    const loop = open([say('All done!'), WRITE, say('Now.')]);
    expect(await loop.run()).not.toHaveProperty('failure');
  });

  it('tells a model whose answer was cut off to go on in smaller steps', async () => {
    const loop = open([say('So long', { end: 'cut' }), WRITE, say('Now.')]);
    expect(await loop.run()).not.toHaveProperty('failure');
    expect(loop.asked[1]?.at(-1)).toMatchObject({ text: expect.stringContaining('smaller steps') });
  });

  it('names a refusal as one', async () => {
    expect(await open([say('', { end: 'refused' })]).run()).toMatchObject({
      failure: { kind: 'crashed', message: 'the model refused the task' },
    });
  });

  it('ends at the limit of turns, with a word before', async () => {
    let at = 0;
    const loop = open([use('read')], () => `result ${at++}`);
    expect(await loop.run({ turns: 12 })).toMatchObject({ turns: 12, failure: { kind: 'limit', message: 'the run used up its 12 turns' } });
    const told = loop.asked
      .at(-1)
      ?.filter((turn) => turn.role === 'tools' && turn.results.some(({ text }) => text.includes('Only 5 turns are left')));
    expect(told).toHaveLength(1);
  });

  it('ends at the limit of tokens', async () => {
    let at = 0;
    const loop = open([use('read')], () => `result ${at++}`);
    expect(await loop.run({ tokens: 500 })).toMatchObject({
      turns: 4,
      failure: { kind: 'limit', message: 'the run used up its 500 tokens' },
    });
  });

  it('warns of an endless loop, and ends it', async () => {
    const loop = open([use('read', { path: 'a' })]);
    expect(await loop.run()).toMatchObject({
      turns: 10,
      failure: { kind: 'limit', message: 'the model made the same call 10 times in a row' },
    });
    const warned = loop.asked.at(-1)?.flatMap((turn) => (turn.role === 'tools' ? turn.results : []));
    expect(warned?.map(({ text }) => text.includes('several times in a row'))).toEqual([...Array(4).fill(false), ...Array(5).fill(true)]);
  });

  it('sees an endless loop in one answer, too', async () => {
    const loop = open([say('', { calls: Array.from({ length: 12 }, () => use('read', { path: 'a' }).calls[0] as ToolCall) })]);
    expect(await loop.run()).toMatchObject({ turns: 1, failure: { kind: 'limit' } });
  });

  it.each(['auth', 'quota', 'overloaded', 'rate_limit', 'stalled'] as const)('hands on the failure of the provider: %s', async (kind) => {
    const retryAt = new Date('2026-11-23T12:00:00Z');
    const loop = open([use('list'), { kind, message: 'no', retryAt }]);
    expect(await loop.run()).toMatchObject({ turns: 1, failure: { kind, message: 'no', retryAt } });
  });
});

describe('a conversation that grows', () => {
  it('stays within its budget, however much is read', async () => {
    let at = 0;
    const loop = open([...Array.from({ length: 40 }, () => use('read')), WRITE, say('Done.')], () => `${at++} ${'x'.repeat(20_000)}`);
    expect(await loop.run({ context: 30_000, turns: 100 })).not.toHaveProperty('failure');
    for (const turns of loop.asked) {
      expect(estimateTokens(turns) + 100).toBeLessThanOrEqual(30_000);
      expect(turns[0]).toEqual({ role: 'user', text: 'the task' });
    }
    expect(loop.notes()[0]).toMatch(/^shortened the conversation: \d+ results left out, now \d+ tokens$/);
    // Not at every turn: that would cost the provider's cache each time.
    expect(loop.notes().length).toBeLessThan(20);
  });

  it('learns from the count of the provider', async () => {
    let at = 0;
    // Three times what we estimate.
    const reads = Array.from({ length: 6 }, (_, turn) => ({ ...use('read'), usage: { ...used, input: 600 + turn * 26_000 } }));
    const loop = open([...reads, WRITE, say('')], () => `${at++} ${'x'.repeat(30_000)}`);
    await loop.run({ context: 100_000, turns: 20 });
    expect(loop.notes().length).toBeGreaterThan(0);
    expect(Math.max(...loop.asked.map((turns) => estimateTokens(turns)))).toBeLessThan(100_000 / 2.8);
  });

  it('is shortened once more when the provider finds it too long', async () => {
    const tooLong: AgentFailure = { kind: 'context_too_long', message: 'too long' };
    const loop = open([use('read'), use('read'), tooLong, WRITE, say('Done.')], () => 'y'.repeat(20_000));
    expect(await loop.run()).not.toHaveProperty('failure');
    const [before, after] = [loop.asked[2] ?? [], loop.asked[3] ?? []];
    expect(estimateTokens(after)).toBeLessThan(estimateTokens(before) * 0.6);
    expect(after).toHaveLength(before.length);
  });

  it('ends when even that is too long', async () => {
    const tooLong: AgentFailure = { kind: 'context_too_long', message: 'too long' };
    const loop = open([use('read'), tooLong, tooLong]);
    expect(await loop.run()).toMatchObject({ turns: 1, failure: tooLong });
    expect(loop.asked).toHaveLength(3);
  });

  it('ends before it asks when the task alone is too long', async () => {
    const loop = open([say('')]);
    expect(await loop.run({ context: 101 })).toMatchObject({ turns: 0, failure: { kind: 'context_too_long' } });
    expect(loop.asked).toHaveLength(0);
  });
});

describe('whatever a model does', () => {
  it('every way ends within the limits, and every call has its result', async () => {
    const answer = fc.oneof(
      fc.constant(say('words')),
      fc.constant(say('', { end: 'cut' })),
      fc
        .record({ tool: fc.constantFrom('read', 'run', 'write', 'nonsense'), calls: fc.integer({ min: 1, max: 5 }), path: fc.nat(3) })
        .map(({ tool, calls, path }) =>
          say('', { calls: Array.from({ length: calls }, (_, at) => ({ id: `x${at}`, tool, input: { path } })) }),
        ),
      fc.constantFrom('auth', 'context_too_long', 'stalled').map((kind) => ({ kind, message: 'no' }) as AgentFailure),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 40 }), async (script, turns) => {
        const loop = open(script, ({ tool }) => tool.repeat(2000));
        const end = await loop.run({ turns, context: 20_000 });
        expect(end.turns).toBeLessThanOrEqual(turns);
        for (const conversation of loop.asked) {
          conversation.forEach((turn, index) => {
            if (turn.role !== 'model' || turn.calls.length === 0) return;
            const after = conversation[index + 1];
            expect(after?.role === 'tools' && after.results.map(({ id }) => id)).toEqual(turn.calls.map(({ id }) => id));
          });
        }
      }),
      { numRuns: 100 },
    );
  });
});
