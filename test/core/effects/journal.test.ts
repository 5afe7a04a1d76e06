import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Effect, EffectRecord, Recorded } from '../../../src/core/effects/effects.ts';
import { openEffects } from '../../../src/core/effects/journal.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import { type Owner, thisProcess } from '../../../src/core/liveness.ts';
import { DEAD } from '../../support/mailbox-task.ts';

let root: string;
let now: Date;
const clock = { now: () => now };
/** Alive for as long as the test runs, and not this process: its parent. */
const OTHER: Owner = { ...thisProcess(), pid: process.ppid, start: startOf(process.ppid) };

function startOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

/** A forge that holds one thing, and counts what it was asked. */
class World {
  result: Recorded | undefined;
  probes = 0;
  acts = 0;
  /** What the next request ends with; `commits`: it comes through all the same. */
  fault: { error: Error; commits?: boolean } | undefined;

  effect(fields: Partial<Effect<Recorded>> = {}): Effect<Recorded> {
    return {
      repo: 'acme/shop',
      subject: '#12',
      kind: 'open-pull-request',
      key: 'acme__shop-12-1',
      nature: 'once',
      probe: async () => {
        this.probes++;
        return this.result;
      },
      act: async () => {
        this.acts++;
        const fault = this.fault;
        this.fault = undefined;
        if (!fault || fault.commits) this.result = { number: 17 };
        if (fault) throw fault.error;
        return { number: 17 };
      },
      ...fields,
    };
  }
}

beforeEach(() => {
  root = `${mkdtempSync(join(tmpdir(), 'agentos-effects-'))}/effects`;
  now = new Date('2026-11-22T10:00:00.000Z');
});
afterEach(() => rmSync(join(root, '..'), { recursive: true, force: true }));

const open = (consistentReads: boolean | (() => boolean) = true, owner?: Owner) =>
  openEffects({ root, clock, consistentReads, ...(owner && { owner }) });

const files = (): string[] => {
  try {
    return readdirSync(`${root}/acme__shop`);
  } catch {
    return [];
  }
};

const later = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

describe('an effect that happens once', () => {
  it('is acted on once, recorded, and returned without asking from then on', async () => {
    const world = new World();
    const effects = open();
    expect(await effects.ensure(world.effect({ payload: { title: 'T' } }))).toEqual({ number: 17 });
    expect(await open().ensure(world.effect())).toEqual({ number: 17 });
    expect(world).toMatchObject({ acts: 1, probes: 1 });
    const record = await effects.find(world.effect());
    expect(record).toMatchObject({ state: 'done', result: { number: 17 }, payload: { title: 'T' }, recordedAt: now.toISOString() });
    expect(record).not.toHaveProperty('owner');
    expect(files()).toEqual([`${record?.id}.json`]);
  });

  it('writes its intent durably before it asks the forge and before it acts', async () => {
    const world = new World();
    const effects = open();
    const seen: (string | undefined)[] = [];
    const look = async () => {
      seen.push((await effects.find(world.effect()))?.state);
    };
    const effect = world.effect();
    await effects.ensure({
      ...effect,
      probe: () => look().then(() => effect.probe()),
      act: () => look().then(() => effect.act()),
    });
    expect(seen).toEqual(['intent', 'intent']);
  });

  it('adopts what is there already', async () => {
    const world = new World();
    world.result = { number: 9 };
    expect(await open().ensure(world.effect())).toEqual({ number: 9 });
    expect(world.acts).toBe(0);
    expect((await open().find(world.effect()))?.result).toEqual({ number: 9 });
  });

  it.each(['refused', 'conflict', 'not_found', 'auth', 'usage', 'rate_limit'] as const)(
    'records a definite `%s`, and may try again',
    async (code) => {
      const world = new World();
      world.fault = { error: new AgentOsError(code, 'no') };
      await expect(open(false).ensure(world.effect())).rejects.toMatchObject({ code });
      expect(await open().find(world.effect())).toMatchObject({ state: 'failed', error: 'no' });
      expect(await open(false).ensure(world.effect())).toEqual({ number: 17 });
      expect(world).toMatchObject({ acts: 2, probes: 2 });
    },
  );

  it('says that nothing was sent when the forge could not even be asked', async () => {
    const world = new World();
    const down = new AgentOsError('unavailable', 'down');
    await expect(open(false).ensure(world.effect({ probe: () => Promise.reject(down) }))).rejects.toBe(down);
    expect(await open().find(world.effect())).toMatchObject({ state: 'failed', error: 'nothing was sent: down' });
    expect(await open(false).ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(1);
  });
});

describe('an unknown outcome', () => {
  const faults: [string, Error][] = [
    ['timeout', new AgentOsError('timeout', 'slow')],
    ['unavailable', new AgentOsError('unavailable', 'down')],
    ['unknown_outcome', new AgentOsError('unknown_outcome', 'cut')],
    ['corrupt', new AgentOsError('corrupt', 'an answer that is no answer')],
    ['a bug', new TypeError('undefined is not a function')],
  ];

  it.each(faults)('after `%s` is adopted when it came through', async (_, error) => {
    const world = new World();
    world.fault = { error, commits: true };
    await expect(open(false).ensure(world.effect())).rejects.toBe(error);
    expect(await open().find(world.effect())).toMatchObject({ state: 'intent' });
    expect(await open(false).ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(1);
    expect(await open().find(world.effect())).toMatchObject({ state: 'done', result: { number: 17 } });
  });

  it('is tried again at once where reads are consistent', async () => {
    const world = new World();
    world.fault = { error: new AgentOsError('timeout', 'slow') };
    await expect(open().ensure(world.effect())).rejects.toMatchObject({ code: 'timeout' });
    later(1000);
    expect(await open(() => true).ensure(world.effect())).toEqual({ number: 17 });
    expect(world).toMatchObject({ acts: 2, probes: 2 });
  });

  it('waits for three empty probes and a minute where they are not', async () => {
    const world = new World();
    const effects = open(() => false);
    world.fault = { error: new AgentOsError('timeout', 'slow') };
    await expect(effects.ensure(world.effect())).rejects.toMatchObject({ code: 'timeout' });
    for (const wait of [0, 30_000, 29_999]) {
      later(wait);
      await expect(effects.ensure(world.effect())).rejects.toMatchObject({
        code: 'unknown_outcome',
        temporary: true,
        retryAt: new Date('2026-11-22T10:01:00.000Z'),
      });
    }
    expect(await effects.find(world.effect())).toMatchObject({ state: 'intent', emptyProbes: 3, lastProbeAt: now.toISOString() });
    expect(world.acts).toBe(1);
    later(1);
    expect(await effects.ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(2);
  });

  it('needs the three probes even after a day, and starts anew when it is tried again', async () => {
    const world = new World();
    const effects = open(false);
    const cut = () => {
      world.fault = { error: new AgentOsError('unknown_outcome', 'cut') };
    };
    cut();
    await expect(effects.ensure(world.effect())).rejects.toMatchObject({ code: 'unknown_outcome' });
    later(86_400_000);
    for (let n = 0; n < 2; n++)
      await expect(effects.ensure(world.effect())).rejects.toMatchObject({ message: expect.stringMatching(/nobody knows yet/) });
    cut();
    await expect(effects.ensure(world.effect())).rejects.toMatchObject({ message: 'cut' });
    expect(world.acts).toBe(2);
    const record = await effects.find(world.effect());
    expect(record).toMatchObject({ state: 'intent', intendedAt: now.toISOString() });
    expect(record).not.toHaveProperty('emptyProbes');
    await expect(effects.ensure(world.effect())).rejects.toMatchObject({ message: expect.stringMatching(/nobody knows yet/) });
  });
});

describe('an unreadable record', () => {
  it('is an intent of unknown outcome: set aside, probed, never blind', async () => {
    const world = new World();
    await open().ensure(world.effect());
    const [name] = files();
    writeFileSync(`${root}/acme__shop/${name}`, '{"version":1,"state":"do');
    expect(await open(false).ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(1);
    expect(readdirSync(`${root}/quarantine`)).toEqual([`acme__shop-${name}`]);

    writeFileSync(`${root}/acme__shop/${name}`, '');
    world.result = undefined;
    await expect(open(false).ensure(world.effect())).rejects.toMatchObject({ code: 'unknown_outcome' });
    expect(world.acts).toBe(1);
    expect(readdirSync(`${root}/quarantine`)).toHaveLength(2);
  });
});

describe('an effect that makes something so', () => {
  const state = (world: World) => world.effect({ kind: 'add-label', key: 'ready', nature: 'state' });

  it('asks each time, and writes nothing when it is so', async () => {
    const world = new World();
    world.result = true;
    expect(await open().ensure(state(world))).toBe(true);
    expect(files()).toEqual([]);
    expect(world).toMatchObject({ probes: 1, acts: 0 });
  });

  it('acts again when it is not so any more', async () => {
    const world = new World();
    const effects = open(false);
    await effects.ensure(state(world));
    world.result = undefined;
    later(5);
    await effects.ensure(state(world));
    expect(world).toMatchObject({ acts: 2, probes: 2 });
    expect(await effects.find(state(world))).toMatchObject({ state: 'done', intendedAt: now.toISOString() });
  });

  it('closes an open record of its own', async () => {
    const world = new World();
    world.fault = { error: new AgentOsError('timeout', 'slow'), commits: true };
    await expect(open().ensure(state(world))).rejects.toMatchObject({ code: 'timeout' });
    await open().ensure(state(world));
    expect(await open().find(state(world))).toMatchObject({ state: 'done' });
    expect(world.acts).toBe(1);
  });
});

describe('several at the same effect', () => {
  it('lets one act, and tells the others', async () => {
    const world = new World();
    const effects = open();
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const effect = world.effect();
    const first = effects.ensure({ ...effect, act: () => gate.then(() => effect.act()) });
    await expect(effects.ensure(world.effect())).rejects.toMatchObject({ code: 'locked', temporary: true });
    await expect(open(true, OTHER).ensure(world.effect())).rejects.toMatchObject({ code: 'locked' });
    go();
    expect(await first).toEqual({ number: 17 });
    expect(await open(true, OTHER).ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(1);
  });

  it('returns what is so already, whoever is at it', async () => {
    const world = new World();
    world.result = true;
    const label = world.effect({ nature: 'state' });
    const other = open(true, OTHER).ensure({ ...label, probe: async () => undefined, act: () => new Promise<Recorded>(() => {}) });
    void other.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await open().ensure(label)).toBe(true);
  });

  it('takes over from an owner that is gone, as from an unknown outcome', async () => {
    const world = new World();
    void open(false, DEAD).ensure(world.effect({ act: () => new Promise<Recorded>(() => {}) }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await open().find(world.effect())).toMatchObject({ state: 'intent', owner: DEAD });
    await expect(open(false).ensure(world.effect())).rejects.toMatchObject({ code: 'unknown_outcome' });
    expect(await open(true).ensure(world.effect())).toEqual({ number: 17 });
    expect(world.acts).toBe(1);
  });
});

describe('reading the journal', () => {
  it('lists the records of a repository, of one kind when asked, oldest first', async () => {
    const effects = open();
    for (const [kind, key] of [
      ['add-label', 'b'],
      ['add-label', 'a'],
      ['create-comment', 'c'],
    ] as const) {
      await effects.ensure(new World().effect({ kind, key }));
      later(1000);
    }
    await effects.ensure(new World().effect({ repo: 'acme/other' }));
    const keys = (records: EffectRecord[]) => records.map((record) => record.key);
    expect(keys(await effects.list('acme/shop'))).toEqual(['b', 'a', 'c']);
    expect(keys(await effects.list('acme/shop', 'add-label'))).toEqual(['b', 'a']);
    expect(await effects.list('acme/none')).toEqual([]);
  });

  it('does not take a list with an unreadable record for a whole one', async () => {
    const effects = open();
    await effects.ensure(new World().effect());
    writeFileSync(`${root}/acme__shop/${files()[0]}`, '{}');
    await expect(effects.list('acme/shop')).rejects.toMatchObject({ code: 'corrupt' });
  });
});
