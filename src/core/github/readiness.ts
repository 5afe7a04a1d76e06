/**
 * May this issue become a task? (docs/contracts.md, "On the forge", and
 * docs/adr/0009-readiness.md: presence of a label proves nothing.) The newest `ready` event must be made by
 * a trusted person, and nothing edited at or after it. Pure: everything that
 * had to be asked for is in the facts.
 */
import type { Actor, Issue, IssueEvent, Permission } from './github.ts';
import { isColumn } from './labels.ts';

export interface ReadinessFacts {
  issue: Issue;
  /** The whole timeline, oldest first. */
  events: IssueEvent[];
  /** The repository's `ready.label`. */
  label: string;
  trusted: 'write' | readonly string[];
  own: Actor & { shared: boolean };
  /** Timeline events of `ready` that our journal holds for this issue. */
  ownReadyEvents: ReadonlySet<string>;
  /** True while a `ready` label of ours is intended and its outcome unknown. */
  ownReadyIntent: boolean;
  /** Permission now, by numeric id, for every actor of `actorsToAsk`. */
  permissions: ReadonlyMap<number, Permission>;
  /** The numeric id that a listed login was first seen with, by lower-case login. */
  pins: ReadonlyMap<string, number>;
}

export interface Hints {
  priority?: 'high' | 'low';
  type?: string;
  agent?: string;
}

export type Readiness =
  | {
      ready: true;
      by: Actor;
      at: string;
      /** Counts the `ready` events up to the accepted one; by the forge's word where it lists no earlier ones. */
      n: number;
      hints: Hints;
    }
  | {
      ready: false;
      why: 'no_label' | 'closed' | 'no_event' | 'untrusted' | 'own_label' | 'edited';
      reason: string;
      /** Who made it ready, when somebody did. */
      by?: Actor;
    };

const WRITERS: ReadonlySet<Permission> = new Set(['write', 'admin']);

export function decideReadiness(facts: ReadinessFacts): Readiness {
  const { issue, label } = facts;
  if (issue.state === 'closed') return { ready: false, why: 'closed', reason: 'the issue is closed' };
  if (!hasLabel(issue.labels, label)) return { ready: false, why: 'no_label', reason: `no label \`${label}\`` };
  const labelled = readyEvents(facts.events, label);
  const newest = labelled.at(-1);
  if (!newest?.actor) {
    const reason = isColumn(label)
      ? `nobody is known to have set \`${label}\`; move the card out and in again`
      : `the timeline does not say who put \`${label}\` on; take it off and put it on again`;
    return { ready: false, why: 'no_event', reason };
  }
  const by = newest.actor;
  const trust = judgeActor(facts, newest.id, by);
  if (trust) return { ready: false, ...trust, by };
  const edit = findEdit(facts.events, newest.at);
  if (edit) {
    const what = edit.kind === 'renamed' ? 'renamed' : 'edited';
    const anew = isColumn(label) ? 'move the card out and in again' : 'put the label on again';
    return { ready: false, why: 'edited', reason: `${what} after \`${label}\` was put on; ${anew}`, by };
  }
  return { ready: true, by, at: newest.at, n: newest.n ?? labelled.length, hints: readHints(facts, newest.at) };
}

/** Actors whose permission decides: of the newest `ready` event, and of the labels that steer. */
export function actorsToAsk(events: readonly IssueEvent[], label: string): Actor[] {
  const actors = new Map<number, Actor>();
  const newest = readyEvents(events, label).at(-1);
  if (newest?.actor) actors.set(newest.actor.id, newest.actor);
  for (const event of events) {
    if (event.kind === 'labeled' && event.actor && /^(prio|type|agent):/i.test(event.label)) actors.set(event.actor.id, event.actor);
  }
  return [...actors.values()];
}

/** Whether an account counts as a trusted person now. */
export function isTrusted(facts: Pick<ReadinessFacts, 'trusted' | 'permissions' | 'pins'>, actor: Actor): boolean {
  if (facts.trusted === 'write') return WRITERS.has(facts.permissions.get(actor.id) ?? 'none');
  const login = actor.login.toLowerCase();
  return facts.trusted.some((name) => name.toLowerCase() === login) && facts.pins.get(login) === actor.id;
}

export function hasLabel(labels: readonly string[], label: string): boolean {
  return labels.some((name) => name.toLowerCase() === label.toLowerCase());
}

/** Whether title or body changed at or after the newest `ready`. */
export function isEditedSinceReady(events: readonly IssueEvent[], label: string): boolean {
  const newest = readyEvents(events, label).at(-1);
  return newest !== undefined && findEdit(events, newest.at) !== undefined;
}

/** The `n` of the issue's newest task: how often it was made ready, or the forge's word for it. */
export function countReady(events: readonly IssueEvent[], label: string): number {
  const labelled = readyEvents(events, label);
  return labelled.at(-1)?.n ?? labelled.length;
}

/** `ready` events, oldest first. */
function readyEvents(events: readonly IssueEvent[], label: string): (IssueEvent & { kind: 'labeled' })[] {
  return events.filter(
    (event): event is IssueEvent & { kind: 'labeled' } => event.kind === 'labeled' && event.label.toLowerCase() === label.toLowerCase(),
  );
}

function findEdit(events: readonly IssueEvent[], since: string): IssueEvent | undefined {
  return events.find((event) => (event.kind === 'edited' || event.kind === 'renamed') && Date.parse(event.at) >= Date.parse(since));
}

function judgeActor(facts: ReadinessFacts, eventId: string, by: Actor): { why: 'untrusted' | 'own_label'; reason: string } | undefined {
  const { label, own } = facts;
  if (facts.ownReadyEvents.has(eventId)) return undefined;
  if (by.id === own.id && (!own.shared || facts.ownReadyIntent)) {
    return { why: 'own_label', reason: `\`${label}\` was put on by ${by.login}, our own account, and the journal does not hold it` };
  }
  if (isTrusted(facts, by)) return undefined;
  if (facts.trusted !== 'write' && facts.trusted.some((name) => name.toLowerCase() === by.login.toLowerCase())) {
    return {
      why: 'untrusted',
      reason: `\`${label}\` was put on by ${by.login}, but this account (id ${by.id}) is not the one first seen under that login`,
    };
  }
  const rule = facts.trusted === 'write' ? `has ${facts.permissions.get(by.id) ?? 'no'} permission, not write` : 'is not in `trusted`';
  return { why: 'untrusted', reason: `\`${label}\` was put on by ${by.login}, who ${rule}` };
}

/** `prio:`, `type:` and `agent:` labels that a trusted person put on at or before the second of the accepted event. */
function readHints(facts: ReadinessFacts, readyAt: string): Hints {
  const hints: Hints = {};
  for (const name of facts.issue.labels) {
    const [kind, value = ''] = name.toLowerCase().split(':', 2);
    if (kind !== 'prio' && kind !== 'type' && kind !== 'agent') continue;
    const event = facts.events.findLast((entry) => entry.kind === 'labeled' && entry.label.toLowerCase() === name.toLowerCase());
    if (!event?.actor || second(event.at) > second(readyAt) || !isTrusted(facts, event.actor)) continue;
    if (kind === 'prio' && (value === 'high' || value === 'low')) hints.priority = value;
    if (kind === 'type') hints.type = value;
    if (kind === 'agent') hints.agent = value;
  }
  return hints;
}

function second(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}
