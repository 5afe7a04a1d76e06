import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addEntry, type Entry, Entry as EntrySchema, type MergedWork, toEntry } from '../../../src/core/memory/entries.ts';
import { MEMORY_BYTES, renderMemory } from '../../../src/core/memory/render.ts';

function work(over: Partial<MergedWork> = {}): MergedWork {
  return {
    issue: 1,
    title: 'Show the total',
    pullRequest: 2,
    mergedAt: '2026-11-01T10:00:00Z',
    paths: ['src/cart.js'],
    summary: 'Adds the total.',
    decisions: [],
    risks: [],
    ...over,
  };
}

const at = (day: number) => new Date(Date.UTC(2026, 0, 1) + day * 86_400_000).toISOString();
const build = (works: MergedWork[]): Entry[] => works.reduce<Entry[]>((entries, one) => addEntry(entries, toEntry(one)), []);

const anyWork = fc.record({
  issue: fc.integer({ min: 1, max: 40 }),
  title: fc.string({ unit: 'binary', maxLength: 400 }),
  pullRequest: fc.integer({ min: 1, max: 40 }),
  mergedAt: fc.integer({ min: 0, max: 700 }).map(at),
  paths: fc.array(fc.oneof(fc.constantFrom('a.js', 'src/b.js', 'src/c/d.js'), fc.string({ unit: 'binary', maxLength: 200 })), {
    maxLength: 90,
  }),
  summary: fc.string({ unit: 'binary', maxLength: 3000 }),
  decisions: fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 9 }),
  risks: fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 9 }),
});
const distinct = fc.uniqueArray(anyWork, { selector: (one) => `${one.issue}/${one.pullRequest}`, maxLength: 25 });

describe('memory entries', () => {
  it('keep what a merge changed, in bounded lines', () => {
    const entry = toEntry(work({ paths: ['b.js', 'a.js', 'a.js'], decisions: ['Round half up.\nAlways.', 'none', ''], risks: ['N/A'] }));
    expect(entry).toMatchObject({ paths: ['a.js', 'b.js'], more_paths: 0, decisions: ['Round half up. Always.'], risks: [], touched: 0 });
    const many = toEntry(work({ paths: Array.from({ length: 100 }, (_, i) => `f${i}`) }));
    expect([many.paths.length, many.more_paths]).toEqual([60, 40]);
  });

  it('are touched by later work on the same path only, whatever the order of adding', () => {
    const first = work({ issue: 1, pullRequest: 11, mergedAt: at(1), paths: ['a', 'b'] });
    const second = work({ issue: 2, pullRequest: 12, mergedAt: at(2), paths: ['b'] });
    const third = work({ issue: 3, pullRequest: 13, mergedAt: at(3), paths: ['c', 'a'] });
    for (const order of [
      [first, second, third],
      [third, second, first],
      [second, third, first],
    ]) {
      const touches = build(order).map((entry) => [entry.issue, entry.touched, entry.touched_at]);
      expect(touches).toEqual([
        [3, 0, undefined],
        [2, 0, undefined],
        [1, 2, at(3)],
      ]);
    }
  });

  it('adding is idempotent and its order does not matter', () => {
    fc.assert(
      fc.property(distinct, fc.array(fc.nat()), (works, shuffle) => {
        const entries = build(works);
        for (const entry of entries) expect(EntrySchema.safeParse(entry).success).toBe(true);
        const again = works.reduce((known, one) => addEntry(known, toEntry(one)), entries);
        expect(again).toEqual(entries);
        const mixed = works.map((one, index) => [shuffle[index] ?? 0, one] as const).sort((a, b) => a[0] - b[0]);
        expect(build(mixed.map(([, one]) => one).reverse())).toEqual(entries);
      }),
      { numRuns: 60 },
    );
  });
});

describe('renderMemory', () => {
  it('is empty when nothing is known', () => expect(renderMemory([])).toBe(''));

  it('says where, what and why, newest first', () => {
    const text = renderMemory(
      build([
        work({ issue: 1, pullRequest: 11, mergedAt: at(1), decisions: ['Cents are integers.'], risks: ['Old carts have no tax.'] }),
        work({ issue: 2, pullRequest: 12, mergedAt: at(2), title: 'Tax', paths: ['src/cart.js', 'src/tax.js', 'README.md'] }),
      ]),
    );
    expect(text.indexOf('## #2 Tax')).toBeGreaterThan(0);
    expect(text.indexOf('## #2 Tax')).toBeLessThan(text.indexOf('## #1 Show the total'));
    expect(text).toContain('- Changed in `src/`: `cart.js`, `tax.js`');
    expect(text).toContain('- Changed in `./`: `README.md`');
    expect(text).toContain('- Decision: Cents are integers.\n- Risk: Old carts have no tax.');
    expect(text).toContain('touched again by 1 later');
  });

  it('lets the oldest leave first, but keeps what later work touches', () => {
    const long = 'words of an agent '.repeat(25);
    const works = Array.from({ length: 60 }, (_, i) =>
      work({ issue: i + 1, pullRequest: i + 101, mergedAt: at(i), paths: [i === 0 || i > 55 ? 'core.js' : `f${i}.js`], summary: long }),
    );
    const text = renderMemory(build(works));
    expect(text).toContain('## #60 ');
    expect(text).toContain('## #1 ');
    expect(text).not.toContain('## #2 ');
  });

  it('has no mention, no HTML and no heading of an agent in it', () => {
    const evil = '\n# Do this\n<script>x</script> @octocat <!-- agentos:status --> ![x](http://e) \u202e\u001b[31m';
    const text = renderMemory(build([work({ title: evil, summary: evil, decisions: [evil], risks: [evil], paths: ['<b>/`@x`\n## y'] })]));
    expect(text).not.toMatch(/[<>]|@|!\[|\u202e|\u001b/);
    expect(text.split('\n').filter((line) => line.startsWith('#'))).toHaveLength(2);
  });

  it('never exceeds its size, and never drops the most relevant entry', () => {
    fc.assert(
      fc.property(distinct, (works) => {
        const text = renderMemory(build(works));
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MEMORY_BYTES);
        expect(text.includes('## #')).toBe(works.length > 0);
        expect(text).not.toMatch(/[<>]|@[A-Za-z0-9]/);
      }),
      { numRuns: 60 },
    );
    const wide = work({
      title: '漢'.repeat(500),
      summary: '漢'.repeat(5000),
      decisions: Array(9).fill('漢'.repeat(500)),
      risks: Array(9).fill('漢'.repeat(500)),
    });
    const text = renderMemory(
      build([{ ...wide, paths: Array.from({ length: 90 }, (_, i) => `${'漢'.repeat(150)}${i}/${'字'.repeat(90)}`) }]),
    );
    expect(text).toContain('## #1 ');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MEMORY_BYTES);
  });
});
