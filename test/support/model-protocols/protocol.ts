/** What the test model server needs to know of one provider's protocol. */

/** A question as it came in. */
export interface Seen {
  protocol: string;
  model: string;
  key: string;
  system: string;
  turns: { role: 'user' | 'assistant'; text: string }[];
  maxOutputTokens: number;
}

/** Words of a model. */
export interface Said {
  text: string;
  end: 'complete' | 'cut' | 'refused';
  inputTokens: number;
  outputTokens: number;
}

export type FaultName = 'auth' | 'credit' | 'rate_limit' | 'server_error' | 'overloaded' | 'refused';

export interface Protocol {
  name: string;
  /** Whether a request with this path speaks it. */
  owns(path: string): boolean;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are what the SDKs send
  read(body: any, path: string, headers: Record<string, string | string[] | undefined>): Seen;
  say(model: string, said: Said): unknown;
  /** Status and body of a failure. */
  fail(fault: FaultName, retryAfter: number | undefined): { status: number; body: unknown; headers: Record<string, string> };
}

export function retryHeader(retryAfter: number | undefined): Record<string, string> {
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
}
