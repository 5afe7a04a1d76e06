/** The GitHub port with a witness at every call: before it is made, and after it succeeded. Own calls of the adapter are not seen. */
import type { GitHub } from '../../src/core/github/github.ts';

export interface Witness {
  before(method: string, args: readonly unknown[]): Promise<void>;
  answered(method: string, args: readonly unknown[], result: unknown): void;
  after(method: string): Promise<void>;
}

export function watchForge(forge: GitHub, witness: Witness): GitHub {
  return new Proxy(forge, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      return async (...args: unknown[]) => {
        await witness.before(name, args);
        try {
          const result: unknown = await Reflect.apply(value, target, args);
          witness.answered(name, args, result);
          return result;
        } finally {
          await witness.after(name);
        }
      };
    },
  });
}
