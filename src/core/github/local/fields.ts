/** Checks what a file of the local forge holds, field by field and by hand: a schema library would cost more than the idle tick. Pure. */
import { AgentOsError } from '../../errors.ts';
import type { FrontMatter, Plain } from '../../front-matter.ts';
import type { Actor } from '../github.ts';

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/** Reads fields by name; whatever is missing, of another shape or unknown is a `corrupt` error that names the field. */
export class Fields {
  readonly #data: FrontMatter;

  /** @throws AgentOsError `corrupt`: there is a key that is not one of `known`: it would be lost at the next write. */
  constructor(data: FrontMatter, known: ReadonlySet<string>) {
    this.#data = data;
    for (const key of Object.keys(data)) if (!known.has(key)) throw new AgentOsError('corrupt', `\`${key}\` is not a known key`);
  }

  has(key: string): boolean {
    return this.#data[key] !== undefined && this.#data[key] !== null;
  }

  text(key: string): string {
    return this.#read(key, 'a text', (value) => typeof value === 'string');
  }

  /** An instant in ISO 8601, UTC. */
  instant(key: string): string {
    return this.#read(key, 'an instant like `2026-11-22T10:00:00Z`', (value) => typeof value === 'string' && INSTANT.test(value));
  }

  oneOf<const T extends string>(key: string, words: readonly T[]): T {
    return this.#read(key, words.map((word) => `\`${word}\``).join(' or '), (value) => words.includes(value as T));
  }

  /** A whole number above zero. */
  number(key: string): number {
    return this.#read(key, 'a whole number above 0', (value) => Number.isSafeInteger(value) && (value as number) > 0);
  }

  flag(key: string): boolean {
    return this.#read(key, '`true` or `false`', (value) => typeof value === 'boolean');
  }

  texts(key: string): string[] {
    return this.#read(key, 'a list of texts', (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'));
  }

  /** A list of whole numbers above zero. */
  numbers(key: string): number[] {
    const fits = (value: Plain) => Number.isSafeInteger(value) && (value as number) > 0;
    return this.#read(key, 'a list of whole numbers above 0', (value) => Array.isArray(value) && value.every(fits));
  }

  /** A list of objects. */
  objects(key: string): FrontMatter[] {
    return this.#read(key, 'a list of objects', (value) => Array.isArray(value) && value.every(isObject));
  }

  /** A login and, under `<key>_id`, its number. */
  actor(key: string): Actor {
    return { id: this.number(`${key}_id`), login: this.text(key) };
  }

  #read<T>(key: string, shape: string, fits: (value: Plain | undefined) => boolean): T {
    const value = Object.hasOwn(this.#data, key) ? this.#data[key] : undefined;
    if (!fits(value)) throw new AgentOsError('corrupt', `\`${key}\` must be ${shape}`);
    return value as T;
  }
}

function isObject(value: Plain): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
