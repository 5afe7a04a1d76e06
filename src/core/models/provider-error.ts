/**
 * What went wrong at a provider, in our error codes. Reads status, headers and
 * the reason that SDK errors carry; never repeats a provider's text about
 * credentials, and never the key. Pure.
 */
import { AgentOsError, type ErrorCode } from '../errors.ts';
import { cleanLine } from '../text.ts';
import type { ProviderFault } from './models.ts';

/** Longest wait that a provider's answer may ask of us. */
const MOST_WAIT_MS = 24 * 3600 * 1000;

/** @param key of the provider, which the text must not repeat. */
export function toModelError(fault: ProviderFault, now: Date, key: string): AgentOsError {
  const code = codeOf(fault);
  const status = fault.status === undefined ? '' : `HTTP ${fault.status}`;
  const said = code === 'auth' ? '' : cleanLine(withoutKey(fault.message, key), 200);
  const text = [WORDS[code] ?? 'failed', [status, said].filter((part) => part !== '').join(': ')].filter((part) => part !== '').join(', ');
  const retryAt = code === 'rate_limit' || code === 'unavailable' ? retryTime(fault.retryAfter, now) : undefined;
  return new AgentOsError(code, text, { retryAt });
}

const WORDS: Partial<Record<ErrorCode, string>> = {
  auth: 'the key was refused',
  rate_limit: 'asks to wait',
  unavailable: 'does not answer',
  refused: 'refused the request',
};

function codeOf({ status, type = '', message }: ProviderFault): ErrorCode {
  // A used-up account is no rate limit: it stays so until somebody pays. Providers say it with 400, 402 and 429.
  if (status === 402 || /insufficient_quota|credit balance|billing_error/i.test(`${type} ${message}`)) return 'auth';
  if (status === 401 || status === 403 || /API key not valid|API_KEY_INVALID/i.test(message)) return 'auth';
  if (status === 429) return 'rate_limit';
  // 409 is OpenAI's for a conflict that goes away; everything else below 500 stays wrong however often it is sent.
  if (status === undefined || status >= 500 || status === 408 || status === 409) return 'unavailable';
  return 'refused';
}

function withoutKey(text: string, key: string): string {
  // Providers repeat keys in part, with stars in the middle.
  return (key === '' ? text : text.replaceAll(key, '***')).replace(/\b(?:sk-|AIza)[\w*-]{4,}/g, '***');
}

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

/** `retry-after` as an instant; `undefined` for what cannot be read. */
export function retryTime(retryAfter: string | undefined, now: Date): Date | undefined {
  if (retryAfter === undefined || retryAfter.trim() === '') return undefined;
  const seconds = Number(retryAfter);
  const at = Number.isFinite(seconds) ? now.getTime() + seconds * 1000 : Date.parse(retryAfter);
  if (Number.isNaN(at)) return undefined;
  return new Date(Math.min(Math.max(at, now.getTime()), now.getTime() + MOST_WAIT_MS));
}
