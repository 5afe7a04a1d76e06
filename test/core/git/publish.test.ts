/** What is kept, what is pushed, and what guards a push. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Box, commit, importFrom, makeBox, makeWorkspace, sh, write } from './fixture.ts';

const BRANCH = 'agent/acme__shop-1-1';

async function change(box: Box, name: string, text: string): Promise<string> {
  const path = await makeWorkspace(box, name);
  write(path, { 'src/cart.js': text });
  return commit(box, (await importFrom(box, path)).tree, name);
}

it('preserves a commit under its attempt, and another one of the same attempt beside it', async () => {
  const box = await makeBox();
  const { git, host } = box;
  const [one, two] = [await change(box, 'one', '1\n'), await change(box, 'two', '2\n')];
  await git.preserve(host, 'acme__shop-1-1', 1, one);
  await git.preserve(host, 'acme__shop-1-1', 1, one);
  await git.preserve(host, 'acme__shop-1-1', 1, two);
  const refs = sh(host.preserved, 'for-each-ref', '--format=%(objectname) %(refname)').split('\n');
  expect(refs.toSorted()).toEqual(
    [`${two} refs/agentos/preserved/acme__shop-1-1/1`, `${one} refs/agentos/preserved/acme__shop-1-1/1.${one.slice(0, 12)}`].toSorted(),
  );
  expect(sh(host.preserved, 'fsck', '--strict', '--no-dangling')).toBe('');
  expect(sh(host.mirror, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
});

it('preserves nothing that is not there, and nothing under a name that is none', async () => {
  const box = await makeBox();
  await expect(box.git.preserve(box.host, 'acme__shop-1-1', 1, '1'.repeat(40))).rejects.toMatchObject({ code: 'not_found' });
  await expect(box.git.preserve(box.host, '../../heads', 1, box.base)).rejects.toMatchObject({ code: 'refused' });
  await expect(box.git.preserve(box.host, 'acme__shop-1-1', 0, box.base)).rejects.toMatchObject({ code: 'refused' });
});

it('keeps preserved work through a force push and an aggressive collection of garbage', async () => {
  const box = await makeBox();
  const { git, host, remote, dev } = box;
  const head = await change(box, 'one', '1\n');
  await git.preserve(host, 'acme__shop-1-1', 1, head);
  sh(dev, 'checkout', '-q', '--orphan', 'fresh');
  sh(dev, 'commit', '-q', '-m', 'other history');
  sh(dev, 'push', '-qf', 'origin', 'fresh:main');
  await git.fetch(host, { url: remote }, [{ branch: 'main' }]);
  sh(host.mirror, 'gc', '--auto', '--quiet');
  expect(sh(host.preserved, 'log', '--format=%s', head)).toBe('one\nfirst');
});

it('pushes a new branch, moves it only from where it is expected, and repeats itself without harm', async () => {
  const box = await makeBox();
  const { git, host, remote } = box;
  const [one, two, three] = [await change(box, 'one', '1\n'), await change(box, 'two', '2\n'), await change(box, 'three', '3\n')];
  const at = () => sh(remote, 'rev-parse', BRANCH);
  await git.push(host, { url: remote }, { commit: one, branch: BRANCH });
  await git.push(host, { url: remote }, { commit: one, branch: BRANCH });
  expect(at()).toBe(one);
  await expect(git.push(host, { url: remote }, { commit: two, branch: BRANCH })).rejects.toMatchObject({ code: 'conflict' });
  await expect(git.push(host, { url: remote }, { commit: two, branch: BRANCH, expected: three })).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(at()).toBe(one);
  await git.push(host, { url: remote }, { commit: two, branch: BRANCH, expected: one });
  expect(at()).toBe(two);
  await git.push(host, { url: remote }, { commit: two, branch: BRANCH, expected: one });
  await expect(git.push(host, { url: remote }, { commit: three, branch: 'gone', expected: one })).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(sh(remote, 'for-each-ref', '--format=%(refname)')).toBe(`refs/heads/${BRANCH}\nrefs/heads/main`);
});

it('says who refused a push, and who did not answer', async () => {
  const box = await makeBox();
  const { git, host, remote } = box;
  const head = await change(box, 'one', '1\n');
  writeFileSync(join(remote, 'hooks/update'), '#!/bin/sh\necho no such branch here\nexit 1\n', { mode: 0o755 });
  await expect(git.push(host, { url: remote }, { commit: head, branch: BRANCH })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('hook declined'),
  });
  await expect(git.push(host, { url: join(box.root, 'nowhere') }, { commit: head, branch: BRANCH })).rejects.toMatchObject({
    code: 'unavailable',
  });
  await expect(git.push(host, { url: remote }, { commit: '1'.repeat(40), branch: BRANCH })).rejects.toMatchObject({ code: 'not_found' });
  await expect(git.push(host, { url: remote }, { commit: head, branch: '+main' })).rejects.toMatchObject({
    code: expect.stringMatching(/refused/),
  });
  await expect(git.push(host, { url: '--receive-pack=touch marker' }, { commit: head, branch: BRANCH })).rejects.toMatchObject({
    code: 'refused',
  });
});

it('merges on paper, names every conflict, and relates commits', async () => {
  const box = await makeBox();
  const { git, host, base } = box;
  const [one, two] = [await change(box, 'one', '1\n'), await change(box, 'two', '2\n')];
  const path = await makeWorkspace(box, 'apart');
  write(path, { 'src/tax.js': 'x\n', 'odd\nname "é"': 'y' });
  const apart = await commit(box, (await importFrom(box, path)).tree, 'apart');
  const clean = await git.mergeTree(host, one, apart);
  expect(clean.conflicts).toEqual([]);
  expect(sh(host.preserved, 'show', `${clean.tree}:src/cart.js`)).toBe('1');
  const torn = await git.mergeTree(host, one, two);
  expect(torn.conflicts).toEqual(['src/cart.js']);
  expect(sh(host.preserved, 'show', `${torn.tree}:src/cart.js`)).toContain('<<<<<<<');
  const solved = await makeWorkspace(box, 'solve', { commit: base, tree: torn.tree });
  expect(readFileSync(join(solved, 'src/cart.js'), 'utf8')).toContain('>>>>>>>');
  expect([await git.isAncestor(host, base, one), await git.isAncestor(host, one, two)]).toEqual([true, false]);
  await expect(git.isAncestor(host, base, '1'.repeat(40))).rejects.toMatchObject({ code: 'not_found' });
  await expect(git.mergeTree(host, base, '1'.repeat(40))).rejects.toMatchObject({ code: 'not_found' });
});

it('shows a change as a patch of limited length', async () => {
  const box = await makeBox();
  const { git, host, base } = box;
  const path = await makeWorkspace(box, 'one');
  write(path, { 'src/cart.js': 'export const total = 2;\n', 'big.txt': 'line\n'.repeat(100_000), 'raw.bin': Buffer.from([0, 1, 2]) });
  const head = await commit(box, (await importFrom(box, path)).tree);
  const whole = await git.renderPatch(host, base, head, 10_000_000);
  expect(whole).toContain('+export const total = 2;');
  expect(whole).toContain('Binary files');
  const short = await git.renderPatch(host, base, head, 1000);
  expect(Buffer.byteLength(short)).toBeLessThanOrEqual(1000);
  expect(short).toMatch(
    /^diff --git a\/big\.txt[\s\S]*\nline?[\s\S]*\(the rest of the change is left out\)\n$|^diff --git a\/big\.txt[\s\S]*\+line\n\(the rest of the change is left out\)\n$/,
  );
});
