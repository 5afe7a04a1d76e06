import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdsKey, openRedactor, withoutKey } from '../../../src/core/gateway/redact.ts';

const run = (key: string, pieces: readonly string[]) => {
  const redactor = openRedactor(key);
  const out = pieces.map((piece) => redactor.push(Buffer.from(piece)).toString());
  return [...out, redactor.end().toString()];
};

describe('a key in a stream', () => {
  it.each([
    [['sk-secret'], '*********'],
    [['a sk-sec', 'ret b'], 'a ********* b'],
    [['s', 'k', '-', 's', 'e', 'c', 'r', 'e', 't'], '*********'],
    [['sk-sk-secret'], 'sk-*********'],
    [['sk-secretsk-secret'], '******************'],
    [['sk-secre', ' sk-'], 'sk-secre sk-'],
  ])('%j', (pieces, expected) => {
    expect(run('sk-secret', pieces).join('')).toBe(expected);
  });

  it('holds nothing back that cannot become one', () => {
    expect(run('sk-secret', ['one', 'two s', 'three'])).toEqual(['one', 'two ', 'sthree', '']);
  });

  it('is none where it is a placeholder: words stay as they are', () => {
    expect(run('ollama', ['an oll', 'ama'])).toEqual(['an oll', 'ama', '']);
    expect(withoutKey('ollama runs', 'ollama')).toBe('ollama runs');
    expect(holdsKey('ollama', 'ollama')).toBe(false);
    expect(withoutKey('no sk-secret here', 'sk-secret')).toBe('no *** here');
  });

  it('is gone and all else is there, wherever it is cut', () => {
    const word = fc.constantFrom('a', 'b', 'ab', 'aabaabab', 'x');
    fc.assert(
      fc.property(fc.array(fc.array(word).map((words) => words.join(''))), (pieces) => {
        const out = run('aabaabab', pieces).join('');
        expect(out).toBe(pieces.join('').replaceAll('aabaabab', '********'));
      }),
    );
  });
});
