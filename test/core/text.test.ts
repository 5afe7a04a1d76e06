import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanLine, cleanText, fence, nearest, neutralise, plural, renderDuration, tail, truncate } from '../../src/core/text.ts';

const ESC = '\u001b';
/** Anything a person or a program may write, with the nasty parts made likely. */
const nasty = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        ESC,
        '\u009b',
        '\u009d',
        '\u0007',
        '\r',
        '\b',
        '\u200b',
        '\u202e',
        '\ufeff',
        '\u{e0041}',
        '\ufe0f',
        '[31m',
        ']52;c;',
        '\\',
        '@alice',
        '<!--',
        '![',
        'fixes #1',
        '`',
      ),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

describe('cleanText (threat model rows 9 and 44)', () => {
  it.each([
    ['a colour', `a${ESC}[31mb${ESC}[0m`, 'ab'],
    ['an 8-bit colour', 'a\u009b31mb', 'ab'],
    ['a clipboard write', `a${ESC}]52;c;ZXZpbA==\u0007b`, 'ab'],
    ['a link', `${ESC}]8;;https://evil${ESC}\\text${ESC}]8;;${ESC}\\`, 'text'],
    ['a device string', `a${ESC}Pq#0${ESC}\\b`, 'ab'],
    ['an overwritten line', 'good\rbad', 'good\nbad'],
    ['a backspace', 'ab\bc', 'abc'],
    ['tag characters', 'a\u{e0041}\u{e0042}b', 'ab'],
    ['zero width and bidi', 'a\u200b\u202e\u2066b\ufeff', 'ab'],
    ['line separators', 'a\u2028b', 'ab'],
    ['CRLF', 'a\r\nb', 'a\nb'],
  ])('%s', (_, text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  it('leaves no control and no invisible character, keeps printable ASCII, and is idempotent', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const clean = cleanText(text);
        // What joins or colours an emoji can be seen.
        expect(
          clean.replace(/(?<=\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}]?)\ufe0f|\u200d(?=\p{Extended_Pictographic})/gu, ''),
        ).not.toMatch(
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]|[\u{e0000}-\u{e0fff}]/u,
        );
        expect(cleanText(clean)).toBe(clean);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => cleanText(text) === text));
  });
});

describe('neutralise (threat model row 50)', () => {
  it.each(['fixes #12', 'Closes: #12', 'resolved acme/shop#12', 'fix https://github.com/a/b/issues/1', 'closes GH-3'])(
    '%s closes nothing',
    (text) => {
      expect(neutralise(text)).not.toMatch(/\b(close[sd]?|fix(e[sd])?|resolve[sd]?)\s*:?\s+([\w.-]+\/[\w.-]+)?(#\d|https?:|GH-\d)/i);
    },
  );

  it('mentions nobody, opens no HTML and no image, whatever it is given', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const harmless = neutralise(text);
        expect(harmless).not.toMatch(/@[A-Za-z0-9]|[<>]|!\[/);
        expect(harmless.length).toBeLessThanOrEqual(20_000);
      }),
    );
  });
});

describe('small wording', () => {
  it('fences any text so that it cannot end the fence', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const [open = '', ...rest] = fence(text, 'diff').split('\n');
        const ticks = open.replace('diff', '');
        expect(rest.slice(0, -1).join('\n')).not.toContain(ticks);
        expect(rest.at(-1)).toBe(ticks);
      }),
    );
  });
  it('cuts at a length and never through a character', () => {
    expect(truncate('abcdef', 4)).toBe('abc…');
    expect(truncate('ab😀cd', 4)).toBe('ab…');
    expect(tail('abcdef', 3)).toBe('… 3 characters left out …\ndef');
    expect(cleanLine(' a\n  b ', 10)).toBe('a b');
  });
  it('counts and measures', () => {
    expect([plural(1, 'task'), plural(2, 'task')]).toEqual(['1 task', '2 tasks']);
    expect([1500, 600_000, 7_200_000, 200_000_000].map(renderDuration)).toEqual(['2 s', '10 min', '2 h', '2 d']);
  });
  it('finds the nearest known word, or none', () => {
    expect(nearest('verfiy', ['verify', 'setup'])).toBe('verify');
    expect(nearest('elephant', ['verify', 'setup'])).toBeUndefined();
  });
});
