/**
 * What `plan` keeps of a repository, under `plan/<owner>__<name>/`:
 * `last.json` (the sprint, and the gate that an hourly run looks at),
 * `requirements.json`, and the plan itself, `plan.md` and `plan.json`. All of it
 * can be made again; a file that cannot be read counts as absent.
 */
import { ensureDirectory, readIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import { repoKey } from '../../core/ids.ts';
import type { StoredRequirement } from './filed.ts';

export interface Sprint {
  /** From 1. */
  sprint: number;
  /** ISO 8601; the cadence counts from here. */
  startedAt: string;
  /** Issues selected for it so far. */
  selected: number[];
}

const DAY_MS = 24 * 3600 * 1000;

export function planDirectory(dir: string, repo: string): string {
  return `${dir}/${repoKey(repo)}`;
}

/** @param dir of the repository's plan. */
export function readSprint(dir: string): Sprint | undefined {
  const found = readJson(`${dir}/last.json`) as Partial<Sprint> | undefined;
  const { sprint, startedAt, selected } = found ?? {};
  if (!Number.isInteger(sprint) || typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt)) || !Array.isArray(selected))
    return undefined;
  return { sprint: sprint as number, startedAt, selected: selected.filter((issue) => Number.isInteger(issue)) };
}

/** When the next sprint begins; now or earlier, when it is due. A start in the future is a clock that was wrong. */
export function dueAt(last: Sprint | undefined, cadenceDays: number, now: Date): Date {
  const start = last ? Date.parse(last.startedAt) : Number.POSITIVE_INFINITY;
  return start > now.getTime() ? now : new Date(start + cadenceDays * DAY_MS);
}

export function writeSprint(dir: string, sprint: Sprint): void {
  write(`${dir}/last.json`, toJson({ version: 1, ...sprint }));
}

export function readStored(dir: string): StoredRequirement[] {
  const found = readJson(`${dir}/requirements.json`) as { requirements?: unknown } | undefined;
  return Array.isArray(found?.requirements) ? found.requirements.filter(isStored) : [];
}

export function writeStored(dir: string, requirements: readonly StoredRequirement[]): void {
  write(`${dir}/requirements.json`, toJson({ version: 1, requirements: [...requirements] }));
}

export function writePlan(dir: string, markdown: string, document: object): void {
  write(`${dir}/plan.json`, toJson(document));
  write(`${dir}/plan.md`, markdown);
}

function write(path: string, text: string): void {
  ensureDirectory(path.slice(0, path.lastIndexOf('/')));
  writeFileAtomic(path, text);
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readIfThere(path) ?? 'null') ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isStored(value: unknown): value is StoredRequirement {
  const entry = (value ?? {}) as Partial<StoredRequirement>;
  return (
    typeof entry.key === 'string' &&
    typeof entry.title === 'string' &&
    typeof entry.hash === 'string' &&
    Number.isInteger(entry.issue) &&
    Number.isInteger(entry.generation)
  );
}
