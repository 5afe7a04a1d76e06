import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIssueBlocks } from '../../../src/core/agents/issue-blocks.ts';
import { renderRemoved, sanitiseMarkdown } from '../../../src/core/markdown/sanitise.ts';
import { CORPUS } from './corpus.ts';

const sanitise = (text: string) => sanitiseMarkdown(text).text;
const INVISIBLE = /[\p{Cf}\u{e0000}-\u{e0fff}\u2800\u3164]|&#xE00|&#9175/u;

describe('what a page does not show (threat model row 8)', () => {
  it.each(CORPUS)('%s', (_, markdown) => {
    const { text, removed } = sanitiseMarkdown(markdown);
    expect(text).not.toMatch(/EVIL/i);
    expect(text).not.toMatch(INVISIBLE);
    expect(text.match(/good/g)).toHaveLength(markdown.match(/good/g)?.length ?? 0);
    expect(sanitiseMarkdown(text)).toEqual({ text, removed: {} });
    if (!/\[EVIL\]|\^EVIL/.test(markdown)) expect(Object.keys(removed)).not.toEqual([]);
  });

  it.each([
    [
      'prose',
      'A *good* `x < y` line with [words](https://example.com/a?b=c#d), <https://example.com> and https://example.com.\n\n- [x] a\n- b',
    ],
    ['code with marks in it', '```html\n<!-- shown -->\n[a]: b "c"\n```\n\n    <!-- shown -->\n\n`<!-- shown -->`'],
    ['a table', '| a | b |\n|---|:-:|\n| 1 | 2 |'],
    ['a fence in a list in a quote', '> - a\n>   ```diff\n>   -<b>\n>   ```'],
    ['escaped marks', '\\<!-- shown --> and &lt;b&gt; and \\[a]'],
    ['a footnote', 'a[^1]\n\n[^1]: b'],
    ['emoji', 'a 👩‍💻 and ❤️ and 1️⃣'],
  ])('leaves %s as written', (_, markdown) => {
    expect(sanitiseMarkdown(markdown)).toEqual({ text: markdown, removed: {} });
  });

  it.each([
    ['details', '<details>\n<summary>Logs</summary>\n\ntext\n\n</details>', 'Logs\n\ntext\n\n'],
    ['a table of HTML', '<table><tr><td>a</td><td>b [c] *d*</td></tr></table>', 'a b \\[c] \\*d\\*'],
    ['inline tags', 'press <kbd>Ctrl</kbd>', 'press Ctrl'],
    ['a less-than sign', 'a < b <= c', 'a &lt; b &lt;= c'],
    [
      'an address by reference',
      '[a][b] and [b]\n\n[b]: https://example.com/(x)',
      '[a](https://example.com/%28x%29) and [b](https://example.com/%28x%29)\n\n',
    ],
    ['tags in prose', 'the <select> element is good', 'the  element is good'],
  ])('keeps the words of %s', (_, markdown, text) => {
    expect(sanitise(markdown)).toBe(text);
  });

  it('keeps what the patch agent applies, byte for byte', () => {
    const markdown =
      'x <!-- EVIL -->\n\n```diff\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-<!-- a -->\n+  [b]: c "d"\t\n```\n\n~~~~js file="src/a b.js"\n```\n<T>&#65;\\<\n~~~~\n\n1. a\n   ```file=a.txt\n   x  \n   ```';
    const blocks = (text: string) => parseIssueBlocks(text).map(({ line: _, ...block }) => block);
    expect(blocks(markdown)).toHaveLength(3);
    expect(blocks(sanitise(markdown))).toEqual(blocks(markdown));
  });

  it('says what it removed', () => {
    expect(renderRemoved(sanitiseMarkdown('a <!-- x --> <!-- y --> ![z](z)').removed)).toBe('2 hidden comments, 1 image');
    expect(renderRemoved({})).toBe('');
  });
});

describe('any text', () => {
  const pieces = [
    '<!--',
    '-->',
    '<!-',
    '->',
    '<',
    '>',
    '[',
    ']',
    '(',
    ')',
    '!',
    '"',
    '`',
    '```',
    '\n',
    '\n\n',
    ' ',
    '    ',
    '- ',
    '> ',
    '[a]: b',
    '[^a]',
    ': ',
    '<div hidden>',
    '</div>',
    '<b>',
    '</b>',
    '<script>',
    '<?',
    '|',
    '|-|\n',
    '*',
    '_',
    '~~',
    '\\',
    '&#x200b;',
    '&lt;',
    '#',
    '===',
    'a',
    'https://a.b',
    '\u200b',
    '\u{e0041}',
    '<![CDATA[',
    ']]>',
    '<a title="',
  ];
  const hostile = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 40 })
    .map((parts) => parts.join(''));

  it('is the same after a second time, and holds no comment outside code', () => {
    fc.assert(
      fc.property(hostile, (markdown) => {
        const text = sanitise(markdown);
        expect(sanitiseMarkdown(text)).toEqual({ text, removed: {} });
        expect(text).not.toMatch(/\p{Cf}/u);
        if (!/[`~]|^(?: {4}|\t)| {4}|\t/m.test(text)) expect(text.replace(/\\</g, '')).not.toMatch(/<!|<[a-z]+>|<\/|<\?/);
      }),
      { numRuns: 600 },
    );
  });

  it('hides a payload in no comment, wherever it stands', () => {
    fc.assert(
      fc.property(hostile, hostile, (before, after) => {
        fc.pre(!/[`~]/.test(before));
        const text = sanitise(`${before}\n\n${'x'}\n\n[//]: # (EVILDEF)\n\n<!-- EVIL -->\n\n${after}`);
        if (/^ {4}|\t/m.test(text)) return;
        expect(text.includes('<!-- EVIL')).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('floods of 64 kB', () => {
  const flood = (text: string, size = 64_000) => text.repeat(Math.ceil(size / text.length)).slice(0, size);
  it.each([
    ['brackets', '['.repeat(10_000)],
    ['64 kB of brackets', flood('[')],
    ['closed brackets', flood('[', 32_000) + flood(']', 32_000)],
    ['labels', flood('[a]')],
    ['open links', flood('[a](')],
    ['comments', flood('<!--')],
    ['lines of comments', flood('<!-- a -->\n\n')],
    ['tags', flood('<a ')],
    ['closed tags', flood('<b>')],
    ['hidden elements', flood('<div hidden>')],
    ['stars', flood('*')],
    ['mixed emphasis', flood('*a_ ')],
    ['strong', flood('**a **b ')],
    ['quotes', flood('>')],
    ['lists', flood('- ')],
    ['indented lists', Array.from({ length: 350 }, (_, n) => `${' '.repeat(n)}- a\n`).join('')],
    ['deep quotes', `${'> '.repeat(200)}a\n`.repeat(160)],
    ['a long table', `|a|b|\n|-|-|\n${flood('|x|y|\n')}`],
    ['a wide table', `${flood('|a', 32_000)}|\n${flood('|-', 32_000)}|\n`],
    ['underlines', flood('a\n-\n')],
    ['ticks', Array.from({ length: 350 }, (_, n) => `${'`'.repeat(n)} `).join('')],
    ['references', flood('&#x200b;')],
    ['definitions', flood('[a]: b\n')],
    ['footnotes', flood('[^a]: b\n')],
    ['short quotes', flood('>a\n\n')],
    ['rows without a head', flood('|a\n')],
    ['open attributes', flood('<a "')],
    ['visible references', flood('&amp;')],
    ['a mixture', flood('*_~[`<')],
  ])('%s are done within a second of processor time', (_, markdown) => {
    const began = process.cpuUsage();
    const text = sanitise(`${markdown}\n\n<!-- EVIL -->`);
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1000).toBeLessThan(1000);
    if (!markdown.includes('`')) expect(text).not.toContain('EVIL');
  });

  it('reads an ordinary long text', () => {
    const log = Array.from({ length: 900 }, (_, n) => `[2026-01-01T00:00:${n}] [info] some_module_name: value ${n}`).join('\n');
    expect(sanitise(`Look:\n\n\`\`\`\n${log}\n\`\`\`\n`)).toContain('value 899');
    expect(sanitise(log)).toContain('value 899');
  });
});
