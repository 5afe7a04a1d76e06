import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_PROTECTED, manifestDiffers } from '../../../src/core/git/protected-paths.ts';
import { crossesLink, judgeTree, resolveLink, type TreeChange } from '../../../src/core/git/tree-policy.ts';

const NONE = { protectedGlobs: [] };

function change(path: string, more: Partial<TreeChange> = {}): TreeChange {
  return { path, kind: 'modified', oldMode: '100644', newMode: '100644', size: 10, ...more };
}
const added = { kind: 'added', oldMode: '000000' } as const;
const deleted = { kind: 'deleted', newMode: '000000', size: 0 } as const;
const link = (path: string, linkTarget: string, throughLink = false) =>
  change(path, { ...added, newMode: '120000', linkTarget, throughLink });

describe('what is refused', () => {
  it.each<[string, TreeChange[], { path: string; reason: string }[]]>([
    ['nothing for an ordinary change', [change('src/a.ts'), change('src/b.ts', added)], []],
    ['a path of git', [change('a/.GIT/config', added)], [{ path: 'a/.GIT/config', reason: 'a path of git itself' }]],
    ['an NTFS alias of it', [change('git~1/config', added)], [{ path: 'git~1/config', reason: 'a path of git itself' }]],
    ['`..`', [change('a/../b')], [{ path: 'a/../b', reason: 'a path that leaves the tree' }]],
    ['a control character', [change('a\nb')], [{ path: 'a\nb', reason: 'a control character in the path' }]],
    ['`.gitmodules`, changed', [change('.gitmodules')], [{ path: '.gitmodules', reason: 'submodules may not be configured' }]],
    ['`.gitmodules`, deleted', [change('.gitmodules', deleted)], [{ path: '.gitmodules', reason: 'submodules may not be configured' }]],
    ['a new gitlink', [change('sub', { ...added, newMode: '160000', size: 0 })], [{ path: 'sub', reason: 'a new or changed submodule' }]],
    ['an absolute symlink', [link('docs', '/etc')], [{ path: 'docs', reason: 'a symlink that leaves the tree' }]],
    ['a symlink that climbs out', [link('a/b', '../../x')], [{ path: 'a/b', reason: 'a symlink that leaves the tree' }]],
    ['a symlink that climbs out and back', [link('a/b', '../../repo/x')], [{ path: 'a/b', reason: 'a symlink that leaves the tree' }]],
    ['a symlink into git', [link('a', '.git/config')], [{ path: 'a', reason: 'a symlink that leaves the tree' }]],
    ['a chain of symlinks', [link('b', 'a/x', true)], [{ path: 'b', reason: 'a symlink that goes through another symlink' }]],
    ['nothing for a symlink inside', [link('docs/latest', '../README.md')], []],
    [
      'a large file',
      [change('a.bin', { size: 1024 * 1024 + 1 })],
      [{ path: 'a.bin', reason: '1048577 bytes; at most 1048576 are allowed in one file' }],
    ],
  ])('%s', (_name, changes, refused) => {
    expect(judgeTree(changes, NONE).refused).toEqual(refused);
  });

  it('counts files and bytes of the whole', () => {
    const files = (count: number, size: number) => Array.from({ length: count }, (_, index) => change(`src/${index}.ts`, { size }));
    expect(judgeTree(files(100, 10), NONE).refused).toEqual([]);
    expect(judgeTree(files(101, 10), NONE).refused).toEqual([{ path: '.', reason: '101 files change; at most 100 may' }]);
    expect(judgeTree(files(4, 1024 * 1024), NONE).refused).toEqual([]);
    expect(judgeTree([...files(4, 1024 * 1024), change('x', { size: 1 })], NONE).refused).toEqual([
      { path: '.', reason: 'the new files have 4194305 bytes; at most 4194304 are allowed' },
    ]);
  });
});

describe('what needs a person', () => {
  it.each([
    '.github/workflows/ci.yml',
    '.eslintrc.json',
    '.vscode/settings.json',
    'docs/AGENTS.md',
    'CLAUDE.md',
    'packages/a/.npmrc',
    'package-lock.json',
    'crates/x/Cargo.lock',
    'Makefile',
    'docker/Dockerfile.prod',
    'scripts/release.sh',
    'vitest.config.ts',
    'packages/a/tsconfig.build.json',
    'SECURITY.md',
    'docs/CODEOWNERS',
    'db/migrations/001.sql',
    'agents.MD',
  ])('%s', (path) => expect(judgeTree([change(path)], NONE).protected).toEqual([path]));

  it.each(['src/index.ts', 'README.md', 'docs/guide.md', 'test/cart.test.ts', 'package.json'])('not %s', (path) =>
    expect(judgeTree([change(path)], NONE).protected).toEqual([]),
  );

  it('covers modes, manifests, deleted tests and configured paths', () => {
    const changes = [
      change('tool', { newMode: '100755' }),
      change('old-tool', { oldMode: '100755', newMode: '100755' }),
      change('package.json', { manifestChanged: true }),
      change('web/package.json', { manifestChanged: false }),
      change('test/cart.test.ts', deleted),
      change('src/cart.ts', deleted),
      change('deploy/prod.yml'),
    ];
    expect(judgeTree(changes, { protectedGlobs: ['deploy/**'] }).protected).toEqual([
      'tool',
      'package.json',
      'test/cart.test.ts',
      'deploy/prod.yml',
    ]);
  });

  it('lists each glob once, with a reason', () => {
    const globs = BUILT_IN_PROTECTED.map((entry) => entry.glob);
    expect(new Set(globs).size).toBe(globs.length);
    expect(BUILT_IN_PROTECTED.every((entry) => entry.why.length > 5)).toBe(true);
  });
});

describe('manifestDiffers', () => {
  it.each([
    ['{"version":"1.0.0","scripts":{"test":"x"}}', '{"version":"1.0.1","scripts":{"test":"x"}}', false],
    ['{"scripts":{"test":"x"}}', '{"scripts":{"test":"true"}}', true],
    ['{}', '{"dependencies":{"left-pad":"1"}}', true],
    ['{}', 'not json', true],
    ['{}', '[]', true],
    [undefined, '{"name":"a"}', false],
    [undefined, '{"bin":"a.js"}', true],
    ['{"workspaces":["a"]}', undefined, true],
  ])('%j to %j: %s', (before, after, expected) => expect(manifestDiffers(before, after)).toBe(expected));
});

describe('symlinks', () => {
  const part = fc.constantFrom('a', 'b', '..', '.', '', 'c');
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

  it('resolve to a path inside the tree or not at all', () => {
    fc.assert(
      fc.property(path, fc.array(part, { minLength: 1, maxLength: 8 }), (at, parts) => {
        const inside = resolveLink(at, parts.join('/'));
        return inside === undefined || !inside.split('/').includes('..');
      }),
    );
  });

  it.each([
    ['b', 'a/x', ['a'], true],
    ['b', 'a', ['a'], true],
    ['d/b', '../a/x/y', ['a/x'], true],
    ['b', 'a/../c', ['a'], true],
    ['b', 'c/x', ['a', 'b'], false],
  ])('%s -> %s among %j crosses one: %s', (at, target, links, expected) => {
    expect(crossesLink(at, target, new Set(links))).toBe(expected);
  });
});
