import { describe, expect, it } from 'vitest';
import { findPrice, toCostUsd } from '../../../src/core/budget/prices.ts';

const usage = { input: 1_000_000, cacheRead: 2_000_000, cacheWrite: 400_000, output: 100_000 };
const cost = (model: string, own = {}) => {
  const price = findPrice(model, own);
  return price && Number(toCostUsd(usage, price).toFixed(6));
};

describe('what a model costs', () => {
  it.each([
    ['claude-sonnet-4-5', 3 + 0.6 + 1.5 + 1.5],
    ['claude-sonnet-4-5-20250929', 6.6],
    ['gpt-5-codex', 1.25 + 0.25 + 0.5 + 1],
    ['gpt-5-2025-08-07', 3],
    ['models/gemini-2.5-flash', 0.3 + 0.06 + 0.12 + 0.25],
    ['deepseek-chat', 0.28 + 0.056 + 0.112 + 0.042],
  ])('%s', (model, expected) => {
    expect(cost(model)).toBeCloseTo(expected, 6);
  });
  it.each(['', 'sonnet', 'gpt-6', 'claude-sonnet-4-5-turbo', '__proto__', 'constructor'])('nobody knows of `%s`', (model) => {
    expect(findPrice(model)).toBeUndefined();
  });
  it('is what the configuration says, whatever is built in', () => {
    const own = { sonnet: { input: 1, output: 2 }, 'gpt-5': { input: 0, cache_read: 0, cache_write: 0, output: 10 } };
    expect(cost('sonnet', own)).toBeCloseTo(1 + 2 + 0.4 + 0.2, 6);
    expect(cost('gpt-5-2025-08-07', own)).toBe(1);
  });
});
