/** Kill -9 at every crash point: points are recorded from a real run first, so a new side effect joins a sweep by itself. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Ended, World } from './world.ts';

const FULL = process.env['AGENTOS_SWEEP'] === 'full';
/** How many points of each stage a sampled sweep kills at. */
const SAMPLE = 4;

export const SWEEP_MS = FULL ? 3_600_000 : 300_000;

/** Every pass of every point of a run, as `name:pass`. @param run with these variables */
export async function record(world: World, run: (env: Record<string, string>) => Ended | Promise<Ended>): Promise<string[]> {
  const log = world.path('points.log');
  writeFileSync(log, '');
  const { status, stderr } = await run({ AGENTOS_CRASH_RECORD: log });
  if (status !== 0) throw new Error(`the recorded run ended with ${status}: ${stderr}`);
  const passes = new Map<string, number>();
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((point) => {
      passes.set(point, (passes.get(point) ?? 0) + 1);
      return `${point}:${passes.get(point)}`;
    });
}

/** All of them, or a spread over the whole run. */
export function pick(points: string[]): string[] {
  if (FULL || points.length <= SAMPLE) return points;
  return Array.from({ length: SAMPLE }, (_, k) => points[Math.floor(((k + 0.5) * points.length) / SAMPLE)] ?? '');
}

export function save(world: World, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(world.dir, to, { recursive: true, verbatimSymlinks: true });
}

export function restore(world: World, from: string): void {
  rmSync(world.dir, { recursive: true, force: true });
  cpSync(from, world.dir, { recursive: true, verbatimSymlinks: true });
}
