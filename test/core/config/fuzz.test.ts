import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentOsError } from '../../../src/core/errors.ts';
import { makeConfigDirectory } from './config-directory.ts';

const example = readFileSync('config.example.yaml', 'utf8');
const lines = example.split('\n');

/** Text that means something to YAML, to JavaScript or to the schema. */
const piece = fc.oneof(
  fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ':',
    ': ',
    '- ',
    '? ',
    '&a ',
    '*a',
    '!!js/function ',
    '!x ',
    '|',
    '>',
    '"',
    "'",
    '#',
    '%YAML 1.1\n',
    '---\n',
    '...\n',
  ),
  fc.constantFrom(
    '\t',
    '\n',
    '\r',
    '\u0000',
    '\u001b[31m',
    '\ufeff',
    '\u2028',
    '~',
    'null',
    '.nan',
    '-.inf',
    '0x7fffffffffffffff',
    '1e400',
    '<<: ',
  ),
  fc.constantFrom('__proto__: ', 'constructor: ', 'toString: ', 'kind: claude', 'kind: ', 'patch', '/', '~/', '..', '"*"', 'state_dir: '),
  fc.string({ unit: 'binary', maxLength: 12 }),
);

interface Mutation {
  at: number;
  remove: number;
  insert: string;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(example.length),
  remove: fc.oneof(fc.constant(0), fc.nat(40)),
  insert: fc.oneof(
    piece,
    fc.constantFrom(...lines).map((line) => `\n${line}\n`),
    fc.tuple(piece, fc.integer({ min: 1, max: 3000 })).map(([text, times]) => text.repeat(times)),
  ),
});

function mutate(text: string, { at, remove, insert }: Mutation): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

test('a mutated example loads or is a `config` error, within a second', { timeout: 120_000 }, async () => {
  const dir = makeConfigDirectory();
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      dir.write('config.yaml', mutations.reduce(mutate, example));
      const before = performance.now();
      const result = await dir.load().catch((error: unknown) => error);
      expect(performance.now() - before).toBeLessThan(1000);
      if (!(result instanceof Error)) return;
      if (!(result instanceof AgentOsError)) throw result;
      expect(result.code).toBe('config');
      expect(result.message).toMatch(/config\.yaml/);
      expect(result.message).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      expect(result.hint).toBeDefined();
    }),
    { numRuns: 300, seed: 20260101 },
  );
});

test('any bytes at all load or are a `config` error', async () => {
  const dir = makeConfigDirectory();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(piece, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
      ),
      async (bytes) => {
        dir.write('config.yaml', bytes);
        expect((await dir.fail()).code).toBe('config');
      },
    ),
    { numRuns: 300, seed: 20260102 },
  );
});
