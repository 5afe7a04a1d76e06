import fc from 'fast-check';
import type { GraphQLResolveInfo } from 'graphql';
import { expect, it } from 'vitest';
import { connect, type PageArgs } from './paging.ts';

const info = { fieldName: 'things', fieldNodes: [], fragments: {} } as unknown as GraphQLResolveInfo;
const things = fc.uniqueArray(fc.nat(500), { maxLength: 60 });

type Walk = { size: number; forwards: boolean; descending: boolean };

/** All pages as they came; `at` is the list as it is when a page is read. */
function walk({ size, forwards, descending }: Walk, at: (page: number) => number[]): number[][] {
  const pages: number[][] = [];
  let cursor: string | null = null;
  for (let more = true; more; ) {
    const args: PageArgs = forwards ? { first: size, after: cursor } : { last: size, before: cursor };
    const page = connect(at(pages.length), args, info, { placeOf: (one) => [one], backwards: descending });
    pages.push(page.nodes);
    const { endCursor, hasNextPage, startCursor, hasPreviousPage } = page.pageInfo;
    cursor = forwards ? endCursor : startCursor;
    more = page.nodes.length > 0 && (forwards ? hasNextPage : hasPreviousPage);
  }
  return pages;
}

it('shows every entry once, in order, whatever the size of a page and the direction', () => {
  fc.assert(
    fc.property(things, fc.integer({ min: 1, max: 100 }), fc.boolean(), fc.boolean(), (list, size, descending, forwards) => {
      const all = list.sort((a, b) => (descending ? b - a : a - b));
      const pages = walk({ size, forwards, descending }, () => all);
      expect((forwards ? pages : pages.reverse()).flat()).toEqual(all);
      expect(pages.every((page) => page.length <= size)).toBe(true);
    }),
  );
});

it('shows every entry that was there from the first page to the last, once, whatever comes and goes', () => {
  fc.assert(
    fc.property(things, fc.integer({ min: 1, max: 9 }), fc.array(things, { maxLength: 8 }), (kept, size, others) => {
      const at = (page: number) => [...new Set([...kept, ...(others[page] ?? [])])].sort((a, b) => a - b);
      const seen = walk({ size, forwards: true, descending: false }, at).flat();
      expect(new Set(seen).size).toBe(seen.length);
      expect(kept.filter((one) => !seen.includes(one))).toEqual([]);
    }),
  );
});
