/** Kills a process between any two steps of an effect, and lets twenty try the same one. */
import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEffects } from '../../src/core/effects/journal.ts';
import { buildChildren, type Children, numberPoints } from '../support/mailbox-processes.ts';
import { type Box, openBox } from '../support/mailbox-task.ts';

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

const world = () => `${box.state}/world`;
const subject = { repo: 'acme/shop', subject: '#12', kind: 'create-comment', key: 'status' };
const journal = () => openEffects({ root: `${box.state}/effects`, clock: { now: () => new Date() }, consistentReads: true });

describe('an effect that is killed at every crash point', () => {
  it('has happened exactly once after the next try', async () => {
    const points = numberPoints(children.record(['effect', box.state, world()]));
    expect(points).toEqual(expect.arrayContaining(['effect:create-comment:after-intent:1', 'world:after:1']));
    for (const point of points) {
      box.remove();
      box = openBox();
      expect(children.run(['effect', box.state, world()], { AGENTOS_CRASH: point }).killed, point).toBe(true);
      const { lines } = children.run(['effect', box.state, world()]);
      const made = readdirSync(world());
      expect(made, point).toHaveLength(1);
      expect(lines).toEqual([`result ${made[0]}`]);
      expect(await journal().find(subject)).toMatchObject({ state: 'done', result: made[0] });
    }
  });
});

describe('twenty processes at the same effect', () => {
  it('make it happen once', async () => {
    const output = await Promise.all(Array.from({ length: 20 }, () => children.start(['effect', box.state, world()])));
    const [made, ...more] = readdirSync(world());
    expect(more).toEqual([]);
    const said = new Set(output.flat());
    expect(said).toContain(`result ${made}`);
    said.delete(`result ${made}`);
    said.delete('error locked');
    expect([...said]).toEqual([]);
  });
});
