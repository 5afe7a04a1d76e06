import { describe, expect, it } from 'vitest';
import { parseIssueBlocks } from '../../../src/core/agents/issue-blocks.ts';

const blocks = (text: string) => parseIssueBlocks(text).map(({ line: _, ...block }) => block);

describe('parseIssueBlocks', () => {
  it('finds diffs and files in the order of the text, with the lines where they begin', () => {
    const text = '# Goal\n\nDo this:\n\n```diff\n--- a/x\n+++ b/x\n```\n\n```js file=src/new.js\nexport {};\n```\n\n```patch\nP\n```\n';
    expect(parseIssueBlocks(text)).toEqual([
      { kind: 'diff', line: 5, text: '--- a/x\n+++ b/x' },
      { kind: 'file', line: 10, path: 'src/new.js', text: 'export {};\n' },
      { kind: 'diff', line: 14, text: 'P' },
    ]);
  });

  it.each([
    ['```file=a.txt', 'a.txt'],
    ['```ts file=a.txt', 'a.txt'],
    ['```ts {file=a.txt}', 'a.txt'],
    ['```ts title=x file="with blank.txt" more', 'with blank.txt'],
    ["```ts file='a.txt'", 'a.txt'],
    ['~~~~ ts file=a.txt', 'a.txt'],
    ['```diff file=test/sample.diff', 'test/sample.diff'],
    ['```ts file=-rf', '-rf'],
    ['```ts file=../../etc/passwd', '../../etc/passwd'],
  ])('takes the path of %s', (fence, path) => {
    expect(blocks(`${fence}\nx\n${fence.slice(0, fence.search(/[^`~]/))}\n`)).toEqual([{ kind: 'file', path, text: 'x\n' }]);
  });

  it.each([
    ['```js\nx\n```'],
    ['```\n--- a/x\n```'],
    ['```difference\nx\n```'],
    ['```ts profile=a.txt\nx\n```'],
    ['    ```diff\n    x\n    ```'],
    ['<!--\n```diff\nx\n```\n-->'],
    ['inline ```diff x```'],
    ['no block at all'],
    [''],
  ])('finds nothing in %j', (text) => expect(blocks(text)).toEqual([]));

  it('reads blocks in lists and quotes without their indentation, and an unclosed one to the end', () => {
    expect(blocks('1. Step\n\n   ```diff\n   -a\n    b\n   ```\n')).toEqual([{ kind: 'diff', text: '-a\n b' }]);
    expect(blocks('> ```diff\n> -a\n> ```\n')).toEqual([{ kind: 'diff', text: '-a' }]);
    expect(blocks('```diff\n-a\n')).toEqual([{ kind: 'diff', text: '-a' }]);
  });

  it('keeps a longer fence around a shorter one, CR LF out, and empty files empty', () => {
    expect(blocks('````md file=a.md\n```js\nx\n```\n````')).toEqual([{ kind: 'file', path: 'a.md', text: '```js\nx\n```\n' }]);
    expect(blocks('```diff\r\n-a\r\n+b\r\n```\r\n')).toEqual([{ kind: 'diff', text: '-a\n+b' }]);
    expect(blocks('```file=empty\n```')).toEqual([{ kind: 'file', path: 'empty', text: '' }]);
    expect(blocks('```file=lines\na\n\n```')).toEqual([{ kind: 'file', path: 'lines', text: 'a\n\n' }]);
  });
});
