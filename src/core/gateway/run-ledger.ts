/**
 * What a gateway counts in one run: requests, usage, money, and how answers
 * failed. A request is begun when its turn comes: while what is spent and what
 * the others in flight may cost leave no room, it waits until they have ended.
 */
import type { AgentFailure } from '../agents/report.ts';
import type { GatewayOptions, GatewayReport, UsageByModel } from './gateway.ts';
import { costOf, holdOf, type Need, refuseModel, type Used, usedBy } from './purse.ts';
import { addUsage } from './usage.ts';

/** A request that was begun. */
export interface Turn {
  /** Filled in while the answer passes by. */
  readonly used: Used;
  /** After an answer, with the status of a failed one. @returns whether asking this model again in this run is of no use. */
  settle(failure: AgentFailure | undefined, status?: number): boolean;
  /** After a request whose agent went away: nothing is known of how it would have ended, and it is paid for. */
  abandon(): void;
}

type Begun = { turn: Turn } | { failure: AgentFailure } | { notAllowed: string };

export interface RunLedger {
  /** Resolves when the request may be sent, or must not be; `{ failure }` too when `gone` fires while it waits. */
  begin(need: Need, gone: AbortSignal): Promise<Begun>;
  /** A request that was too large to be sent. */
  fail(failure: AgentFailure): void;
  /** Why a request was refused that no agent may make; the first few are kept. */
  note(reason: string): void;
  report(): GatewayReport;
}

/** A wait beyond this is no matter for the agent's own retries. */
const SHORT_WAIT_MS = 30_000;
/** Of one model in one run; each has cost the whole idle time. */
const MOST_STALLS = 2;
const MOST_NOTES = 5;
const GONE: AgentFailure = { kind: 'crashed', message: 'the agent went away' };

/** What is known of one model that was asked. */
interface Line {
  /** Sent to it: the model of the conversation is the one that gets most, those beside it get little. */
  bytes: number;
  stalls: number;
  /** How its last answer failed. */
  failure?: AgentFailure | undefined;
  /** What does not change within this run: whoever asks it again gets the same words. */
  final?: AgentFailure | undefined;
}

interface Open {
  need: Need;
  used: Used;
  hold: number;
}

interface Waiting {
  need: Need;
  hold: number;
  resolve(begun: Begun): void;
}

export function openLedger(options: GatewayOptions): RunLedger {
  return new Ledger(options);
}

class Ledger implements RunLedger {
  readonly #options: GatewayOptions;
  readonly #lines = new Map<string, Line>();
  readonly #open = new Set<Open>();
  readonly #notes = new Set<string>();
  #waiting: Waiting[] = [];
  #requests = 0;
  #byModel: UsageByModel = {};
  #spentUsd = 0;
  #isPriced = true;
  #isEstimated = false;
  /** What ends the whole run. */
  #final: AgentFailure | undefined;
  /** Of a request that was not sent, and after which none has succeeded. */
  #unsent: AgentFailure | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  begin(need: Need, gone: AbortSignal): Promise<Begun> {
    const notAllowed = refuseModel(this.#options.purse, need.model);
    if (notAllowed !== undefined) {
      this.note(notAllowed);
      return Promise.resolve({ notAllowed });
    }
    if (gone.aborted) return Promise.resolve({ failure: GONE });
    return new Promise((resolve) => {
      const waiting: Waiting = { need, hold: holdOf(this.#options.purse, need), resolve };
      this.#waiting.push(waiting);
      gone.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        resolve({ failure: GONE });
        this.#pump();
      });
      this.#pump();
    });
  }

  fail(failure: AgentFailure): void {
    this.#unsent = failure;
  }

  note(reason: string): void {
    if (this.#notes.size < MOST_NOTES) this.#notes.add(reason);
  }

  report(): GatewayReport {
    const failure = this.#final ?? this.#unsent ?? this.#mainFailure();
    const usage = Object.values(this.#byModel).reduce(addUsage, undefined);
    const cost = this.#total();
    return {
      requests: this.#requests,
      byModel: this.#byModel,
      refused: [...this.#notes],
      ...(failure && { failure }),
      ...(usage && { usage }),
      ...(cost && { cost }),
    };
  }

  /** Lets requests begin, first come first served, while there is room. */
  #pump(): void {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const final = this.#judge(next);
      if (!final && !this.#fits(next)) return;
      this.#waiting.shift();
      next.resolve(final ? { failure: final } : { turn: this.#start(next) });
    }
  }

  #judge({ need }: Waiting): AgentFailure | undefined {
    const { maxRequests, purse } = this.#options;
    const final = this.#final ?? this.#line(need.model).final;
    if (final) return final;
    if (this.#requests >= maxRequests) {
      this.#final = { kind: 'limit', message: `the run used up its ${maxRequests} requests to the model` };
    } else if (purse.mostUsd !== undefined && this.#spentUsd >= purse.mostUsd) {
      this.#final = { kind: 'limit', message: 'the run used up the money it may spend' };
    }
    return this.#final;
  }

  /** One may always run while anything is left: it alone may cost more than that. */
  #fits({ hold }: Waiting): boolean {
    const { mostUsd } = this.#options.purse;
    const held = [...this.#open].reduce((sum, one) => sum + one.hold, 0);
    return mostUsd === undefined || hold === 0 || held === 0 || this.#spentUsd + held + hold <= mostUsd;
  }

  #start({ need, hold }: Waiting): Turn {
    this.#requests++;
    this.#line(need.model).bytes += need.bytes;
    const open: Open = { need, used: {}, hold };
    this.#open.add(open);
    const close = (isPaid: boolean) => {
      if (!this.#open.delete(open)) return;
      const { usage, model = '' } = open.used;
      const sum = addUsage(Object.hasOwn(this.#byModel, model) ? this.#byModel[model] : undefined, usage);
      if (sum) this.#byModel = { ...this.#byModel, [model]: sum };
      if (isPaid) this.#pay(open);
    };
    return {
      used: open.used,
      settle: (failure, status) => {
        // An answer that never began was refused; one in a single piece that did not come in time was made all the same.
        close(open.used.begun === true || (failure?.kind === 'stalled' && !need.stream));
        const isFinal = this.#remember(need.model, failure, status);
        this.#pump();
        return isFinal;
      },
      abandon: () => {
        close(true);
        this.#pump();
      },
    };
  }

  #pay({ need, used }: Open): void {
    const { usage, estimated } = usedBy(need, used);
    const cost = costOf(this.#options.purse, need.model, used.model, usage);
    this.#isEstimated ||= estimated;
    if (cost === undefined) this.#isPriced = false;
    else this.#spentUsd += cost;
  }

  #remember(model: string, failure: AgentFailure | undefined, status: number | undefined): boolean {
    const line = this.#line(model);
    line.failure = failure;
    if (!failure) this.#unsent = undefined;
    if (failure?.kind === 'stalled') line.stalls++;
    const scope = failure && finality(failure, status, this.#options.now());
    if (scope === 'run') this.#final ??= failure;
    if (scope === 'model' || line.stalls >= MOST_STALLS) line.final ??= failure;
    return (this.#final ?? line.final) !== undefined;
  }

  /** What was paid, and what is still open, as if it were broken off now. */
  #total(): GatewayReport['cost'] {
    let usd = this.#spentUsd;
    for (const { need, used } of this.#open) {
      const cost = costOf(this.#options.purse, need.model, used.model, usedBy(need, used).usage);
      if (cost === undefined) return undefined;
      usd += cost;
    }
    return this.#isPriced ? { usd, estimated: this.#isEstimated || this.#open.size > 0 } : undefined;
  }

  #mainFailure(): AgentFailure | undefined {
    const [main] = [...this.#lines.values()].sort((a, b) => b.bytes - a.bytes);
    return main?.final ?? main?.failure;
  }

  #line(model: string): Line {
    const line = this.#lines.get(model) ?? { bytes: 0, stalls: 0 };
    this.#lines.set(model, line);
    return line;
  }
}

/** How far a failure reaches that asking again within this run does not mend; `undefined` where it may. */
function finality({ kind, retryAt }: AgentFailure, status: number | undefined, now: Date): 'run' | 'model' | undefined {
  if (kind === 'quota') return 'run';
  // A key may be good for some models and not for others.
  if (kind === 'auth') return status === 403 ? 'model' : 'run';
  return retryAt !== undefined && retryAt.getTime() - now.getTime() > SHORT_WAIT_MS ? 'model' : undefined;
}
