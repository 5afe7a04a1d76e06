/** The hourly budgets of each caller, REST and GraphQL apart. */
import type { Store } from './store.ts';

export type Resource = 'core' | 'graphql';
interface Window {
  used: number;
  /** Milliseconds. */
  resetAt: number;
}

export class RateLimits {
  private readonly store: Store;
  /** Per hour; a test may lower it. */
  limit = 5000;
  private readonly windows = new Map<string, Window>();
  constructor(store: Store) {
    this.store = store;
  }

  private window(who: string, resource: Resource): Window {
    const key = `${who} ${resource}`;
    const now = this.store.millis();
    let window = this.windows.get(key);
    if (!window || window.resetAt <= now) {
      window = { used: 0, resetAt: now + 3_600_000 };
      this.windows.set(key, window);
    }
    return window;
  }
  spend(who: string, resource: Resource, points: number): void {
    this.window(who, resource).used += points;
  }
  read(who: string, resource: Resource): { limit: number; remaining: number; used: number; reset: number } {
    const { used, resetAt } = this.window(who, resource);
    return { limit: this.limit, remaining: Math.max(0, this.limit - used), used, reset: Math.ceil(resetAt / 1000) };
  }
  headers(who: string, resource: Resource): Record<string, string> {
    const entries = Object.entries(this.read(who, resource)).map(([name, value]) => [`x-ratelimit-${name}`, String(value)]);
    return { ...Object.fromEntries(entries), 'x-ratelimit-resource': resource };
  }
}
