/**
 * What is remembered of one merged change: a few bounded lines, made safe once,
 * on the way in. Words of an agent stay words: one line each, no mention, no
 * HTML. Which entries matter is computed from the entries alone, so that the
 * order in which they were added does not matter. Pure.
 */
import * as z from 'zod';
import { cleanLine, neutralise } from '../text.ts';

z.config({ jitless: true });

/** Entries kept in `entries.json`; the rendered text holds fewer. */
const MAX_ENTRIES = 300;
const MAX_PATHS = 60;
const MAX_PATH = 160;
const MAX_NOTES = 5;
const MAX_SUMMARY = 500;
const MAX_NOTE = 200;
const MAX_TITLE = 160;
/** One touch keeps an entry as long as this much youth does. */
const TOUCH_MS = 30 * 24 * 3600 * 1000;
/** More touches than this say nothing new. */
const MAX_TOUCHES = 10;

const text = z.string().max(1000);

export const Entry = z.strictObject({
  issue: z.number().int().min(1),
  title: text,
  pull_request: z.number().int().min(1),
  merged_at: z.iso.datetime({ offset: true }),
  /** Changed paths, sorted, at most `MAX_PATHS`. */
  paths: z.array(text).max(MAX_PATHS),
  /** Changed paths that are not in `paths`. */
  more_paths: z.number().int().min(0),
  summary: text,
  decisions: z.array(text).max(MAX_NOTES),
  risks: z.array(text).max(MAX_NOTES),
  /** Later merges that changed one of `paths`, and the time of the latest. */
  touched: z.number().int().min(0),
  touched_at: z.iso.datetime({ offset: true }).optional(),
});
export type Entry = z.infer<typeof Entry>;

/** A merged change, as the forge and the agent's result tell it; nothing in it is trusted. */
export interface MergedWork {
  issue: number;
  title: string;
  pullRequest: number;
  /** ISO 8601. */
  mergedAt: string;
  /** Every path that differs between base and merge. */
  paths: readonly string[];
  /** The agent's words. */
  summary: string;
  decisions: readonly string[];
  risks: readonly string[];
}

/** The entry of a merged change, untouched so far. */
export function toEntry(work: MergedWork): Entry {
  const paths = [...new Set(work.paths.map(safePath))].filter((path) => path !== '').sort();
  return {
    issue: work.issue,
    title: safeLine(work.title, MAX_TITLE),
    pull_request: work.pullRequest,
    merged_at: work.mergedAt,
    paths: paths.slice(0, MAX_PATHS),
    more_paths: Math.max(0, paths.length - MAX_PATHS),
    summary: safeLine(work.summary, MAX_SUMMARY),
    decisions: safeNotes(work.decisions),
    risks: safeNotes(work.risks),
    touched: 0,
  };
}

/**
 * The entries with one more, newest first, at most `MAX_ENTRIES`. An entry of
 * the same issue and pull request is there already: the list is unchanged.
 */
export function addEntry(entries: readonly Entry[], added: Entry): Entry[] {
  if (entries.some((entry) => isSame(entry, added))) return [...entries];
  let fresh = added;
  const rest = entries.map((entry) => {
    if (!entry.paths.some((path) => added.paths.includes(path))) return entry;
    if (compareMerged(added, entry) > 0) return touch(entry, added.merged_at);
    fresh = touch(fresh, entry.merged_at);
    return entry;
  });
  return keepRelevant([...rest, fresh], MAX_ENTRIES);
}

/** The `max` entries that matter most, newest first. */
function keepRelevant(entries: readonly Entry[], max: number): Entry[] {
  return byRelevance(entries).slice(0, max).sort(compareNewestFirst);
}

/** Most relevant first: what was merged or touched lately, and what is touched often; the order to leave is the reverse. */
export function byRelevance(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => relevance(b) - relevance(a) || compareNewestFirst(a, b));
}

export function compareNewestFirst(a: Entry, b: Entry): number {
  return compareMerged(b, a);
}

function relevance(entry: Entry): number {
  return Date.parse(entry.touched_at ?? entry.merged_at) + Math.min(entry.touched, MAX_TOUCHES) * TOUCH_MS;
}

function compareMerged(a: Entry, b: Entry): number {
  return Date.parse(a.merged_at) - Date.parse(b.merged_at) || a.pull_request - b.pull_request || a.issue - b.issue;
}

function touch(entry: Entry, at: string): Entry {
  const known = entry.touched_at;
  return { ...entry, touched: entry.touched + 1, touched_at: known !== undefined && Date.parse(known) >= Date.parse(at) ? known : at };
}

function isSame(a: Entry, b: Entry): boolean {
  return a.issue === b.issue && a.pull_request === b.pull_request;
}

function safeNotes(notes: readonly string[]): string[] {
  return notes
    .map((note) => safeLine(note, MAX_NOTE))
    .filter((note) => note !== '' && !/^(?:none|n\/a|-)\.?$/i.test(note))
    .slice(0, MAX_NOTES);
}

/** One line that starts nothing in Markdown where it stands behind a label, and mentions nobody. */
function safeLine(line: string, max: number): string {
  return neutralise(cleanLine(line, max), max);
}

/** A path to stand between backticks. Two paths that look the same count as one. */
function safePath(path: string): string {
  return safeLine(path.replaceAll('`', "'"), MAX_PATH);
}
