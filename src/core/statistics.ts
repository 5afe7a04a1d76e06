/**
 * Small-sample statistics that say how little they know. Everything here is
 * about counts of issues, never of retries, which are not independent. Pure.
 */

/** Standard normal quantile of a two-sided 95 % interval. */
const Z95 = 1.959963984540054;

/** Both ends are shares in 0..1. */
export type Interval = { low: number; high: number };

/**
 * Wilson's 95 % score interval of a share. No observation says nothing: 0..1.
 * @param successes 0..n
 */
export function wilson(successes: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const share = successes / n;
  const z2 = Z95 * Z95;
  const centre = share + z2 / (2 * n);
  const spread = Z95 * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  const scale = 1 + z2 / n;
  // At the edges the bound is exact; rounding must not leave 0..1.
  return {
    low: successes === 0 ? 0 : Math.max(0, (centre - spread) / scale),
    high: successes === n ? 1 : Math.min(1, (centre + spread) / scale),
  };
}

/** The value at rank ⌈p·n⌉ (nearest rank): always one that was observed. `undefined` for an empty list. */
export function quantile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(p * sorted.length))) - 1];
}

/** `undefined` for an empty list. */
export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
