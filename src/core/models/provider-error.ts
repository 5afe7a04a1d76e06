/** What went wrong at a provider, in our error codes. Never repeats a provider's text about credentials, and never the key. Pure. */
import type { FailureKind } from '../agents/report.ts';
import { AgentOsError, type ErrorCode } from '../errors.ts';
import { type FailedAnswer, readFailure } from '../gateway/classify.ts';

/** @param key of the provider, which the text must not repeat. */
export function toModelError(answer: FailedAnswer, now: Date, key: string): AgentOsError {
  const { kind, said, retryAt } = readFailure(answer, now, key);
  const [code, words] = CODES[kind] ?? ['refused', 'refused the request'];
  return new AgentOsError(code, said === '' ? words : `${words}, ${said}`, code === 'auth' ? {} : { retryAt });
}

/** A used-up account is no rate limit: it stays so until somebody pays. */
const CODES: Partial<Record<FailureKind, [code: ErrorCode, words: string]>> = {
  auth: ['auth', 'the key was refused'],
  quota: ['auth', 'the account has nothing left'],
  rate_limit: ['rate_limit', 'asks to wait'],
  overloaded: ['unavailable', 'does not answer'],
};

/** What says that a connection never came about. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** True where the request that failed was certainly never sent. SDKs keep the reason some causes deep. */
export function neverSent(error: unknown): boolean {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; at = (at as { cause?: unknown }).cause, depth++) {
    if (UNSENT.has((at as { code?: unknown }).code)) return true;
  }
  return false;
}
