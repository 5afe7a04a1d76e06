/**
 * What the adapter's upper half asks GitHub with: REST and GraphQL, reads that
 * are tried again and writes that never are. Every failure that leaves here is
 * an `AgentOsError` (`errors.ts`); what GitHub asked of us is remembered and
 * kept (`limits.ts`, `pace.ts`). Knows nothing of issues or pull requests.
 */
import type { PaginatingEndpoints } from '@octokit/plugin-paginate-rest';
import type { Endpoints } from '@octokit/types';
import type { z } from 'zod';
import type { Clock } from '../../../clock.ts';
import type { Spent } from '../../github.ts';
import type { CredentialOptions, Credentials } from './credentials.ts';

export interface ClientOptions {
  /** `https://api.github.com`, or `https://HOST/api/v3`; plain `http:` on this machine only. */
  apiUrl: string;
  credentials: CredentialOptions;
  /** What GitHub asked of us, and cached answers, are kept below `forge/` in it. */
  stateDir: string;
  clock: Clock;
  /** Ends every request and every wait. */
  signal: AbortSignal;
  writes: { per_minute: number; per_hour: number };
  /** Longest time of one request, from the look-up of the name to the last byte; default 30 s. */
  deadlineMs?: number;
  /** Longest wait for the turn of a write; default 20 s. */
  maxWaitMs?: number;
}

/** Where the three faces of the forge are, without a slash at the end. */
export interface ForgeAddress {
  apiUrl: string;
  graphqlUrl: string;
  gitUrl: string;
}

/** What a caller may say about one request; the signal ends this request, besides the signal of the client. */
export interface ReadOptions {
  signal?: AbortSignal;
  /** Ask by ETag and take an unchanged answer from the state directory. Never for what a merge rests on. */
  cache?: boolean;
}

export interface WriteOptions {
  /** It makes something that people are notified of: counted against the writes of an hour. */
  creates?: boolean;
  signal?: AbortSignal;
}

export interface Answer<T = unknown> {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | number | undefined>;
  data: T;
  /** Where it came from: another address than asked for when the repository was renamed. */
  url: string;
}

/** What GitHub said about one part of a GraphQL answer. */
export interface PartError {
  path: (string | number)[];
  /** `NOT_FOUND` or `FORBIDDEN`. */
  type: string;
  message: string;
}

/** One element of what a paged route lists. */
type Item<R extends keyof PaginatingEndpoints> = PaginatingEndpoints[R]['response']['data'] extends readonly (infer T)[]
  ? T
  : ListIn<PaginatingEndpoints[R]['response']['data']>;
type ListIn<D> = { [K in keyof D]: D[K] extends readonly (infer T)[] ? T : never }[keyof D];

export interface GitHubClient {
  readonly spent: Readonly<Spent>;
  readonly host: ForgeAddress;
  readonly credentials: Pick<Credentials, 'kind' | 'shared' | 'describe'>;
  /** The instant of the forge's clock, by its last answer; ours before the first. */
  readonly now: Date;

  /** One REST read. 5xx, resets and timeouts are tried again, at most two more times; after a 401 the token is made anew once. */
  read<R extends keyof Endpoints>(
    route: R,
    parameters: Endpoints[R]['parameters'],
    options?: ReadOptions,
  ): Promise<Endpoints[R]['response']>;
  /** As `read`, for a route that the types lack. */
  readRoute(route: string, parameters: Record<string, unknown>, options?: ReadOptions): Promise<Answer>;
  /**
   * All pages, 100 a page; of items with the same `id` the first (an item may shift between pages).
   * @throws when it is not complete: a page fails, the link to the next one is missing, or there are more than `maxPages` (default 50, `unavailable`).
   */
  readAll<R extends keyof PaginatingEndpoints>(
    route: R,
    parameters: PaginatingEndpoints[R]['parameters'],
    options?: { maxPages?: number; signal?: AbortSignal },
  ): Promise<Item<R>[]>;

  /** One try, paced, with the credentials for `repo`. Never sent twice. */
  write<R extends keyof Endpoints>(
    repo: string,
    route: R,
    parameters: Endpoints[R]['parameters'],
    options?: WriteOptions,
  ): Promise<Endpoints[R]['response']>;
  /** As `write`, for a route that the types lack. */
  writeRoute(repo: string, route: string, parameters: Record<string, unknown>, options?: WriteOptions): Promise<Answer>;

  /** A GraphQL read; `schema` describes `data`. Any error of any part is an error. */
  query<T>(query: string, variables: Record<string, unknown>, schema: z.ZodType<T>): Promise<T>;
  /** A GraphQL read, parts of which may be missing or forbidden; every other error is thrown. `data` is not checked. */
  queryPartial(query: string, variables: Record<string, unknown>): Promise<{ data: Record<string, unknown>; errors: PartError[] }>;
  /** A GraphQL write: one try, paced as `write`. */
  mutate<T>(repo: string, mutation: string, variables: Record<string, unknown>, schema: z.ZodType<T>, options?: WriteOptions): Promise<T>;

  /** The password for git over HTTPS, for the user `x-access-token`. */
  gitPassword(repo: string, access: 'read' | 'write'): Promise<string>;
}
