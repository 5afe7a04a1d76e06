import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../../src/core/process.ts';
import { openSandbox } from '../../../src/core/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/core/sandbox/probe.ts';
import { hasBwrap, makePlace, makeRun, PATH, type Place } from '../../support/sandboxes.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const options = (more: object = {}) => ({
  mode: 'required' as const,
  path: PATH,
  readable: [],
  stateDir: place.state,
  graceMs: 200,
  ...more,
});
/** What the probe alone is given. */
const probing = (more: object = {}) => ({ ...options(more), hidden: [place.state], homeDir: '/root' });

/** A program of our own in front of PATH. */
function fake(name: string, script: string): string {
  const bin = join(place.root, 'fake-bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${bin}:${PATH}`;
}

describe('openSandbox without a sandbox that holds', () => {
  const broken = () => fake('bwrap', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1');

  it('fails closed where it is required, with what to do', async () => {
    const nowhere = openSandbox(options({ path: '/nowhere' }));
    await expect(nowhere).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('not on PATH'),
      hint: expect.stringContaining('bubblewrap'),
    });
    const path = broken();
    await expect(openSandbox(options({ path }))).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('No permissions'),
    });
  });

  it('runs unconfined and says so loudly in mode auto', async () => {
    const opened = await openSandbox(options({ mode: 'auto', path: broken() }));
    expect(opened.sandbox.kind).toBe('unconfined');
    expect(opened.notice).toMatch(/UNCONFINED.*No permissions/);
    expect(await opened.sandbox.probe()).toMatchObject({ ready: true });
  });

  it('runs unconfined in mode off, without asking', async () => {
    const opened = await openSandbox(options({ mode: 'off', path: fake('bwrap', `touch ${place.root}/asked`) }));
    expect(opened.sandbox.kind).toBe('unconfined');
    expect(opened.notice).toContain('UNCONFINED');
    expect(existsSync(join(place.root, 'asked'))).toBe(false);
  });

  it('takes an earlier proof instead of asking again, and a run that cannot start is a config error', async () => {
    const path = broken();
    const proof = {
      ready: true,
      reason: 'proved',
      program: join(place.root, 'fake-bin', 'bwrap'),
      namespaces: 'all' as const,
      sized: true,
    };
    const { sandbox } = await openSandbox(options({ path, proof }));
    expect(sandbox.kind).toBe('bubblewrap');
    const run = sandbox.run(makeRun(place, ['true']), new AbortController().signal);
    await expect(run).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('No permissions') });
  });
});

describe('openSandbox refuses readable paths', () => {
  it.each([
    ['the state directory', () => place.state],
    ['a directory that holds it', () => place.root],
    ['a directory in it', () => dirname(place.workspace)],
    ['the HOME of the user', () => homedir()],
    ['everything', () => '/'],
    ['a hidden file', () => join(place.root, 'config.yaml')],
  ])('that are %s', async (_, path) => {
    writeFileSync(join(place.root, 'config.yaml'), '');
    const opening = openSandbox(options({ mode: 'off', readable: [path()], hidden: [join(place.root, 'config.yaml')] }));
    await expect(opening).rejects.toMatchObject({ code: 'config', message: expect.stringContaining(`\`${path()}\``) });
  });

  it('that do not exist', async () => {
    const opening = openSandbox(options({ mode: 'auto', readable: ['/nowhere/tools'] }));
    await expect(opening).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('`/nowhere/tools`') });
  });
});

describe.skipIf(!hasBwrap)('probeSandbox', () => {
  const real = findProgram('bwrap', PATH);
  /** bubblewrap with arguments added at the end of its own. */
  const weakened = (added: string) =>
    fake(
      'bwrap',
      `n=$#; while [ $n -gt 0 ]; do a=$1; shift; n=$((n-1)); [ "$a" = --chdir ] && set -- "$@" ${added}; set -- "$@" "$a"; done; exec ${real} "$@"`,
    );

  it('proves bubblewrap, and leaves nothing behind', async () => {
    expect(await probeSandbox(probing())).toEqual({
      ready: true,
      reason: expect.stringContaining('denied'),
      program: real,
      namespaces: 'all',
      sized: true,
    });
    expect(readdirSync(place.state)).toEqual(['workspaces']);
  });

  it.each([
    ['the network', () => '--share-net', /network/],
    ['writing outside', () => `--bind ${place.state} ${place.state}`, /outside the workspace/],
    [
      'reading the state',
      () => `--ro-bind ${place.state} ${place.state} --bind $(echo ${place.state}/probe-*/work) $(echo ${place.state}/probe-*/work)`,
      /state directory can be read/,
    ],
    ['a read-only workspace', () => `--ro-bind ${place.root} ${place.root}`, /workspace cannot be written/],
  ])('sees through one that allows %s', async (_, added, reason) => {
    expect(await probeSandbox(probing({ path: weakened(added()) }))).toMatchObject({ ready: false, reason: expect.stringMatching(reason) });
  });

  it('sees through one that keeps the environment of its caller', async () => {
    const path = fake('bwrap', `export LEAKED_TOKEN=x; exec ${real} "$@"`);
    expect(await probeSandbox(probing({ path }))).toMatchObject({ ready: false, reason: expect.stringContaining('LEAKED_TOKEN') });
  });

  it('is not fooled by a program that only pretends', async () => {
    expect(await probeSandbox(probing({ path: fake('bwrap', 'exit 0') }))).toMatchObject({ ready: false });
    const pass = fake('bwrap', 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"');
    expect(await probeSandbox(probing({ path: pass }))).toMatchObject({ ready: false });
  });
});

describe.skipIf(!hasBwrap)("a person's HOME with programs", () => {
  const own = process.env['HOME'];
  let home: string;
  const file = (path: string, text: string) => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text, { mode: 0o755 });
  };
  const link = (path: string, target: string) => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    symlinkSync(target, join(home, path));
  };
  beforeEach(() => {
    home = join(place.root, 'user');
    process.env['HOME'] = home;
  });
  afterEach(() => {
    process.env['HOME'] = own;
  });

  it('shows what is installed in it, and nothing beside that', async () => {
    const bin = '.nvm/versions/node/v20/bin';
    file(`${bin}/runtime`, '#!/bin/sh\necho runtime\n');
    file('.nvm/versions/node/v20/lib/node_modules/npm/bin/npm-cli.js', "#!/usr/bin/env node\nconsole.log(require('helper'));\n");
    file('.nvm/versions/node/v20/lib/node_modules/npm/node_modules/helper/index.js', "module.exports = 'npm';\n");
    link(`${bin}/npm-here`, '../lib/node_modules/npm/bin/npm-cli.js');
    file('.local/share/agent/versions/1', '#!/bin/sh\necho agent\n');
    link('.local/bin/agent', '../share/agent/versions/1');
    file('ops/deploy.sh', '#!/bin/sh\necho deploy; cat "$1/ops/.env"; ls "$1"\n');
    file('ops/.env', 'TOKEN=KANARI\n');
    link('.local/bin/deploy', '../../ops/deploy.sh');
    const path = `${join(home, bin)}:${join(home, '.local/bin')}:${PATH}`;
    const { sandbox } = await openSandbox(options({ path }));
    const run = makeRun(place, ['/bin/sh', '-c', `runtime; npm-here; agent; deploy ${home}`]);
    const { output } = await sandbox.run(run, new AbortController().signal);
    expect(output.match(/^(runtime|npm|agent|deploy)$/gm)).toEqual(['runtime', 'npm', 'agent', 'deploy']);
    expect(output).not.toContain('KANARI');
    expect(output).toMatch(/ops\/\.env: No such file/);
    expect(
      sandbox
        .listShown()
        .filter((shown) => shown.startsWith(home))
        .sort(),
    ).toEqual([
      join(home, '.local/bin'),
      join(home, '.local/share/agent/versions/1'),
      join(home, '.nvm/versions/node/v20'),
      join(home, 'ops/deploy.sh'),
    ]);
  });
});
