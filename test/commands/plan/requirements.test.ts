import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequirements, requirementKey } from '../../../src/commands/plan/requirements.ts';
import { AgentOsError } from '../../../src/core/errors.ts';

const brief = (markdown: string) => parseRequirements(markdown).map(({ title, text }) => [title, text]);

const READABLE: [string, string, [string, string][]][] = [
  [
    'a plain list',
    '- Show the total\n- Add tax\n',
    [
      ['Show the total', ''],
      ['Add tax', ''],
    ],
  ],
  [
    'items with text, nested lists and paragraphs',
    '- Show the **total**\n  with tax.\n\n  It must:\n  - round\n    - half up\n- [ ] Add `tax`\n\n1. Third\n',
    [
      ['Show the total', 'with tax.\n\nIt must:\n- round\n  - half up'],
      ['Add tax', ''],
      ['Third', ''],
    ],
  ],
  [
    'code blocks of an item, word for word',
    '10. Fix it\n\n    ```diff\n    --- a/x\n    +++ b/x\n    @@ -1,2 +1,2 @@\n     same\n    -old\n    +new\n    ```\n',
    [['Fix it', '```diff\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n```']],
  ],
  ['tabs', '-\tTitle\n\n\t```\n\t\tdeep\n\t```\n', [['Title', '```\n\tdeep\n```']]],
  [
    'headings with lists and code as their text',
    '# Shop\n\nWhat we need.\n\n## Cart\n\n- total\n- tax\n\n## Docs\n\n```md file=README.md\n# not a heading\n```\n',
    [
      ['Cart', '- total\n- tax'],
      ['Docs', '```md file=README.md\n# not a heading\n```'],
    ],
  ],
  [
    'a title and a list',
    '# Requirements\n\nIn order.\n\n- One\n- Two\n',
    [
      ['One', ''],
      ['Two', ''],
    ],
  ],
  ['one heading with text', '# Show the total\n\nAs a number.\n', [['Show the total', 'As a number.']]],
  ['second-level heading above a list', '## Cart\n- total\n- tax\n', [['Cart', '- total\n- tax']]],
  [
    'deepest level that divides all',
    '# P\n## A\n### A1\na\n### A2\n## B\n### B1\n',
    [
      ['A1', 'a'],
      ['A2', ''],
      ['B1', ''],
    ],
  ],
  [
    'a level that only some have',
    '# P\n## A\n### A1\na\n### A2\n## B\nb\n',
    [
      ['A', '### A1\na\n### A2'],
      ['B', 'b'],
    ],
  ],
  [
    'text above a level would be lost',
    '# P\n## A\nwhy\n### A1\n## B\n### B1\n',
    [
      ['A', 'why\n### A1'],
      ['B', '### B1'],
    ],
  ],
  [
    'parts of a requirement are not requirements',
    '# P\n## A\n### Acceptance criteria\n- x\n## B\n### Notes\ny\n',
    [
      ['A', '### Acceptance criteria\n- x'],
      ['B', '### Notes\ny'],
    ],
  ],
  ['setext headings, CRLF and a BOM', '\ufeffCart\r\n====\r\n\r\ntotal\r\n', [['Cart', 'total']]],
];

const WRONG: [string, string, RegExp][] = [
  ['an empty file', ' \n', /holds no requirement/],
  ['text alone', 'Make it good.\n', /holds no requirement/],
  ['two of the same title', '- Show  it!\n- b\n- show it\n', /lines 1 and 3/],
  ['too many', Array.from({ length: 101 }, (_, i) => `- r${i}`).join('\n'), /101 requirements/],
  ['a title that is too long', `- ${'x'.repeat(251)}`, /title has 251/],
  ['a text that is too long', `- a\n\n  ${'x'.repeat(60_001)}`, /60001 characters/],
  ['an item without a title', '- a\n- ```\n  x\n  ```\n', /line 2: a requirement without a title/],
  ['a code block that no item owns', '- a\n\n```diff\n+x\n```\n- b\n', /line 3: a code block/],
];

describe('parseRequirements', () => {
  it.each(READABLE)('reads %s', (_, markdown, expected) => expect(brief(markdown)).toEqual(expected));

  it('marks ticked items and keeps the line', () => {
    expect(parseRequirements('\n- [x] One\n- [ ] Two\n').map(({ done, line }) => [done, line])).toEqual([
      [true, 2],
      [false, 3],
    ]);
  });

  it.each(WRONG)('refuses %s', (_, markdown, message) => {
    expect(() => parseRequirements(markdown)).toThrow(message);
    try {
      parseRequirements(markdown);
    } catch (error) {
      expect((error as AgentOsError).code).toBe('usage');
    }
  });

  it('never fails in any other way', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('# ', '## ', '- ', '  ', '\n', 'a', 'b', '```', '\t', '1. ', '[x] ', '> ', '***'), { maxLength: 40 }),
        (parts) => {
          try {
            for (const { title, key } of parseRequirements(parts.join(''))) expect([title === '', key === '']).toEqual([false, false]);
          } catch (error) {
            expect(error).toBeInstanceOf(AgentOsError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('requirementKey', () => {
  it('does not depend on case, spacing and punctuation', () => {
    expect(requirementKey('Show the  Total!')).toBe('show-the-total');
    expect(requirementKey('Größe: ändern')).toBe('größe-ändern');
  });
  it('is short, never empty, and tells apart what a cut would make equal', () => {
    const long = 'word '.repeat(40);
    expect(requirementKey(`${long}a`)).not.toBe(requirementKey(`${long}b`));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (title) => {
        const key = requirementKey(title);
        expect(key).toMatch(/^[^\s<>:]{1,120}$/u);
        expect(key).not.toContain('--');
      }),
    );
  });
});
