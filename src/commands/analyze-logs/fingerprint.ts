/**
 * Tells failures of one cause from each other's accidents: the first line that
 * names an error, without what differs from run to run. The version is part of
 * every fingerprint, because a filed one must mean the same for ever: change a
 * rule here and the version changes with it. Pure.
 */
import { shortHash } from '../../core/ids.ts';
import { cleanText, truncate } from '../../core/text.ts';

const FINGERPRINT_VERSION = 'v1';

/** Longest template. */
const MAX_TEMPLATE = 200;
/** Of a line; keeps the cost of the rules small whatever an agent wrote. */
const MAX_LINE = 1000;
const ERROR_WORDS =
  /(?:error|exception)\b|\b(?:fail(?:s|ed|ure)?|fatal|panic|cannot|can't|could not|not found|refused|denied|missing|invalid|unexpected)\b/i;

/** In this order: what a later rule matches may be left over from an earlier one. */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z| ?[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d\b/g, '<date>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\b(?:req|msg|request|run|call|toolu|chatcmpl)[_-][A-Za-z0-9]{10,}\b/g, '<id>'],
  [/\b[a-z0-9][a-z0-9_.-]*__[a-z0-9_.-]+-\d+-\d+\b/g, '<task>'],
  [/([\w./@-]+\.[A-Za-z]\w{0,7})(?::\d+){1,2}\b/g, '$1'],
  [/([\w./@-]+\.[A-Za-z]\w{0,7})\(\d+(?:,\s*\d+)?\)/g, '$1'],
  [/(?:\/private)?\/(?:tmp|var\/tmp|var\/folders|dev\/shm|workspaces?)\/[^\s'"`:,;)\]}]*/g, '<tmp>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b/gi, '<sha>'],
  [/\b0x[0-9a-f]+\b/gi, '<hex>'],
  [/((?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])):\d{2,5}\b/gi, '$1:<port>'],
  [/\bport \d{2,5}\b/gi, 'port <port>'],
  [/\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|s|sec|secs|seconds?|min|mins|minutes?|h|hours?|d|days?)\b/g, '<duration>'],
  [/(?<![A-Za-z_\d])[-+]?\d+(?:[.,]\d+)*/g, '<n>'],
];

/** The template of a reason: one line, at most 200 characters; empty for an empty reason. Idempotent. */
export function toTemplate(reason: string): string {
  const lines = cleanText(reason)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  let line = truncate(lines.find((candidate) => ERROR_WORDS.test(candidate)) ?? lines[0] ?? '', MAX_LINE);
  for (const [pattern, replacement] of RULES) line = line.replace(pattern, replacement);
  return truncate(line.replace(/\s+/g, ' ').trim(), MAX_TEMPLATE);
}

/** `v1:` and 64 bit of hash over what kind of event failed, with which code, and how. */
export function toFingerprint(event: string, code: string, template: string): string {
  const text = [event, code, template].join('\n');
  return `${FINGERPRINT_VERSION}:${shortHash(text)}${shortHash(`second half\n${text}`)}`;
}
