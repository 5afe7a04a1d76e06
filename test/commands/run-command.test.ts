import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Action, type Applied, type LongWork, runCommand } from '../../src/commands/run-command.ts';
import type { Effects } from '../../src/core/effects/effects.ts';
import { AgentOsError } from '../../src/core/errors.ts';
import { tryLock } from '../../src/core/lock.ts';
import { readLoopRecord } from '../../src/core/loop-record.ts';
import type { Ports } from '../../src/core/ports.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../support/loop-ports.ts';

let root: string;
let ports: Ports;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'aos-pass-'));
  ports = openLoopPorts({ root, command: 'queue', now: () => new Date(), repos: ['a/b'], forge: {}, effects: {} as Effects });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const full = () => new AgentOsError('io', 'cannot write `x`: no space left on device');
const action = (subject: string): Action => ({ kind: 'start-attempt', subject, reason: 'its turn' });
/** Runs one pass in which each subject does what is given here. */
const run = (acts: Record<string, () => Promise<Applied | LongWork>>, out = openOutput(), options = LOOP_OPTIONS) =>
  runCommand(
    {
      command: 'queue',
      lock: 'claims',
      gather: async () => null,
      decide: () => Object.keys(acts).map(action),
      apply: async ({ subject }) => acts[subject]?.() ?? { outcome: 'skipped' },
    },
    options,
    ports,
    out,
  );

describe('one pass', () => {
  it('goes on after an item that failed, and says which', async () => {
    const out = openOutput();
    const bad = async () => Promise.reject(new AgentOsError('refused', 'not this one'));
    expect(await run({ one: bad, two: async () => ({ outcome: 'applied' }) }, out)).toBe(1);
    expect(out.notes).toEqual(['queue: start-attempt one failed: not this one']);
    expect(out.results).toEqual(['queue: start-attempt two: its turn\n']);
    expect(readLoopRecord(ports.paths.loops, 'queue')?.finished).toMatchObject({ exit: 1, reason: 'one: not this one' });
  });

  it('says the remedy of what failed, too', async () => {
    const out = openOutput();
    const bad = async () => Promise.reject(new AgentOsError('refused', '`a/b` is archived', { hint: 'Unarchive it.' }));
    await run({ one: bad }, out);
    expect(out.notes).toEqual(['queue: start-attempt one failed: `a/b` is archived\n  Unarchive it.']);
  });

  it('tells whoever types it that everything is paused; cron is told nothing', async () => {
    writeFileSync(ports.paths.paused, '');
    const typed = openOutput();
    const byCron = openOutput();
    expect(await run({}, typed)).toBe(0);
    expect(await run({}, byCron, { ...LOOP_OPTIONS, quiet: true })).toBe(0);
    expect(typed.results).toEqual(['queue: paused; `agentos resume` starts it again\n']);
    expect([byCron.results, byCron.notes]).toEqual([[], []]);
  });

  it('that finds nothing says so with -v alone', async () => {
    const [plain, verbose] = [openOutput(), openOutput()];
    await run({}, plain);
    await run({}, verbose, { ...LOOP_OPTIONS, verbose: true });
    expect([plain.results, verbose.results]).toEqual([[], ['queue: nothing to do\n']]);
  });

  it('has a status of its own for what only needs time', async () => {
    expect(await run({ one: async () => Promise.reject(new AgentOsError('unavailable', 'not now')) })).toBe(75);
  });

  it.each<[string, () => Promise<LongWork>]>([
    ['a later item', async () => Promise.reject(full())],
    ['long work beside it', async () => ({ long: async () => Promise.reject(full()) })],
  ])('on a full disk in %s, ends after the work that runs has ended, and with its lock free', async (_, other) => {
    let ended = false;
    const slow = async () => ({
      long: async (): Promise<Applied> => {
        await sleep(100);
        ended = true;
        throw full();
      },
    });
    const never = async (): Promise<Applied> => ({ outcome: 'applied' });
    await expect(run({ slow, other, never })).rejects.toMatchObject({ code: 'io' });
    expect(ended).toBe(true);
    expect(readLoopRecord(ports.paths.loops, 'queue')?.finished).toMatchObject({ exit: 74 });
    expect(tryLock(`${ports.paths.locks}/queue.lock`)).toBeDefined();
  });

  it('lets a bug of ours through', async () => {
    await expect(run({ one: async () => Promise.reject(new TypeError('x is not a function')) })).rejects.toBeInstanceOf(TypeError);
    expect(readLoopRecord(ports.paths.loops, 'queue')?.finished).toMatchObject({ exit: 70 });
  });
});
