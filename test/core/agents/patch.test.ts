import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPatchAgent } from '../../../src/core/agents/patch.ts';
import { readResultFile } from '../../../src/core/agents/result-file.ts';
import { fence } from '../../../src/core/text.ts';
import { commitFiles, git, makeRequest } from '../../support/agent-request.ts';
import { makePlace, PATH, type Place } from '../../support/sandboxes.ts';

const FILES = {
  'a.txt': 'one\ntwo\nthree\nfour\nfive\n',
  'src/b.js': 'export const b = 1;\n',
  'dos.txt': 'one\r\ntwo\r\nthree\r\n',
  'run.sh': '#!/bin/sh\n',
  'tail.txt': 'no end',
};

let place: Place;
beforeEach(() => {
  place = makePlace();
  commitFiles(place.workspace, FILES);
});
afterEach(() => place.remove());

const agent = openPatchAgent('patch', { path: PATH });
const diff = (text: string) => fence(text, 'diff');
const read = (path: string) => readFileSync(join(place.workspace, path), 'utf8');
/** What git sees changed, the result file left out. */
const changed = () =>
  git(place.workspace, 'status', '--porcelain', '-uall')
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('.agent_result.md'));

async function apply(...blocks: string[]) {
  const reply = await agent.run(
    makeRequest(place, { issueText: `# Goal\n\nText.\n\n${blocks.join('\n\n')}\n` }),
    new AbortController().signal,
  );
  const result = readResultFile(place.workspace);
  if (!('result' in result)) throw new Error(result.reason);
  expect(reply).toMatchObject({ ended: 'exited', exitCode: result.result.status === 'complete' ? 0 : 1 });
  expect(existsSync(place.home) ? readdirSync(place.home) : []).toEqual([]);
  return result.result;
}

describe('the patch agent applies', () => {
  it('a diff, and says which files changed', async () => {
    const result = await apply(diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n'));
    expect(result).toMatchObject({ status: 'complete', filesChanged: ['a.txt'], summary: 'Applied 1 block of the issue; 1 file changed.' });
    expect(read('a.txt')).toBe('one\n2\nthree\nfour\nfive\n');
    expect(readFileSync(place.transcript, 'utf8')).toContain('STATUS: complete');
  });

  it('diffs and files in order, each on what the one before made', async () => {
    const first = diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n');
    const second = diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-2\n+zwei\n');
    const third = diff('--- a/new/c.txt\n+++ b/new/c.txt\n@@ -1 +1 @@\n-c\n+C\n');
    const result = await apply(first, second, fence('c', 'txt file=new/c.txt'), third, fence('whole', 'file=src/b.js'));
    expect(result.filesChanged).toEqual(['a.txt', 'new/c.txt', 'src/b.js']);
    expect([read('a.txt'), read('new/c.txt'), read('src/b.js')]).toEqual(['one\nzwei\nthree\nfour\nfive\n', 'C\n', 'whole\n']);
  });

  it.each([
    [
      'without prefixes',
      '--- src/b.js\n+++ src/b.js\n@@ -1 +1 @@\n-export const b = 1;\n+export const b = 2;',
      'src/b.js',
      'export const b = 2;\n',
    ],
    ['with wrong counts', '--- a/a.txt\n+++ b/a.txt\n@@ -1,9 +1,7 @@\n one\n-two\n+2\n three', 'a.txt', 'one\n2\nthree\nfour\nfive\n'],
    ['without context below', '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2', 'a.txt', 'one\n2\nthree\nfour\nfive\n'],
    ['without any context', '--- a/a.txt\n+++ b/a.txt\n@@ -2 +2 @@\n-two\n+2', 'a.txt', 'one\n2\nthree\nfour\nfive\n'],
    ['at an offset', '--- a/a.txt\n+++ b/a.txt\n@@ -40,3 +40,3 @@\n two\n-three\n+3\n four', 'a.txt', 'one\ntwo\n3\nfour\nfive\n'],
    ['to a file with CR LF', '--- a/dos.txt\n+++ b/dos.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three', 'dos.txt', 'one\r\n2\r\nthree\r\n'],
    [
      'without newline at the end',
      '--- a/tail.txt\n+++ b/tail.txt\n@@ -1 +1 @@\n-no end\n\\ No newline at end of file\n+an end',
      'tail.txt',
      'an end\n',
    ],
    [
      'of a new file',
      'diff --git a/d/n.txt b/d/n.txt\nnew file mode 100644\n--- /dev/null\n+++ b/d/n.txt\n@@ -0,0 +1 @@\n+n',
      'd/n.txt',
      'n\n',
    ],
    ['of a plain new file', '--- /dev/null\n+++ b/d/n.txt\n@@ -0,0 +1,1 @@\n+n', 'd/n.txt', 'n\n'],
    ['of an empty new file', 'diff --git a/e.txt b/e.txt\nnew file mode 100644\nindex 0000000..e69de29', 'e.txt', ''],
    ['of a copy', 'diff --git a/a.txt b/k.txt\nsimilarity index 100%\ncopy from a.txt\ncopy to k.txt', 'k.txt', FILES['a.txt']],
  ])('%s', async (_, text, path, expected) => {
    expect(await apply(diff(text))).toMatchObject({ status: 'complete', filesChanged: [path] });
    expect(read(path)).toBe(expected);
  });
});

describe('the patch agent applies', () => {
  it('an issue written with CR LF', async () => {
    const text = `Goal\r\n\r\n${diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2').replaceAll('\n', '\r\n')}\r\n`;
    expect(await apply(text)).toMatchObject({ status: 'complete' });
    expect(read('a.txt')).toBe('one\n2\nthree\nfour\nfive\n');
  });

  it('deletions, renames with changes, and modes', async () => {
    const result = await apply(
      diff(
        'diff --git a/src/b.js b/src/b.js\ndeleted file mode 100644\n--- a/src/b.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-export const b = 1;',
      ),
      diff(
        'diff --git a/a.txt b/moved/a.txt\nsimilarity index 80%\nrename from a.txt\nrename to moved/a.txt\n--- a/a.txt\n+++ b/moved/a.txt\n@@ -1,2 +1,2 @@\n-one\n+1\n two',
      ),
      diff('diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755'),
    );
    expect(result.filesChanged).toEqual(['a.txt', 'moved/a.txt', 'run.sh', 'src/b.js']);
    expect([existsSync(join(place.workspace, 'src')), existsSync(join(place.workspace, 'a.txt')), read('moved/a.txt').slice(0, 5)]).toEqual(
      [false, false, '1\ntwo'],
    );
    expect(statSync(join(place.workspace, 'run.sh')).mode & 0o111).toBe(0o111);
  });

  it('a file in the place of one that can be executed, which it stays', async () => {
    execFileSync('chmod', ['755', join(place.workspace, 'run.sh')]);
    await apply(fence('#!/bin/sh\necho hi', 'sh file=run.sh'));
    expect(statSync(join(place.workspace, 'run.sh')).mode & 0o111).toBe(0o111);
  });

  it('a symlink, as a symlink', async () => {
    await apply(
      diff('diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+a.txt\n\\ No newline at end of file'),
    );
    expect(readlinkSync(join(place.workspace, 'l'))).toBe('a.txt');
  });
});

describe('the patch agent is blocked, the tree unchanged,', () => {
  it('when there is nothing to apply', async () => {
    expect(await apply('Please make it better.', fence('x', 'js'))).toMatchObject({ status: 'blocked', blockerCode: 'missing_context' });
    expect(changed()).toEqual([]);
  });

  const good = diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n');
  it.each([
    ['a diff that does not match', diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n uno\n-due\n+2'), /patch does not apply/],
    ['a diff of a file that is not there', diff('--- a/gone.txt\n+++ b/gone.txt\n@@ -1 +1 @@\n-a\n+b'), /gone\.txt/],
    ['a new file that is there', diff('--- /dev/null\n+++ b/run.sh\n@@ -0,0 +1 @@\n+n'), /already exists/],
    ['an insertion that shows no line of the file', diff('--- a/a.txt\n+++ b/a.txt\n@@ -3,0 +4 @@\n+new'), /place is not certain/],
    ['a diff without files', diff('-a\n+b'), /names no file/],
    ['a diff cut off', diff('--- a/a.txt\n+++ b/a.txt'), /names no file/],
    ['a path that leaves', diff('--- a/../../evil\n+++ b/../../evil\n@@ -0,0 +1 @@\n+n'), /does not stay inside/],
    ['an absolute path', diff('--- /dev/null\n+++ /etc/evil\n@@ -0,0 +1 @@\n+n'), /does not stay inside|names no file/],
    ['a path of git', diff('--- /dev/null\n+++ b/.git/hooks/post-checkout\n@@ -0,0 +1 @@\n+n'), /belongs to git/],
    ['a path of git in other letters', fence('x', 'file=sub/.GIT/config'), /belongs to git/],
    ['a file outside', fence('x', 'file=../evil'), /does not stay inside/],
    ['an absolute file', fence('x', 'file=/tmp/evil'), /does not stay inside/],
    ['a file where a directory is', fence('x', 'file=src'), /not a regular file/],
    ['a file below a file', fence('x', 'file=a.txt/x'), /not a directory/],
  ])('for %s, and names the block', async (_, block, reason) => {
    const result = await apply(good, block);
    expect(result).toMatchObject({ status: 'blocked', blockerCode: 'manual_intervention_required' });
    expect(result.summary).toMatch(/^Block 2 \(.*line [0-9]+ of the issue\) does not apply: /);
    expect(result.summary).toMatch(reason);
    expect(changed()).toEqual([]);
    expect(existsSync('/tmp/evil') || existsSync('/etc/evil') || existsSync(join(place.workspace, '..', 'evil'))).toBe(false);
  });

  it.each([
    ['a file', () => fence('x', 'file=out/x')],
    ['a diff', () => diff('--- /dev/null\n+++ b/out/x\n@@ -0,0 +1 @@\n+x')],
    [
      'a link made by a block before',
      () =>
        `${diff('diff --git a/in b/in\nnew file mode 120000\n--- /dev/null\n+++ b/in\n@@ -0,0 +1 @@\n+/tmp\n\\ No newline at end of file')}\n\n${fence('x', 'file=in/aos-evil')}`,
    ],
  ])('for %s behind a symlink', async (_, block) => {
    mkdirSync(join(place.root, 'outside'));
    symlinkSync(join(place.root, 'outside'), join(place.workspace, 'out'));
    expect(await apply(block())).toMatchObject({ status: 'blocked', blockerCode: 'manual_intervention_required' });
    expect(readdirSync(join(place.root, 'outside'))).toEqual([]);
    expect(existsSync('/tmp/aos-evil')).toBe(false);
  });
});

describe('the patch agent is safe', () => {
  it('runs nothing that the workspace configures for git', async () => {
    const marker = join(place.root, 'marker');
    const evil = ['core.fsmonitor', 'core.sshCommand', 'filter.evil.clean', 'filter.evil.smudge', 'diff.external', 'core.editor'];
    for (const key of evil) git(place.workspace, 'config', key, `touch ${marker}; cat`);
    git(place.workspace, 'config', 'apply.whitespace', 'error-all');
    writeFileSync(join(place.workspace, '.gitattributes'), '* filter=evil\n');
    expect(await apply(diff('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2 \n'))).toMatchObject({ status: 'complete' });
    expect(existsSync(marker)).toBe(false);
  });

  it('replaces a result file that is a symlink instead of following it', async () => {
    writeFileSync(join(place.root, 'victim'), 'untouched');
    symlinkSync(join(place.root, 'victim'), join(place.workspace, '.agent_result.md'));
    await apply(fence('x', 'file=new.txt'));
    expect(readFileSync(join(place.root, 'victim'), 'utf8')).toBe('untouched');
    expect(lstatSync(join(place.workspace, '.agent_result.md')).isFile()).toBe(true);
  });

  it('does not start after the signal', async () => {
    const request = makeRequest(place, { issueText: fence('x', 'file=new.txt') });
    expect(await agent.run(request, AbortSignal.abort())).toMatchObject({ ended: 'stopped' });
    expect(changed()).toEqual([]);
  });

  it('knows offline whether it can run', async () => {
    expect(await agent.probe()).toEqual({ ready: true });
    expect(await openPatchAgent('patch', { path: '/nowhere' }).probe()).toEqual({
      ready: false,
      reason: 'the program `git` is not on PATH',
    });
  });
});
