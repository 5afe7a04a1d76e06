/**
 * The port of the model gateway: the one door of a confined agent to its model
 * (docs/adr/0018-gateway.md). It listens on a Unix socket on the host, knows
 * the key, which never enters the sandbox, asks nothing but the configured
 * address, and sees every answer of the provider: so it tells how a provider
 * failed in the same words for every agent, ends answers that stall, and stops
 * a run that asks without end.
 */
import type { AgentFailure, TokenUsage } from '../agents/report.ts';
import type { Purse } from './purse.ts';

/** Which wire format is spoken, and so how the key is sent and how failures and usage read. */
export type Protocol = 'anthropic' | 'openai' | 'google';

export interface GatewayOptions {
  protocol: Protocol;
  /** The provider's address with an optional path, as configured: `https://api.anthropic.com`. */
  baseUrl: string;
  key: string;
  /** Existing private directory in which the socket is made. */
  directory: string;
  /** Requests to the model in this run; the next one is answered with an error and the run counts as over its limit. */
  maxRequests: number;
  /** What the run may spend: a request waits while those in flight may use up the rest; when all is spent, the next is answered with an error and the run counts as over its limit. */
  purse: Purse;
  /** Longest time for the head of an answer and between two pieces of it; and for the agent to read one. */
  idleMs: number;
  now: () => Date;
}

/** Under the name that each answer gave its model; empty where it gave none. */
export type UsageByModel = Readonly<Record<string, TokenUsage>>;

/** What a gateway saw of one run. */
export interface GatewayReport {
  /** Requests that were sent to the provider. */
  requests: number;
  /** How the last answer of the model that was sent most failed, or what ended the run; absent when it was a success or nothing was asked. */
  failure?: AgentFailure;
  /** Sum over the answers that named their usage; absent when none did. */
  usage?: TokenUsage;
  byModel: UsageByModel;
  /** In US dollars, by the purse, requests included that were open still; `estimated` where an answer named no usage for all of it. Absent when a price is not known. */
  cost?: { usd: number; estimated: boolean };
  /** Why requests were refused that agents may not make; the first few. */
  refused: readonly string[];
}

export interface Gateway {
  /** Absolute path of the socket. */
  readonly socket: string;
  /** What the agent uses as its key: random, worth nothing outside this socket. */
  readonly pass: string;
  report(): GatewayReport;
  close(): Promise<void>;
}
