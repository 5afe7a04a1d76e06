/**
 * What an agent's run came to beside the tree it left: how it failed, what it
 * used. Computed by the host from what it saw and what the program printed.
 */

/**
 * How a run failed, whatever the program's own words for it:
 * `rate_limit` asked to wait, `quota` the account has nothing left,
 * `auth` the key is refused, `overloaded` the provider fails or is busy,
 * `context_too_long` the conversation outgrew the model, `limit` turns, requests
 * or money of this run are used up, `denied` it was refused a permission,
 * `stalled` the provider stopped answering, `crashed` it ended without a
 * final result.
 */
export type FailureKind = 'rate_limit' | 'quota' | 'auth' | 'overloaded' | 'context_too_long' | 'limit' | 'denied' | 'stalled' | 'crashed';

export interface AgentFailure {
  kind: FailureKind;
  /** One clean line without secrets. */
  message: string;
  /** When the provider may be asked again, where it said so. */
  retryAt?: Date;
}

/** Tokens as the provider counted them. `input` without what came from its cache. */
export interface TokenUsage {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
}
