/**
 * Reads the backlog: issues by list, timelines and comments only where they can
 * decide (old issues, and those touched in the last day). A repository that
 * cannot be read is a fact like any other.
 */

import type { RepoConfig } from '../../core/config/schema.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import type { EffectRecord } from '../../core/effects/effects.ts';
import { AgentOsError } from '../../core/errors.ts';
import { parseDependencies } from '../../core/github/dependencies.ts';
import type { GitHub, Issue } from '../../core/github/github.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import type { LoopOptions } from '../run-command.ts';
import { lastActivity, type Own } from './activity.ts';
import { type Blocker, type GroomSnapshot, type IssueFacts, QUIET_MS, type Recorded, type RepoFacts, whySpared } from './policy.ts';
import { type Candidate, findDuplicates } from './similarity.ts';

/** Kinds of our effects. */
export const ADD_LABEL = 'add-groom-label';
export const CREATE_COMMENT = 'create-groom-comment';
export const EDIT_COMMENT = 'edit-groom-comment';
/** Key of the one comment on an issue. */
export const COMMENT_KEY = 'groom';

const DAY_MS = 86_400_000;

type Forge = Pick<GitHub, 'getIdentity' | 'listIssues' | 'listIssueEvents' | 'listComments' | 'getPullRequest'>;

export async function gatherBacklog(options: LoopOptions, ports: Ports): Promise<GroomSnapshot> {
  const { apply, stale_days: staleDays } = ports.config.groom;
  const now = ports.clock.now();
  const repos: RepoFacts[] = [];
  for (const repo of selectRepos(ports.config, options.repos)) {
    const at = { repo: repo.name, readyLabel: repo.ready.label };
    if (isRepoPaused(ports.paths, repo.name)) repos.push({ ...at, state: 'paused' });
    else repos.push({ ...at, ...(await tryRead(ports, repo, now, staleDays)) });
  }
  return { repos, now, staleDays, apply };
}

type Reading = { state: 'read'; issues: IssueFacts[] } | { state: 'failed'; error: unknown; message: string };

async function tryRead(ports: Ports, repo: RepoConfig, now: Date, staleDays: number): Promise<Reading> {
  try {
    return { state: 'read', issues: await readBacklog(ports, repo, now, staleDays) };
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    return { state: 'failed', error, message: error.message };
  }
}

async function readBacklog(ports: Ports, repo: RepoConfig, now: Date, staleDays: number): Promise<IssueFacts[]> {
  const forge: Forge = await ports.forge();
  const all = await forge.listIssues(repo.name, { state: 'all' });
  const open = all.filter((issue) => issue.state === 'open');
  if (open.length === 0) return [];
  const records = await (await ports.effects()).list(repo.name);
  const { id, shared } = await forge.getIdentity();
  const own = { id, shared, ...ownWrites(records) };
  const states = new Map(all.map(({ number, state }) => [number, state]));
  const duplicates = findDuplicates(open);
  const facts: IssueFacts[] = [];
  for (const issue of open) {
    facts.push({
      issue,
      activityAt: await readActivity(forge, repo, issue, own, now, staleDays),
      blockers: await readBlockers(forge, repo.name, issue, states),
      duplicates: duplicates.get(issue.number) ?? ([] as Candidate[]),
      recorded: toRecorded(records.filter(({ subject }) => subject === `#${issue.number}`)),
    });
  }
  return facts;
}

/** The latest activity of a person, as far as it can make a difference; creation otherwise. */
async function readActivity(forge: Forge, repo: RepoConfig, issue: Issue, own: Own, now: Date, staleDays: number): Promise<string> {
  const age = (at: string) => now.getTime() - Date.parse(at);
  const couldBeStale = age(issue.createdAt) >= staleDays * DAY_MS && whySpared(issue, repo.ready.label) === undefined;
  const couldBeTouched = age(issue.createdAt) >= QUIET_MS && age(issue.updatedAt) < QUIET_MS;
  if (!couldBeStale && !couldBeTouched) return issue.createdAt;
  const events = await forge.listIssueEvents(repo.name, issue.number);
  return lastActivity(issue, events, await forge.listComments(repo.name, issue.number), own);
}

async function readBlockers(forge: Forge, repo: string, issue: Issue, states: ReadonlyMap<number, 'open' | 'closed'>): Promise<Blocker[]> {
  const blockers: Blocker[] = [];
  for (const number of parseDependencies(issue.body)) {
    blockers.push({ number, state: states.get(number) ?? (await pullState(forge, repo, number)) });
  }
  return blockers;
}

/** The number may be a pull request's. */
async function pullState(forge: Forge, repo: string, number: number): Promise<Blocker['state']> {
  try {
    return (await forge.getPullRequest(repo, number)).state === 'open' ? 'open' : 'closed';
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'not_found') return 'missing';
    throw error;
  }
}

/** Ids of comments and timeline events that our journal made. */
function ownWrites(records: readonly EffectRecord[]): Pick<Own, 'comments' | 'events'> {
  const comments = records.filter(({ kind }) => kind.includes('comment')).flatMap(({ result }) => numberIn(result, 'id') ?? []);
  return { comments: new Set(comments), events: new Set(records.flatMap(({ result }) => textIn(result, 'eventId') ?? [])) };
}

function toRecorded(records: readonly EffectRecord[]): Recorded {
  const labels = records
    .filter(({ kind, state }) => kind === ADD_LABEL && state !== 'failed')
    .map(({ key, state }) => ({ key, done: state === 'done' }));
  const created = records.find(({ kind, state }) => kind === CREATE_COMMENT && state !== 'failed');
  if (!created) return { labels };
  const id = numberIn(created.result, 'id');
  if (created.state === 'intent' || id === undefined) return { labels, comment: 'unknown' };
  const edited = records.find(({ kind }) => kind === EDIT_COMMENT);
  const latest = edited ?? created;
  return { labels, comment: { id, facts: latest.state === 'done' && typeof latest.payload === 'string' ? latest.payload : '?' } };
}

function textIn(result: unknown, field: string): string | undefined {
  const value = typeof result === 'object' && result !== null ? (result as Record<string, unknown>)[field] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function numberIn(result: unknown, field: string): number | undefined {
  const value = typeof result === 'object' && result !== null ? (result as Record<string, unknown>)[field] : undefined;
  return typeof value === 'number' ? value : undefined;
}
