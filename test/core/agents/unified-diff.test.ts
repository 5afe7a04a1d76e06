import { describe, expect, it } from 'vitest';
import { parseDiff, withCrlf } from '../../../src/core/agents/unified-diff.ts';

const hunk = '@@ -1 +1 @@\n-a\n+b\n';

describe('parseDiff names what is touched', () => {
  it.each([
    ['git', `diff --git a/x.txt b/x.txt\nindex 1..2 100644\n--- a/x.txt\n+++ b/x.txt\n${hunk}`, 1, ['x.txt']],
    ['plain with prefixes', `--- a/d/x.txt\n+++ b/d/x.txt\n${hunk}`, 1, ['d/x.txt']],
    ['plain with times', `--- a/x.txt\t2026-01-01 00:00:00\n+++ b/x.txt\t2026-01-02\n${hunk}`, 1, ['x.txt']],
    ['no prefixes', `--- d/x.txt\n+++ d/x.txt\n${hunk}`, 0, ['d/x.txt']],
    ['a directory called a', `--- a/x.txt\n+++ a/x.txt\n${hunk}`, 0, ['a/x.txt']],
    ['git without prefixes', `diff --git d/x.txt d/x.txt\n--- d/x.txt\n+++ d/x.txt\n${hunk}`, 0, ['d/x.txt']],
    ['mnemonic prefixes', `diff --git i/x.txt w/x.txt\n--- i/x.txt\n+++ w/x.txt\n${hunk}`, 1, ['x.txt']],
    ['a new file', `--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+b\n`, 1, ['new.txt']],
    ['a deleted file', `--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n`, 1, ['old.txt']],
    [
      'a rename',
      'diff --git a/old.txt b/new.txt\nsimilarity index 100%\nrename from old.txt\nrename to new.txt\n',
      1,
      ['old.txt', 'new.txt'],
    ],
    ['a mode change', 'diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n', 1, ['run.sh']],
    ['a blank in the name', `diff --git a/x y.txt b/x y.txt\n--- a/x y.txt\t\n+++ b/x y.txt\t\n${hunk}`, 1, ['x y.txt']],
    [
      'a quoted name',
      `diff --git "a/gr\\303\\274n\\t.txt" "b/gr\\303\\274n\\t.txt"\nold mode 100644\nnew mode 100755\n`,
      1,
      ['grün\t.txt'],
    ],
    ['two plain files', `--- a/x\n+++ b/x\n${hunk}--- a/y\n+++ b/y\n${hunk}`, 1, ['x', 'y']],
    ['words around it', `Please apply:\n\n--- a/x\n+++ b/x\n${hunk}\nThanks!`, 1, ['x']],
    ['no diff', 'just words\n', 1, []],
  ])('%s', (_, text, strip, paths) => expect(parseDiff(text)).toMatchObject({ strip, paths }));
});

describe('parseDiff repairs', () => {
  const repaired = (text: string) => parseDiff(text).repaired;

  it('wrong counts, also in the second file of a plain diff', () => {
    const text = '--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@ fn\n c\n-a\n+b\n--- a/y\n+++ b/y\n@@ -5 +5,3 @@\n-a\n+b\n+c\n';
    expect(repaired(text)).toBe('--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n c\n-a\n+b\n--- a/y\n+++ b/y\n@@ -5,1 +5,2 @@\n-a\n+b\n+c\n');
  });

  it('a removed line that looks like a header stays a removed line', () => {
    const text = 'diff --git a/x.sql b/x.sql\n--- a/x.sql\n+++ b/x.sql\n@@ -1,3 +1,2 @@\n a\n--- a comment\n+++ other\n b\n';
    expect(repaired(text)).toContain('@@ -1,3 +1,3 @@\n a\n--- a comment\n+++ other\n b\n');
  });

  it('a signature and prose behind the last hunk', () => {
    expect(repaired(`--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+b\n-- \n2.39.5\n`)).toBe('--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+b\n');
  });

  it('nothing in a diff that is right', () => {
    const text = 'diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n c\n-a\n+b\n\\ No newline at end of file\n';
    expect(repaired(text)).toBe(text);
  });
});

describe('withCrlf', () => {
  it('gives the lines of the files meant their CR, and no other', () => {
    const text = `--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+b\n\\ No newline at end of file\n--- a/y\n+++ b/y\n@@ -1,1 +1,1 @@\n-a\n+b\n`;
    expect(withCrlf(parseDiff(text), (path) => path === 'x')).toBe(
      `--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\r\n+b\r\n\\ No newline at end of file\n--- a/y\n+++ b/y\n@@ -1,1 +1,1 @@\n-a\n+b\n`,
    );
  });
});
