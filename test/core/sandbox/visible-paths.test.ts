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
    expect(shown(['links']).sort()).toEqual(['home/.local/share/app/versions/app-1', 'links', 'opt/current', 'opt/node/v20']);
  });

  it('shows of HOME the file that a symlink leads to, hop by hop, never the directory around it', () => {
    make('home/ops/.env');
    make('home/ops/deploy.sh');
    make('home/ops/bin/tool');
    link('home/current', join(root, 'home/ops'));
    link('home/bin/deploy', '../ops/deploy.sh');
    link('home/bin/tool', '../current/bin/tool');
    link('home/bin/ops', '../ops');
    expect(shown(['home/bin']).sort()).toEqual(['home/bin', 'home/current/bin/tool', 'home/ops/bin/tool', 'home/ops/deploy.sh']);
  });

  it('shows of HOME the package that names the program, and the Python environment that it is installed in', () => {
    make('home/dev/tool/bin/cli.js');
    writeFileSync(make('home/dev/tool/package.json'), '{"bin": {"tool": "./bin/cli.js"}}');
    make('home/app/scripts/deploy.js');
    writeFileSync(make('home/app/package.json'), '{"bin": "./other.js"}');
    make('home/.local/share/pipx/venvs/black/bin/black');
    make('home/.local/share/pipx/venvs/black/pyvenv.cfg');
    make('home/.npm-global/lib/node_modules/agent/cli.js');
    link('home/bin/tool', '../dev/tool/bin/cli.js');
    link('home/bin/deploy', '../app/scripts/deploy.js');
    link('home/bin/black', '../.local/share/pipx/venvs/black/bin/black');
    link('home/bin/agent', '../.npm-global/lib/node_modules/agent/cli.js');
    expect(shown(['home/bin']).sort()).toEqual([
      'home/.local/share/pipx/venvs/black',
      'home/.npm-global/lib/node_modules',
      'home/app/scripts/deploy.js',
      'home/bin',
      'home/dev/tool',
    ]);
  });

  it('knows HOME by whatever name PATH has for it', () => {
    make('home/bin/a');
    make('home/.local/bin/b');
    make('home/ops/deploy.sh');
    link('home/bin/deploy', join(root, 'alias/ops/deploy.sh'));
    link('alias', join(root, 'home'));
    expect(shown(['alias/bin', 'alias/.local/bin', 'alias']).sort()).toEqual([
      'alias/.local/bin',
      'alias/bin',
      'alias/ops/deploy.sh',
      'home/ops/deploy.sh',
    ]);
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
