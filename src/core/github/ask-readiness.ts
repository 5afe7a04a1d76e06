/**
 * Asks the forge and the journal for what `decideReadiness` needs, and pins a
 * listed login to the id it is first seen with. Permission is read at the time
 * of the decision and never kept.
 */
import { createHash } from 'node:crypto';
import { createFileAtomic, ensureDirectory, readIfThere } from '../atomic-file.ts';
import type { RepoConfig } from '../config/schema.ts';
import type { EffectRecord, Effects } from '../effects/effects.ts';
import type { Actor, GitHub, Issue, IssueView, Permission } from './github.ts';
import { actorsToAsk, decideReadiness, hasLabel, isEditedSinceReady, type Readiness, type ReadinessFacts } from './readiness.ts';

export interface Asker {
  forge: GitHub;
  effects: Effects;
  /** Directory of the pins: one file a login. */
  pins: string;
  /** Answers of this very pass, where many issues are judged in a row; never kept longer. */
  asked?: Map<string, Promise<Permission>>;
}

/** Kind of the effect by which `plan` makes an issue Ready; its result holds `eventId`. */
const READY_EFFECT = 'add-ready-label';

export async function askReadiness(asker: Asker, repo: RepoConfig, view: IssueView): Promise<Readiness> {
  return decideReadiness(await gatherReadiness(asker, repo, view));
}

async function gatherReadiness(asker: Asker, repo: RepoConfig, view: IssueView): Promise<ReadinessFacts> {
  const { issue, events } = view;
  const { forge, effects } = asker;
  const ours = (await effects.list(repo.name, READY_EFFECT)).filter((record) => record.subject === `#${issue.number}`);
  const { label } = repo.ready;
  const outdated = ours.filter((record) => !isAbout(record, view, label));
  const newest = events.findLast((event) => event.kind === 'labeled' && hasLabel([event.label], label));
  const facts: ReadinessFacts = {
    issue,
    events,
    label,
    trusted: repo.trusted,
    own: await forge.getIdentity(),
    ownReadyEvents: new Set(eventsOf(ours.filter((record) => !outdated.includes(record)))),
    // Not a person's either, where the account is shared.
    ownReadyIntent: ours.some((record) => record.state === 'intent') || (newest !== undefined && eventsOf(outdated).includes(newest.id)),
    permissions: new Map(),
    pins: new Map(),
  };
  return { ...facts, ...(await askTrust(asker, repo, actorsToAsk(events, label))) };
}

/** What `isTrusted` needs to know of these accounts. */
export async function askTrust(
  asker: Pick<Asker, 'forge' | 'pins' | 'asked'>,
  repo: RepoConfig,
  actors: readonly Actor[],
): Promise<{ permissions: Map<number, Permission>; pins: Map<string, number> }> {
  const permissions = new Map<number, Permission>();
  const pins = new Map<string, number>();
  for (const actor of actors) {
    if (repo.trusted === 'write') permissions.set(actor.id, await askPermission(asker, repo.name, actor));
    else if (repo.trusted.some((login) => login.toLowerCase() === actor.login.toLowerCase())) {
      pins.set(actor.login.toLowerCase(), pinned(asker.pins, actor));
    }
  }
  return { permissions, pins };
}

function askPermission({ forge, asked }: Pick<Asker, 'forge' | 'asked'>, repo: string, actor: Actor): Promise<Permission> {
  const key = `${repo} ${actor.id} ${actor.login}`;
  const known = asked?.get(key) ?? forge.getPermission(repo, actor);
  asked?.set(key, known);
  return known;
}

/** Of title and body: what the accepted `ready` froze. */
export function snapshotSha(issue: Pick<Issue, 'title' | 'body'>): string {
  return createHash('sha256').update(`${issue.title}\n\n${issue.body}`).digest('hex');
}

function pinned(dir: string, actor: Actor): number {
  const path = `${dir}/${actor.login.toLowerCase()}`;
  const known = readIfThere(path);
  if (known !== undefined) return Number(known);
  ensureDirectory(dir);
  createFileAtomic(path, `${actor.id}\n`);
  return Number(readIfThere(path) ?? actor.id);
}

/**
 * Whether a label of ours may stand for the text that is there now: an edit between our judgement and the label is older
 * than the label, so the hash of what was judged alone tells of it. An edit after the label is told by the timeline.
 */
function isAbout({ payload }: EffectRecord, { issue, events }: IssueView, label: string): boolean {
  const { sha256 } = (payload ?? {}) as { sha256?: unknown };
  return sha256 === undefined || sha256 === snapshotSha(issue) || isEditedSinceReady(events, label);
}

function eventsOf(records: readonly EffectRecord[]): string[] {
  return records.flatMap((record) => eventIdOf(record.result));
}

function eventIdOf(result: unknown): string[] {
  const id = typeof result === 'object' && result !== null ? (result as { eventId?: unknown }).eventId : undefined;
  return typeof id === 'string' ? [id] : [];
}
