/** Nothing that an agent configured runs on the host, whichever call of the port is made (docs/threat-model.md, rows 18-23, 28, 29). */
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { plantEvil, plantRepository } from '../../support/evil-workspace.ts';
import { commit, importFrom, listTree, makeBox, makeWorkspace, write } from './fixture.ts';

it('an agent that plants commands would have run them under plain git: the fixture is armed', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const evil = plantEvil(path, join(box.root, 'markers'));
  try {
    execFileSync('git', ['status'], { cwd: path, stdio: 'ignore' });
  } catch {
    // the planted commands may make it fail
  }
  expect(evil.fired()).not.toEqual([]);
});

it('an agent that plants commands runs nothing in any call of the port', async () => {
  const box = await makeBox();
  const { git, host, remote, base } = box;
  const path = await makeWorkspace(box);
  const evil = plantEvil(path, join(box.root, 'markers'));
  write(path, { 'src/cart.js': 'export const total = 2;\n' });
  const hostile = {
    GIT_DIR: join(path, '.git'),
    GIT_EXTERNAL_DIFF: `touch ${box.root}/markers/env`,
    GIT_SSH_COMMAND: 'false',
    GIT_CONFIG_COUNT: '1',
  };
  for (const [name, value] of Object.entries(hostile)) process.env[name] = value;
  onTestFinished(() => {
    for (const name of Object.keys(hostile)) delete process.env[name];
  });

  await git.openHost('acme/shop');
  await git.fetch(host, { url: remote }, [{ branch: 'main' }]);
  await git.listUntracked(host, path, base);
  const { tree, changes } = await importFrom(box, path);
  const head = await commit(box, tree);
  await git.diff(host, base, head);
  await git.renderPatch(host, base, head, 10_000);
  await git.treeOf(host, head);
  await git.isAncestor(host, base, head);
  await git.findCommit(host.preserved, head);
  await git.mergeTree(host, base, head);
  await git.preserve(host, 'acme__shop-1-1', 1, head);
  await git.push(host, { url: remote }, { commit: head, branch: 'agent/acme__shop-1-1' });
  const again = await makeWorkspace(box, '2', { tree: head });
  await importFrom(box, again);
  await git.removeWorkspace(path);

  expect(evil.fired()).toEqual([]);
  expect(changes.map((change) => change.path)).toContain('--upload-pack=touch marker');
  expect(changes.map((change) => change.path)).toContain('.gitattributes');
});

it.each(['nest/.git', 'nest/deep/.GIT', 'vendor/git~1', 'a/.git '])(
  'has its nested repository `%s` refused before git looks',
  async (name) => {
    const box = await makeBox();
    const path = await makeWorkspace(box);
    const markers = join(box.root, 'markers');
    const evil = plantEvil(path, markers);
    plantRepository(join(path, name), markers);
    box.started();
    await expect(importFrom(box, path)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('nested git repository'),
    });
    await expect(box.git.listUntracked(box.host, path, box.base)).rejects.toMatchObject({ code: 'refused' });
    expect(box.started()).toEqual([]);
    expect(evil.fired()).toEqual([]);
  },
);

it('an agent that plants commands has a `.git` file, and a symlink of that name, refused below the top', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'sub/.git': 'gitdir: /tmp/evil\n' });
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused' });
  rmSync(join(path, 'sub'), { recursive: true });
  write(path, { 'sub/x': '' });
  symlinkSync('/tmp', join(path, 'sub/.git'));
  await expect(importFrom(box, path)).rejects.toMatchObject({ code: 'refused' });
});

it('an agent that plants commands gets a bare repository read as plain files', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const evil = plantEvil(path, join(box.root, 'markers'));
  plantRepository(join(path, 'vendor/bare'), join(box.root, 'markers'));
  const { tree } = await importFrom(box, path);
  expect(listTree(box, tree)).toContain('100755 vendor/bare/hooks/pre-commit');
  expect(evil.fired()).toEqual([]);
});

it.each(['deleted', 'a file', 'a symlink', 'damaged'])('an agent that plants commands may leave its own git dir %s', async (state) => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const gitDir = join(path, '.git');
  if (state === 'damaged') write(gitDir, { 'index.lock': '', HEAD: '', config: '[core', index: 'x', 'objects/info/alternates': '/etc\n' });
  else rmSync(gitDir, { recursive: true });
  if (state === 'a file') writeFileSync(gitDir, `gitdir: ${box.remote}\n`);
  if (state === 'a symlink') symlinkSync(box.remote, gitDir);
  write(path, { 'src/new.js': 'x\n' });
  const { changes } = await importFrom(box, path);
  expect(changes.map((change) => change.path)).toEqual(['src/new.js']);
});
