/**
 * What an issue of the backlog is worth next: points with a reason each, added
 * up. No model, no figure that cannot be shown. Pure.
 */

/** An issue that might be worked on, or a requirement that becomes one in this pass. */
export interface Candidate {
  /** Absent until it is filed. */
  number?: number;
  /** Of the requirement, where it is not filed yet. */
  requirement?: string;
  title: string;
  body: string;
  labels: readonly string[];
  /** ISO 8601. */
  createdAt: string;
  /** What filed it, when we did. */
  origin?: 'requirement' | 'finding';
  /** Open issues that wait for it. */
  unblocks: readonly number[];
}

export interface Points {
  factor: string;
  points: number;
  note: string;
}

export interface Scored {
  candidate: Candidate;
  score: number;
  breakdown: Points[];
}

const WEEK_MS = 7 * 24 * 3600 * 1000;
const PRIORITY: Record<string, number> = { 'prio:high': 30, 'prio:low': -20 };
const PER_UNBLOCKED = 10;
const MAX_UNBLOCKED = 30;
const MAX_AGE = 15;
/** In characters. */
const SHORT = 80;
const LONG = 8000;

const CRITERIA = /^(?: {0,3}#{1,6}\s*|\W*)(?:acceptance|success) criteria\b|^\s*[-*+] \[[ xX]\] /im;
const CHANGE = /^[ \t]*(?:`{3,}|~{3,})[ \t]*(?:diff\b|[^\n]*\bfile=\S)/m;

/** Highest score first; equal ones by number, those not filed yet last, in their order. */
export function rank(candidates: readonly Candidate[], now: Date): Scored[] {
  return candidates
    .map((candidate) => scoreIssue(candidate, now))
    .sort((a, b) => b.score - a.score || order(a.candidate) - order(b.candidate) || 0);
}

/** Only factors that count for something are listed. */
export function scoreIssue(candidate: Candidate, now: Date): Scored {
  const breakdown = [
    priority(candidate),
    unblocks(candidate),
    age(candidate, now),
    clarity(candidate),
    origin(candidate),
    size(candidate),
  ].filter((points) => points.points !== 0);
  return { candidate, score: breakdown.reduce((sum, { points }) => sum + points, 0), breakdown };
}

function priority({ labels }: Candidate): Points {
  const label = labels.find((name) => Object.hasOwn(PRIORITY, name.toLowerCase()))?.toLowerCase() ?? '';
  return { factor: 'priority', points: PRIORITY[label] ?? 0, note: `labelled ${label}` };
}

function unblocks({ unblocks: waiting }: Candidate): Points {
  const note = `${waiting.map((number) => `#${number}`).join(', ')} ${waiting.length === 1 ? 'waits' : 'wait'} for it`;
  return { factor: 'unblocks', points: Math.min(MAX_UNBLOCKED, waiting.length * PER_UNBLOCKED), note };
}

function age({ createdAt }: Candidate, now: Date): Points {
  const weeks = Math.max(0, Math.floor((now.getTime() - Date.parse(createdAt)) / WEEK_MS));
  return { factor: 'age', points: Math.min(MAX_AGE, weeks), note: `open for ${weeks} ${weeks === 1 ? 'week' : 'weeks'}` };
}

function clarity({ body }: Candidate): Points {
  if (CHANGE.test(body)) return { factor: 'clarity', points: 15, note: 'carries the change itself' };
  return { factor: 'clarity', points: CRITERIA.test(body) ? 10 : 0, note: 'says when it is done' };
}

function origin({ origin: filed }: Candidate): Points {
  if (filed === 'finding') return { factor: 'self-improvement', points: 10, note: 'a measured failure pattern' };
  return { factor: 'requirement', points: filed === 'requirement' ? 10 : 0, note: 'on the requirements list' };
}

function size({ body }: Candidate): Points {
  const length = body.replace(/<!--.*?-->/gs, '').trim().length;
  if (length < SHORT) return { factor: 'size', points: -10, note: `says little (${length} characters)` };
  return { factor: 'size', points: length > LONG ? -10 : 0, note: `is long (${length} characters); split it` };
}

function order(candidate: Candidate): number {
  return candidate.number ?? Number.MAX_SAFE_INTEGER;
}
