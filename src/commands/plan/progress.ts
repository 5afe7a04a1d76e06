/** What a pass of `plan` has done so far, and how it tells the event log. */
import type { RepoConfig } from '../../core/config/schema.ts';
import type { EventName } from '../../core/events/event.ts';
import type { Ports } from '../../core/ports.ts';

/** What this pass did for one repository so far. */
export interface Progress {
  repo: RepoConfig;
  /** Issues filed, by requirement. */
  filed: Map<string, { number: number; generation: number }>;
  /** Requirements with a step that failed. */
  failedKeys: Set<string>;
  madeReady: Set<number>;
  selected: Set<number>;
  /** Something waits that the next run can do. */
  incomplete: boolean;
  /** Something is different from what the last pass left. */
  news: boolean;
}

export async function logStep(ports: Ports, step: { event: EventName; repo: string; issue: number; reason: string }): Promise<void> {
  await ports.log.write({ ...step, outcome: 'ok' });
}
