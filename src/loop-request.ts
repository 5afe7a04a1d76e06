/** What a loop is asked for on the command line: by hand in `cli.ts`, with the option parser in `program.ts`. */
import type { LoopOptions } from './commands/run-command.ts';

export type LoopName = 'dispatch' | 'queue' | 'pr-monitor' | 'analyze-logs' | 'groom' | 'plan';

/** Options of a loop, global ones included. */
export interface LoopRequest extends LoopOptions {
  config?: string | undefined;
  /** Seconds between passes; absent: one pass. */
  watch?: number | undefined;
  /** `plan` only. */
  requirements?: string;
  /** `analyze-logs` only: length of the window. */
  days: number;
}
