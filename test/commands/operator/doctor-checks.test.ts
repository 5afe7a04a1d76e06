import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atLeast, checkMachine, checkSandbox, checkState, guard } from '../../../src/commands/operator/doctor-checks.ts';
import { statePaths } from '../../../src/core/config/paths.ts';
import { AgentOsError } from '../../../src/core/errors.ts';
import type { Ports } from '../../../src/core/ports.ts';
import { openSandbox } from '../../../src/core/sandbox/open-sandbox.ts';
import { hasBwrap, PATH } from '../../support/sandboxes.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'agentos-doctor-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('atLeast', () => {
  it.each<[string, [number, number], boolean]>([
    ['2.38.0', [2, 38], true],
    ['2.37.9', [2, 38], false],
    ['git version 2.39.5', [2, 38], true],
    ['3.0', [2, 38], true],
    ['1.99', [2, 38], false],
    ['20.19.0', [20, 19], true],
    ['20.9.1', [20, 19], false],
    ['unknown', [2, 38], false],
  ])('%s, %j: %s', (version, least, expected) => {
    expect(atLeast(version, least)).toBe(expected);
  });
});

describe('checkMachine', () => {
  it('wants flock on PATH and a new Node', () => {
    expect(checkMachine('18.0.0', dir).map(({ name, state }) => `${name} ${state}`)).toEqual(['node bad', 'flock bad']);
    symlinkSync('/bin/sh', join(dir, 'flock'));
    expect(checkMachine('24.1.0', dir).map(({ state }) => state)).toEqual(['ok', 'ok']);
  });
});

describe('checkState', () => {
  const state = (root: string) => checkState({ paths: statePaths(root) } as Ports).filter(({ name }) => name === 'state');

  it('takes a private directory', () => {
    mkdirSync(join(dir, 'state'), { mode: 0o700 });
    expect(state(join(dir, 'state'))).toEqual([{ name: 'state', state: 'ok', what: join(dir, 'state') }]);
  });

  it('warns of one that others can read, and of one in a repository', () => {
    mkdirSync(join(dir, '.git'));
    mkdirSync(join(dir, 'open'), { mode: 0o755 });
    const found = state(join(dir, 'open'));
    expect(found.map((check) => check.state)).toEqual(['warn', 'warn']);
    expect(found.map((check) => check.remedy)).toEqual([`Run \`chmod 700 ${join(dir, 'open')}\`.`, expect.stringContaining('`state_dir`')]);
  });
});

describe.skipIf(!hasBwrap)('checkSandbox', () => {
  const own = process.env['HOME'];
  afterEach(() => {
    process.env['HOME'] = own;
  });

  it('says what of HOME is shown', async () => {
    const home = join(dir, 'home');
    process.env['HOME'] = home;
    mkdirSync(join(home, 'bin'), { recursive: true });
    const sandbox = async () =>
      (await openSandbox({ mode: 'required', path: `${home}/bin:${PATH}`, readable: [], stateDir: join(dir, 'state') })).sandbox;
    const checks = await checkSandbox({
      sandbox,
      paths: statePaths(join(dir, 'state')),
      config: { path: join(dir, 'config.yaml') },
    } as unknown as Ports);
    expect(checks.map(({ what }) => what)).toContain(`of HOME, agents read for the sake of PATH: ${home}/bin`);
  });
});

describe('guard', () => {
  it('turns an error into what was found, and lets our own bugs through', async () => {
    const thrown = async () => {
      throw new AgentOsError('unavailable', 'no answer', { hint: 'Wait.' });
    };
    expect(await guard('forge', thrown)).toEqual([{ name: 'forge', state: 'bad', what: 'no answer', remedy: 'Wait.' }]);
    const bug = async () => {
      throw new TypeError('ours');
    };
    await expect(guard('forge', bug)).rejects.toThrow(TypeError);
  });
});
