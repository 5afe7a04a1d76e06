/**
 * Which patterns become issues: supported ones that a change of the repository
 * can put right, most issues first, at most three a run, each fingerprint once
 * ever. No pattern, no issue: there is no quota to fill. Pure.
 */

import type { Action } from '../run-command.ts';
import { isSupported, MIN_EVENTS, MIN_ISSUES, type Pattern } from './detect.ts';

/** Issues filed by one run at most. */
const MAX_FILED = 3;

/** What the journal knows of a fingerprint. */
export interface Filed {
  repo: string;
  /** Absent while the outcome of an earlier try is unknown. */
  issue?: number;
}

export interface FindingsSnapshot {
  patterns: readonly Pattern[];
  /** By fingerprint, over every configured repository. */
  filed: ReadonlyMap<string, Filed>;
  /** Where issues may be filed: configured, and named by `--repo` if that is given. */
  repos: readonly { name: string; paused: boolean }[];
}

export type FindingAction = Action & ({ kind: 'file-finding'; repo: string; pattern: Pattern } | { kind: 'skip' | 'wait' });

export function decideFindings(snapshot: FindingsSnapshot): FindingAction[] {
  let filed = 0;
  return snapshot.patterns.filter(isSupported).map((pattern): FindingAction => {
    const subject = pattern.fingerprint;
    const target = targetOf(pattern, snapshot);
    if ('why' in target) return { kind: 'skip', subject, reason: target.why };
    if (filed >= MAX_FILED) return { kind: 'wait', subject, reason: `${MAX_FILED} issues filed in this run; the next one goes on` };
    filed++;
    const reason = `\`${pattern.code}\` ${pattern.count} times over ${pattern.issues} issues (from ${MIN_EVENTS} over ${MIN_ISSUES})`;
    return { kind: 'file-finding', subject, reason, repo: target.repo, pattern };
  });
}

function targetOf(pattern: Pattern, { filed, repos }: FindingsSnapshot): { repo: string } | { why: string } {
  const known = filed.get(pattern.fingerprint);
  if (known?.issue !== undefined) return { why: `filed before as ${known.repo}#${known.issue}` };
  if (!pattern.fileable) return { why: `\`${pattern.code}\` is for the operator, not for a change of the repository` };
  const name = known?.repo ?? pattern.repos[0]?.name ?? '';
  if (name === '') return { why: 'the events name no repository' };
  const repo = repos.find((entry) => entry.name === name);
  if (!repo) return { why: `${name} is not looked after` };
  return repo.paused ? { why: `${name} is paused` } : { repo: name };
}
