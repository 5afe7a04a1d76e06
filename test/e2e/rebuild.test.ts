/** A new version is built while a loop of the old one runs. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addsFile, ROOT, World } from '../support/world.ts';

let dir: string;
let world: World;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-rebuild-'));
  for (const part of ['src', 'scripts', 'bin', 'package.json', 'package-lock.json'])
    cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  world = World.open();
});
afterEach(() => {
  world.close();
  rmSync(dir, { recursive: true, force: true });
});

const build = () => execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: dir, stdio: 'inherit' });
const chunksThere = () => readdirSync(join(dir, 'dist')).filter((name) => name.startsWith('chunks-'));

async function until(holds: () => boolean): Promise<void> {
  for (let k = 0; !holds(); k++) {
    if (k === 300) throw new Error('it did not come to that within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

it('finds the parts of its own version, and the build after the next one takes them away', async () => {
  build();
  const [old] = chunksThere();
  const loop = spawn(process.execPath, [join(dir, 'bin/agentos.js'), 'dispatch', '--watch', '1'], { cwd: world.dir, env: world.env() });
  let said = '';
  loop.stderr.on('data', (data) => {
    said += data;
  });
  const ended = new Promise((resolve) => loop.on('close', resolve));
  try {
    await until(() => existsSync(world.path('state/loops/dispatch.json')));
    appendFileSync(join(dir, 'src/core/clock.ts'), '\nexport const NEW = 1;\n');
    build();
    expect(chunksThere()).toHaveLength(2);
    const issue = world.issue('Say hello', addsFile('src/hello.js', 'export const hello = 1;'));
    await until(() => world.task(issue) !== undefined || loop.exitCode !== null);
    expect([world.task(issue)?.tray, said]).toEqual(['inbox', '']);
  } finally {
    loop.kill('SIGTERM');
    await ended;
  }
  appendFileSync(join(dir, 'src/core/clock.ts'), 'export const NEWER = 1;\n');
  build();
  expect(chunksThere()).toHaveLength(2);
  expect(chunksThere()).not.toContain(old);
}, 120_000);
