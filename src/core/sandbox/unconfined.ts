/**
 * No confinement: the program runs as this user, in a session of its own, with
 * an exact environment and nothing else denied. What it started is found by
 * descent, session and mark when it ends, which is best effort (see
 * process-tree.ts). For machines without bubblewrap, when the configuration
 * allows it.
 */
import { join } from 'node:path';
import { ensureDirectory } from '../atomic-file.ts';
import { killRun, MARK_VARIABLE } from '../process-tree.ts';
import { LIMITS, listStarter, type SandboxLimits } from './limits.ts';
import { gatewayDoor, throughRelay } from './relay.ts';
import type { Sandbox, SandboxExit, SandboxRun } from './sandbox.ts';
import { supervise } from './supervise.ts';

export function openUnconfined(options: { path: string; graceMs: number; limits?: SandboxLimits }): Sandbox {
  const { limits = LIMITS, graceMs } = options;
  return {
    kind: 'unconfined',
    listShown: () => [],
    probe: async () => ({ ready: true, reason: 'nothing is denied: programs run as this user' }),
    async run(run: SandboxRun, signal: AbortSignal): Promise<SandboxExit> {
      const tmp = join(run.home, 'tmp');
      ensureDirectory(tmp);
      const own = { PATH: options.path, HOME: run.home, LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR: tmp, ...run.env, [MARK_VARIABLE]: run.mark };
      const { argv: inner, env } = throughRelay({ argv: run.argv, env: own }, gatewayDoor(run));
      const argv = [...listStarter(options.path, limits, false), ...inner];
      const { status: _, ...exit } = await supervise({ argv, env, run, limits, graceMs, confined: false }, signal);
      return exit;
    },
    async killLeftovers(mark: string): Promise<void> {
      await killRun({ mark });
    },
  };
}
