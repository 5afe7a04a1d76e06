import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cachePath } from '../../../src/core/config/cache.ts';
import type { LoadedConfig } from '../../../src/core/config/schema.ts';
import { type ConfigDirectory, MINIMAL, makeConfigDirectory } from './config-directory.ts';

const BUILD = 'test-build-1';

function entryOf(dir: ConfigDirectory): string {
  const cache = join(dir.root, 'state', 'cache');
  const [name = '', ...more] = readdirSync(cache);
  expect(name).toMatch(/^config-[0-9a-f]{8}\.json$/);
  expect(more).toEqual([]);
  return join(cache, name);
}

/** Changes the cached value so that a load that used it can be told from one that did not. */
function mark(entry: string, change: Record<string, unknown> = {}): void {
  const cached = JSON.parse(readFileSync(entry, 'utf8')) as { value: { plan: { size: number } } };
  cached.value.plan.size = 99;
  writeFileSync(entry, JSON.stringify({ ...cached, ...change }));
}

const usedCache = (config: LoadedConfig) => config.plan.size === 99;

describe('the cache of the parsed configuration', () => {
  let dir: ConfigDirectory;

  beforeEach(async () => {
    vi.stubEnv('AGENTOS_BUILD', BUILD);
    dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL);
    await dir.load();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('the entry is private and holds what it depends on; the next load uses it, frozen', async () => {
    const entry = entryOf(dir);
    expect(statSync(entry).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir.root, 'state', 'cache')).mode & 0o777).toBe(0o700);
    const cached = JSON.parse(readFileSync(entry, 'utf8')) as Record<string, unknown>;
    expect(cached).toMatchObject({ build: BUILD, source: MINIMAL, home: dir.home, path: join(dir.root, 'config.yaml') });
    expect(cached['value']).toEqual(await dir.load());
    mark(entry);
    const config = await dir.load();
    expect(usedCache(config)).toBe(true);
    expect(Object.isFrozen(config.plan)).toBe(true);
  });

  test.each<[string, (entry: string) => unknown]>([
    ['another build', (entry) => mark(entry, { build: 'test-build-2' })],
    ['another text', (entry) => mark(entry, { source: `${MINIMAL} ` })],
    ['another HOME', (entry) => mark(entry, { home: '/home/else' })],
    ['another path', (entry) => mark(entry, { path: '/etc/config.yaml' })],
    ['no value', (entry) => mark(entry, { value: null })],
    ['garbage', (entry) => writeFileSync(entry, '{"build":')],
    ['an empty file', (entry) => writeFileSync(entry, '')],
    ['null', (entry) => writeFileSync(entry, 'null')],
    [
      'a file that others can write',
      (entry) => {
        mark(entry);
        chmodSync(entry, 0o622);
      },
    ],
    [
      'a symbolic link',
      (entry) => {
        mark(entry);
        renameSync(entry, `${entry}.elsewhere`);
        symlinkSync(`${entry}.elsewhere`, entry);
      },
    ],
    [
      'a FIFO',
      (entry) => {
        rmSync(entry);
        spawnSync('mkfifo', [entry]);
      },
    ],
  ])('not used, and replaced: %s', async (_, spoil) => {
    const entry = entryOf(dir);
    spoil(entry);
    expect(usedCache(await dir.load())).toBe(false);
    rmSync(`${entry}.elsewhere`, { force: true });
    mark(entryOf(dir));
    expect(usedCache(await dir.load())).toBe(true);
  });

  test('a changed file is parsed anew, and its mode is checked every time', async () => {
    mark(entryOf(dir));
    dir.write('config.yaml', MINIMAL.replace('default: [patch]', 'default: [pach]'));
    expect((await dir.fail()).message).toContain('did you mean `patch`?');
    dir.write('config.yaml', MINIMAL, 0o666);
    expect((await dir.fail()).message).toContain('can be written by other users');
  });

  test('an invalid file leaves no entry', async () => {
    rmSync(join(dir.root, 'state'), { recursive: true });
    dir.write('config.yaml', `${MINIMAL}providers: []\n`);
    await dir.fail();
    expect(readdirSync(dir.root).sort()).toEqual(['config.yaml', 'home']);
  });

  test('without a build there is no cache', async () => {
    vi.stubEnv('AGENTOS_BUILD', undefined);
    mark(entryOf(dir));
    expect(usedCache(await dir.load())).toBe(false);
  });

  test('a state directory that cannot be made does not stop the load', async () => {
    rmSync(join(dir.root, 'state'), { recursive: true });
    writeFileSync(join(dir.root, 'state'), 'a file');
    expect((await dir.load()).state_dir).toBe(join(dir.root, 'state'));
  });

  test('a directory in the place of the entry does not stop the load', async () => {
    const entry = entryOf(dir);
    rmSync(entry);
    mkdirSync(entry);
    expect((await dir.load()).plan.size).toBe(5);
  });
});

describe('where the entry lies is guessed from the text', () => {
  const guess = (source: string, home: string | undefined = '/home/u') =>
    cachePath({ build: 'b', source, home, file: '/etc/a/config.yaml' });

  test.each([
    ['state_dir: ./state', '/etc/a/state'],
    ['state_dir:   ~/x   # here', '/home/u/x'],
    ['state_dir: "/a b"', '/a b'],
    ["state_dir: '/a#b' # c", '/a#b'],
    ['forge: {}\r\nstate_dir: /srv/state\r\nrepos: []', '/srv/state'],
    ['forge: {}', '/home/u/.local/state/agentos'],
  ])('%j → %s', (source, dir) => {
    expect(guess(source)).toMatch(new RegExp(`^${dir}/cache/config-[0-9a-f]{8}\\.json$`));
  });

  test.each([
    'state_dir: "a\\tb"',
    'state_dir: |',
    'state_dir: [x]',
    '"state_dir": /x',
    'state_dir:',
    'state_dir: ~other/x',
    'state_dir: &a /x',
  ])('%j: no guess, no cache', (source) => {
    expect(guess(source)).toBeUndefined();
  });

  test('without HOME the default has no place', () => {
    expect(cachePath({ build: 'b', source: '', home: undefined, file: '/c.yaml' })).toBeUndefined();
  });

  test('a wrong guess writes nothing there', async () => {
    vi.stubEnv('AGENTOS_BUILD', BUILD);
    try {
      const dir = makeConfigDirectory();
      dir.write(
        'config.yaml',
        `${MINIMAL.replace('state_dir: ./state', 'state_dir: ./state\\x41').replace('./state\\x41', '"./st\\x61te"')}`,
      );
      expect((await dir.load()).state_dir).toBe(join(dir.root, 'state'));
      expect(readdirSync(dir.root).sort()).toEqual(['config.yaml', 'home']);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

test('in a build, the second load works with yaml and zod gone', async () => {
  const dir = makeConfigDirectory();
  dir.write('config.yaml', MINIMAL);
  const out = join(dir.root, 'dist');
  await build({
    stdin: {
      contents: `import { loadConfig } from ${JSON.stringify(join(process.cwd(), 'src/core/config/load.ts'))};
        console.log(JSON.stringify(await loadConfig({ env: process.env, cwd: process.cwd() })));`,
      resolveDir: process.cwd(),
      sourcefile: 'entry.ts',
    },
    outdir: out,
    entryNames: 'entry',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    chunkNames: 'chunk-[name]-[hash]',
    define: { 'process.env.AGENTOS_BUILD': JSON.stringify(BUILD) },
    logLevel: 'warning',
  });
  const run = () => spawnSync(process.execPath, [join(out, 'entry.mjs')], { cwd: dir.root, env: { HOME: dir.home }, encoding: 'utf8' });
  const first = run();
  expect(first.stderr).toBe('');
  const parsers = readdirSync(out).filter((name) => /parse/.test(name));
  expect(parsers.length).toBeGreaterThan(0);
  for (const name of parsers) rmSync(join(out, name));
  const second = run();
  expect(second.stderr).toBe('');
  expect(JSON.parse(second.stdout)).toEqual(JSON.parse(first.stdout));
  dir.write('config.yaml', `${MINIMAL}# changed\n`);
  expect(run().stderr).toContain('parse');
});
