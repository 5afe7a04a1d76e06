import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/commands/dispatch/classify.ts';
import { formatTask } from '../../../src/commands/dispatch/format.ts';

describe('the task text', () => {
  it('sorts known headings under the four sections and keeps the rest in the goal', () => {
    const body = 'Lead.\n\n## Acceptance criteria\n\n- a\n\n## Change\n\n```diff\n# not a heading\n-x\n```\n\n## Background\n\nb';
    expect(formatTask({ title: 'Do it', body })).toBe(
      '# Goal\n\nDo it\n\nLead.\n\n## Change\n\n```diff\n# not a heading\n-x\n```\n\n# Success criteria\n\n- a\n\n# Constraints\n\n(none given)\n\n# Context\n\nb',
    );
  });
  it('takes an issue without any heading as the goal', () => {
    expect(formatTask({ title: 'T', body: 'Text\r\nmore' })).toContain('# Goal\n\nT\n\nText\nmore\n\n# Success criteria');
  });
  it('removes what cannot be seen', () => {
    expect(formatTask({ title: 'T', body: 'a\u200bb\u{e0041}c\u001b[31md' })).toContain('abcd');
  });
});

describe('classification', () => {
  const config = { routing: { default: ['a', 'b'], docs: ['c'] }, agents: { a: {}, b: {}, c: {}, z: {} } } as never;
  it.each([
    ['Add a total', {}, { type: 'implementation', priority: 'normal', agents: ['a', 'b'] }],
    ['Fix the crash on start', {}, { type: 'debugging' }],
    ['Update the README', {}, { type: 'docs', agents: ['c'] }],
    ['Fix the crash', { type: 'docs', priority: 'high' }, { type: 'docs', priority: 'high', agents: ['c'] }],
    ['Add a total', { agent: 'b' }, { agents: ['b', 'a'] }],
    ['Add a total', { agent: 'z' }, { agents: ['z', 'a', 'b'] }],
    ['Add a total', { agent: 'nobody', type: 'nonsense' }, { type: 'implementation', agents: ['a', 'b'] }],
  ])('%s with %j', (title, hints, expected) => {
    expect(classify(title, hints as never, config)).toMatchObject(expected);
  });
});
