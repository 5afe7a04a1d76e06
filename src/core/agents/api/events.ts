/**
 * What the loop prints: one JSON object a line on stdout, and how the host reads
 * it (docs/agents.md, "kind: api"). The host believes it no more than any other
 * output of an agent. Pure.
 */
import { cleanLine } from '../../text.ts';
import { at, numberAt, textAt } from '../../untrusted.ts';
import { type CliReport, withText } from '../cli/cli-kind.ts';
import type { AgentFailure, FailureKind, TokenUsage } from '../report.ts';

/** Usage is that of the whole run so far, as the provider counted it. */
export type ApiEvent =
  | { type: 'session'; session: string; provider: string; model: string }
  /** `tokens`: our estimate of what is sent. */
  | { type: 'request'; turn: number; tokens: number }
  | { type: 'retry'; failure: FailureRecord; wait_ms: number }
  | { type: 'answer'; turn: number; text: string; usage: TokenUsage }
  | { type: 'call'; tool: string; input: string; failed: boolean; text: string }
  /** A tool still works: a sign of life. */
  | { type: 'busy'; tool: string }
  /** What the loop did by itself: reminded, warned, shortened. */
  | { type: 'note'; text: string }
  /** The last line of every run that was not killed. */
  | { type: 'end'; finished: boolean; turns?: number; usage?: TokenUsage; failure?: FailureRecord };

export interface FailureRecord {
  kind: FailureKind;
  message: string;
  /** ISO 8601. */
  retry_at?: string;
}

export const NO_USAGE: TokenUsage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };

const KINDS: Record<FailureKind, true> = {
  rate_limit: true,
  quota: true,
  auth: true,
  overloaded: true,
  context_too_long: true,
  limit: true,
  denied: true,
  stalled: true,
  crashed: true,
};
const MOST_TOKENS = 1e12;
const LONGEST_SESSION = 100;

export function toRecord({ kind, message, retryAt }: AgentFailure): FailureRecord {
  return { kind, message, ...(retryAt && { retry_at: retryAt.toISOString() }) };
}

/** One more line of output; what is none of ours changes nothing. */
export function foldEvent(report: CliReport, event: Readonly<Record<string, unknown>>): CliReport {
  const usage = readUsage(at(event, 'usage'));
  const failure = readFailure(at(event, 'failure'));
  const { failure: before, ...rest } = report;
  switch (textAt(event, 'type')) {
    case 'session':
      return { ...report, session: cleanLine(textAt(event, 'session'), LONGEST_SESSION) };
    case 'retry':
      // Where it ends here, this is why.
      return { ...report, ...(failure && { failure }) };
    case 'answer':
      return withText({ ...rest, ...(usage && { usage }) }, textAt(event, 'text'));
    case 'end': {
      const finished = at(event, 'finished') === true && failure === undefined;
      const why = finished ? undefined : (failure ?? before);
      return { ...rest, finished, ...(usage && { usage }), ...(why && { failure: why }) };
    }
    default:
      return report;
  }
}

function readFailure(value: unknown): AgentFailure | undefined {
  const kind = textAt(value, 'kind');
  if (!Object.hasOwn(KINDS, kind)) return undefined;
  const time = Date.parse(textAt(value, 'retry_at'));
  return {
    kind: kind as FailureKind,
    message: cleanLine(textAt(value, 'message'), 300),
    ...(!Number.isNaN(time) && { retryAt: new Date(time) }),
  };
}

function readUsage(value: unknown): TokenUsage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const count = (name: string) => Math.round(Math.min(Math.max(numberAt(value, name) ?? 0, 0), MOST_TOKENS));
  return { input: count('input'), cacheRead: count('cacheRead'), cacheWrite: count('cacheWrite'), output: count('output') };
}
