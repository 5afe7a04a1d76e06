import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bound, compact } from '../../../../src/core/agents/api/compact.ts';
import { estimateTokens, type Turn } from '../../../../src/core/agents/api/conversation.ts';

const call = (id: string, input: unknown = { path: 'a' }) => ({ id, tool: 'read', input });
const result = (id: string, text: string) => ({ id, tool: 'read', text, failed: false });
const exchange = (id: string, text: string, input?: unknown): Turn[] => [
  { role: 'model', text: `look ${id}`, calls: [call(id, input)], kept: { [id]: 'signature' } },
  { role: 'tools', results: [result(id, text)] },
];
const task: Turn = { role: 'user', text: 'the task' };
const long = (count: number, length = 7000): Turn[] => [
  task,
  ...Array.from({ length: count }, (_, at) => exchange(`c${at}`, `${at}`.repeat(length))).flat(),
];
const resultsOf = (turns: readonly Turn[]) => turns.flatMap((turn) => (turn.role === 'tools' ? turn.results : []));

describe('compact', () => {
  it('changes nothing within the budget', () => {
    const turns = long(3);
    expect(compact(turns, 100_000, 'gentle')).toEqual({ turns, leftOut: 0, fits: true });
  });

  it('leaves out the oldest results first, down to a part of the budget, and keeps the last three', () => {
    const turns = long(10);
    const { turns: now, leftOut, fits } = compact(turns, 15_000, 'gentle');
    expect(fits).toBe(true);
    expect(estimateTokens(now)).toBeLessThanOrEqual(15_000 * 0.6);
    expect(leftOut).toBeGreaterThan(3);
    const texts = resultsOf(now).map(({ text }) => text);
    expect(texts[0]).toBe('[7000 characters were left out here to save room; call the tool again if you need them]');
    expect(texts.slice(-3)).toEqual(
      resultsOf(turns)
        .slice(-3)
        .map(({ text }) => text),
    );
    expect(texts.findIndex((text) => !text.startsWith('['))).toBe(leftOut);
  });

  it('says when gentle is not enough, and shortens what was written where it is hard', () => {
    const turns: Turn[] = [task, ...exchange('a', 'x'.repeat(90_000), { path: 'big', content: 'y'.repeat(90_000), lines: 3 })];
    expect(compact(turns, 20_000, 'gentle').fits).toBe(false);
    const hard = compact(turns, 20_000, 'hard');
    expect(hard.fits).toBe(true);
    const model = hard.turns[1];
    expect(model).toMatchObject({ calls: [{ input: { path: 'big', lines: 3 } }], kept: { a: 'signature' } });
    expect(resultsOf(hard.turns)[0]?.text).toMatch(/^x+\n\[… \d+ characters left out …\]\nx+$/);
  });

  it('never shortens the task', () => {
    const turns: Turn[] = [{ role: 'user', text: 't'.repeat(50_000) }, ...exchange('a', 'b')];
    const hard = compact(turns, 1000, 'hard');
    expect(hard.fits).toBe(false);
    expect(hard.turns[0]).toEqual(turns[0]);
  });

  it('keeps every call with its result, the task and the order, whatever comes', () => {
    const exchanges = fc.array(
      fc.record({ said: fc.string({ maxLength: 2000 }), size: fc.nat(40_000), calls: fc.integer({ min: 1, max: 4 }), note: fc.boolean() }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(
        exchanges,
        fc.integer({ min: 500, max: 60_000 }),
        fc.constantFrom('gentle' as const, 'hard' as const),
        (list, budget, strength) => {
          const turns: Turn[] = [
            task,
            ...list.flatMap(({ said, size, calls, note }, at): Turn[] => {
              const ids = Array.from({ length: calls }, (_, index) => `${at}-${index}`);
              return [
                { role: 'model', text: said, calls: ids.map((id) => call(id, { content: 'z'.repeat(size % 5000) })) },
                { role: 'tools', results: ids.map((id) => result(id, 'r'.repeat(size))) },
                ...(note ? [{ role: 'user' as const, text: 'go on' }] : []),
              ];
            }),
          ];
          const { turns: now, fits, leftOut } = compact(turns, budget, strength);
          const shape = (all: readonly Turn[]) =>
            all.map((turn) =>
              turn.role === 'user'
                ? turn
                : turn.role === 'model'
                  ? turn.calls.map(({ id }) => id)
                  : turn.results.map(({ id, tool }) => [id, tool]),
            );
          expect(shape(now)).toEqual(shape(turns));
          expect(fits).toBe(estimateTokens(now) <= budget);
          expect(estimateTokens(now)).toBeLessThanOrEqual(estimateTokens(turns));
          expect(resultsOf(now).filter(({ text }) => text.startsWith('[')).length).toBe(leftOut);
          const last = now.findLast((turn) => turn.role === 'tools');
          if (strength === 'gentle') expect(last).toEqual(turns.findLast((turn) => turn.role === 'tools'));
          // Once more changes nothing more.
          if (strength === 'gentle' && fits) expect(compact(now, budget, strength).turns).toEqual(now);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('bound', () => {
  it('keeps a short text, and both ends of a long one', () => {
    expect(bound('short', 100)).toBe('short');
    const text = `${'a'.repeat(500)}${'b'.repeat(500)}`;
    expect(bound(text, 300)).toBe(`${'a'.repeat(100)}\n[… 700 characters left out …]\n${'b'.repeat(200)}`);
  });

  it('cuts no character in two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 3, max: 50 }), (text, most) => {
        expect(() => encodeURIComponent(bound(text, most))).not.toThrow();
      }),
    );
  });
});
