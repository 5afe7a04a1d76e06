/** Every denial holds under bubblewrap, and is seen to be missing where nothing is denied. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Denial, proveDenials } from '../../../src/core/sandbox/denials.ts';
import type { Sandbox, SandboxRun } from '../../../src/core/sandbox/sandbox.ts';
import { hasBwrap, makePlace, openDriver, type Place } from '../../support/sandboxes.ts';

let place: Place;
afterEach(() => place.remove());

const BOUNDS = ['files of any size', 'filling /tmp', 'processes without end', 'the memory of others'];
const isRoot = process.getuid?.() === 0;

async function prove(kind: Sandbox['kind'], change: (run: SandboxRun) => SandboxRun = (run) => run): Promise<Map<string, Denial>> {
  place = makePlace();
  const sandbox = await openDriver(kind, place);
  const key = join(place.root, 'key');
  writeFileSync(key, 'secret');
  const changed: Sandbox = { ...sandbox, run: (run, signal) => sandbox.run(change(run), signal) };
  const denials = await proveDenials(changed, place.state, [key]);
  expect(readdirSync(place.state)).toEqual(['workspaces']);
  return new Map(denials.map((denial) => [denial.what, denial]));
}

describe.skipIf(!hasBwrap)('under bubblewrap', () => {
  it('everything is denied, and bounded as far as the kernel does it', async () => {
    const found = await prove('bubblewrap');
    expect(found.size).toBe(14);
    const rest = [...found.values()].filter(({ state }) => state !== 'denied');
    expect(rest.map(({ what, state }) => [what, state])).toEqual(isRoot ? [['processes without end', 'unlimited']] : []);
  });

  it('what one run is given is seen as open, and nothing else', async () => {
    const network = await prove('bubblewrap', (run) => ({ ...run, network: true }));
    expect([network.get('the network')?.state, network.get('the network')?.how]).toEqual(['open', expect.stringContaining('the loopback')]);
    expect(network.get('reading state, configuration and keys')?.state).toBe('denied');
    place.remove();
    const shown = await prove('bubblewrap', (run) => ({ ...run, readable: [...run.readable, join(place.root, 'key')] }));
    expect(shown.get('reading state, configuration and keys')).toMatchObject({ state: 'open', how: join(place.root, 'key') });
    place.remove();
    const env = await prove('bubblewrap', (run) => ({ ...run, env: { TOKEN: 'x' } }));
    expect(env.get('the environment of others')).toMatchObject({ state: 'open', how: expect.stringContaining('TOKEN') });
  });
});

it('unconfined, what is not denied is seen', async () => {
  const found = await prove('unconfined');
  const open = [...found.values()].filter(({ state }) => state === 'open').map(({ what }) => what);
  for (const what of [
    'writing outside the workspace',
    'reading state, configuration and keys',
    'processes of others',
    'the network',
    'sockets of this machine',
    'the keyrings of this user',
  ]) {
    expect(open).toContain(what);
  }
  expect([...found.keys()].filter((what) => BOUNDS.includes(what))).toEqual(BOUNDS);
});
