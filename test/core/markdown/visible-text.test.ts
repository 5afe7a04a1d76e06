import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldTitle, removeInvisible } from '../../../src/core/markdown/visible-text.ts';

const SEEN_NEVER = [
  0x00, 0x0b, 0x1b, 0x7f, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x180e, 0x200b, 0x200e, 0x2028, 0x202e, 0x2060, 0x2066, 0x2800, 0x3164,
  0xfe00, 0xfe0e, 0xfeff, 0xffa0, 0xfff9, 0x1d173, 0xe0001, 0xe0041, 0xe0100, 0xe0fff,
];
const anything = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        ...SEEN_NEVER.map((code) => String.fromCodePoint(code)),
        '\u200d',
        '\ufe0f',
        '👩',
        '💻',
        '❤',
        '1',
        '\u20e3',
        '\u0301',
        'e',
      ),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

describe('what cannot be seen (threat model row 9)', () => {
  it('is gone from any text, and a second time changes nothing', () => {
    fc.assert(
      fc.property(anything, (text) => {
        for (const clean of [removeInvisible(text), foldTitle(text)]) {
          const bare = clean
            .replace(/(?<=\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}]?\ufe0f?)\u200d(?=\p{Extended_Pictographic})/gu, '')
            .replace(/\ufe0f/g, '');
          expect(bare).not.toMatch(/[\p{Cf}\u{e0000}-\u{e0fff}\ufe00-\ufe0f\u180e\u2800\u3164\u115f\u1160]/u);
          expect(bare.replace(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u);
          expect(clean).not.toMatch(/(?<![\p{Extended_Pictographic}0-9#*])\ufe0f/u);
        }
        expect(removeInvisible(removeInvisible(text))).toBe(removeInvisible(text));
        expect(foldTitle(foldTitle(text))).toBe(foldTitle(text));
      }),
    );
  });
  it('is nothing of printable ASCII', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => removeInvisible(text) === text && foldTitle(text) === text));
  });
  it.each(['👩‍💻', '❤️', '👩🏽‍🚀', '1️⃣', '🏳️‍🌈'])('keeps %s', (emoji) => {
    expect(removeInvisible(emoji)).toBe(emoji);
  });
});
