/**
 * Planned faults: which requests meet which mishap, how often. `before` kinds
 * keep the request from having any effect; `after` kinds let it take effect and
 * spoil the answer. Stale reads are served from a copy of everything as it was
 * before the writes of the last `seconds`, by the clock of the server.
 */
import { readRefs } from './git-store.ts';
import type { Store } from './store.ts';

export type FaultKind =
  | '502-before'
  | '502-after'
  | 'hang-before'
  | 'hang-after'
  | 'reset-after'
  /** One byte a second. */
  | 'drip'
  /** Half a body, then the end of the connection. */
  | 'cut'
  | 'stale'
  /** An item came in, or went, before the second page was read. */
  | 'page-insert'
  | 'page-remove'
  | 'no-link'
  /** Secondary limits; with `retryAfter` seconds where given. */
  | '403-secondary'
  | '429-secondary'
  /** The hour's budget is spent; `retryAfter` seconds until it is new (60). */
  | 'primary'
  | '401'
  | '404'
  /** GraphQL: the repository `repo` is `null`, with an error of `type` (FORBIDDEN); the rest of the answer stands. */
  | 'partial'
  /** A page of HTML with status 200; the request had its effect. */
  | 'html'
  /** JSON that stops in the middle; the request had its effect. */
  | 'truncated';

/** What a request is matched by. */
export interface Asked {
  kind: 'rest' | 'graphql' | 'git';
  method: string;
  /** Under the API's root and without the query, as it came; `/graphql`; `/owner/name.git/…`. */
  path: string;
  /** Name of the GraphQL operation. */
  operation?: string | undefined;
  /** The body as it came, as text. */
  body: string;
}

export interface Fault {
  kind: FaultKind;
  method?: string;
  /** `*` stands for a part of the path between slashes, `**` for anything. */
  path?: string | RegExp;
  operation?: string;
  when?: (asked: Asked) => boolean;
  /** How many requests meet it: 1 unless told otherwise. */
  times?: number;
  seconds?: number;
  retryAfter?: number;
  /** `owner/name`. */
  repo?: string;
  /** Of GraphQL's error. */
  type?: string;
}

export class FaultPlan {
  private faults: (Fault & { left: number })[] = [];
  private history: { at: number; store: Store }[] = [];

  add(fault: Fault): void {
    this.faults.push({ ...fault, left: fault.times ?? (fault.kind === 'stale' ? Number.POSITIVE_INFINITY : 1) });
  }
  clear(): void {
    this.faults = [];
    this.history = [];
  }

  /** The first planned fault that this request meets; it is used up by that. */
  take(asked: Asked): Fault | undefined {
    const found = this.faults.find((fault) => fault.kind !== 'stale' && fault.left > 0 && matches(fault, asked));
    if (found) found.left--;
    return found;
  }

  /** To be called before every request that may write. */
  remember(store: Store): void {
    if (!this.faults.some((fault) => fault.kind === 'stale')) return;
    const copy = store.snapshot();
    copy.refs = new Map([...store.state.repositories.values()].map((repo) => [repo.id, readRefs(repo)]));
    this.history.push({ at: store.millis(), store: copy });
  }

  /** What this read sees. */
  view(asked: Asked, store: Store): Store {
    const stale = this.faults.find((fault) => fault.kind === 'stale' && fault.left > 0 && matches(fault, asked));
    const lag = (stale?.seconds ?? 5) * 1000;
    const seen = stale && this.history.find((entry) => store.millis() - entry.at < lag);
    if (stale && seen) stale.left--;
    return seen?.store ?? store;
  }
}

function matches(fault: Fault, asked: Asked): boolean {
  if (fault.method !== undefined && fault.method !== asked.method) return false;
  if (fault.operation !== undefined && fault.operation !== asked.operation) return false;
  if (fault.path instanceof RegExp && !fault.path.test(asked.path)) return false;
  if (typeof fault.path === 'string' && !toPattern(fault.path).test(asked.path)) return false;
  return fault.when?.(asked) ?? true;
}

function toPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
