/** What dispatch reads of the issues of one repository: those that concern it, with their timelines. Loads nothing but `node:fs`. */
import { AgentOsError } from '../../errors.ts';
import type { Dependency, IssueQuery, IssueView } from '../github.ts';
import { listNumbers, peekLabels, type RepositoryFiles, readIssue } from './files.ts';
import type { IssueRecord } from './records.ts';
import { toIssue } from './view.ts';

/** Oldest first; a number that names no issue is left out. @throws AgentOsError `corrupt`. */
export async function listViews(files: RepositoryFiles, { labels, also }: Omit<IssueQuery, 'repo'>): Promise<IssueView[]> {
  const wanted = new Set(labels.map((label) => label.toLowerCase()));
  const concerns = (list: readonly string[]) => list.some((label) => wanted.has(label.toLowerCase()));
  const named = new Set(also);
  const views: IssueView[] = [];
  for (const number of listNumbers(`${files.dir}/issues`)) {
    if (!named.has(number) && !concerns(peekLabels(files, number) ?? labels)) continue;
    const record = await readIssue(files, number);
    if (record && (named.has(number) || concerns(record.labels))) views.push(toView(record));
  }
  return views;
}

/** @throws AgentOsError `not_found`. */
export async function readView(files: RepositoryFiles, number: number): Promise<IssueView> {
  return toView(await readKnown(files, number));
}

/** What the issues' own files say that they wait for. */
export async function listDependencies(files: RepositoryFiles, numbers: readonly number[]): Promise<Map<number, Dependency[]>> {
  const found = new Map<number, Dependency[]>();
  for (const number of numbers) {
    const list: Dependency[] = [];
    for (const issue of (await readKnown(files, number)).blockedBy) {
      const record = await readIssue(files, issue);
      if (record) list.push({ repo: files.repo, issue, state: record.state });
    }
    if (list.length > 0) found.set(number, list);
  }
  return found;
}

async function readKnown(files: RepositoryFiles, number: number): Promise<IssueRecord> {
  const record = await readIssue(files, number);
  if (!record) throw new AgentOsError('not_found', `${files.repo} has no issue #${number}`);
  return record;
}

function toView(record: IssueRecord): IssueView {
  return { issue: toIssue(record), events: record.events };
}
