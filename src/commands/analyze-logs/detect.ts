/**
 * Finds what fails again and again. An attempt counts once however often its
 * end was logged; support is counted in distinct issues too, because the
 * retries of one issue are one problem. Pure.
 */
import type { Event } from '../../core/events/event.ts';
import { cleanText, truncate } from '../../core/text.ts';
import { toFingerprint, toTemplate } from './fingerprint.ts';

/** A pattern is a finding from this many events … */
export const MIN_EVENTS = 3;
/** … over this many distinct issues. One stubborn issue is not a pattern. */
export const MIN_ISSUES = 2;
/** Examples kept of one pattern. */
const MAX_EXAMPLES = 3;

/** What the host found to be no fault of the work, whatever the outcome says. */
const EXTERNAL: ReadonlySet<string> = new Set(['provider_rate_limit', 'provider_auth', 'provider_unavailable', 'infrastructure', 'budget']);
/** Nothing that a change of the repository could put right: reported, and never filed. An agent may report some of these itself. */
const OPERATIONS: ReadonlySet<string> = new Set([
  ...EXTERNAL,
  'resource_limit',
  'quota_limited',
  'missing_credentials',
  'rate_limit',
  'unavailable',
  'auth',
  'io',
  'config',
]);

export type Example = {
  repo: string;
  issue: number | null;
  task: string | null;
  attempt: number | null;
  at: string;
  run: string;
  /** As it was logged, cleaned and cut; untrusted. */
  excerpt: string;
};

export type Failure = Example & {
  event: string;
  code: string;
  agent: string | null;
  /** What the outcome says about the work: false for provider, infrastructure and budget. */
  quality: boolean;
  template: string;
  fingerprint: string;
};

export type CodeCount = { code: string; quality: boolean; count: number; issues: number };

export type Pattern = {
  fingerprint: string;
  event: string;
  code: string;
  /** Whether a change of the repository could put it right. */
  fileable: boolean;
  template: string;
  count: number;
  /** Distinct issues. */
  issues: number;
  agents: string[];
  /** Events by repository, most first. */
  repos: { name: string; count: number; issues: number }[];
  firstAt: string;
  lastAt: string;
  /** From different issues where there are, latest first. */
  examples: Example[];
};

/** Ends of attempts, one an attempt (the newest line), in order of time. Lines without task or number stand for themselves. */
export function listAttempts(events: readonly Event[]): Event[] {
  const byAttempt = new Map<string, Event>();
  for (const [index, event] of events.entries()) {
    if (event.event !== 'queue.attempt.finished') continue;
    byAttempt.set(event.task === undefined || event.attempt === undefined ? `line ${index}` : `${event.task} ${event.attempt}`, event);
  }
  return [...byAttempt.values()];
}

/** False for outcomes that say nothing about the work: provider, infrastructure, budget, stops. */
export function isQuality(event: Event): boolean {
  return event.outcome !== 'infrastructure' && event.outcome !== 'stopped' && !EXTERNAL.has(event.code ?? '');
}

/** Attempts that failed for whatever reason but a stop, and actions that failed for good. */
export function listFailures(events: readonly Event[]): Failure[] {
  const attempts = listAttempts(events).filter((event) => event.outcome !== 'complete' && event.outcome !== 'stopped');
  const actions = events.filter((event) => event.event === 'run.action.failed' && event.outcome === 'failed');
  return [...attempts.map((event) => toFailure(event, event)), ...actions.map((event) => toFailure(event, readSubject(event)))];
}

/** Failures by code, most first. */
export function countCodes(failures: readonly Failure[]): CodeCount[] {
  return [...groupBy(failures, (failure) => failure.code)]
    .map(([code, group]) => ({ code, quality: group.every((failure) => failure.quality), count: group.length, issues: countIssues(group) }))
    .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}

/** Failures by fingerprint: most distinct issues first, then most events. */
export function findPatterns(failures: readonly Failure[]): Pattern[] {
  return [...groupBy(failures, (failure) => failure.fingerprint).values()]
    .map(toPattern)
    .sort((a, b) => b.issues - a.issues || b.count - a.count || (a.fingerprint < b.fingerprint ? -1 : 1));
}

export function isSupported(pattern: Pattern): boolean {
  return pattern.count >= MIN_EVENTS && pattern.issues >= MIN_ISSUES;
}

function toPattern(group: readonly Failure[]): Pattern {
  const byTime = [...group].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const [first] = byTime;
  const last = byTime.at(-1);
  if (!first || !last) throw new Error('a group has at least one member');
  const { fingerprint, event, code, template } = first;
  const repos = [...groupBy(group, (failure) => failure.repo)]
    .map(([name, members]) => ({ name, count: members.length, issues: countIssues(members) }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return {
    fingerprint,
    event,
    code,
    fileable: group.every((failure) => failure.quality) && !OPERATIONS.has(code),
    template,
    count: group.length,
    issues: countIssues(group),
    agents: [...new Set(group.flatMap(({ agent }) => agent ?? []))].sort(),
    repos,
    firstAt: first.at,
    lastAt: last.at,
    examples: pickExamples(byTime, repos[0]?.name ?? ''),
  };
}

/** Of the repository where it happened most only: the others may be private to other readers. */
function pickExamples(byTime: readonly Failure[], repo: string): Example[] {
  const newest = byTime.filter((failure) => failure.repo === repo).reverse();
  const seen = new Set<string>();
  const firsts = newest.filter((failure) => {
    const fresh = !seen.has(unitOf(failure));
    seen.add(unitOf(failure));
    return fresh;
  });
  const rest = newest.filter((failure) => !firsts.includes(failure));
  return [...firsts, ...rest].slice(0, MAX_EXAMPLES).map(({ issue, task, attempt, at, run, excerpt }) => {
    return { repo, issue, task, attempt, at, run, excerpt };
  });
}

function countIssues(failures: readonly Failure[]): number {
  return new Set(failures.map(unitOf)).size;
}

function unitOf(failure: Failure): string {
  return failure.issue === null ? (failure.task ?? failure.repo) : `${failure.repo}#${failure.issue}`;
}

interface Subject {
  repo?: string | undefined;
  issue?: number | undefined;
  task?: string | undefined;
  reason: string;
}

function toFailure(event: Event, subject: Subject): Failure {
  const code = event.code ?? 'unknown';
  const template = toTemplate(subject.reason);
  return {
    repo: subject.repo ?? '',
    issue: subject.issue ?? null,
    task: subject.task ?? null,
    attempt: event.attempt ?? null,
    at: event.time,
    run: event.run,
    excerpt: truncate(cleanText(subject.reason).trim(), 600),
    event: event.event,
    code,
    agent: event.agent ?? null,
    quality: isQuality(event),
    template,
    fingerprint: toFingerprint(event.kind ? `${event.event} ${event.kind}` : event.event, code, template),
  };
}

/** A failed action names its subject in front of the reason: `acme/shop#12: …`, a task id, a repository. */
function readSubject(event: Event): Subject {
  const match = /^([\w.-]+\/[\w.-]+)(?:#(\d+))?: |^([a-z0-9][\w.-]*-\d+-\d+): /.exec(event.reason);
  return {
    repo: event.repo ?? match?.[1],
    issue: event.issue ?? (match?.[2] === undefined ? undefined : Number(match[2])),
    task: event.task ?? match?.[3],
    reason: event.reason.slice(match?.[0].length ?? 0),
  };
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
