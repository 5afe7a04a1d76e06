/** The tree that the host reads is the one that a developer's git would commit, whatever the agent left. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexPath } from '../../../src/core/git/workspace.ts';
import { commit, FILES, importFrom, listTree, makeBox, makeWorkspace, sh, write } from './fixture.ts';

const paths = (changes: { path: string }[]) => changes.map((change) => change.path);

it('importTree gives the tree of the base when nothing changed', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  expect(await importFrom(box, path)).toEqual({ tree: await box.git.treeOf(box.host, box.base), changes: [] });
});

it('importTree sees additions, changes, deletions, modes and links', async () => {
  const box = await makeBox({ ...FILES, 'gone.txt': 'x\n', 'tool.sh': 'echo\n', 'package.json': '{"name":"a"}' });
  const path = await makeWorkspace(box);
  rmSync(join(path, 'gone.txt'));
  chmodSync(join(path, 'tool.sh'), 0o755);
  symlinkSync('README.md', join(path, 'link'));
  symlinkSync('link', join(path, 'chain'));
  write(path, { 'src/cart.js': 'changed\n', 'package.json': '{"name":"a","scripts":{"postinstall":"x"}}' });
  const { tree, changes } = await importFrom(box, path);
  expect(changes).toEqual([
    { path: 'chain', kind: 'added', oldMode: '000000', newMode: '120000', size: 4, linkTarget: 'link', throughLink: true },
    { path: 'gone.txt', kind: 'deleted', oldMode: '100644', newMode: '000000', size: 0 },
    { path: 'link', kind: 'added', oldMode: '000000', newMode: '120000', size: 9, linkTarget: 'README.md', throughLink: false },
    { path: 'package.json', kind: 'modified', oldMode: '100644', newMode: '100644', size: 42, manifestChanged: true },
    { path: 'src/cart.js', kind: 'modified', oldMode: '100644', newMode: '100644', size: 8 },
    { path: 'tool.sh', kind: 'modified', oldMode: '100644', newMode: '100755', size: 5 },
  ]);
  expect(await box.git.diff(box.host, box.base, tree)).toEqual(changes);
});

it('importTree knows sizes of blobs that lie in packs of the mirror', async () => {
  const box = await makeBox({ ...FILES, 'a.txt': 'one\n'.repeat(50), 'package.json': '{"bin":"x"}' });
  const path = await makeWorkspace(box);
  write(path, { 'copy.txt': 'one\n'.repeat(50), 'sub/package.json': '{"bin":"x"}' });
  sh(box.host.mirror, 'repack', '-adq');
  const { changes } = await importFrom(box, path);
  expect(changes.map((change) => [change.path, change.size, change.manifestChanged])).toEqual([
    ['copy.txt', 200, undefined],
    ['sub/package.json', 11, true],
  ]);
});

it('importTree ignores commits, branches and the index of the agent', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'src/new.js': 'x\n' });
  sh(path, 'checkout', '-q', '-b', 'elsewhere');
  sh(path, 'add', '-A');
  sh(path, 'commit', '-qm', 'work');
  sh(path, 'checkout', '-q', '--orphan', 'rewritten');
  expect(paths((await importFrom(box, path)).changes)).toEqual(['src/new.js']);
});

it('importTree honours `.gitignore` for untracked files only', async () => {
  const box = await makeBox({ ...FILES, 'kept.log': 'tracked although ignored\n' }, (dev) => {
    sh(dev, 'add', '-f', 'kept.log');
  });
  const path = await makeWorkspace(box);
  write(path, { 'kept.log': 'changed\n', 'other.log': 'x', 'dist/app.js': 'x' });
  expect(paths((await importFrom(box, path)).changes)).toEqual(['kept.log']);
});

it('importTree leaves control files out, even where a `.gitignore` calls them back or the base tracks them', async () => {
  const box = await makeBox({ ...FILES, 'CODEBASE.md': 'tracked\n' });
  const path = await makeWorkspace(box);
  write(path, {
    'CODEBASE.md': 'scribbled\n',
    '.agent_result.md': 'STATUS: complete\n',
    '.gitignore': '!.agent_result.md\n!/.agent_result.md\n',
  });
  const { changes, tree } = await importFrom(box, path, { exclude: ['.agent_result.md', 'CODEBASE.md'] });
  expect(paths(changes)).toEqual(['.gitignore']);
  expect(sh(box.host.preserved, 'show', `${tree}:CODEBASE.md`)).toBe('tracked');
});

it('importTree leaves out a control file that became a directory', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { '.agent_result.md/a/b': 'x', '.gitignore': '!*\n' });
  expect(paths((await importFrom(box, path, { exclude: ['.agent_result.md'] })).changes)).toEqual(['.gitignore']);
});

it('importTree leaves out what `setup` left untracked, unless it changed since', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`deps/p${index}/index.js`, `${index}`]));
  write(path, { ...many, 'lock file[1].txt': 'a', 'made-again.txt': 'same', 'touched.txt': 'a', 'odd\nname': 'x' });
  const untracked = await box.git.listUntracked(box.host, path, box.base);
  expect(Object.keys(untracked)).toHaveLength(34);
  rmSync(join(path, 'made-again.txt'));
  write(path, { 'made-again.txt': 'same', 'touched.txt': 'b', 'deps/p3/index.js': 'other', 'deps/new.js': 'new' });
  utimesSync(join(path, 'touched.txt'), 1, 1);
  const { changes } = await importFrom(box, path, { untracked });
  expect(paths(changes)).toEqual(['deps/new.js', 'deps/p3/index.js', 'touched.txt']);
});

it('importTree notices a change that keeps size and time stamp', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  utimesSync(join(path, 'README.md'), 1000, 1000);
  writeFileSync(join(path, 'README.md'), '# Sh0p\n');
  utimesSync(join(path, 'README.md'), 1000, 1000);
  expect(paths((await importFrom(box, path)).changes)).toEqual(['README.md']);
});

it('importTree reads everything again when the host lost or damaged its index', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'src/cart.js': 'x\n' });
  rmSync(indexPath(box.paths, path));
  expect(paths((await importFrom(box, path)).changes)).toEqual(['src/cart.js']);
  writeFileSync(indexPath(box.paths, path), 'not an index');
  writeFileSync(`${indexPath(box.paths, path)}.lock`, '');
  expect(paths((await importFrom(box, path)).changes)).toEqual(['src/cart.js']);
});

it('importTree converts line ends as the tree asks, and runs no filter', async () => {
  const box = await makeBox({ ...FILES, '.gitattributes': '*.txt text\n*.bin filter=lfs -text\n', 'a.txt': 'one\n' });
  const path = await makeWorkspace(box);
  write(path, { 'a.txt': 'one\r\n', 'b.txt': 'two\r\n', 'c.bin': 'raw\r\n' });
  const { tree, changes } = await importFrom(box, path);
  expect(paths(changes)).toEqual(['b.txt', 'c.bin']);
  expect(sh(box.host.preserved, 'cat-file', '-s', `${tree}:b.txt`)).toBe('4');
  expect(sh(box.host.preserved, 'cat-file', '-s', `${tree}:c.bin`)).toBe('5');
});

it('importTree refuses a file that cannot be converted as its attributes say', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { '.gitattributes': 'x.txt working-tree-encoding=UTF-16\n', 'x.txt': Buffer.from([0x41, 0xff, 0xd8]) });
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused' });
});

describe('submodules', () => {
  const withSubmodule = () =>
    makeBox({ ...FILES, '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = https://example.com/lib.git\n' }, (dev) => {
      mkdirSync(join(dev, 'lib'));
      sh(dev, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},lib`);
    });

  it.each(['kept', 'removed'])('stay when their empty directory is %s', async (state) => {
    const box = await withSubmodule();
    const path = await makeWorkspace(box);
    if (state === 'removed') rmSync(join(path, 'lib'), { recursive: true });
    write(path, { 'src/new.js': 'x\n' });
    const { tree, changes } = await importFrom(box, path);
    expect(paths(changes)).toEqual(['src/new.js']);
    expect(listTree(box, tree)).toContain('160000 lib');
  });

  it('may not become a file', async () => {
    const box = await withSubmodule();
    const path = await makeWorkspace(box);
    rmSync(join(path, 'lib'), { recursive: true });
    write(path, { lib: 'x\n' });
    await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('`lib`') });
  });
});

it('importTree takes any UTF-8 name', async () => {
  const box = await makeBox();
  const part = fc.oneof(
    fc.stringMatching(/^[-a-z "'\\\n\t$`;*?[\]!#:~.ü😀]{1,12}$/u),
    fc.constantFrom('--help', '-rf', '-', 'a\nb', '"', ' ', ':(exclude)x', '!x', '#x', 'CON'),
  );
  const names = fc.uniqueArray(part, { minLength: 1, maxLength: 5 });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(names, async (chosen) => {
      const good = chosen.filter((name) => !/^\.*$/.test(name) && !/^\.?git/i.test(name) && name !== 'README.md' && name !== 'src');
      const path = await makeWorkspace(box, `r${++round}`);
      for (const name of good) writeFileSync(join(path, name), name);
      const { changes } = await importFrom(box, path);
      expect(paths(changes).toSorted()).toEqual(good.toSorted());
      await box.git.removeWorkspace(path);
    }),
    { numRuns: 15 },
  );
});

it('importTree refuses a name that is not UTF-8, and one too long for the system', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  writeFileSync(Buffer.concat([Buffer.from(`${path}/caf`), Buffer.from([0xe9])]), 'x');
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('not UTF-8') });
  rmSync(Buffer.concat([Buffer.from(`${path}/caf`), Buffer.from([0xe9])]));
  const dig =
    "const d = '0'.repeat(200); for (let i = 0; i < 25; i++) { fs.mkdirSync(d); process.chdir(d); } fs.writeFileSync('file', 'x');";
  execFileSync(process.execPath, ['-e', dig], { cwd: path });
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('too long') });
  await box.git.removeWorkspace(path);
});

it('importTree takes a path of nearly 4,000 characters', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const deep = `${`${'d'.repeat(200)}/`.repeat(18)}file.txt`;
  write(path, { [deep]: 'x' });
  expect(paths((await importFrom(box, path)).changes)).toEqual([deep]);
  await box.git.removeWorkspace(path);
});

it('importTree leaves out FIFOs and sockets, and does not wait for them', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  execFileSync('mkfifo', [join(path, 'pipe')]);
  rmSync(join(path, 'README.md'));
  execFileSync('mkfifo', [join(path, 'README.md')]);
  const { changes } = await importFrom(box, path);
  expect(changes.map((change) => `${change.kind} ${change.path}`)).toEqual(['deleted README.md']);
});

it('importTree reads what was made unreadable', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'locked/file': 'x', secret: 'y' });
  for (const name of ['locked', 'secret', 'README.md']) chmodSync(join(path, name), 0);
  expect(paths((await importFrom(box, path)).changes)).toEqual(['locked/file', 'secret']);
});

it('importTree follows no symlink that stands where a directory was', async () => {
  const box = await makeBox({ ...FILES, 'src/b.js': 'b\n' });
  const path = await makeWorkspace(box);
  mkdirSync(join(box.root, 'outside'));
  write(join(box.root, 'outside'), { 'cart.js': FILES['src/cart.js'], secret: 'canary' });
  rmSync(join(path, 'src'), { recursive: true });
  symlinkSync(join(box.root, 'outside'), join(path, 'src'));
  const { changes } = await importFrom(box, path);
  expect(changes.map((change) => `${change.kind} ${change.path}`)).toEqual(['added src', 'deleted src/b.js', 'deleted src/cart.js']);
  expect(changes[0]?.linkTarget).toBe(join(box.root, 'outside'));
});

it('importTree refuses a huge file without reading it, and lets an ignored one be', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'dist/huge.bin': '', 'src/new.js': 'x' });
  truncateSync(join(path, 'dist/huge.bin'), 5_000_000_000);
  expect(paths((await importFrom(box, path)).changes)).toEqual(['src/new.js']);
  write(path, { 'huge.bin': '' });
  truncateSync(join(path, 'huge.bin'), 5_000_000_000);
  const started = performance.now();
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('`huge.bin`') });
  expect(performance.now() - started).toBeLessThan(2000);
});

describe('commitTree', () => {
  it('makes the same commit of the same request', async () => {
    const box = await makeBox();
    const path = await makeWorkspace(box);
    write(path, { 'src/new.js': 'x' });
    const { tree } = await importFrom(box, path);
    const message = '-c core.pager=touch x\n\n# not a comment\n\nTask: acme__shop-1-1';
    const first = await commit(box, tree, message);
    expect(await commit(box, tree, message)).toBe(first);
    expect(sh(box.host.preserved, 'log', '-1', '--format=%B', first)).toBe(message);
  });
});
