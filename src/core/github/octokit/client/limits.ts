/**
 * What GitHub asked of us, remembered across ticks and processes in one small
 * file: primary limits by resource, the pause after a secondary limit, and the
 * slots of our writes. The file is replaced as a whole, under a lock; a damaged
 * one is started anew with half of the hour's writes taken as spent.
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
import { join } from 'node:path';
import { ensureDirectory, readIfThere, writeFileAtomic } from '../../../atomic-file.ts';
import type { Clock } from '../../../clock.ts';
import { AgentOsError } from '../../../errors.ts';
import { takeLock } from '../../../lock.ts';

/** Milliseconds of our own clock since 1970, everywhere in this file. */
type Instant = number;

export interface LimitState {
  /** Resources with nothing left: until when. */
  primary: Record<string, Instant>;
  /** After a secondary limit: nothing is sent before `until`; `strikes` in a row, by requests of one kind. */
  secondary?: { until: Instant; strikes: number; by: 'read' | 'write' };
  /** The earliest instant of the next write. */
  nextWriteAt: Instant;
  /** The writes of the last hour that made content. */
  created: Instant[];
}

/** What an answer says about limits. */
export type LimitNews = { kind: 'primary'; resource: string; until: Instant } | { kind: 'secondary'; retryAfterMs: number | undefined };

export const HOUR = 3_600_000;
const LEAST_PAUSE = 60_000;

export interface LimitsOptions {
  stateDir: string;
  /** `<host>-<kind of credential>`: what GitHub counts together. */
  name: string;
  clock: Clock;
  perHour: number;
}

export interface Limits {
  /** @throws AgentOsError `rate_limit` when what we remember forbids a request. */
  check(resource: string): void;
  /** Remembers a limit that GitHub told us. @returns when to try again. */
  note(news: LimitNews, by: 'read' | 'write'): Date;
  /** A request went well: the pause before it was long enough. */
  succeeded(by: 'read' | 'write'): void;
  /** Reads, changes and writes the state while no other process does. */
  update<T>(change: (state: LimitState) => T): T;
}

export function openLimits({ stateDir, name, clock, perHour }: LimitsOptions): Limits {
  const directory = join(stateDir, 'forge');
  const path = join(directory, `${name.replace(/[^A-Za-z0-9.-]/g, '-')}.json`);
  const now = () => clock.now().getTime();
  const load = () => parseState(readIfThere(path), now(), perHour);
  const update = <T>(change: (state: LimitState) => T): T => {
    ensureDirectory(directory);
    const lock = takeLock(`${path}.lock`);
    try {
      const state = load();
      const result = change(state);
      writeFileAtomic(path, `${JSON.stringify(state)}\n`, { durable: false });
      return result;
    } finally {
      lock.release();
    }
  };
  return {
    check: (resource) => refuseLimited(load(), resource, now()),
    note: (news, by) => new Date(update((state) => remember(state, news, by, now()))),
    succeeded: (by) => {
      if (!isOver(load(), by, now())) return;
      update((state) => {
        if (isOver(state, by, now())) delete state.secondary;
      });
    },
    update,
  };
}

/** What the headers and the message of an answer say about limits; times are by our clock. */
export function findLimit(
  answer: { status: number; headers: Record<string, string | number | undefined>; message: string; limited?: boolean },
  now: Instant,
): LimitNews | undefined {
  const { headers, message } = answer;
  if (![403, 429].includes(answer.status) && answer.limited !== true) return undefined;
  const retryAfterMs = toSeconds(headers['retry-after'], now);
  const isSecondary = /secondary rate|abuse detection/i.test(message);
  if (headers['x-ratelimit-remaining'] !== undefined && Number(headers['x-ratelimit-remaining']) === 0 && !isSecondary) {
    const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN) * 1000;
    const theirNow = Date.parse(String(headers['date'] ?? ''));
    const wait = Number.isNaN(reset) ? LEAST_PAUSE : reset - (Number.isNaN(theirNow) ? now : theirNow);
    // A second on top, because their dates are cut to seconds.
    return { kind: 'primary', resource: String(headers['x-ratelimit-resource'] ?? 'core'), until: now + clamp(wait, 0, HOUR) + 1000 };
  }
  const isLimit = isSecondary || retryAfterMs !== undefined || answer.status === 429 || answer.limited === true;
  return isLimit ? { kind: 'secondary', retryAfterMs } : undefined;
}

function toSeconds(retryAfter: string | number | undefined, now: Instant): number | undefined {
  if (retryAfter === undefined) return undefined;
  const seconds = Number(retryAfter);
  const ms = Number.isNaN(seconds) ? Date.parse(String(retryAfter)) - now : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function remember(state: LimitState, news: LimitNews, by: 'read' | 'write', now: Instant): Instant {
  if (news.kind === 'primary') {
    state.primary[news.resource] = news.until;
    return news.until;
  }
  // Requests under way while the pause began are no further strike.
  const running = state.secondary && state.secondary.until > now;
  const strikes = (state.secondary?.strikes ?? 0) + (running ? 0 : 1);
  const pause = Math.max(Math.min(LEAST_PAUSE * 2 ** (Math.max(1, strikes) - 1), HOUR), Math.min(news.retryAfterMs ?? 0, 24 * HOUR));
  state.secondary = { until: Math.max(now + pause, state.secondary?.until ?? 0), strikes: Math.max(1, strikes), by };
  return state.secondary.until;
}

function isOver(state: LimitState, by: 'read' | 'write', now: Instant): boolean {
  return state.secondary !== undefined && state.secondary.until <= now && state.secondary.by === by;
}

function refuseLimited(state: LimitState, resource: string, now: Instant): void {
  const primary = state.primary[resource] ?? 0;
  const until = Math.max(primary, state.secondary?.until ?? 0);
  if (until <= now) return;
  const what = until === primary ? `the limit of GitHub for \`${resource}\` is used up` : 'GitHub asked us to slow down';
  throw new AgentOsError('rate_limit', `${what}; nothing is sent before ${new Date(until).toISOString()}`, { retryAt: new Date(until) });
}

/** Instants far ahead are from a clock that has been set back; nothing waits for them. */
function parseState(text: string | undefined, now: Instant, perHour: number): LimitState {
  if (text === undefined) return { primary: {}, nextWriteAt: 0, created: [] };
  try {
    const value = JSON.parse(text) as LimitState;
    const { primary, secondary, nextWriteAt, created } = value;
    const isWhole = isInstant(nextWriteAt) && Array.isArray(created) && created.every(isInstant) && Object.values(primary).every(isInstant);
    if (!isWhole) throw new Error('not a state');
    return {
      primary: Object.fromEntries(Object.entries(primary).filter(([, until]) => until > now && until <= now + 2 * HOUR)),
      ...(secondary && isInstant(secondary.until) && isInstant(secondary.strikes) && secondary.until <= now + 25 * HOUR
        ? { secondary }
        : {}),
      nextWriteAt: nextWriteAt > now + 5 * 60_000 ? now : nextWriteAt,
      created: created.filter((at) => at > now - HOUR && at <= now + 5 * 60_000).sort((a, b) => a - b),
    };
  } catch {
    return { primary: {}, nextWriteAt: now + 1000, created: Array.from({ length: Math.ceil(perHour / 2) }, () => now) };
  }
}

function isInstant(value: unknown): value is Instant {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
