import { describe, expect, test } from 'vitest';
import { readDocument } from '../../../src/core/config/document.ts';
import { MINIMAL, makeConfigDirectory } from './config-directory.ts';

const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from('bcdefghi', (key, index) => `${key}: &${key} [${`*${'abcdefgh'[index]}, `.repeat(9)}]`).join('\n')}\n`;

describe('hostile files end in a clear `config` error, and soon', () => {
  test.each<[string, string, RegExp]>([
    ['empty', '', /:1: the file is empty; make one with `agentos init`$/],
    ['only a comment', '# nothing\n', /the file is empty/],
    ['a list at top level', '- a\n- b\n', /:1: expected a mapping, found a list$/],
    ['a scalar', 'hello\n', /:1: expected a mapping, found `hello`$/],
    ['an alias bomb', bomb, /aliases are not available; write the value of `\*a` out/],
    ['an alias of its own parent', 'a: &a [*a]\n', /aliases are not available/],
    ['a merge key', `x: &x { kind: patch }\n${MINIMAL}y: { <<: *x }\n`, /aliases are not available/],
    ['a JavaScript tag', `${MINIMAL}plan: !!js/function "function () {}"\n`, /:8: tags are not available/],
    ['a tag of its own', `${MINIMAL}plan: !x { size: 1 }\n`, /:8: tags are not available/],
    ['a known tag that is not of the core schema', `${MINIMAL}plan: !!set { size }\n`, /:8: tags are not available/],
    ['duplicate keys', `${MINIMAL}state_dir: ./other\n`, /:8: the same key stands twice in one mapping/],
    ['__proto__', `${MINIMAL}__proto__: { polluted: true }\n`, /:8: `__proto__` cannot be a key; rename it$/],
    [
      'constructor',
      MINIMAL.replace('patch: {', 'constructor: { kind: patch }, patch: {')
        .replace('agents:\n', 'agents: {')
        .replace('{ kind: patch }\nrouting', '{ kind: patch } }\nrouting'),
      /`constructor` cannot be a key; rename it/,
    ],
    ['prototype in a nested mapping', MINIMAL.replace('name: acme/shop', 'prototype: 1'), /:4: repos\[0\]: `prototype` cannot be a key/],
    ['a number as a key', `${MINIMAL}7: x\n`, /:8: a key must be text; put it in quotes$/],
    ['a list as a key', `${MINIMAL}? [a, b]\n: x\n`, /a key must be text/],
    ['tabs', 'forge:\n\tkind: local\n', /:2: not valid YAML: .*tab/i],
    ['NUL', `${MINIMAL}\u0000`, /:8: control character U\+0000; remove it$/],
    ['an escape sequence', `${MINIMAL}# \u001b[31m\n`, /:8: control character U\+001B; remove it$/],
    ['NUL by an escape', MINIMAL.replace('./state', '"a\\0b"'), /:1: state_dir: control character U\+0000; remove it/],
    ['two documents', `${MINIMAL}---\na: 1\n`, /:8: a second document starts here; the file must hold one$/],
    ['a directive', `%YAML 1.1\n---\n${MINIMAL}`, /:1: remove the `%YAML` line$/],
    ['an open bracket', `${MINIMAL}plan: [\n`, /not valid YAML/],
    ['brackets, nested', `a: ${'['.repeat(100_000)}`, /:1: nested too deeply$/],
    ['brackets, nested and closed', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`, /nested too deeply/],
    ['mappings, nested', '{a: '.repeat(50_000), /nested too deeply/],
    ['dashes', '- '.repeat(100_000), /nested too deeply/],
    ['question marks', '? '.repeat(100_000), /nested too deeply/],
    ['indentation', Array.from({ length: 600 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'), /:130: nested too deeply$/],
    ['very many keys', Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'), /too many keys and values/],
    ['very many duplicate keys', 'k: 1\n'.repeat(40_000), /too many keys and values/],
    ['very many anchors', `a: ${'&a '.repeat(80_000)}`, /too many keys and values/],
    ['very many bad escapes', `a: "${'\\q'.repeat(100_000)}"`, /too many keys and values/],
    ['as many keys as are read', Array.from({ length: 3000 }, (_, index) => `k${index}: `).join('\n'), /unknown key.*\n?/],
  ])('%s', async (_, text, expected) => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', text);
    const before = performance.now();
    const error = await dir.fail();
    expect(performance.now() - before).toBeLessThan(2000);
    expect(error.code).toBe('config');
    expect(error.message).toMatch(expected);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('what is read', () => {
  test('YAML 1.2: `yes`, `no` and `on` are text, octal is decimal, a byte order mark is skipped', () => {
    const { value, problems } = readDocument('\ufeffa: yes\nb: no\nc: on\nd: 010\ne: 2026-01-02\nf: 0x10\n');
    expect(problems).toEqual([]);
    expect(value).toEqual({ a: 'yes', b: 'no', c: 'on', d: 10, e: '2026-01-02', f: 16 });
  });

  test('lines of keys, values and missing keys', () => {
    const { place } = readDocument('a:\n  b:\n    - x\n    -\n      c: 1\n\nd: >\n  text\n');
    const lineOf = (path: (string | number)[], atKey = false) => place({ path, atKey, what: '' }).line;
    expect(lineOf(['a'], true)).toBe(1);
    expect(lineOf(['a', 'b'], true)).toBe(2);
    expect(lineOf(['a', 'b', 1, 'c'])).toBe(5);
    expect(lineOf(['a', 'b', 1, 'missing'])).toBe(5);
    expect(lineOf(['a', 'missing'])).toBe(1);
    expect(lineOf(['d'])).toBe(7);
    expect(lineOf(['missing'])).toBe(1);
  });

  test('long flow mappings and lists are no nesting', () => {
    const pairs = Array.from({ length: 100 }, (_, index) => `k${index}: [a, b]`).join(', ');
    expect(readDocument(`a: { ${pairs} }\n`).problems).toEqual([]);
  });
});
