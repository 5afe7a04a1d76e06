import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitStatus } from '../../../src/core/errors.ts';
import { asOrdinaryUser } from '../../support/ordinary-user.ts';
import { MINIMAL, makeConfigDirectory } from './config-directory.ts';

describe('where the configuration is looked for', () => {
  test('--config wins over $AGENTOS_CONFIG, which wins over ./config.yaml, which wins over the user directory', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.home, '.config', 'agentos'), { recursive: true });
    mkdirSync(join(dir.root, 'xdg', 'agentos'), { recursive: true });
    for (const name of ['given.yaml', 'env.yaml', 'config.yaml', 'xdg/agentos/config.yaml', 'home/.config/agentos/config.yaml']) {
      dir.write(name, MINIMAL);
    }
    const env = { HOME: dir.home, AGENTOS_CONFIG: 'env.yaml', XDG_CONFIG_HOME: join(dir.root, 'xdg') };
    expect((await dir.load('given.yaml', env)).path).toBe(join(dir.root, 'given.yaml'));
    expect((await dir.load(undefined, env)).path).toBe(join(dir.root, 'env.yaml'));
    expect((await dir.load(undefined, { ...env, AGENTOS_CONFIG: '' })).path).toBe(join(dir.root, 'config.yaml'));
  });

  test('without ./config.yaml the user directory is used; a relative XDG_CONFIG_HOME counts as unset', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.home, '.config', 'agentos'), { recursive: true });
    mkdirSync(join(dir.root, 'xdg', 'agentos'), { recursive: true });
    const own = dir.write('home/.config/agentos/config.yaml', MINIMAL);
    const xdg = dir.write('xdg/agentos/config.yaml', MINIMAL);
    expect((await dir.load(undefined, { HOME: dir.home, XDG_CONFIG_HOME: join(dir.root, 'xdg') })).path).toBe(xdg);
    expect((await dir.load(undefined, { HOME: dir.home, XDG_CONFIG_HOME: 'xdg' })).path).toBe(own);
  });

  test('none: the error names every place and the remedy', async () => {
    const dir = makeConfigDirectory();
    const error = await dir.fail();
    expect(error.code).toBe('config');
    expect(exitStatus(error)).toBe(78);
    expect(error.message).toBe(`no configuration: looked for \`${dir.root}/config.yaml\` and \`${dir.home}/.config/agentos/config.yaml\``);
    expect(error.hint).toContain('agentos init');
    expect((await dir.fail(undefined, {})).message).toBe(`no configuration: looked for \`${dir.root}/config.yaml\``);
  });

  test('a file that is named but missing is an error even where another would be found', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL);
    expect((await dir.fail('nowhere.yaml')).message).toBe(
      `no configuration: \`--config\` names \`${dir.root}/nowhere.yaml\`, which does not exist`,
    );
    const error = await dir.fail(undefined, { HOME: dir.home, AGENTOS_CONFIG: '/nowhere.yaml' });
    expect(error.message).toBe('no configuration: `$AGENTOS_CONFIG` names `/nowhere.yaml`, which does not exist');
  });
});

describe('the file itself', () => {
  test.each([0o620, 0o602, 0o666])('refused when other users can write it: mode %o', async (mode) => {
    const dir = makeConfigDirectory();
    const path = dir.write('config.yaml', MINIMAL, mode);
    const error = await dir.fail();
    expect(error.code).toBe('config');
    expect(error.message).toBe(`\`${path}\` can be written by other users`);
    expect(error.hint).toBe(`Run \`chmod go-w ${path}\`.`);
  });

  test('a directory, a FIFO and a device are refused without waiting for them', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.root, 'config.yaml'));
    expect((await dir.fail()).message).toContain('is not a regular file');
    expect(spawnSync('mkfifo', ['-m', '600', join(dir.root, 'pipe')]).status).toBe(0);
    expect((await dir.fail('pipe')).message).toContain('is not a regular file');
    expect((await dir.fail('/dev/zero')).message).toContain('is not a regular file');
  });

  test('a link loop and an unreadable path are configuration errors', async () => {
    const dir = makeConfigDirectory();
    symlinkSync('loop.yaml', join(dir.root, 'loop.yaml'));
    const error = await dir.fail('loop.yaml');
    expect(error.code).toBe('config');
    expect(error.message).toContain(`cannot read \`${dir.root}/loop.yaml\``);
  });

  test('an unreadable file is a configuration error', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL, 0o000);
    chmodSync(dir.root, 0o755);
    const error = await asOrdinaryUser(() => dir.fail());
    expect(error.code).toBe('config');
    expect(error.hint).toContain('read permission');
  });

  test('more than 256 kB and bytes that are not UTF-8 are refused', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', `${MINIMAL}#${'x'.repeat(1_000_000)}\n`);
    expect((await dir.fail()).message).toBe(`\`${dir.root}/config.yaml\` is larger than 256 kB`);
    dir.write('config.yaml', Buffer.concat([Buffer.from(MINIMAL), Buffer.from([0x23, 0xff, 0xfe, 0x0a])]));
    expect((await dir.fail()).message).toBe(`\`${dir.root}/config.yaml\` is not UTF-8 text`);
  });

  test('a link to the file is followed; relative paths belong to the place that was named', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.root, 'dotfiles'));
    dir.write('dotfiles/agentos.yaml', MINIMAL);
    symlinkSync('dotfiles/agentos.yaml', join(dir.root, 'config.yaml'));
    expect((await dir.load()).state_dir).toBe(join(dir.root, 'state'));
  });
});

describe('the loaded value', () => {
  const written = `state_dir: ~/state
forge: { kind: local, root: ../forge }
repos: [{ name: acme/shop }]
agents:
  near: { kind: command, command: [./tools/run, ./left/alone] }
  home: { kind: command, command: [~/bin/run] }
  path: { kind: command, command: [claude] }
routing: { default: [near, home, path] }
sandbox: { readable: [~/.nvm, /opt/tools/, tools] }
`;

  test('paths are absolute: relative to the file, `~` from HOME, a bare program name untouched', async () => {
    const dir = makeConfigDirectory();
    mkdirSync(join(dir.root, 'sub'));
    const path = dir.write('sub/config.yaml', written);
    const config = await dir.load('sub/config.yaml');
    expect(config.path).toBe(path);
    expect(config.state_dir).toBe(join(dir.home, 'state'));
    expect(config.forge).toEqual({ kind: 'local', root: join(dir.root, 'forge') });
    expect(config.sandbox.readable).toEqual([join(dir.home, '.nvm'), '/opt/tools', join(dir.root, 'sub/tools')]);
    const commands = Object.values(config.agents).map((agent) => (agent.kind === 'command' ? agent.command : []));
    expect(commands).toEqual([[join(dir.root, 'sub/tools/run'), './left/alone'], [join(dir.home, 'bin/run')], ['claude']]);
  });

  test('GitHub: its defaults, and the place of the key of an app', async () => {
    const dir = makeConfigDirectory();
    const write = (forge: string) => dir.write('config.yaml', MINIMAL.replace('{ kind: local, root: ./forge }', forge));
    write('{ kind: github }');
    const plain = {
      kind: 'github',
      token_env: 'GITHUB_TOKEN',
      api_url: 'https://api.github.com',
      machine_account: false,
      writes: { per_minute: 60, per_hour: 450 },
    };
    expect((await dir.load()).forge).toEqual(plain);
    write('{ kind: github, api_url: "https://ghe.example.com/api/v3/", app: { id: 1, installation_id: 2, private_key_file: key.pem } }');
    expect((await dir.load()).forge).toEqual({
      ...plain,
      api_url: 'https://ghe.example.com/api/v3',
      app: { id: 1, installation_id: 2, private_key_file: join(dir.root, 'key.pem') },
    });
  });

  test('a column of a project stands in the place of the label, in at most 50 characters', async () => {
    const dir = makeConfigDirectory();
    const label = async (value: string) => {
      const ready = `{ project: 4, field: Status, value: ${value} }`;
      dir.write('config.yaml', MINIMAL.replace('local, root: ./forge', 'github').replace('acme/shop', `acme/shop\n    ready: ${ready}`));
      return (await dir.load()).repos[0]?.ready.label ?? '';
    };
    expect(await label('Ready')).toBe('project 4: Status is Ready');
    const long = [await label(`Ready${'!'.repeat(60)}`), await label(`Ready${'!'.repeat(61)}`)];
    expect(long.map((text) => text.length)).toEqual([50, 50]);
    expect(new Set(long).size).toBe(2);
    expect(long[0]).toMatch(/^project 4: Status is Ready!+… [0-9a-f]{8}$/);
  });

  test('the defaults are the safe ones', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL.replace('state_dir: ./state\n', ''));
    expect(await dir.load()).toEqual({
      path: join(dir.root, 'config.yaml'),
      state_dir: join(dir.home, '.local/state/agentos'),
      forge: { kind: 'local', root: join(dir.root, 'forge') },
      repos: [
        {
          name: 'acme/shop',
          automation: 'supervised',
          trusted: 'write',
          ready: { label: 'ready' },
          setup: [],
          verify: [],
          protected_paths: [],
          merge_method: 'squash',
          max_open_pull_requests: 5,
          local_ci: [],
        },
      ],
      agents: { patch: { kind: 'patch', timeout_minutes: 45, silence_minutes: 10 } },
      routing: { default: ['patch'] },
      models: [],
      dispatch: { split_epics: true, auto_ready: false },
      queue: { max_parallel: 2, max_attempts: 4, max_infrastructure: 5 },
      budgets: { per_agent_month_usd: {}, per_agent_day_runs: {} },
      prices: {},
      sandbox: { mode: 'required', readable: [], disk_mb: 10_240, network: [] },
      identity: { name: 'Agent OS', email: 'agentos@example.com' },
      groom: { apply: false, stale_days: 90 },
      plan: { size: 5, cadence_days: 7, auto_ready: false },
    });
  });

  test('it is frozen to the last list', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL);
    const parts: unknown[] = [await dir.load()];
    for (const part of parts) {
      if (typeof part !== 'object' || part === null) continue;
      expect(Object.isFrozen(part)).toBe(true);
      parts.push(...Object.values(part));
    }
    expect(parts.length).toBeGreaterThan(40);
  });

  test('HOME is needed only where a path starts with `~`', async () => {
    const dir = makeConfigDirectory();
    dir.write('config.yaml', MINIMAL);
    expect((await dir.load(undefined, {})).state_dir).toBe(join(dir.root, 'state'));
    dir.write('config.yaml', written);
    expect((await dir.fail(undefined, {})).message.split('\n')).toEqual([
      '3 problems in the configuration',
      'config.yaml:1: state_dir: `~` needs HOME, which is not set; write an absolute path',
      'config.yaml:6: agents.home.command[0]: `~` needs HOME, which is not set; write an absolute path',
      'config.yaml:9: sandbox.readable[0]: `~` needs HOME, which is not set; write an absolute path',
    ]);
    dir.write('config.yaml', MINIMAL.replace('state_dir: ./state\n', ''));
    expect((await dir.fail(undefined, { HOME: 'relative' })).message).toBe(
      'config.yaml:1: state_dir: `~` needs HOME, which is not set; write an absolute path',
    );
  });
});
