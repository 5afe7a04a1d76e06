/** Configurations that cannot be used: status 78, every fault named at once, nothing touched. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from '../support/world.ts';

const LOOPS = ['dispatch', 'queue', 'pr-monitor', 'analyze-logs', 'groom', 'plan'];

/** What stands in the place of `config.yaml`, and what must be said about it. */
const FAULTS: [string, (world: World, good: string) => void, RegExp][] = [
  ['a syntax error', (world, good) => world.write('config.yaml', `${good}broken: [1, 2\n`), /config\.yaml:\d+/],
  ['tabs for indentation', (world) => world.write('config.yaml', 'forge:\n\tkind: local\n'), /config\.yaml:2/],
  ['an unknown key', (world, good) => world.write('config.yaml', good.replace('routing:', 'ruoting:')), /routing/],
  ['nothing at all', (world) => world.write('config.yaml', ''), /config\.yaml/],
  ['a list', (world) => world.write('config.yaml', '- a\n- b\n'), /config\.yaml/],
  ['an alias bomb', (world) => world.write('config.yaml', bomb()), /config\.yaml/],
  ['bytes that are no text', (world) => world.write('config.yaml', '\ud800\u0000\ufffe'), /config\.yaml/],
  ['something huge', (world) => world.write('config.yaml', 'x: 1\n'.repeat(100_000)), /larger than/],
  ['a directory', (world) => mkdirSync(world.path('config.yaml')), /not a regular file/],
  ['a link to nothing', (world) => symlinkSync('/nowhere', world.path('config.yaml')), /does not exist/],
  ['nothing there', () => {}, /does not exist/],
  ['a device', (world) => symlinkSync('/dev/zero', world.path('config.yaml')), /not a regular file/],
  [
    'a file that anybody can write',
    (world, good) => {
      world.write('config.yaml', good);
      chmodSync(world.path('config.yaml'), 0o666);
    },
    /chmod go-w/,
  ],
];

function bomb(): string {
  const levels = Array.from({ length: 12 }, (_, k) => `l${k + 1}: &l${k + 1} [${Array(9).fill(`*l${k}`).join(', ')}]`);
  return `l0: &l0 [x]\n${levels.join('\n')}\n`;
}

describe('a configuration that cannot be used', () => {
  let world: World;
  let good: string;
  beforeAll(() => {
    world = World.open({ files: { 'README.md': '# shop\n' } });
    good = world.read('config.yaml');
    rmSync(world.path('state'), { recursive: true, force: true });
  });
  afterAll(() => world.close());

  it.each(FAULTS)('%s', (_, make, says) => {
    rmSync(world.path('config.yaml'), { recursive: true, force: true });
    make(world, good);
    const check = world.run(['config', 'check']);
    expect(check).toMatchObject({ status: 78, stdout: '' });
    expect(check.stderr).toMatch(says);
    expect(check.stderr).toContain(world.path('config.yaml').slice(world.dir.length + 1));
    // A loop says the very same.
    const loop = world.run(['queue']);
    expect(loop).toEqual(check);
    expect(check.stderr).not.toMatch(/\n {2,}at /);
    expect(existsSync(world.path('state'))).toBe(false);
  });

  it('stops every loop and command alike', () => {
    rmSync(world.path('config.yaml'), { recursive: true, force: true });
    world.write('config.yaml', 'forge: {}\n');
    for (const args of [...LOOPS.map((loop) => [loop]), ['status'], ['fsck'], ['show', 'x-1-1'], ['cron', 'print']]) {
      const ended = world.run(args);
      expect({ args, status: ended.status }).toEqual({ args, status: 78 });
      expect(ended.stderr).not.toMatch(/\n +at .*:\d+:\d+|this is a bug of ours/);
    }
    // Saying what is wrong is what the doctor is for.
    expect(world.run(['doctor']).stdout).toMatch(/config.*forge/s);
  });

  it('names all of its errors together, each with its line and what was meant', () => {
    rmSync(world.path('config.yaml'), { recursive: true, force: true });
    const broken = good
      .replace('verify:', 'verfy:')
      .replace('automation: full', 'automation: reckless')
      .replace('[patch, scribe]', '[patch, nobody]')
      .replace('mode: "off"', 'mode: never');
    world.write('config.yaml', broken);
    const { status, stderr } = world.run(['config', 'check']);
    expect(status).toBe(78);
    const lineOf = (text: string) => broken.split('\n').findIndex((line) => line.includes(text)) + 1;
    for (const [text, meant] of [
      ['verfy', 'verify'],
      ['reckless', 'supervised'],
      ['nobody', 'scribe'],
      ['mode: never', 'required'],
    ] as const) {
      const line = stderr.split('\n').find((one) => one.includes(`config.yaml:${lineOf(text)}`));
      expect(line, text).toBeDefined();
      expect(stderr, text).toContain(meant);
    }
  });

  it('is used again as soon as it is mended', () => {
    rmSync(world.path('config.yaml'), { recursive: true, force: true });
    world.write('config.yaml', good);
    expect(world.run(['config', 'check']).status).toBe(0);
    expect(world.run(['dispatch'])).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
  });
});
