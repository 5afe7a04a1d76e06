/** The analysis of a window: what the report, the findings and `--json` are made of. Pure. */
import type { Event } from '../../core/events/event.ts';
import { type CodeCount, countCodes, findPatterns, listAttempts, listFailures, type Pattern } from './detect.ts';
import { type Metrics, measure } from './statistics.ts';

type DataQuality = {
  /** Events in the window. */
  events: number;
  /** Lines that could not be read, in the window and the weeks before it. */
  unreadable: number;
  /** Ends of attempts that do not say whose, of what or of which type: they count in fewer tables. */
  incompleteAttempts: number;
};

export type Analysis = {
  from: string;
  to: string;
  metrics: Metrics;
  /** Attempts that ended in the window, stops included. */
  attempts: number;
  failures: number;
  codes: CodeCount[];
  patterns: Pattern[];
  quality: DataQuality;
};

/** @param events oldest first, of the window and of some weeks before it */
export function analyse(events: readonly Event[], unreadable: number, from: Date, to: Date): Analysis {
  const inWindow = events.filter((event) => Date.parse(event.time) >= from.getTime());
  const attempts = listAttempts(inWindow);
  const failures = listFailures(inWindow);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    metrics: measure(events, from),
    attempts: attempts.length,
    failures: failures.length,
    codes: countCodes(failures),
    patterns: findPatterns(failures),
    quality: {
      events: inWindow.length,
      unreadable,
      incompleteAttempts: attempts.filter(({ repo, issue, agent, type }) => [repo, issue, agent, type].includes(undefined)).length,
    },
  };
}
