/**
 * How a provider's answer failed, in one vocabulary for all of them. What the
 * status leaves open, the error's type and words decide; they are data and go
 * no further than one clean line. Pure.
 */
import type { AgentFailure, FailureKind } from '../agents/report.ts';
import { cleanLine } from '../text.ts';
import { at, numberAt, textAt } from '../untrusted.ts';
import { withoutKey } from './redact.ts';

export interface FailedAnswer {
  /** HTTP status; absent for an error inside a stream that began well. */
  status?: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The JSON of the error, where it is any. */
  error: unknown;
  /** What to say where the JSON says nothing. */
  text: string;
}

/** Longest wait that is believed: monthly quotas name the first of the next month. */
const MOST_WAIT_MS = 31 * 24 * 3_600_000;

/** @param key which the message must not repeat */
export function classifyFailure(answer: FailedAnswer, now: Date, key: string): AgentFailure {
  const { kind, said, retryAt } = readFailure(answer, now, key);
  const message = [WORDS[kind] ?? 'the provider refused the request', said].filter((part) => part !== '').join(': ');
  return { kind, message, ...(retryAt && { retryAt }) };
}

/** The same in parts; `said`: status and the provider's own words, one clean line, empty where there are none. */
export function readFailure(answer: FailedAnswer, now: Date, key: string): { kind: FailureKind; said: string; retryAt?: Date } {
  const reasons = details(answer.error).map((detail) => textAt(detail, 'reason'));
  const type = [textAt(answer.error, 'error', 'type'), codeOf(answer.error), textAt(answer.error, 'error', 'status'), ...reasons].join(' ');
  const said = textAt(answer.error, 'error', 'message') || textAt(answer.error, 'message') || textAt(answer.error, 'error') || answer.text;
  const kind = kindOf(answer.status, type, said);
  const status = answer.status === undefined ? '' : `HTTP ${answer.status}`;
  // What a provider says of a key repeats parts of it.
  const words = kind === 'auth' ? '' : cleanLine(withoutKey(said, key), 300);
  const retryAt = kind === 'rate_limit' || kind === 'quota' || kind === 'overloaded' ? retryTime(answer, now) : undefined;
  return { kind, said: [status, words].filter((part) => part !== '').join(': '), ...(retryAt && { retryAt }) };
}

const WORDS: Partial<Record<FailureKind, string>> = {
  auth: 'the provider refused the key',
  quota: "the provider's account has nothing left",
  rate_limit: 'the provider asks to wait',
  overloaded: 'the provider is not available',
  context_too_long: 'the conversation is too long for the model',
};

/** Types and codes, each as a word of its own, that say by themselves what failed. */
const EMPTY = /(^| )(insufficient_quota|billing_error|billing_not_active|billing_hard_limit_reached|exceeded_current_quota_error)( |$)/;
const REFUSED = /(^| )(authentication_error|permission_error|invalid_api_key|UNAUTHENTICATED|PERMISSION_DENIED|API_KEY_INVALID)( |$)/;
const BUSY = /overloaded|server_error|api_error|INTERNAL|UNAVAILABLE/i;
/** Words, where a provider has no type for it. */
const NO_CREDIT = /credit balance is too low|reached your specified API usage limits/i;
const TOO_LONG = /prompt is too long|maximum context length|context window|exceeds the maximum number of tokens|input token count/i;

/** What type and status leave open is decided by words last: they mention billing and limits in many a failure. */
function kindOf(status: number | undefined, type: string, said: string): FailureKind {
  const isWrong = status === undefined || status === 400;
  if (status === 402 || EMPTY.test(type) || (isWrong && NO_CREDIT.test(said))) return 'quota';
  if (status === 429) return 'rate_limit';
  if (status === 401 || status === 403 || REFUSED.test(type) || (isWrong && /API key not valid/i.test(said))) return 'auth';
  if (status === undefined && /rate_limit|RESOURCE_EXHAUSTED/i.test(type)) return 'rate_limit';
  const isOurs = status === undefined || (status >= 400 && status < 500);
  if (status === 413 || type.includes('context_length_exceeded') || (isOurs && TOO_LONG.test(said))) return 'context_too_long';
  if (status === undefined ? BUSY.test(type) || type.trim() === '' : status >= 500 || status === 408 || status === 409) return 'overloaded';
  return 'crashed';
}

function codeOf(error: unknown): string {
  const code = at(error, 'error', 'code');
  return typeof code === 'string' ? code : '';
}

/** Google says with 429 both "a moment" and "nothing left today"; the violated quota's id tells which. */
function isDailyQuota(error: unknown): boolean {
  const violations = details(error).flatMap((detail) => listAt(detail, 'violations'));
  return violations.some((violation) => /PerDay/i.test(textAt(violation, 'quotaId')));
}

/** Google's day ends at midnight in California: at 08:00 UTC, in summer an hour before. */
function nextDay(now: Date): Date {
  const reset = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), 8);
  return new Date(reset > now.getTime() ? reset : reset + 24 * 3_600_000);
}

/** Header or detail that names the wait, in the order of trust. */
function retryTime(answer: FailedAnswer, now: Date): Date | undefined {
  // The delay that it names with it is that of a minute, after which it would say the same.
  if (isDailyQuota(answer.error)) return nextDay(now);
  // Anthropic, of a monthly limit that the account set itself.
  const [, again] = /regain access on (20\d\d-\d\d-\d\d)/.exec(textAt(answer.error, 'error', 'message')) ?? [];
  if (again !== undefined && !Number.isNaN(Date.parse(again)))
    return new Date(Math.max(now.getTime(), Math.min(Date.parse(again), now.getTime() + MOST_WAIT_MS)));
  const header = (name: string) => (typeof answer.headers[name] === 'string' ? answer.headers[name] : undefined);
  const after = header('retry-after-ms') === undefined ? toWait(header('retry-after'), now) : Number(header('retry-after-ms'));
  const named = details(answer.error)
    .map((detail) => toSpan(textAt(detail, 'retryDelay')))
    .find((wait) => wait !== undefined);
  const resets = Object.keys(answer.headers)
    .filter((name) => /^(anthropic-ratelimit-.*-reset|x-ratelimit-reset(-.*)?)$/.test(name) && isUsedUp(answer.headers, name))
    .flatMap((name) => toWait(header(name), now) ?? []);
  const wait = [after, named, resets.length > 0 ? Math.max(...resets) : undefined].find(
    (one) => one !== undefined && Number.isFinite(one) && one >= 0,
  );
  return wait === undefined ? undefined : new Date(now.getTime() + Math.min(wait, MOST_WAIT_MS));
}

/** A reset counts where its `remaining` is zero, or is not told. */
function isUsedUp(headers: FailedAnswer['headers'], reset: string): boolean {
  const left = headers[reset.replace(/-reset$/, '-remaining').replace('-reset-', '-remaining-')];
  return left === undefined || left === '0';
}

/** Milliseconds from `12`, `6m0s`, `1.5s`, or a date. */
function toWait(text: string | undefined, now: Date): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
  // Some write the second itself instead of how many are left.
  if (seconds !== undefined) return seconds > 1e9 ? Math.max(0, seconds * 1000 - now.getTime()) : seconds * 1000;
  const span = toSpan(text);
  if (span !== undefined) return span;
  // `Date.parse` takes `-5` for a year.
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/** `1h2m3.5s`, `250ms`. */
function toSpan(text: string): number | undefined {
  const parts = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(text.trim());
  if (!parts || text.trim() === '') return undefined;
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

function details(error: unknown): unknown[] {
  return listAt(error, 'error', 'details');
}

function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.slice(0, 50) : [];
}

/**
 * The error that an event inside a stream with status 200 carries; `undefined` for any other event.
 * Anthropic: `{type: 'error', error}`. OpenAI: `{type: 'response.failed', response: {error}}` and `{type: 'error', code, message}`. Google: `{error}`.
 */
export function errorInStream(event: Readonly<Record<string, unknown>>): { error: unknown; status?: number } | undefined {
  const type = textAt(event, 'type');
  if (type === 'response.failed') return { error: { error: at(event, 'response', 'error') } };
  if (type === 'error' && at(event, 'error') === undefined) return { error: { error: event } };
  const error = at(event, 'error');
  if (error === undefined || error === null) return undefined;
  const status = numberAt(error, 'code');
  return { error: { error }, ...(status !== undefined && { status }) };
}
