import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/core/git/glob.ts';

describe('matchesGlob', () => {
  it.each([
    ['deploy/**', 'deploy/a/b.yml', true],
    ['deploy/', 'deploy/a/b.yml', true],
    ['deploy/**', 'src/deploy/a', false],
    ['**/Makefile', 'Makefile', true],
    ['**/Makefile', 'a/b/Makefile', true],
    ['**/Makefile', 'a/Makefile.am', false],
    ['**/migrations/**', 'db/migrations/1.sql', true],
    ['**/migrations/**', 'migrations/1.sql', true],
    ['*.js', 'a.js', true],
    ['*.js', 'lib/a.js', false],
    ['src/*/x', 'src/a/x', true],
    ['src/*/x', 'src/a/b/x', false],
    ['src/**/x', 'src/a/b/x', true],
    ['src/**/x', 'src/x', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a?c', 'a😀c', true],
    ['a.c', 'abc', false],
    ['(a+)+$', '(a+)+$', true],
    ['[ab]', 'a', false],
    ['README.MD', 'readme.md', true],
    ['caf\u00e9/**', 'cafe\u0301/menu', true],
    ['.*', '.npmrc', true],
    ['.*', 'a/.npmrc', false],
    ['', 'a', false],
    ['**', 'a/b', true],
  ])('%j covers %j: %s', (pattern, path, expected) => {
    expect(matchesGlob(pattern, path)).toBe(expected);
  });

  const name = fc.stringMatching(/^[a-z.()+$^]{1,6}$/);
  const path = fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));

  it('takes a path without wildcards for itself and nothing else', () => {
    fc.assert(fc.property(path, path, (one, other) => matchesGlob(one, other) === (one === other)));
  });

  it('covers everything below a directory with `**` and every depth above with a leading `**`', () => {
    fc.assert(
      fc.property(
        path,
        path,
        (above, below) => matchesGlob(`${above}/**`, `${above}/${below}`) && matchesGlob(`**/${below}`, `${above}/${below}`),
      ),
    );
  });

  it('agrees with the naive reading of one `*`', () => {
    fc.assert(
      fc.property(name, name, path, (start, end, other) => {
        const naive = !other.includes('/') && other.length >= start.length + end.length && other.startsWith(start) && other.endsWith(end);
        return matchesGlob(`${start}*${end}`, other) === naive;
      }),
    );
  });

  it('stays quick on a pattern made to explode', () => {
    const started = performance.now();
    expect(matchesGlob(`${'a*'.repeat(60)}b`, 'a'.repeat(4000))).toBe(false);
    expect(matchesGlob(`${'**/a/'.repeat(60)}b`, 'a/'.repeat(1000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
