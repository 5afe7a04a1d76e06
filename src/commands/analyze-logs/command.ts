/**
 * `agentos analyze-logs`: reads what the loops did in the last days, reports it
 * with honest statistics, and files at most three fix issues.
 */
import { AgentOsError } from '../../core/errors.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { type LoopOptions, runCommand } from '../run-command.ts';
import { applyFinding } from './apply.ts';
import { type AnalysisSnapshot, gatherAnalysis } from './gather.ts';
import { decideFindings, type FindingAction } from './policy.ts';
import { renderReport } from './render.ts';

export interface AnalyzeLogsOptions extends LoopOptions {
  /** Length of the window that ends now, in days; 7 by default. */
  days?: number;
}

const DEFAULT_DAYS = 7;
const MAX_DAYS = 3650;

/** One pass. @returns the exit status. @throws `usage` for a window of nothing, or of more than 3650 days. */
export async function runAnalyzeLogs(options: AnalyzeLogsOptions, ports: Ports, out: Output): Promise<number> {
  const days = options.days ?? DEFAULT_DAYS;
  if (!Number.isFinite(days) || days <= 0 || days > MAX_DAYS) {
    throw new AgentOsError('usage', `\`--days ${days}\` is not a window`, { hint: `Give a number of days above 0, at most ${MAX_DAYS}.` });
  }
  let snapshot: AnalysisSnapshot | undefined;
  return runCommand<AnalysisSnapshot, FindingAction>(
    {
      command: 'analyze-logs',
      lock: 'pass',
      gather: async () => {
        snapshot = await gatherAnalysis({ ...options, days }, ports);
        return snapshot;
      },
      decide: decideFindings,
      apply: async (action) => applyFinding(ports, (snapshot as AnalysisSnapshot).analysis, action),
      report: () => snapshot && { text: renderReport(snapshot.analysis), data: snapshot.analysis },
    },
    options,
    ports,
    out,
  );
}
