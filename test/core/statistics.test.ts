import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, quantile, wilson } from '../../src/core/statistics.ts';

describe('wilson', () => {
  // Published values of the score interval without continuity correction.
  it.each([
    [3, 3, 0.44, 1],
    [4, 5, 0.38, 0.96],
    [8, 10, 0.49, 0.94],
    [16, 20, 0.58, 0.92],
    [40, 50, 0.67, 0.89],
    [80, 100, 0.71, 0.87],
    [0, 10, 0, 0.28],
  ])('%i of %i is %f to %f', (successes, n, low, high) => {
    const interval = wilson(successes, n);
    expect(interval.low).toBeCloseTo(low, 2);
    expect(interval.high).toBeCloseTo(high, 2);
  });

  it('needs 35 of 35 for a lower bound of 0.90', () => {
    expect(wilson(34, 34).low).toBeLessThan(0.9);
    expect(wilson(35, 35).low).toBeGreaterThan(0.9);
  });

  it('knows nothing without observations', () => {
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('stays within 0..1, holds the share, and mirrors failures', () => {
    const counts = fc.tuple(fc.nat(100_000), fc.nat(100_000)).map(([a, b]) => ({ successes: Math.min(a, b), n: Math.max(a, b, 1) }));
    fc.assert(
      fc.property(counts, ({ successes, n }) => {
        const { low, high } = wilson(successes, n);
        const share = successes / n;
        const mirror = wilson(n - successes, n);
        return low >= 0 && high <= 1 && low <= share && share <= high && Math.abs(mirror.low - (1 - high)) < 1e-9;
      }),
    );
  });

  it('narrows as the same share is seen more often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (part, rest) => {
        const once = wilson(part, part + rest);
        const often = wilson(part * 4, (part + rest) * 4);
        return often.high - often.low < once.high - once.low;
      }),
    );
  });
});

describe('quantile', () => {
  it.each([
    [[5], 0.85, 5],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.85, 9],
    [[2, 1], 0, 1],
    [[2, 1], 1, 2],
  ])('of %j at %f is %f', (values, p, expected) => {
    expect(quantile(values, p)).toBe(expected);
  });

  it('of nothing is undefined, and does not reorder its input', () => {
    expect(quantile([], 0.5)).toBeUndefined();
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });
});

it('takes the mean', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(mean([])).toBeUndefined();
});
