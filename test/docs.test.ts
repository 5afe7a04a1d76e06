/** The documents hold together: what they link to is there, and the tests and sources that they name as proof exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './support/world.ts';

const documents = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'test/github-server/README.md',
];

/** Without blocks of code, whose links are nobody's. */
function prose(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/^(`{3,})[\s\S]*?^\1\s*$/gm, '');
}

/** As GitHub makes them of headings. */
function anchorsOf(file: string): string[] {
  return Array.from(prose(file).matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe.each(documents)('%s', (file) => {
  it('links to what is there', () => {
    const broken = Array.from(prose(file).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target).filter((target) => {
      if (/^https:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? file : relative(ROOT, join(ROOT, dirname(file), path));
      return !existsSync(join(ROOT, to)) || (anchor !== undefined && !anchorsOf(to).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names files that exist', () => {
    const named = Array.from(
      prose(file).matchAll(/`((?:src|test|scripts|examples|docs)\/[\w./-]+\.(?:ts|mjs|sh|md|json))`/g),
      ([, path = '']) => path,
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
