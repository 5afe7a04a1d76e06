import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contains, listProgramPaths, listSystemPaths } from '../../../src/core/sandbox/visible-paths.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'aos-visible-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const make = (path: string) => {
  const full = join(root, path);
  mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
  if (!path.endsWith('/')) writeFileSync(full, '');
  return full;
};
const link = (path: string, target: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
};
/** What PATH shows, relative to the root; the user's HOME is `root/home`. */
const shown = (entries: string[], hidden: string[] = []) => {
  const home = join(root, 'home');
  const path = entries.map((entry) => (entry.startsWith('/') ? entry : join(root, entry))).join(':');
  return listProgramPaths(path, [...hidden.map((name) => join(root, name)), home], home).map((found) => found.slice(root.length + 1));
};

describe('listProgramPaths', () => {
  it('shows what a bin directory belongs to, any other directory alone', () => {
    make('opt/node/bin/node');
    make('tools/tool');
    expect(shown(['opt/node/bin', 'tools'])).toEqual(['opt/node', 'tools']);
  });

  it('leaves out what is not there, not absolute, or the system', () => {
    expect(listProgramPaths('/usr/bin:relative:/nowhere/bin::/bin', [], '/home/nobody')).toEqual([]);
  });

  it('shows neither HOME nor what lies directly in it for the sake of its bin', () => {
    make('home/bin/a');
    make('home/.local/bin/b');
    expect(shown(['home/bin', 'home/.local/bin', 'home'])).toEqual(['home/bin', 'home/.local/bin']);
  });

  it('follows symlinks to where programs live, hop by hop', () => {
    make('opt/node/v20/bin/node');
    link('opt/current', join(root, 'opt/node/v20'));
    link('links/node', join(root, 'opt/current/bin/node'));
    make('home/.local/share/app/versions/app-1');
    link('links/app', join(root, 'home/.local/share/app/versions/app-1'));
    expect(shown(['links']).sort()).toEqual(['home/.local/share/app/versions', 'links', 'opt/current', 'opt/node/v20']);
  });

  it('shows the whole of node_modules for a package with a program', () => {
    make('lib/node_modules/npm/bin/npm.js');
    link('programs/npm', '../lib/node_modules/npm/bin/npm.js');
    expect(shown(['programs'])).toEqual(['programs', 'lib/node_modules']);
  });

  it('never shows what holds, or lies in, something hidden: the file alone then, or nothing', () => {
    make('srv/bin/agent');
    make('srv/config.yaml');
    make('state/bin/tool');
    make('mixed/bin/tool');
    make('mixed/bin/secret');
    make('links/');
    link('links/tool', join(root, 'mixed/bin/tool'));
    expect(shown(['srv/bin', 'state/bin', 'links'], ['srv/config.yaml', 'state', 'mixed/bin/secret'])).toEqual([
      'srv/bin',
      'links',
      'mixed/bin/tool',
    ]);
  });

  it('survives symlinks that lead nowhere or in a circle', () => {
    link('links/a', join(root, 'links/b'));
    link('links/b', join(root, 'links/a'));
    link('links/c', '/nowhere/at/all');
    expect(shown(['links'])).toEqual(['links']);
  });
});

describe('listSystemPaths', () => {
  it('shows programs, and of /etc only what is named; name resolution with the network', () => {
    const view = listSystemPaths(false);
    expect([...view.mounts, ...view.links.map(({ path }) => path)]).toEqual(expect.arrayContaining(['/usr', '/bin', '/etc/passwd']));
    expect(view.mounts).not.toContain('/etc');
    expect(view.mounts.filter((path) => /shadow|private|gitconfig|resolv|ssh/.test(path))).toEqual([]);
    const added = listSystemPaths(true).mounts.filter((path) => !view.mounts.includes(path));
    expect(added.every((path) => ['/etc/resolv.conf', '/etc/gai.conf'].includes(path))).toBe(true);
  });
});

describe('contains', () => {
  it.each([
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/ab', false],
    ['/a/b', '/a', false],
    ['/', '/a', true],
  ])('%s contains %s: %s', (directory, path, expected) => expect(contains(directory, path)).toBe(expected));
});
