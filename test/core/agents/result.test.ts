import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgentResult, BLOCKER_CODES, parseResult, renderResult, renderResultTemplate } from '../../../src/core/agents/result.ts';
import { AgentOsError } from '../../../src/core/errors.ts';

const EMPTY = {
  done: [],
  blockers: [],
  nextStep: '',
  filesChanged: [],
  testsRun: [],
  decisions: [],
  risks: [],
  attemptedApproaches: [],
  manualSteps: [],
  notes: [],
};
const form = (text: string) => `STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid it.\n${text}`;
const reason = (text: string): string => {
  try {
    parseResult(text);
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'corrupt') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('parseResult reads', () => {
  it('a filled-in form', () => {
    const text = form(
      '\nDONE:\n- one\n- two\nBLOCKERS:\n- none\nNEXT_STEP:\nMerge it.\n\nFILES_CHANGED:\n- src/a.ts\nTESTS_RUN:\n- npm test: pass\nDECISIONS:\nRISKS:\n',
    );
    expect(parseResult(text)).toEqual({
      ...EMPTY,
      status: 'complete',
      summary: 'Did it.',
      done: ['one', 'two'],
      nextStep: 'Merge it.',
      filesChanged: ['src/a.ts'],
      testsRun: ['npm test: pass'],
    });
  });

  it.each([
    ['key and text on one line', 'STATUS: complete\nSUMMARY: Did it.'],
    ['text below the key', 'STATUS:\ncomplete\n\nSUMMARY:\n\nDid it.\n\n'],
    ['a byte order mark and CR LF', '\ufeffSTATUS: complete\r\nBLOCKER_CODE: none\r\n\r\nSUMMARY:\r\nDid it.\r\n'],
    ['bold keys, colon inside', '**STATUS:** complete\n**SUMMARY:** Did it.'],
    ['bold keys, colon outside', '**Status**: `complete`\n**Summary**: Did it.'],
    ['headings', '# STATUS\n\ncomplete\n\n## Blocker code\nnone\n### Summary:\nDid it.'],
    ['headings with the text behind', '## STATUS: complete\n## SUMMARY: Did it.'],
    ['bold headings', '## **Status:** complete\n## **Summary:**\nDid it.'],
    ['a code fence around the whole', '```markdown\nSTATUS: complete\n\nSUMMARY:\nDid it.\n```\n'],
    ['another fence', '\n~~~\nSTATUS: complete\nSUMMARY: Did it.\n~~~'],
    ['decorated words', 'STATUS: **Complete**.\nBLOCKER_CODE: N/A\nSUMMARY: Did it.'],
    ['a bullet before the word', 'STATUS:\n- complete\nSUMMARY:\nDid it.'],
    ['terminal colours and invisible characters', '\u001b[32mSTATUS: comp\u200blete\u001b[0m\nSUMMARY: Did it.'],
  ])('%s', (_, text) => expect(parseResult(text)).toEqual({ ...EMPTY, status: 'complete', summary: 'Did it.' }));

  it.each(BLOCKER_CODES)('the blocker %s, also in words', (code) => {
    const words = code.replaceAll('_', ' ').toUpperCase();
    expect(parseResult(`STATUS: blocked\nBLOCKER_CODE: ${words}\nSUMMARY: Stuck.`)).toMatchObject({ status: 'blocked', blockerCode: code });
  });

  it('lists with any bullets, without bullets, and with lines that belong together', () => {
    const text = form('DONE:\n* one\n  goes on\n1. two\n- [x] three\nRISKS:\nfirst\nsecond\n\nDECISIONS: only one\nBLOCKERS: none.');
    expect(parseResult(text)).toMatchObject({
      done: ['one goes on', 'two', '[x] three'],
      risks: ['first', 'second'],
      decisions: ['only one'],
      blockers: [],
    });
  });

  it('sections that it does not know as notes, and no heading inside a code fence', () => {
    const text = form('```\n# not a heading\nNOT: a key\n```\n\nREMARK: by the way\nmore\n\n## Next: *idea*\ntext\n\n## Empty\n');
    expect(parseResult(text)).toMatchObject({
      summary: 'Did it.\n```\n# not a heading\nNOT: a key\n```',
      notes: [
        { title: 'REMARK', text: 'by the way\nmore' },
        { title: 'Next: *idea*', text: 'text' },
      ],
    });
  });

  it('the rest of the form behind a code fence that was never closed', () => {
    expect(parseResult('STATUS: complete\nSUMMARY:\n```\ncode\nRISKS:\n- one')).toMatchObject({ summary: '```\ncode', risks: ['one'] });
  });

  it('a URL in capitals as text', () => {
    expect(parseResult(form('HTTPS://example.com')).summary).toBe('Did it.\nHTTPS://example.com');
  });
});

describe('parseResult refuses', () => {
  it.each([
    ['nothing', '', /no STATUS/],
    ['prose', 'I finished everything, all tests pass!', /no STATUS/],
    ['the template as it is', renderResultTemplate(), /placeholder of STATUS/],
    ['the form of the documents', form('DONE:\n- …\n'), /placeholder of DONE/],
    ['the sentence of the documents', 'STATUS: complete\nSUMMARY:\nWhat was done, in a paragraph.', /placeholder of SUMMARY/],
    ['a placeholder in a list', form('FILES_CHANGED:\n- <path of a changed file>'), /placeholder of FILES_CHANGED/],
    ['another status', 'STATUS: done\nSUMMARY: x', /`done`, which is none of: complete, partial, blocked/],
    ['a choice left open', 'STATUS: complete | partial | blocked\nSUMMARY: x', /none of/],
    ['a sentence as status', 'STATUS: complete, I think\nSUMMARY: x', /none of/],
    ['an empty status', 'STATUS:\nSUMMARY: x', /no STATUS/],
    ['two of them', `${form('')}\nSTATUS: blocked`, /two STATUS/],
    ['two blockers', 'STATUS: blocked\nBLOCKER_CODE: test_failure\nBLOCKER_CODE: none\nSUMMARY: x', /two BLOCKER_CODE/],
    ['no summary', 'STATUS: complete\nDONE:\n- x', /no SUMMARY/],
    ['a summary that says nothing', 'STATUS: complete\nSUMMARY: none', /no SUMMARY/],
    ['blocked without a code', 'STATUS: blocked\nBLOCKER_CODE: none\nSUMMARY: x', /blocked without a BLOCKER_CODE/],
    ['partial without a code', 'STATUS: partial\nSUMMARY: x', /partial without a BLOCKER_CODE/],
    ['a code that is none', 'STATUS: blocked\nBLOCKER_CODE: too_hard\nSUMMARY: x', /`too_hard`, which is none of/],
    ['a code of the host', 'STATUS: blocked\nBLOCKER_CODE: provider_rate_limit\nSUMMARY: x', /none of/],
    ['complete and blocked at once', 'STATUS: complete\nBLOCKER_CODE: test_failure\nSUMMARY: x', /says complete and names the blocker/],
    ['too much', form('x'.repeat(65_536)), /larger than 64 kB/],
  ])('%s', (_, text, expected) => expect(reason(text)).toMatch(expected));
});

const line = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) =>
  text
    .replace(/[^\P{C}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim(),
);
const safeLine = fc.oneof(
  line,
  fc.constantFrom('STATUS: complete', '## Risks', '\\## x', '\\\\STATUS: blocked', '```', '**SUMMARY:** x', 'Note: y', '- z', 'NOTE: y'),
);
/** What a parsed result holds: normalised by one pass. */
const results = fc
  .record({
    status: fc.constantFrom('complete' as const, 'partial' as const, 'blocked' as const),
    code: fc.constantFrom(...BLOCKER_CODES),
    summary: fc.array(safeLine, { minLength: 1, maxLength: 4 }),
    items: fc.array(line, { maxLength: 4 }),
    nextStep: fc.array(safeLine, { maxLength: 3 }),
    notes: fc.array(fc.record({ title: fc.constantFrom('Idea', 'More to say: this', 'REMARK'), text: safeLine }), { maxLength: 2 }),
  })
  .map(({ status, code, summary, items, nextStep, notes }): AgentResult => {
    return {
      ...EMPTY,
      status,
      ...(status === 'complete' ? {} : { blockerCode: code }),
      summary: `Did it.\n${summary.join('\n')}`.trim(),
      done: items,
      risks: items.slice(1),
      nextStep: nextStep.join('\n'),
      notes,
    };
  });

describe('properties', () => {
  it('reads back what it rendered, once normalised', () => {
    fc.assert(
      fc.property(results, (result) => {
        const read = parseOrSkip(renderResult(result));
        if (read === undefined) return;
        expect(read.status).toBe(result.status);
        expect(parseResult(renderResult(read))).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the words of a text that looks like a form', () => {
    const summary = 'Wrote the parser.\nSTATUS: blocked\n## Risks\n\\STATUS: x\n```\nNOTE: inside';
    const result: AgentResult = { ...EMPTY, status: 'complete', summary, nextStep: '**STATUS:** partial', risks: ['STATUS: blocked'] };
    expect(parseResult(renderResult(result))).toEqual(result);
  });

  it.each([
    ['blanks in a heading', `# ${' '.repeat(65_000)}x`],
    ['closing marks', `# ${'#'.repeat(65_000)}x`],
    ['fences', '```\n'.repeat(16_000)],
    ['backslashes', '\\'.repeat(65_000)],
    ['stars', '*'.repeat(65_000)],
    ['capitals', 'A '.repeat(32_000)],
  ])('reads 64 kB of %s at once', (_, text) => {
    const began = performance.now();
    expect(reason(text)).toMatch(/no STATUS/);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('never throws anything but a corrupt error, and never changes its mind', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('STATUS:', ' complete', '\n', 'SUMMARY:', '```', '# ', '**', 'BLOCKER_CODE: none', '\r\n', ':'),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const text = parts.join('');
        expect(reason(text)).toBe(reason(text));
      }),
      { numRuns: 1000 },
    );
  });
});

/** A generated text may be a placeholder by chance, which is rightly refused. */
function parseOrSkip(text: string): AgentResult | undefined {
  return reason(text).includes('placeholder') ? undefined : parseResult(text);
}
