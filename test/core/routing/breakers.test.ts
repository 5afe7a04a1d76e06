import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderOwner, startTime, thisProcess } from '../../../src/core/liveness.ts';
import { admitRun, changeBreaker, endProbe, readBreaker } from '../../../src/core/routing/breakers.ts';

let root: string;
let places: { breakers: string; locks: string };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'breakers-'));
  places = { breakers: join(root, 'breakers'), locks: join(root, 'locks') };
  mkdirSync(places.breakers);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const NOW = new Date('2026-11-22T12:10:00.000Z');
const BREAKER = { failures: 2, until: NOW.toISOString(), code: 'provider_auth', reason: 'the key is refused', since: NOW.toISOString() };
const open = (agent = 'claude', breaker: object = BREAKER) => writeFileSync(`${places.breakers}/${agent}.json`, JSON.stringify(breaker));
const read = (agent = 'claude') => readBreaker(places.breakers, agent);

describe('breakers on disk', () => {
  it('are read as they were written, each agent its own', () => {
    changeBreaker(places, 'claude', () => BREAKER);
    expect(read()).toEqual(BREAKER);
    expect(read('codex')).toBeUndefined();
  });
  it('leave nothing when they close, twice too', () => {
    changeBreaker(places, 'claude', () => BREAKER);
    for (let k = 0; k < 2; k++) changeBreaker(places, 'claude', () => undefined);
    expect(readdirSync(places.breakers)).toEqual([]);
  });
  it('are read as an older version wrote them', () => {
    const { since: _, ...older } = BREAKER;
    open('claude', older);
    expect(read()).toEqual(older);
  });
  it.each([
    ['no JSON', '{"failures":'],
    ['no breaker', '[]'],
    ['an instant that is none', JSON.stringify({ ...BREAKER, until: 'tomorrow' })],
    ['nothing', ''],
  ])('count as closed when the file holds %s', (_, text) => {
    writeFileSync(`${places.breakers}/claude.json`, text);
    expect(read()).toBeUndefined();
  });
  it('are changed one after the other, by whatever process', async () => {
    const breakers = new URL('../../../src/core/routing/breakers.ts', import.meta.url).href;
    const script = `import { changeBreaker } from ${JSON.stringify(breakers)};
      for (let k = 0; k < 20; k++) changeBreaker(${JSON.stringify(places)}, 'claude', (one) => ({ ...one, failures: one.failures + 1 }));`;
    open('claude', { ...BREAKER, failures: 1 });
    const run = () =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'inherit' });
        child.on('exit', resolve);
      });
    expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
    expect(read()?.failures).toBe(61);
  });
});

describe('after a rest', () => {
  const admit = (run: string, now = NOW) => admitRun(places, 'claude', run, now);

  it('one run tries the agent, and the next when that one is over', () => {
    open();
    expect(admit('t.1', new Date(NOW.getTime() - 1))).toBe(false);
    expect(admit('t.1')).toBe(true);
    expect(admit('t.2')).toBe(false);
    expect(admit('t.1')).toBe(true);
    endProbe(places, 'claude', 't.2');
    expect(admit('t.2')).toBe(false);
    endProbe(places, 'claude', 't.1');
    expect(admit('t.2')).toBe(true);
  });
  it('a run whose process was killed holds nobody back', async () => {
    const child = spawn('sleep', ['60']);
    const owner = { ...thisProcess(), pid: child.pid ?? 0, start: startTime(child.pid ?? 0) ?? 0 };
    open('claude', { ...BREAKER, probe: { run: 't.1', owner: renderOwner(owner) } });
    expect(admit('t.2')).toBe(false);
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(admit('t.2')).toBe(true);
  });
  it('nobody asks where the agent does not rest, and nothing is written', () => {
    expect(admit('t.1')).toBe(true);
    expect(readdirSync(root)).toEqual(['breakers']);
    open();
    endProbe(places, 'claude', 't.1');
    expect(JSON.parse(readFileSync(`${places.breakers}/claude.json`, 'utf8'))).toEqual(BREAKER);
  });
});
