/** Kills a process between any two steps of the mailbox, and looks at what is left. */
import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../../src/core/liveness.ts';
import { type Letter, TRAYS } from '../../src/core/mailbox/mailbox.ts';
import { buildChildren, type Children, hasProgram, numberPoints } from '../support/mailbox-processes.ts';
import { type Box, buildTask, openBox } from '../support/mailbox-task.ts';

const ID = 'acme__shop-12-1';
const task = buildTask();
/** Every point in the long run, every second one otherwise. */
const STEP = process.env['AGENTOS_SWEEP'] === 'full' ? 1 : 2;

let children: Children;
let box: Box;
beforeAll(() => {
  children = buildChildren();
});
afterAll(() => children.remove());
beforeEach(() => {
  box = openBox();
});
afterEach(() => box.remove());

/** Trays in which a file of the id lies right now, whoever owns it. */
function whereItLies(): string[] {
  return TRAYS.flatMap((tray) => {
    try {
      return readdirSync(`${box.root}/${tray}`).flatMap((name) => (name.startsWith(ID) ? [tray] : []));
    } catch {
      return []; // killed before the tray was made
    }
  });
}

/** What one clean pass of the loops does with whatever it finds; ends in `done`. */
async function finish(): Promise<void> {
  const { mailbox } = box;
  expect(await mailbox.sweep(new Date())).toEqual([]);
  for (const letter of await mailbox.list('processing')) {
    expect(letter.owner && isAlive(letter.owner)).toBe(false);
    const mine = (await mailbox.takeOver(letter)) as Letter;
    await mailbox.move(mine, 'inbox', mine.task);
  }
  await mailbox.submit(task, 'Body');
  const letter = (await mailbox.find(ID)) as Letter;
  const last = letter.tray === 'inbox' ? ((await mailbox.claim(ID)) as Letter) : letter;
  await mailbox.move(last, 'done', { ...task, merged: 'a'.repeat(40) });
  const nothing = { inbox: 0, processing: 0, review: 0, escalated: 0, failed: 0 };
  expect(await mailbox.counts()).toEqual({ ...nothing, done: 1, quarantine: 0 });
}

/** At the instant of the kill: whole, in one tray at most, and not lost once it was accepted. */
async function judge(lines: readonly string[]): Promise<void> {
  const lies = whereItLies();
  expect(lies.length).toBeLessThanOrEqual(1);
  if (lines.length > 0) expect(lies).toHaveLength(1);
  if (lines.at(-1) === 'failed') expect(lies).toEqual(['failed']);
  await finish();
}

describe('a kill at every crash point', () => {
  it('loses nothing, doubles nothing, and the next pass goes on', async () => {
    const points = numberPoints(children.record(['life', box.state]));
    expect(points.length).toBeGreaterThan(25);
    for (const [index, point] of points.entries()) {
      if (index % STEP !== 0) continue;
      renew();
      const { lines, killed } = children.run(['life', box.state], { AGENTOS_CRASH: point });
      expect(killed, point).toBe(true);
      await judge(lines);
    }
  });
});

describe.skipIf(!hasProgram('strace'))('a kill at every k-th system call (needs strace)', () => {
  const calls = ['link,linkat', 'unlink,unlinkat', 'rename,renameat,renameat2', 'fsync'];
  it.each(calls)('%s', async (call) => {
    let kills = 0;
    for (let k = 1; k < 100; k += STEP) {
      renew();
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${k}`];
      const { lines, killed } = children.runUnder(['strace', '-f', '-qq', '-o', '/dev/null', ...inject], ['life', box.state]);
      if (!killed) break;
      kills++;
      await judge(lines);
    }
    expect(kills).toBeGreaterThan(0);
    expect(kills).toBeLessThan(99);
  });
});

describe.skipIf(!hasProgram('strace'))('a disk that refuses (needs strace)', () => {
  it.each([
    ['fsync', 'EIO'],
    ['fsync', 'ENOSPC'],
    ['rename,renameat,renameat2', 'ENOSPC'],
    ['rename,renameat,renameat2', 'EROFS'],
    ['link,linkat', 'EROFS'],
  ])('%s fails with %s at any time: no success is reported, nothing is lost', async (call, errno) => {
    let refused = 0;
    for (let k = 1; k < 100; k += STEP * 2 - 1) {
      renew();
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${errno}:when=${k}`];
      const { lines } = children.runUnder(['strace', '-f', '-qq', '-o', '/dev/null', ...inject], ['life', box.state]);
      if (lines.at(-1) === 'failed') break;
      refused++;
      expect(lines.at(-1)).toBe('error io');
      await judge(lines.slice(0, -1));
    }
    expect(refused).toBeGreaterThan(0);
  });
});

describe.skipIf(!hasProgram('prlimit'))('a disk that takes a part of a file (needs prlimit)', () => {
  const starved = ['prlimit', '--fsize=2048'];

  it('refuses to submit, and leaves nothing half visible', async () => {
    await box.mailbox.counts();
    expect(children.runUnder(starved, ['submit', box.state, '50000']).lines).toEqual(['error io']);
    expect([...readdirSync(`${box.root}/inbox`), ...readdirSync(`${box.root}/tmp`)]).toEqual([]);
    expect(children.run(['submit', box.state, '50000']).lines).toEqual(['written']);
  });

  it('keeps the old content of a task that cannot be settled', async () => {
    await box.mailbox.submit(task, 'Body');
    expect(children.runUnder(starved, ['grow', box.state, '5000']).lines).toEqual(['error io']);
    expect(await box.mailbox.find(ID)).toMatchObject({ task, tray: 'processing' });
    await finish();
  });
});

describe('twenty processes at the same tasks', () => {
  it('publish each once, and claim each once', async () => {
    await box.mailbox.counts();
    const at = String(Date.now() + 1500);
    const output = await Promise.all(Array.from({ length: 20 }, () => children.start(['race', box.state, at, '8'])));
    const ids = Array.from({ length: 8 }, (_, n) => buildTask({ issue: n + 1 }).id);
    const expected = ids.flatMap((id) => [`claimed ${id}`, `submitted ${id}`]).sort();
    expect(output.flat().sort()).toEqual(expected);
    expect(await box.mailbox.counts()).toMatchObject({ inbox: 0, processing: 8, quarantine: 0 });
  });
});

function renew(): void {
  box.remove();
  box = openBox();
}
