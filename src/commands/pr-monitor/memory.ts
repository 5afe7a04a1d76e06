/**
 * What the PR monitor said of a pull request that nothing has happened to
 * since: as long as its stamp and everything of ours that counts are the same,
 * it is not looked at again, for ten minutes at most. Owns
 * `cache/pr-monitor/<task>.json`; losing it costs requests.
 */
import { readApproval } from '../../core/approvals.ts';
import { ensureDirectory, readIfThere, unlinkIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import type { StatePaths } from '../../core/config/paths.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { readRequest } from '../../core/requests.ts';
import type { PrMonitorAction } from './policy.ts';

/** A stamp is a hint: permissions and some states of checks move without it. */
const KEEP_MS = 10 * 60_000;

/** Verdicts that change nothing, and only those are kept. */
type Quiet = Extract<PrMonitorAction['kind'], 'wait' | 'hold' | 'skip'>;
const QUIET: ReadonlySet<string> = new Set<Quiet>(['wait', 'hold', 'skip']);

interface Kept {
  key: string;
  at: string;
  kind: Quiet;
  reason: string;
}

/** Everything that a verdict rests on, in one word. */
export function keyOf(paths: StatePaths, repo: RepoConfig, { task, tray }: Letter, stamp: string): string {
  const approval = task.pull_request === undefined ? undefined : readApproval(paths.approvals, task.repo, task.pull_request);
  const facts = [stamp, tray, task, repo, readRequest(paths.requests, task.id) ?? null, approval ?? null];
  // Not imported: a pass with nothing in review would load it too.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/** The verdict of an earlier pass, when it still holds. */
export function recall(paths: StatePaths, id: string, key: string, now: Date): { kind: Quiet; reason: string } | undefined {
  const kept = read(paths, id);
  const age = now.getTime() - Date.parse(kept?.at ?? '');
  return kept?.key === key && QUIET.has(kept.kind) && age >= 0 && age < KEEP_MS ? { kind: kept.kind, reason: kept.reason } : undefined;
}

/** Keeps a verdict that changes nothing, forgets the one before any other. */
export function keep(paths: StatePaths, id: string, key: string, verdict: { kind: string; reason: string }, now: Date): void {
  if (!QUIET.has(verdict.kind)) {
    unlinkIfThere(path(paths, id));
    return;
  }
  ensureDirectory(`${paths.cache}/pr-monitor`);
  const kept = { key, at: now.toISOString(), kind: verdict.kind, reason: verdict.reason };
  writeFileAtomic(path(paths, id), `${JSON.stringify(kept)}\n`, { durable: false });
}

function read(paths: StatePaths, id: string): Kept | undefined {
  try {
    const kept = JSON.parse(readIfThere(path(paths, id)) ?? 'null') as Kept | null;
    return typeof kept?.key === 'string' && typeof kept.reason === 'string' ? kept : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function path(paths: StatePaths, id: string): string {
  return `${paths.cache}/pr-monitor/${id}.json`;
}
