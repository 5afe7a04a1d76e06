/** The mirror holds the forge's branches, heals itself, and never loses what preserved work stands on. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openGit } from '../../../src/core/git/open-git.ts';
import { commit, importFrom, makeBox, makeWorkspace, sh, write } from './fixture.ts';

const MAIN = [{ branch: 'main' }];

it('is made without a process, and mended where a power loss left it half made', async () => {
  const box = await makeBox();
  const { git, host } = box;
  writeFileSync(join(host.mirror, 'HEAD'), '');
  rmSync(join(host.preserved, 'config'));
  writeFileSync(join(host.preserved, 'objects/info/alternates'), '');
  expect(await git.openHost('acme/shop')).toEqual(host);
  expect(box.started()).toEqual([]);
  expect(sh(host.preserved, 'log', '--format=%s', box.base)).toBe('first');
  await expect(git.openHost('../evil')).rejects.toMatchObject({ code: 'refused' });
});

it('fetches only what is not there, follows a force push, and deletes nothing', async () => {
  const box = await makeBox();
  const { git, host, remote, dev } = box;
  sh(dev, 'push', '-q', 'origin', 'main:topic');
  await git.fetch(host, { url: remote }, [{ branch: 'main', sha: box.base }, { branch: 'topic' }]);
  expect(box.started()).toHaveLength(1);
  sh(dev, 'commit', '-q', '--amend', '--allow-empty', '-m', 'rewritten');
  sh(dev, 'push', '-qf', 'origin', 'main');
  sh(remote, 'branch', '-D', 'topic');
  const rewritten = sh(dev, 'rev-parse', 'HEAD');
  await git.fetch(host, { url: remote }, [{ branch: 'main', sha: rewritten }]);
  expect(await git.findCommit(host.mirror, 'refs/heads/main')).toBe(rewritten);
  expect(await git.findCommit(host.mirror, 'refs/heads/topic')).toBe(box.base);
  expect(await git.findCommit(host.mirror, box.base)).toBe(box.base);
  expect(await git.findCommit(host.mirror, 'refs/heads/none')).toBeUndefined();
});

it('fetches branches alone: no tags, no other refs, nothing that is preserved is touched', async () => {
  const box = await makeBox();
  const { git, host, remote, dev } = box;
  sh(dev, 'tag', 'v1');
  sh(dev, 'push', '-q', 'origin', 'v1', 'main:refs/agentos/preserved/acme__shop-1-1/1', 'main:refs/heads/other');
  await git.preserve(host, 'acme__shop-1-1', 2, box.base);
  await git.fetch(host, { url: remote }, MAIN);
  expect(sh(host.mirror, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  expect(sh(host.preserved, 'for-each-ref', '--format=%(refname)')).toBe('refs/agentos/preserved/acme__shop-1-1/2');
});

it('says what is wrong with the remote', async () => {
  const box = await makeBox();
  const { git, host, remote } = box;
  await expect(git.fetch(host, { url: remote }, [{ branch: 'none' }])).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('`none`'),
  });
  await expect(git.fetch(host, { url: join(box.root, 'nowhere.git') }, MAIN)).rejects.toMatchObject({
    code: 'unavailable',
    temporary: true,
  });
  await expect(git.fetch(host, { url: 'http://127.0.0.1:9/x.git' }, MAIN)).rejects.toMatchObject({ code: 'unavailable' });
  box.started();
  await expect(git.fetch(host, { url: 'ext::touch marker' }, MAIN)).rejects.toMatchObject({ code: 'refused' });
  await expect(git.fetch(host, { url: remote }, [{ branch: '--upload-pack=touch marker' }])).rejects.toMatchObject({ code: 'refused' });
  expect(box.started()).toEqual([]);
});

it.each(['a torn ref', 'a lost object store', 'a torn pack'])('survives %s', async (damage) => {
  const box = await makeBox();
  const { git, host, remote, dev } = box;
  const objects = join(host.mirror, 'objects');
  if (damage === 'a torn ref') writeFileSync(join(host.mirror, 'refs/heads/main'), '');
  if (damage === 'a lost object store') for (const name of readdirSync(objects)) rmSync(join(objects, name), { recursive: true });
  if (damage === 'a torn pack') {
    sh(host.mirror, 'repack', '-adq');
    for (const name of readdirSync(join(objects, 'pack')).filter((file) => file.endsWith('.pack'))) {
      chmodSync(join(objects, 'pack', name), 0o600);
      truncateSync(join(objects, 'pack', name), 20);
    }
  }
  sh(dev, 'commit', '-q', '--allow-empty', '-m', 'second');
  sh(dev, 'push', '-q', 'origin', 'main');
  await git.openHost('acme/shop');
  await git.fetch(host, { url: remote }, MAIN);
  const path = await makeWorkspace(box, '1', { commit: sh(dev, 'rev-parse', 'HEAD') });
  expect(sh(path, 'log', '--format=%s')).toBe('second\nfirst');
});

it.each(['gone', 'damaged'])('is made anew when a checkout finds an object %s, and preserved work keeps its base', async (state) => {
  const box = await makeBox();
  const { git, host, remote } = box;
  const path = await makeWorkspace(box);
  write(path, { 'src/new.js': 'x\n' });
  const head = await commit(box, (await importFrom(box, path)).tree);
  await git.preserve(host, 'acme__shop-1-1', 1, head);
  explode(host.mirror);
  const blob = sh(box.dev, 'rev-parse', 'HEAD:README.md');
  const object = join(host.mirror, 'objects', blob.slice(0, 2), blob.slice(2));
  rmSync(object);
  if (state === 'damaged') writeFileSync(object, 'not zlib');
  await expect(makeWorkspace(box, '2')).rejects.toMatchObject({ code: 'unavailable', temporary: true });
  await git.fetch(host, { url: remote }, [{ branch: 'main', sha: box.base }]);
  await makeWorkspace(box, '3');
  expect(sh(host.preserved, 'log', '--format=%s', 'refs/agentos/preserved/acme__shop-1-1/1')).toBe('Change\nfirst');
  expect(sh(host.preserved, 'show', `${head}:README.md`)).toBe('# Shop');
});

it('removes a lock that nobody holds any more, and respects a young one', async () => {
  const box = await makeBox();
  const { git, host, remote, dev } = box;
  sh(dev, 'commit', '-q', '--allow-empty', '-m', 'second');
  sh(dev, 'push', '-q', 'origin', 'main');
  const lock = join(host.mirror, 'refs/heads/main.lock');
  writeFileSync(lock, '');
  await expect(git.fetch(host, { url: remote }, MAIN)).rejects.toMatchObject({ code: 'locked', temporary: true });
  expect(existsSync(lock)).toBe(true);
  const old = Date.now() / 1000 - 3600;
  utimesSync(lock, old, old);
  await git.fetch(host, { url: remote }, MAIN);
  expect(await git.findCommit(host.mirror, 'refs/heads/main')).toBe(sh(dev, 'rev-parse', 'HEAD'));
});

it('knows its version, and says when there is no git', async () => {
  const box = await makeBox();
  expect(await box.git.version()).toMatch(/^\d+\.\d+/);
  const none = openGit({ paths: box.paths, path: '/nonexistent' });
  await expect(none.version()).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('`git`') });
});

/** Turns packs into loose objects. */
function explode(gitDir: string): void {
  const packs = join(gitDir, 'objects/pack');
  for (const name of readdirSync(packs).filter((file) => file.endsWith('.pack'))) {
    const pack = readFileSync(join(packs, name));
    for (const suffix of ['.pack', '.idx']) rmSync(join(packs, name.replace(/\.pack$/, suffix)));
    execFileSync('git', ['unpack-objects', '-q'], { cwd: gitDir, input: pack });
  }
}
