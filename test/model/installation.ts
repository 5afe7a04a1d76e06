/**
 * Agent OS in this process: real loops, mailbox, journal, git and event log in
 * a directory of their own, over a forge that is watched. Its one agent writes
 * a file that is the task's alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDispatch } from '../../src/commands/dispatch/command.ts';
import { gatherFsck } from '../../src/commands/operator/gather-fsck.ts';
import { runPrMonitor } from '../../src/commands/pr-monitor/command.ts';
import { runQueue } from '../../src/commands/queue/command.ts';
import type { Agent } from '../../src/core/agents/agent.ts';
import { ensureDirectory } from '../../src/core/atomic-file.ts';
import { openBooks } from '../../src/core/budget/books.ts';
import { statePaths } from '../../src/core/config/paths.ts';
import { Config, type LoadedConfig } from '../../src/core/config/schema.ts';
import { openEffects } from '../../src/core/effects/journal.ts';
import { openEventLog } from '../../src/core/events/log.ts';
import { checkInvariants } from '../../src/core/fsck/invariants.ts';
import { openGit } from '../../src/core/git/open-git.ts';
import type { GitHub } from '../../src/core/github/github.ts';
import { type Letter, TRAYS } from '../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../src/core/mailbox/maildir.ts';
import type { Ports } from '../../src/core/ports.ts';
import { openUnconfined } from '../../src/core/sandbox/unconfined.ts';
import { LOOP_OPTIONS, openOutput } from '../support/loop-ports.ts';
import { type Place, REPO } from './place.ts';
import type { Loop } from './script.ts';

const RESULT = 'STATUS: complete\nBLOCKER_CODE: none\n\nSUMMARY:\nDid what was asked.\n';

export interface Installation {
  /** One pass. @returns its exit status and what it said. */
  run(loop: Loop): Promise<{ status: number; said: string }>;
  /** Every task there is. */
  letters(): Promise<Letter[]>;
  /** What `agentos fsck` would call an error. */
  fsck(): Promise<string[]>;
}

/** @param running is told of every start of the agent, and its end. */
export function install(place: Place, forge: GitHub, running: (task: string, act: () => void) => Promise<void>): Installation {
  const ports = (command: string) => openPorts(place, forge, running, command);
  const loops: Record<Loop, typeof runQueue> = { dispatch: runDispatch, queue: runQueue, 'pr-monitor': runPrMonitor };
  return {
    async run(loop) {
      const out = openOutput();
      const status = await loops[loop]({ ...LOOP_OPTIONS, verbose: true }, ports(loop), out);
      return { status, said: [...out.results, ...out.notes].join('').trimEnd() };
    },
    async letters() {
      const mailbox = await ports('look').mailbox();
      return (await Promise.all(TRAYS.map((tray) => mailbox.list(tray)))).flat();
    },
    async fsck() {
      const found = checkInvariants(await gatherFsck(ports('fsck')));
      return found.filter(({ severity }) => severity === 'error').map(({ invariant, subject, what }) => `${invariant} ${subject}: ${what}`);
    },
  };
}

function openPorts(place: Place, forge: GitHub, running: (task: string, act: () => void) => Promise<void>, command: string): Ports {
  const { clock } = place;
  const paths = statePaths(join(place.dir, 'state'));
  for (const dir of [paths.root, paths.locks, paths.loops]) ensureDirectory(dir);
  const file = Config.parse({
    state_dir: paths.root,
    forge: place.config,
    repos: [{ name: REPO, automation: 'full', verify: ['true'] }],
    agents: { scribe: { kind: 'patch' } },
    routing: { default: ['scribe'] },
    sandbox: { mode: 'off' },
    queue: { max_parallel: 1 },
  });
  const path = process.env['PATH'] ?? '';
  const run = `model-${clock.now().getTime()}`;
  const sandbox = openUnconfined({ path, graceMs: 1000 });
  const once =
    <T>(value: T) =>
    () =>
      Promise.resolve(value);
  return {
    config: { ...file, path: join(place.dir, 'config.yaml') } as LoadedConfig,
    paths,
    clock,
    run,
    log: openEventLog({ dir: paths.events, clock, run, command }),
    signal: new AbortController().signal,
    spent: () => forge.spent,
    forge: once(forge),
    effects: once(openEffects({ root: paths.effects, clock, consistentReads: forge.consistentReads })),
    mailbox: once(openMailbox({ root: paths.mailbox, locks: paths.locks, clock })),
    git: once(openGit({ paths, path })),
    sandbox: once(sandbox),
    models: once(undefined),
    books: once(openBooks({ root: paths.budget, locks: paths.locks, limits: file.budgets, clock })),
    agents: once(new Map([['scribe', openScribe(running)]])),
  };
}

function openScribe(running: (task: string, act: () => void) => Promise<void>): Agent {
  return {
    name: 'scribe',
    kind: 'patch',
    probe: async () => ({ ready: true }),
    async run({ task, workspace, resultFile }) {
      await running(task, () => {
        writeFileSync(join(workspace, `${task}.txt`), `${task}\n`);
        writeFileSync(resultFile, RESULT);
      });
      return { ended: 'exited', exitCode: 0, durationMs: 1 };
    },
  };
}
