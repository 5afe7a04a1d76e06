/** A directory with a configuration file in it, and a HOME of its own. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { loadConfig } from '../../../src/core/config/load.ts';
import type { LoadedConfig } from '../../../src/core/config/schema.ts';
import { AgentOsError } from '../../../src/core/errors.ts';

export const MINIMAL = `state_dir: ./state
forge: { kind: local, root: ./forge }
repos:
  - name: acme/shop
agents:
  patch: { kind: patch }
routing: { default: [patch] }
`;

const made: string[] = [];

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

export interface ConfigDirectory {
  /** Without symbolic links in it. */
  root: string;
  /** HOME of the loads; exists. */
  home: string;
  write(name: string, text: string | Uint8Array, mode?: number): string;
  load(path?: string, env?: NodeJS.ProcessEnv): Promise<LoadedConfig>;
  /** Loads what must fail. */
  fail(path?: string, env?: NodeJS.ProcessEnv): Promise<AgentOsError>;
}

export function makeConfigDirectory(): ConfigDirectory {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'agentos-config-')));
  made.push(root);
  const home = join(root, 'home');
  mkdirSync(home);
  const load: ConfigDirectory['load'] = (path, env = { HOME: home }) => loadConfig({ path, env, cwd: root });
  return {
    root,
    home,
    write(name, text, mode = 0o600) {
      const path = join(root, name);
      writeFileSync(path, text);
      chmodSync(path, mode);
      return path;
    },
    load,
    async fail(path, env) {
      const error = await load(path, env).then(
        () => new Error('it loaded'),
        (thrown: unknown) => thrown,
      );
      if (error instanceof AgentOsError) return error;
      throw error;
    },
  };
}
