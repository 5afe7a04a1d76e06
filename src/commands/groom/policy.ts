/**
 * What the groomer says of each open issue, and what it changes. It never
 * closes, never edits a title or body, touches no label but its own, writes at
 * most one comment on an issue, and says no fact twice. What a person took off
 * stays off. Pure.
 */
import type { Issue } from '../../core/github/github.ts';
import { HOLD, OWN_PREFIX } from '../../core/github/labels.ts';
import type { Action } from '../run-command.ts';
import { GROOM_PREFIX } from './activity.ts';
import type { Candidate } from './similarity.ts';

/** Changes of labels in one run at most, over all repositories. */
export const MAX_LABELS = 20;
/** Comments written or edited in one run at most. */
export const MAX_COMMENTS = 10;
/** After a person touched an issue the groomer waits this long before it writes on it. */
export const QUIET_MS = 24 * 3_600_000;

const DAY_MS = 86_400_000;
/** Labels by which people say: leave this alone. Compared in lower case. */
const KEEP = new Set([
  'security',
  'keep',
  'frozen',
  'lifecycle/frozen',
  'pinned',
  'epic',
  'help wanted',
  'good first issue',
  'triage/accepted',
  'prio:high',
  'p0',
  'p1',
]);

export interface Blocker {
  number: number;
  state: 'open' | 'closed' | 'missing';
}

/** What the journal holds of our writes on an issue. */
export interface Recorded {
  /** Keys of the facts for which a label was put on. */
  labels: { key: string; done: boolean }[];
  /** The one comment: which facts it states now. */
  comment?: { id: number; facts: string } | 'unknown';
}

export interface IssueFacts {
  issue: Issue;
  /** ISO 8601; of a person. */
  activityAt: string;
  blockers: Blocker[];
  duplicates: Candidate[];
  recorded: Recorded;
}

export type RepoFacts = { repo: string; readyLabel: string } & (
  | { state: 'read'; issues: IssueFacts[] }
  | { state: 'paused' }
  | { state: 'failed'; error: unknown; message: string }
);

export interface GroomSnapshot {
  repos: RepoFacts[];
  now: Date;
  staleDays: number;
  apply: boolean;
}

/** One thing that is so about an issue. The key holds what makes it the same fact again. */
export interface Fact {
  kind: 'stale' | 'duplicate' | 'blocked' | 'unblocked' | 'unlabelled';
  key: string;
  reason: string;
}

export type GroomAction = Action &
  (
    | { kind: 'add-label'; repo: string; issue: number; label: string; fact: Fact }
    | { kind: 'remove-label'; repo: string; issue: number; label: string }
    | { kind: 'comment'; repo: string; issue: number; facts: Fact[]; comment?: number }
    | { kind: 'read-backlog'; error: unknown }
    | { kind: 'skip' }
    | { kind: 'wait' }
  );

/** Labels by fact; the others are only reported. */
const LABELS: Partial<Record<Fact['kind'], string>> = {
  stale: `${GROOM_PREFIX}stale`,
  duplicate: `${GROOM_PREFIX}duplicate`,
  blocked: `${GROOM_PREFIX}blocked`,
};

export function decideGroom(snapshot: GroomSnapshot): GroomAction[] {
  const actions = snapshot.repos.flatMap((repo) => decideRepo(repo, snapshot));
  return snapshot.apply ? limit(actions) : actions.map(toProposal);
}

function decideRepo(repo: RepoFacts, snapshot: GroomSnapshot): GroomAction[] {
  if (repo.state === 'paused') return [{ kind: 'skip', subject: repo.repo, reason: `${repo.repo} is paused` }];
  if (repo.state === 'failed') return [{ kind: 'read-backlog', subject: repo.repo, reason: repo.message, error: repo.error }];
  return repo.issues.flatMap((facts) => decideIssue(repo.repo, repo.readyLabel, facts, snapshot));
}

/** What is so about an issue, whether or not anything is done about it. */
export function listFacts(facts: IssueFacts, readyLabel: string, { now, staleDays }: Pick<GroomSnapshot, 'now' | 'staleDays'>): Fact[] {
  const found: Fact[] = [];
  if (now.getTime() - Date.parse(facts.activityAt) >= staleDays * DAY_MS && whySpared(facts.issue, readyLabel) === undefined) {
    const at = facts.activityAt;
    found.push({
      kind: 'stale',
      key: `stale:${at}`,
      reason: `no activity of a person since ${at.slice(0, 10)} (${staleDays} days count as stale)`,
    });
  }
  if (facts.duplicates.length > 0) {
    const like = facts.duplicates.map(({ number, score }) => `#${number} (${score})`).join(', ');
    found.push({ kind: 'duplicate', key: `duplicate:${refs(facts.duplicates)}`, reason: `looks like ${like}` });
  }
  const blocking = facts.blockers.filter(({ state }) => state !== 'closed');
  if (blocking.length > 0) {
    const waits = blocking.map(({ number, state }) => `#${number} (${state})`).join(', ');
    found.push({ kind: 'blocked', key: `blocked:${refs(blocking)}`, reason: `waits for ${waits}` });
  } else if (facts.blockers.length > 0) {
    found.push({ kind: 'unblocked', key: 'unblocked', reason: `what it waited for is closed: ${refs(facts.blockers)}` });
  }
  if (facts.issue.labels.every((label) => label.startsWith(GROOM_PREFIX))) {
    found.push({ kind: 'unlabelled', key: 'unlabelled', reason: 'has no label' });
  }
  return found;
}

/** Why the groomer leaves an issue to the people who are on it; `undefined` when it need not. */
export function whySpared(issue: Issue, readyLabel: string): string | undefined {
  const labels = issue.labels.map((label) => label.toLowerCase());
  if (labels.includes(HOLD)) return `label \`${HOLD}\``;
  if (issue.assignees.length > 0) return `assigned to ${issue.assignees.join(', ')}`;
  if (issue.pinned) return 'pinned';
  const kept = labels.find((label) => label === readyLabel.toLowerCase() || label.startsWith(OWN_PREFIX) || KEEP.has(label));
  return kept === undefined ? undefined : `label \`${kept}\``;
}

function decideIssue(repo: string, readyLabel: string, facts: IssueFacts, snapshot: GroomSnapshot): GroomAction[] {
  const { issue } = facts;
  const at = { repo, issue: issue.number, subject: `${repo}#${issue.number}` };
  const found = listFacts(facts, readyLabel, snapshot);
  const said = found.map(({ kind, reason }) => `${kind}: ${reason}`).join('; ');
  const spared = whySpared(issue, readyLabel);
  const removed =
    spared === `label \`${HOLD}\``
      ? []
      : removals(facts, found).map((label): GroomAction => {
          return { ...at, kind: 'remove-label', label, reason: `take off \`${label}\`: it is so no more` };
        });
  const touched =
    snapshot.now.getTime() - Date.parse(facts.activityAt) < QUIET_MS ? `touched by a person on ${facts.activityAt}` : undefined;
  const left = spared ?? touched;
  if (left !== undefined) return said === '' ? removed : [...removed, { ...at, kind: 'skip', reason: `${said}; left alone: ${left}` }];
  const added = found.flatMap((fact): GroomAction[] => {
    const label = LABELS[fact.kind];
    if (label === undefined || !isNews(fact, label, facts)) return [];
    return [{ ...at, kind: 'add-label', label, fact, reason: `put on \`${label}\`: ${fact.reason}` }];
  });
  const actions = [...removed, ...added, ...decideComment(at, facts, found)];
  return actions.length > 0 || said === '' ? actions : [{ ...at, kind: 'skip', reason: said }];
}

/** Labels that our journal put on and whose fact does not stand any more. A person's label of that name is the person's. */
function removals({ issue, recorded }: IssueFacts, found: readonly Fact[]): string[] {
  const standing = new Set(found.map((fact) => LABELS[fact.kind]));
  return Object.entries(LABELS)
    .filter(
      ([kind, label]) =>
        issue.labels.includes(label) && !standing.has(label) && recorded.labels.some(({ key }) => key.startsWith(`${kind}:`)),
    )
    .map(([, label]) => label);
}

/** False for a fact that was said before, whole or in parts, and for a label that stands. */
function isNews(fact: Fact, label: string, { issue, recorded }: IssueFacts): boolean {
  const same = recorded.labels.find(({ key }) => key === fact.key);
  if (same && !same.done) return true; // its outcome is unknown: the journal settles it
  if (issue.labels.includes(label)) return false;
  const known = new Set(recorded.labels.filter(({ key }) => key.startsWith(`${fact.kind}:`)).flatMap(({ key }) => parts(key)));
  return parts(fact.key).some((part) => !known.has(part));
}

function decideComment(
  at: { repo: string; issue: number; subject: string },
  { recorded, blockers }: IssueFacts,
  found: readonly Fact[],
): GroomAction[] {
  const missing = blockers.some(({ state }) => state === 'missing');
  const facts = found.filter(({ kind }) => kind === 'stale' || kind === 'duplicate' || (kind === 'blocked' && missing));
  const { comment } = recorded;
  if (comment === 'unknown' || (comment === undefined && facts.length > 0)) {
    return [{ ...at, kind: 'comment', facts, reason: `say what was found: ${facts.map(({ reason }) => reason).join('; ')}` }];
  }
  if (comment === undefined || comment.facts === toFactKey(facts)) return [];
  const reason =
    facts.length === 0
      ? 'edit our comment: nothing of it is so any more'
      : `edit our comment: ${facts.map((fact) => fact.reason).join('; ')}`;
  return [{ ...at, kind: 'comment', facts, comment: comment.id, reason }];
}

/** What a comment states, for the journal. */
export function toFactKey(facts: readonly Fact[]): string {
  return facts.map(({ key }) => key).join(' ');
}

function limit(actions: readonly GroomAction[]): GroomAction[] {
  let labels = 0;
  let comments = 0;
  return actions.map((action): GroomAction => {
    const { subject, reason } = action;
    const later = (most: number, what: string): GroomAction => ({
      kind: 'wait',
      subject,
      reason: `${reason}; not now: ${most} ${what} in one run`,
    });
    if ((action.kind === 'add-label' || action.kind === 'remove-label') && ++labels > MAX_LABELS) return later(MAX_LABELS, 'label changes');
    if (action.kind === 'comment' && ++comments > MAX_COMMENTS) return later(MAX_COMMENTS, 'comments');
    return action;
  });
}

function toProposal(action: GroomAction): GroomAction {
  if (action.kind === 'skip' || action.kind === 'wait' || action.kind === 'read-backlog') return action;
  return { kind: 'skip', subject: action.subject, reason: `would ${action.reason}; \`groom.apply\` is off` };
}

function parts(key: string): string[] {
  return key.slice(key.indexOf(':') + 1).split(',');
}

function refs(list: readonly { number: number }[]): string {
  return list.map(({ number }) => `#${number}`).join(',');
}
