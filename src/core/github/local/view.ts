/**
 * What a pull request looks like now: its record, and the branches as they are
 * in git. A push is visible at once and costs no write; a head branch that is
 * gone means closed; a merge whose commit reached the base means merged, even
 * when the process that made it died before it could say so.
 */
import type { CheckRun, Issue, PullRequest } from '../github.ts';
import { Fields } from './fields.ts';
import { inFile, listNumbers, type RepositoryFiles, readDocument, readPull } from './files.ts';
import type { IssueRecord, PullRecord } from './records.ts';
import { branchMovedAt, readBranch } from './refs.ts';
import { parseSections } from './sections.ts';

const CHECKS_KEYS = new Set(['sha', 'checks']);
const CHECK_KEYS = new Set(['name', 'state', 'at']);

/** The issue in the port's words. */
export function toIssue({ kind: _, events: __, comments: ___, blockedBy: ____, parent: _____, ...issue }: IssueRecord): Issue {
  return issue;
}

/** The record brought up to date with git; the file is left alone. */
export async function currentPull(files: RepositoryFiles, record: PullRecord): Promise<PullRecord> {
  if (record.state !== 'open') return record;
  if (record.mergingSha !== undefined && (await isOnBase(files, record.base, record.mergingSha))) {
    const { mergingSha, ...rest } = record;
    return { ...rest, state: 'merged', mergeSha: mergingSha };
  }
  const tip = readBranch(files.gitDir, record.head);
  if (tip === undefined) return { ...record, state: 'closed' };
  if (tip === record.headSha) return record;
  const movedAt = branchMovedAt(files.gitDir, record.head) ?? record.updatedAt;
  return { ...record, headSha: tip, updatedAt: movedAt > record.updatedAt ? movedAt : record.updatedAt };
}

async function isOnBase(files: RepositoryFiles, base: string, sha: string): Promise<boolean> {
  const tip = readBranch(files.gitDir, base);
  if (tip === undefined || tip === sha) return tip === sha;
  const { hasCommit, isAncestor } = await import('./git.ts');
  return hasCommit(files.gitDir, sha) && isAncestor(files.gitDir, sha, tip);
}

/** The pull request in the port's words, without `mergeable`. */
export function toPullRequest(record: PullRecord): PullRequest {
  const { number, title, body, state, author, base, head, headSha, draft, labels, mergeSha, closedBy, createdAt, updatedAt } = record;
  const facts = { number, title, body, state, author, base, head, headSha, draft, labels, createdAt, updatedAt };
  return { ...facts, ...(mergeSha !== undefined && { mergeSha }), ...(closedBy && { closedBy }) };
}

/** Every pull request of the repository, up to date, by number. */
export async function listPulls(files: RepositoryFiles): Promise<PullRecord[]> {
  const pulls: PullRecord[] = [];
  for (const number of listNumbers(`${files.dir}/pulls`)) {
    const record = await readPull(files, number);
    if (record) pulls.push(await currentPull(files, record));
  }
  return pulls;
}

/** A check that ended. */
export interface CheckResult {
  name: string;
  state: 'success' | 'failure';
  at: string;
  output: string;
}

export function checksPath(files: RepositoryFiles, sha: string): string {
  return `${files.dir}/checks/${sha}.md`;
}

/** What is recorded about a commit; @throws `corrupt`. */
export async function readCheckResults(files: RepositoryFiles, sha: string): Promise<CheckResult[]> {
  const path = checksPath(files, sha);
  const document = await readDocument(path);
  if (!document) return [];
  return inFile(path, () => {
    const { sections } = parseSections(document.body);
    return new Fields(document.data, CHECKS_KEYS).objects('checks').map((data): CheckResult => {
      const fields = new Fields(data, CHECK_KEYS);
      const name = fields.text('name');
      const output = sections.find((section) => section.kind === 'output' && section.fields['name'] === name)?.text ?? '';
      return { name, state: fields.oneOf('state', ['success', 'failure']), at: fields.instant('at'), output };
    });
  });
}

/** Lines of `localCi` in their order, each once: `pending` where the head of an open pull request has no result; then what else was recorded. */
export async function listChecks(files: RepositoryFiles, sha: string, localCi: readonly string[]): Promise<CheckRun[]> {
  if (!/^[0-9a-f]{40,64}$/.test(sha)) return [];
  const results = await readCheckResults(files, sha);
  const missing = [...new Set(localCi)].filter((name) => !results.some((result) => result.name === name));
  const isHead = missing.length > 0 && (await listPulls(files)).some((pull) => pull.state === 'open' && pull.headSha === sha);
  return [
    ...results.map(({ name, state, output }): CheckRun => ({ name, sha, state, ...(output !== '' && { output }) })),
    ...(isHead ? missing.map((name): CheckRun => ({ name, sha, state: 'pending' })) : []),
  ];
}
