import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidePages, type Entry, isSettled, type KnownList, type Page } from '../../../../src/core/github/octokit/decide-pages.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + Math.floor(second) * 1000).toISOString().replace('.000', '');
const instant = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const entry = (number: number, second: number): Entry => ({ number, updatedAt: at(second) });
const page = (total: number, entries: Entry[], cursor?: string): Page => ({ total, entries, ...(cursor !== undefined && { cursor }) });
const known = (readAt: number, entries: Entry[]): KnownList => ({
  readAt: instant(readAt),
  entries: new Map(entries.map(({ number, updatedAt }) => [number, updatedAt])),
});
const five = [entry(5, 50), entry(4, 40), entry(3, 30), entry(2, 20), entry(1, 10)];

describe('decidePages', () => {
  it.each<[name: string, pages: Page[], known: KnownList | undefined, expected: string]>([
    ['one page', [page(2, five.slice(0, 2))], undefined, '4 5'],
    ['nothing', [page(0, [])], undefined, ''],
    ['nothing known', [page(5, five.slice(0, 2), 'c')], undefined, 'next c'],
    ['nothing changed', [page(5, five.slice(0, 2), 'c')], known(100, five), '1 2 3 4 5'],
    ['one changed', [page(5, [entry(1, 110), entry(5, 50)], 'c')], known(100, five), '1 2 3 4 5'],
    ['one is new', [page(6, [entry(6, 110), entry(5, 50)], 'c')], known(100, five), '1 2 3 4 5 6'],
    ['one is gone', [page(4, five.slice(0, 2), 'c')], known(100, five), 'next c'],
    ['one is new and one is gone', [page(5, [entry(6, 110), entry(5, 50)], 'c')], known(100, five), 'next c'],
    ['more changed than a page holds', [page(5, [entry(1, 111), entry(2, 110)], 'c')], known(100, five), 'next c'],
    ['the entry in common is of the second it was read in', [page(5, five.slice(0, 2), 'c')], known(41, five), 'next c'],
    ['the list is not in order', [page(5, [entry(4, 40), entry(5, 50)], 'c')], known(100, five), 'next c'],
    [
      'two pages that reach what is known',
      [page(5, [entry(1, 111), entry(2, 110)], 'c'), page(5, five.slice(0, 2), 'd')],
      known(100, five),
      'next d',
    ],
    ['every page', [page(3, five.slice(0, 2), 'c'), page(3, five.slice(2, 3))], undefined, '3 4 5'],
    ['an entry twice', [page(3, five.slice(0, 2), 'c'), page(3, [entry(4, 60), entry(3, 30)])], undefined, '3 4 5'],
    ['the total changed', [page(4, five.slice(0, 2), 'c'), page(3, five.slice(2, 3))], undefined, 'again'],
    ['an entry is missing', [page(4, five.slice(0, 2), 'c'), page(4, five.slice(2, 3))], undefined, 'again'],
    ['a page brings nothing', [page(4, five.slice(0, 2), 'c'), page(4, five.slice(0, 2), 'd')], undefined, 'again'],
  ])('%s', (_, pages, before, expected) => {
    const decision = decidePages(pages, before);
    const numbers = decision.kind === 'complete' ? [...decision.entries.keys()].sort((a, b) => a - b).join(' ') : decision.kind;
    expect(decision.kind === 'next' ? `next ${decision.cursor}` : numbers).toBe(expected);
  });

  it('keeps the newest time of an entry', () => {
    const decision = decidePages([page(1, [entry(1, 20)], 'c'), page(1, [entry(1, 30), entry(1, 10)])]);
    expect(decision).toEqual({ kind: 'complete', entries: new Map([[1, at(30)]]) });
  });
});

describe('isSettled', () => {
  it.each([
    [10, 10.9, false],
    [10, 11.9, false],
    [10, 12, true],
  ])('updated in second %d, read at %d: %s', (updated, read, expected) => {
    expect(isSettled(at(updated), instant(read))).toBe(expected);
  });
});

/** A list on a forge: whole seconds for its times, pages by position or by the last entry of the page before. */
class ListModel {
  readonly entries = new Map<number, number>();
  now = 0;
  #next = 1;
  readonly #byPosition: boolean;

  constructor(byPosition: boolean) {
    this.#byPosition = byPosition;
  }

  act({ kind, pick, wait }: Step): void {
    this.now += wait;
    const number = [...this.entries.keys()][pick % Math.max(1, this.entries.size)];
    if (kind === 'add' || number === undefined) this.entries.set(this.#next++, this.now);
    else if (kind === 'remove') this.entries.delete(number);
    else this.entries.set(number, this.now);
  }

  sorted(): Entry[] {
    return [...this.entries]
      .map(([number, second]) => entry(number, second))
      .sort((a, b) => b.updatedAt.localeCompare(a.updatedAt) || b.number - a.number);
  }

  read(cursor: string | undefined): Page {
    const all = this.sorted();
    const [position = 0, updatedAt = '', number = 0] = cursor === undefined ? [] : (JSON.parse(cursor) as [number, string, number]);
    const isAfter = (one: Entry) => one.updatedAt < updatedAt || (one.updatedAt === updatedAt && one.number < number);
    const rest = cursor === undefined ? all : this.#byPosition ? all.slice(position) : all.filter(isAfter);
    const entries = rest.slice(0, 3);
    const last = entries.at(-1);
    const more = rest.length > 3 && last;
    return page(all.length, entries, more ? JSON.stringify([position + 3, last.updatedAt, last.number]) : undefined);
  }
}

interface Step {
  kind: 'add' | 'touch' | 'remove';
  pick: number;
  /** Seconds. */
  wait: number;
}

const step = fc.record<Step>({
  kind: fc.constantFrom('add', 'add', 'touch', 'touch', 'remove'),
  pick: fc.nat(30),
  wait: fc.constantFrom(0, 0, 0.2, 0.5, 1, 3, 60),
});

/** Reads a list as the adapter does. @returns `undefined` when it never held still. */
function scan(list: ListModel, before: KnownList | undefined, meanwhile: Step[]): { known: KnownList; startedWith: number[] } | undefined {
  for (let round = 0; round < 3; round++) {
    const readAt = instant(list.now);
    const startedWith = [...list.entries.keys()];
    const pages = [list.read(undefined)];
    for (;;) {
      const decision = decidePages(pages, before);
      if (decision.kind === 'complete') return { known: { readAt, entries: decision.entries }, startedWith };
      if (decision.kind === 'again') break;
      for (const one of meanwhile.splice(0, 1)) list.act(one);
      pages.push(list.read(decision.cursor));
    }
  }
  return undefined;
}

const byNumber = (list: Iterable<[number, string]>) => [...list].sort(([a], [b]) => a - b);
const truth = (list: ListModel) => byNumber(list.sorted().map((one): [number, string] => [one.number, one.updatedAt]));

describe('reading a list again and again', () => {
  it('finds exactly what is there, whatever happened in between', () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 8 }), { minLength: 2, maxLength: 8 }), fc.boolean(), (rounds, byPosition) => {
        const list = new ListModel(byPosition);
        let before: KnownList | undefined;
        for (const steps of rounds) {
          for (const one of steps) list.act(one);
          before = scan(list, before, [])?.known;
          expect(byNumber(before?.entries ?? [])).toEqual(truth(list));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('loses nothing when the list moves while it is read', () => {
    const round = fc.record({ steps: fc.array(step, { maxLength: 8 }), meanwhile: fc.array(step, { maxLength: 6 }) });
    fc.assert(
      fc.property(fc.array(round, { minLength: 1, maxLength: 6 }), fc.boolean(), (rounds, byPosition) => {
        const list = new ListModel(byPosition);
        let before: KnownList | undefined;
        for (const { steps, meanwhile } of rounds) {
          for (const one of steps) list.act(one);
          const result = scan(list, before, [...meanwhile]);
          if (!result) continue;
          before = result.known;
          expect([...before.entries.keys()].sort()).toEqual(result.startedWith.sort());
        }
        expect(byNumber(scan(list, before, [])?.known.entries ?? [])).toEqual(truth(list));
      }),
      { numRuns: 400 },
    );
  });

  it('reads one page of a long list that did not change', () => {
    const list = new ListModel(false);
    for (let count = 0; count < 30; count++) list.act({ kind: 'add', pick: 0, wait: 5 });
    list.now += 5;
    const { known: before } = scan(list, undefined, []) ?? {};
    expect(before && decidePages([list.read(undefined)], before).kind).toBe('complete');
  });
});
