/**
 * `agentos groom`: says which issues are stale, look like duplicates, are
 * blocked or carry no label, and why. It changes labels and writes its one
 * comment only with `groom.apply: true`, and never closes anything.
 */
import type { Output, Ports } from '../../core/ports.ts';
import { type LoopOptions, runCommand } from '../run-command.ts';
import { applyGroom } from './apply.ts';
import { gatherBacklog } from './gather.ts';
import { decideGroom, type GroomAction, type GroomSnapshot } from './policy.ts';
import { renderReport, toReport } from './render.ts';

/** One pass. @returns the exit status. */
export async function runGroom(options: LoopOptions, ports: Ports, out: Output): Promise<number> {
  let snapshot: GroomSnapshot | undefined;
  return runCommand<GroomSnapshot, GroomAction>(
    {
      command: 'groom',
      lock: 'pass',
      gather: async () => {
        snapshot = await gatherBacklog(options, ports);
        return snapshot;
      },
      decide: decideGroom,
      apply: async (action) => applyGroom(ports, snapshot as GroomSnapshot, action),
      report: () => {
        if (!snapshot) return undefined;
        const data = toReport(snapshot);
        return { text: renderReport(data, snapshot.apply), data };
      },
    },
    options,
    ports,
    out,
  );
}
