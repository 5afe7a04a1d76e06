import { describe, expect, it } from 'vitest';
import { classify, unknownAgent } from '../../../src/commands/dispatch/classify.ts';
import { formatTask } from '../../../src/commands/dispatch/format.ts';
import { parseIssueBlocks } from '../../../src/core/agents/issue-blocks.ts';
import { CORPUS } from '../../core/markdown/corpus.ts';

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

describe('text of an issue that its page does not show (threat model rows 8 and 9)', () => {
  it.each(CORPUS)('%s reaches no agent', (_, body) => {
    expect(formatTask({ title: 'T', body })).not.toMatch(/EVIL/i);
  });
  it('is counted under the context', () => {
    const task = formatTask({ title: 'T', body: 'a <!-- b --> <!-- c -->\n\n## Background\n\nd' });
    expect(task.endsWith('# Context\n\nd\n\nRemoved from the text: 2 hidden comments.')).toBe(true);
    expect(formatTask({ title: 'T', body: 'a' })).not.toContain('Removed');
  });
  it('folds a title to plain letters on one line', () => {
    expect(formatTask({ title: 'Ａdd\u202e the <b>\n# ﬁeld', body: '' })).toMatch(/^# Goal\n\nAdd the &lt;b> # field\n\n#/);
  });
  it('leaves the blocks that are applied as they are', () => {
    const blocks =
      '```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-<!-- a -->\n+[a]: b "c" ![d](e)\n```\n\n```js file=src/a.js\n# not a heading\n<T>(x) => x;  \n\n```';
    const task = formatTask({ title: 'T', body: `a <!-- b -->\n\n${blocks}` });
    expect(task).toContain(blocks);
    expect(parseIssueBlocks(task).map(({ line: _, ...block }) => block)).toEqual(
      parseIssueBlocks(blocks).map(({ line: _, ...block }) => block),
    );
  });
});

describe('an agent that a label asks for', () => {
  it.each<[string | undefined, string | undefined]>([
    ['z', undefined],
    [undefined, undefined],
    ['nobody', 'nobody'],
    ['constructor', 'constructor'],
  ])('%s', (agent, unknown) => {
    expect(unknownAgent({ ...(agent !== undefined && { agent }) }, { agents: { z: {} } } as never)).toBe(unknown);
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
