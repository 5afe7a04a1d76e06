/**
 * Issues as they were read before, so that only what changed is asked for
 * again: `<root>/<owner>__<name>/index.json`, the list as it was last read as a
 * whole, and `<number>.json`, a view. A cache: every file is complete in itself
 * and bound to build, host and repository; whatever cannot be used counts as
 * absent, and what is lost costs requests, nothing else. Two processes may use
 * it at once, the last writer wins. Holds no token.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ensureDirectory, unlinkIfThere, writeFileAtomic } from '../../atomic-file.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { AgentOsError, errnoOf } from '../../errors.ts';
import { repoKey } from '../../ids.ts';
import type { IssueView } from '../github.ts';
import type { KnownList } from './decide-pages.ts';

/** Changed with the shape of the files; builds of the same version may share them. */
const VERSION = 1;

/** What is remembered is no evidence for longer than this: a label that is renamed, say, changes no issue's update time. */
const MAX_AGE_MS = 24 * 3_600_000;

/** What is known of a repository's issues. */
export interface IssueIndex extends KnownList {
  /** When every page was last read, by the forge's clock; `readAt` may be later. */
  wholeAt: string;
  /** The labels that were asked for. */
  labels: readonly string[];
  /** Issues outside the list whose views are kept. */
  also: readonly number[];
}

interface RememberedView {
  view: IssueView;
  /** No later than the moment it was read, by the forge's clock. */
  readAt: string;
}

export interface IssueMemory {
  /** `undefined` where there is none that may be used. */
  readIndex(repo: string): IssueIndex | undefined;
  /** Replaces the index, and removes the views that it does not name once they are too old for anybody. */
  writeIndex(repo: string, index: IssueIndex): void;
  readView(repo: string, number: number): RememberedView | undefined;
  writeView(repo: string, remembered: RememberedView): void;
}

export interface IssueMemoryOptions {
  root: string;
  /** Of the API, with its port; another one has other issues under the same names. */
  host: string;
  /** By which files here grow old. */
  clock?: Clock;
}

export function openIssueMemory({ root, host, clock = systemClock }: IssueMemoryOptions): IssueMemory {
  const build = process.env['AGENTOS_BUILD'] ?? 'source';
  const pathOf = (repo: string, name: string | number) => `${root}/${repoKey(repo)}/${name}.json`;
  const read = (repo: string, name: string | number) => {
    const file = parseObject(readText(pathOf(repo, name)));
    const fits = file?.['version'] === VERSION && file['build'] === build && file['host'] === host && file['repo'] === repo;
    return fits ? file : undefined;
  };
  const write = (repo: string, name: string | number, content: object) => {
    tolerate(() => {
      ensureDirectory(`${root}/${repoKey(repo)}`);
      const text = JSON.stringify({ version: VERSION, build, host, repo, ...content });
      writeFileAtomic(pathOf(repo, name), text, { durable: false, mode: 0o600 });
    });
  };
  return {
    readIndex: (repo) => toIndex(read(repo, 'index')),
    writeIndex(repo, { entries, ...rest }) {
      write(repo, 'index', { ...rest, entries: [...entries] });
      const named = new Set([...entries.keys(), ...rest.also]);
      tolerate(() => prune(`${root}/${repoKey(repo)}`, named, clock.now().getTime() - MAX_AGE_MS));
    },
    readView: (repo, number) => toView(read(repo, number), number),
    writeView: (repo, remembered) => write(repo, remembered.view.issue.number, remembered),
  };
}

/** Whether what was read then may still be used now. Times by the forge's clock. */
export function isFresh(readAt: string, now: string): boolean {
  return Date.parse(now) - Date.parse(readAt) < MAX_AGE_MS;
}

function toIndex(file: Record<string, unknown> | undefined): IssueIndex | undefined {
  const { readAt, wholeAt, labels, also, entries } = file ?? {};
  if (!isInstant(readAt) || !isInstant(wholeAt) || !Array.isArray(entries) || !entries.every(isEntry)) return undefined;
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) return undefined;
  if (!Array.isArray(also) || !also.every((number) => Number.isSafeInteger(number))) return undefined;
  return { readAt, wholeAt, labels, also: also as number[], entries: new Map(entries) };
}

function isEntry(entry: unknown): entry is [number, string] {
  return Array.isArray(entry) && entry.length === 2 && Number.isSafeInteger(entry[0]) && isInstant(entry[1]);
}

/** The file is ours and complete or absent, so the shape is that of its version. */
function toView(file: Record<string, unknown> | undefined, number: number): RememberedView | undefined {
  const { view, readAt } = file ?? {};
  const { issue, events } = (view ?? {}) as Partial<IssueView>;
  if (!isInstant(readAt) || issue?.number !== number || !isInstant(issue.updatedAt) || !Array.isArray(events)) return undefined;
  return { view: view as IssueView, readAt };
}

/**
 * Other queries of the same pass have views here too, so what is not named goes by its age; with it goes what a process
 * that was killed had begun to write.
 */
function prune(dir: string, named: ReadonlySet<number>, before: number): void {
  for (const name of readdirSync(dir)) {
    const kept = name === 'index.json' || named.has(Number(/^(\d+)\.json$/.exec(name)?.[1]));
    if (!kept && statSync(`${dir}/${name}`).mtimeMs < before) unlinkIfThere(`${dir}/${name}`);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isInstant(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

/** A disk that takes no file is no reason to fail: whoever needs the state directory says what is wrong with it. */
function tolerate(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof AgentOsError && error.code === 'io')) throw error;
  }
}
