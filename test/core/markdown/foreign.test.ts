import fc from 'fast-check';
import type { Nodes } from 'mdast';
import { describe, expect, it } from 'vitest';
import { renderForeign } from '../../../src/core/markdown/foreign.ts';
import { parseMarkdown } from '../../../src/core/markdown/sanitise.ts';

const CLOSES = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)[\s:*_~`"'()[\]\\]*(?:[\w.-]+\/[\w.-]+)?(?:#\d|GH-\d|https?:)/i;
const nodes = (node: Nodes): Nodes[] => [node, ...('children' in node ? node.children.flatMap(nodes) : [])];

describe('words on their way to the forge (threat model row 50)', () => {
  it.each([
    ['form', '## Done\n\n- *a*\n- `b`\n\n```js\nc\n```', '## Done\n\n- *a*\n- `b`\n\n```js\nc\n```'],
    ['a mention', 'ask @alice', 'ask ＠alice'],
    ['a link elsewhere', 'see [this](https://evil.example/a "t")', 'see this (`https://evil.example/a`)'],
    ['a bare link elsewhere', 'see https://evil.example/a', 'see `https://evil.example/a`'],
    ['a link to the forge', 'see [this](https://github.com/a/b)', 'see [this](https://github.com/a/b)'],
    ['a host that looks like the forge', 'see [this](https://github.com.evil.example/a)', 'see this (`https://github.com.evil.example/a`)'],
    ['an image', 'a ![b](https://evil.example/beacon.png)', 'a {image}'],
    ['a hidden comment', 'a <!-- agentos:status -->', 'a '],
    ['HTML', '<div onclick="x">a</div> b', 'a b'],
  ])('%s', (_, text, shown) => {
    expect(renderForeign(text)).toBe(shown);
  });

  it.each([
    'fixes #1',
    'Closes: #1',
    'fixes acme/shop#1',
    'resolved https://github.com/a/b/issues/1',
    'fix **#1**',
    'fix [#1](https://github.com/a/b/issues/1)',
    'fix \\#1',
    'fixes <b>#1</b>',
    'fixes `#1`',
    'closes GH-3',
    'fixes\n#1',
    'fix &#35;1',
  ])('closes nothing: %s', (text) => {
    const shown = renderForeign(text);
    expect(shown).not.toMatch(CLOSES);
    expect(shown).not.toMatch(/&#35;/);
  });

  it('mentions, closes, shows and embeds nothing, whatever it is given, and stays within the limit', () => {
    const pieces = [
      '@alice',
      '@',
      'fixes ',
      '#1',
      'a/b#1',
      '<img src="x">',
      '![',
      '[a](https://evil.example)',
      '](',
      ')',
      'https://evil.example',
      '<!--',
      '-->',
      '`',
      '```',
      '\n',
      '<',
      '&#64;a',
      '&lt;',
      '*',
      '[a]: https://b',
      'word ',
    ];
    const hostile = fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 30 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = renderForeign(text, 300);
        expect(shown).not.toMatch(/@[A-Za-z0-9]|[<>]/);
        expect(shown).not.toMatch(CLOSES);
        const all = nodes(parseMarkdown(shown));
        expect(all.filter(({ type }) => /^image|^html$|^definition$|^linkReference$/.test(type))).toEqual([]);
        for (const node of all) if (node.type === 'link') expect(node.url).toMatch(/^[#/](?!\/)|^https:\/\/github\.com(?:\/|$)/);
        expect(shown.length).toBeLessThanOrEqual(300);
      }),
      { numRuns: 1000 },
    );
  });

  it('cuts at the end of a line, closes the code block, and says so', () => {
    const long = renderForeign(`\`\`\`\n${'a line of code\n'.repeat(3000)}\`\`\``);
    expect(long.length).toBeLessThanOrEqual(20_000);
    expect(long.endsWith('a line of code\n```\n\n(The rest is left out.)')).toBe(true);
  });
});
