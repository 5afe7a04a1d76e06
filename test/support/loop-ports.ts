/** Ports for one loop in a test: real state directory, log, lock and heartbeat; the forge and the journal are given. */

import type { LoopOptions } from '../../src/commands/run-command.ts';
import { ensureDirectory } from '../../src/core/atomic-file.ts';
import { statePaths } from '../../src/core/config/paths.ts';
import { Config, type LoadedConfig } from '../../src/core/config/schema.ts';
import type { Effects } from '../../src/core/effects/effects.ts';
import { openEventLog } from '../../src/core/events/log.ts';
import type { GitHub } from '../../src/core/github/github.ts';
import type { Models } from '../../src/core/models/models.ts';
import type { Output, Ports } from '../../src/core/ports.ts';

export const LOOP_OPTIONS: LoopOptions = { dryRun: false, json: false, verbose: false, quiet: false, repos: [] };

export interface LoopPorts {
  root: string;
  command: string;
  now: () => Date;
  repos: string[];
  forge: Partial<GitHub>;
  effects: Effects;
  models?: Models;
  /** More of the configuration file. */
  config?: Record<string, unknown>;
}

/** What the loop does not use is a test failure when it is opened after all. */
export function openLoopPorts(given: LoopPorts): Ports {
  const paths = statePaths(given.root);
  for (const dir of [paths.root, paths.locks, paths.loops]) ensureDirectory(dir);
  const file = Config.parse({
    state_dir: given.root,
    forge: { kind: 'local', root: `${given.root}/forge` },
    repos: given.repos.map((name) => ({ name })),
    agents: { patch: { kind: 'patch' } },
    routing: { default: ['patch'] },
    ...given.config,
  });
  const clock = { now: given.now };
  const unused = async (): Promise<never> => {
    throw new Error('this loop has no use for that port');
  };
  return {
    config: { ...file, path: `${given.root}/config.yaml` } as LoadedConfig,
    paths,
    clock,
    run: 'test-run',
    log: openEventLog({ dir: paths.events, clock, run: 'test-run', command: given.command }),
    signal: new AbortController().signal,
    forge: async () => given.forge as GitHub,
    spent: () => ({ requests: 0, points: 0 }),
    effects: async () => given.effects,
    mailbox: unused,
    git: unused,
    sandbox: unused,
    agents: unused,
    books: unused,
    models: async () => given.models,
  };
}

/** Collects what a command says. */
export function openOutput(): Output & { results: string[]; notes: string[] } {
  const results: string[] = [];
  const notes: string[] = [];
  return { results, notes, result: (text) => void results.push(text), note: (text) => void notes.push(text) };
}
