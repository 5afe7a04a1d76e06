import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentOsError } from '../../src/core/errors.ts';
import {
  type FrontMatter,
  type Plain,
  parseFlow,
  parsePlainFrontMatter,
  renderFlow,
  renderFrontMatter,
} from '../../src/core/front-matter.ts';
import { readFrontMatter } from '../../src/core/front-matter-read.ts';
import { parseFrontMatterYaml } from '../../src/core/front-matter-yaml.ts';

const key = fc
  .stringMatching(/^[a-z][a-z0-9_]{0,12}$/)
  .filter((word) => !/^(true|false|null|yes|no|on|off|y|n|constructor|prototype)$/.test(word));
const anyKey = fc
  .oneof(key, fc.string({ maxLength: 12, unit: 'grapheme' }), fc.constantFrom('true', 'null', 'n', '~', '1', ''))
  .filter((word) => !['__proto__', 'constructor', 'prototype'].includes(word));
const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.stringMatching(/^[A-Za-z0-9 _./@+():#,{}[\]&*!|>'"%-]{0,20}$/),
  fc.constantFrom(
    'true',
    'No',
    'NULL',
    '~',
    '-',
    '- a',
    'a: b',
    'a #b',
    '0x1f',
    '1e3',
    '.inf',
    '---',
    '...',
    '2026-11-22T10:00:00Z',
    '2026-11-22',
    '<<',
    '=',
    'a (b)',
  ),
);
const number = fc
  .oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((value) => (Object.is(value, -0) ? 0 : value));
const { value } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<Plain>,
  ),
}));
const data = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true }) as fc.Arbitrary<FrontMatter>;

describe('the plain form', () => {
  it('reads back what it writes, and YAML reads the same', () => {
    fc.assert(
      fc.property(data, fc.string({ unit: 'grapheme' }), (head, body) => {
        const file = renderFrontMatter(head, body);
        const plain = parsePlainFrontMatter(file);
        expect(plain?.data).toEqual(head);
        expect(parseFrontMatterYaml(file)).toEqual(plain);
        expect(plain?.body).toBe(`${body.replace(/^\n+/, '').trimEnd()}\n`.replace(/^\n+/, ''));
      }),
      { numRuns: 500 },
    );
  });

  it('never accepts a text that YAML reads otherwise', () => {
    const line = fc.oneof(
      fc.tuple(key, fc.oneof(text, value.map(renderFlow))).map(([name, rest]) => `${name}: ${rest}`),
      fc.oneof(text, value.map(renderFlow)).map((rest) => `  - ${rest}`),
      fc.constantFrom(
        '',
        'a:',
        'b: []',
        'a: 1',
        '  - 1',
        'c:  2',
        '# note',
        'constructor: 1',
        'null: 1',
        'a: { "__proto__": 1 }',
        'n: -0',
        'e: 01',
      ),
      key.map((name) => `${name}:`),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const file = `---\n${lines.join('\n')}\n---\nbody\n`;
        const plain = parsePlainFrontMatter(file);
        if (!plain) return;
        accepted += 1;
        expect(parseFrontMatterYaml(file)).toEqual({ ...plain, data: JSON.parse(JSON.stringify(plain.data)) });
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('is easy on the eye', () => {
    const file = renderFrontMatter(
      {
        title: 'Show the total (with tax)',
        priority: 'normal',
        created_at: '2026-11-22T10:00:00.000Z',
        agents: ['codex', 'claude'],
        snapshot: { sha256: 'ab12', ready_by: 'octocat' },
        attempts: [{ n: 1, agent: 'codex', ok: false }],
        none: [],
        gone: undefined,
      },
      '\n# Goal\n\n',
    );
    expect(file).toBe(`---
title: Show the total (with tax)
priority: normal
created_at: 2026-11-22T10:00:00.000Z
agents: [codex, claude]
snapshot: { sha256: ab12, ready_by: octocat }
attempts:
  - { n: 1, agent: codex, ok: false }
none: []
---

# Goal
`);
  });

  it.each([
    'yes',
    'No',
    'null',
    'TRUE',
    'y',
    '12',
    '-1',
    '2026-11-22',
    '',
    ' a',
    'a ',
    'a: b',
    'a #b',
    '- a',
    '3f',
    '~',
    'a\nb',
    'é',
    '@me',
  ])('quotes %j', (word) => {
    expect(renderFlow(word)).toBe(JSON.stringify(word));
  });

  it.each([
    '[1,2]',
    '{"a": 1}',
    '{ a: 1}',
    '{ a: 1, a: 2 }',
    "'a'",
    '-0x',
    '1 2',
    'yes',
    'Null',
    '01',
    '+1',
    '',
    '"a" ',
    '{ __proto__: 1 }',
    `${'['.repeat(30)}${']'.repeat(30)}`,
  ])('leaves %j to the YAML reader', (flow) => {
    expect(parseFlow(flow)).toBeUndefined();
  });

  it('refuses to write keys that it could not read', () => {
    expect(() => renderFrontMatter({ 'a b': 1 }, '')).toThrow(RangeError);
    expect(() => renderFrontMatter({ constructor: 1 } as never, '')).toThrow(RangeError);
    expect(() => renderFrontMatter({ a: Number.NaN }, '')).toThrow(RangeError);
  });
});

describe('YAML by hand', () => {
  it('reads comments, single quotes, block text and other indentation', async () => {
    const file = "---\n# by hand\ntitle: 'it''s'\nlabels:\n- ready\n-   bug\nnote: |\n  two\n  lines\nempty:\n---\n\nbody\n";
    expect(parsePlainFrontMatter(file)).toBeUndefined();
    expect(await readFrontMatter(file)).toEqual({
      data: { title: "it's", labels: ['ready', 'bug'], note: 'two\nlines\n', empty: null },
      body: 'body\n',
    });
  });

  it('reads what an editor of another system saved', async () => {
    expect(await readFrontMatter('\ufeff---\r\na: 1\r\n---\r\n\r\nb\r\nc\r\n')).toEqual({ data: { a: 1 }, body: 'b\nc\n' });
  });

  const bomb = `a: &a [x, x]\n${'bcdefgh'
    .split('')
    .map((name, at) => `${name}: &${name} [${`*${'abcdefg'[at]}, `.repeat(9)}x]`)
    .join('\n')}`;
  it.each([
    ['an alias bomb', bomb],
    ['a merge key', 'a: &x { b: 1 }\nc:\n  <<: *x'],
    ['a duplicate key', 'a: 1\na: 2'],
    ['a tag of a language', 'a: !!js/function "function () {}"'],
    ['an unknown tag', 'a: !thing 1'],
    ['two documents', 'a: 1\n...\nb: 2'],
    ['a bare list', '- a'],
    ['a bare word', 'hello'],
    ['deep nesting', `a: ${'['.repeat(40)}${']'.repeat(40)}`],
    ['bottomless nesting', `a: ${'['.repeat(20_000)}`],
    ['`__proto__`', '__proto__: { x: 1 }'],
    ['`constructor` inside', 'a: { constructor: 1 }'],
    ['a key that is a list', '? [a]\n: 1'],
    ['a number as key', '1: a'],
    ['an infinite number', 'a: .inf'],
    ['too much text', `a: "${'x'.repeat(70_000)}" # long`],
    ['an open quote', 'a: "b'],
  ])('refuses %s as corrupt, quickly', async (_, head) => {
    const started = performance.now();
    const error = await readFrontMatter(`---\n${head}\n---\n`).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AgentOsError);
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it.each(['', 'no front matter', '--- \na: 1\n---\n', '---\na: 1\n'])('refuses %j: no front matter', async (file) => {
    await expect(readFrontMatter(file)).rejects.toMatchObject({ code: 'corrupt', message: 'there is no front matter' });
  });
});
