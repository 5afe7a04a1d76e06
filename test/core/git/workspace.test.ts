/** A workspace is an ordinary repository to the agent, and holds nothing of the forge or the host. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commit, FILES, importFrom, makeBox, makeWorkspace, sh, write } from './fixture.ts';

it('is a clean checkout with its whole history, in which an agent can commit', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  expect(sh(path, 'status', '--porcelain', '--branch')).toBe('## agent/acme__shop-1-1');
  expect(sh(path, 'log', '--format=%s')).toBe('first');
  expect(sh(path, 'rev-parse', '--is-shallow-repository')).toBe('false');
  expect(sh(path, 'fsck', '--strict', '--no-dangling')).toBe('');
  write(path, { 'new.txt': 'x\n' });
  sh(path, 'add', 'new.txt');
  execFileSync('git', ['commit', '-qm', 'work'], {
    cwd: path,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
  });
  expect(sh(path, 'log', '--format=%s')).toBe('work\nfirst');
});

it('names no remote and nothing of the host but the objects it borrows', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  expect(sh(path, 'remote')).toBe('');
  const files = readdirSync(join(path, '.git'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== 'index',
  );
  const naming = files
    .filter((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8').includes(box.root))
    .map((entry) => entry.name);
  expect(naming).toEqual(['alternates']);
  expect(readFileSync(join(path, '.git/objects/info/alternates'), 'utf8')).toBe(`${box.host.mirror}/objects\n`);
});

it('leaves mirror and preserved repository alone, whatever the agent commits', async () => {
  const box = await makeBox();
  const before = sh(box.host.mirror, 'count-objects', '-v');
  const path = await makeWorkspace(box);
  write(path, { 'new.txt': 'x\n' });
  sh(path, 'add', '-A');
  sh(path, 'commit', '-qm', 'work');
  expect(sh(box.host.mirror, 'count-objects', '-v')).toBe(before);
});

it('has a tree laid over it as uncommitted changes', async () => {
  const box = await makeBox({ ...FILES, 'gone.txt': 'x' });
  const first = await makeWorkspace(box);
  rmSync(join(first, 'gone.txt'));
  write(first, { 'src/cart.js': 'changed\n', 'src/new.js': 'new\n' });
  const { tree } = await importFrom(box, first);
  const second = await makeWorkspace(box, '2', { tree });
  expect(sh(second, 'status', '--porcelain').split('\n')).toEqual(['D gone.txt', ' M src/cart.js', '?? src/new.js']);
  expect((await importFrom(box, second)).tree).toBe(tree);
});

it('is not made over something that exists, nor of a commit that nobody fetched', async () => {
  const box = await makeBox();
  await makeWorkspace(box);
  await expect(makeWorkspace(box)).rejects.toMatchObject({ code: 'conflict' });
  await expect(makeWorkspace(box, '2', { commit: '1'.repeat(40) })).rejects.toMatchObject({ code: 'not_found' });
  expect(existsSync(join(box.paths.workspaces, 'acme__shop-1-1/2'))).toBe(false);
  expect(existsSync(join(box.paths.workspaces, 'acme__shop-1-1/1/README.md'))).toBe(true);
  const path = join(box.paths.workspaces, 'x');
  await expect(box.git.createWorkspace(box.host, { path, commit: box.base, branch: '../../evil' })).rejects.toMatchObject({
    code: 'refused',
  });
  expect(existsSync(path)).toBe(false);
});

it('can be made of an empty tree', async () => {
  const box = await makeBox({});
  const path = await makeWorkspace(box);
  expect(readdirSync(path)).toEqual(['.git']);
  write(path, { 'a.txt': 'a' });
  expect((await importFrom(box, path)).changes.map((change) => change.path)).toEqual(['a.txt']);
});

it('is removed whatever the agent did to it', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  mkdirSync(join(box.root, 'outside'));
  write(join(box.root, 'outside'), { precious: 'x' });
  symlinkSync(join(box.root, 'outside'), join(path, 'way-out'));
  write(path, { 'locked/deep/file': 'x' });
  const dig = "const d = 'd'.repeat(250); for (let i = 0; i < 30; i++) { fs.mkdirSync(d); process.chdir(d); }";
  execFileSync(process.execPath, ['-e', dig], { cwd: path });
  chmodSync(join(path, 'locked/deep'), 0);
  chmodSync(join(path, 'locked'), 0);
  chmodSync(path, 0);
  await box.git.removeWorkspace(path);
  await box.git.removeWorkspace(path);
  expect(readdirSync(box.paths.workspaces, { recursive: true })).toEqual([]);
  expect(existsSync(join(box.root, 'outside/precious'))).toBe(true);
  expect(readdirSync(join(box.paths.cache, 'index'))).toEqual([]);
});

it.skipIf(process.getuid?.() !== 0 || !canSetImmutable())(
  'is removed with immutable files in it, where we may (needs root and chattr)',
  async () => {
    const box = await makeBox();
    const path = await makeWorkspace(box);
    execFileSync('chattr', ['+i', join(path, 'README.md')]);
    await box.git.removeWorkspace(path);
    expect(existsSync(path)).toBe(false);
  },
);

it('leaves no rubbish that a killed removal left aside', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  const old = join(box.paths.workspaces, `.trash-${Date.now() - 2 * 3_600_000}-abc`);
  const young = join(box.paths.workspaces, `.trash-${Date.now()}-abc`);
  for (const directory of [old, young]) write(directory, { x: 'x' });
  await box.git.removeWorkspace(path);
  expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
});

it('takes a commit from the preserved repository for a tree to lay over', async () => {
  const box = await makeBox();
  const path = await makeWorkspace(box);
  write(path, { 'src/new.js': 'new\n' });
  const head = await commit(box, (await importFrom(box, path)).tree);
  const verify = await makeWorkspace(box, 'verify', { tree: head });
  expect(readFileSync(join(verify, 'src/new.js'), 'utf8')).toBe('new\n');
});

function canSetImmutable(): boolean {
  const file = `/tmp/agentos-immutable-${process.pid}`;
  writeFileSync(file, '');
  try {
    execFileSync('chattr', ['+i', file], { stdio: 'ignore' });
    execFileSync('chattr', ['-i', file], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(file, { force: true });
  }
}
