/** What a gateway counts in one run: requests, usage, and how the last answer ended. */
import type { AgentFailure, TokenUsage } from '../agents/report.ts';
import type { GatewayOptions, GatewayReport, UsageByModel } from './gateway.ts';
import { addUsage } from './usage.ts';

/** Of one answer. */
export interface Used {
  usage?: TokenUsage | undefined;
  model?: string | undefined;
}

export interface RunLedger {
  /** Before a request to the model. @returns why it must not be sent; `undefined`: it is counted, send it. */
  begin(): AgentFailure | undefined;
  /** After an answer. @returns whether asking again in this run is of no use. */
  settle(used: Used, failure: AgentFailure | undefined): boolean;
  /** After a request whose agent went away: nothing is known of how it would have ended. */
  abandon(used: Used): void;
  report(): GatewayReport;
}

/** A wait beyond this is no matter for the agent's own retries. */
const SHORT_WAIT_MS = 30_000;

/** Of one run; each has cost the whole idle time. */
const MOST_STALLS = 2;

export function openLedger(options: GatewayOptions): RunLedger {
  let requests = 0;
  let byModel: UsageByModel = {};
  const add = ({ usage, model = '' }: Used) => {
    const sum = addUsage(Object.hasOwn(byModel, model) ? byModel[model] : undefined, usage);
    if (sum) byModel = { ...byModel, [model]: sum };
  };
  let failure: AgentFailure | undefined;
  /** What does not change within this run: whoever asks again gets the same words. */
  let final: AgentFailure | undefined;
  let stalls = 0;
  return {
    begin() {
      if (final) return final;
      if (requests >= options.maxRequests) {
        final = { kind: 'limit', message: `the run used up its ${options.maxRequests} requests to the model` };
      } else if (options.isSpent?.(byModel)) {
        final = { kind: 'limit', message: 'the run used up the money it may spend' };
      }
      if (!final) requests++;
      return final;
    },
    settle(used, failed) {
      add(used);
      failure = failed;
      if (failed?.kind === 'stalled') stalls++;
      if (failed && (isFinal(failed, options.now()) || stalls >= MOST_STALLS)) final ??= failed;
      return final !== undefined;
    },
    abandon: add,
    report() {
      const failed = final ?? failure;
      const usage = Object.values(byModel).reduce(addUsage, undefined);
      return { requests, byModel, ...(failed && { failure: failed }), ...(usage && { usage }) };
    },
  };
}

/** Whether asking again within this run is of no use. */
function isFinal(failure: AgentFailure, now: Date): boolean {
  if (failure.kind === 'auth' || failure.kind === 'quota') return true;
  return failure.retryAt !== undefined && failure.retryAt.getTime() - now.getTime() > SHORT_WAIT_MS;
}
