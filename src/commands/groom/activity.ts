/**
 * When a person last did something with an issue. Our own writes and those of
 * other programs are no activity: a label of ours must not keep an issue
 * alive, and `updatedAt` counts everything. In doubt it was a person. Pure.
 */
import type { Actor, Comment, Issue, IssueEvent } from '../../core/github/github.ts';
import { OWN_PREFIX } from '../../core/github/labels.ts';

/** Every label of the groomer starts with this; it touches no other. */
export const GROOM_PREFIX = 'groom:';

/** How our own writes are told from a person's. */
export interface Own {
  id: number;
  /** A person uses the same account: then only the journal tells. */
  shared: boolean;
  /** Ids in our journal. */
  comments: ReadonlySet<number>;
  events: ReadonlySet<string>;
}

/** Creation counts whoever made it. @returns ISO 8601. */
export function lastActivity(
  issue: Pick<Issue, 'createdAt'>,
  events: readonly IssueEvent[],
  comments: readonly Comment[],
  own: Own,
): string {
  const times = [
    issue.createdAt,
    ...events.filter((event) => isPerson(event.actor) && !isOwnEvent(event, own)).map(({ at }) => at),
    ...comments.filter((comment) => isPerson(comment.author) && !isOwnComment(comment, own)).map(({ updatedAt }) => updatedAt),
  ];
  return times.reduce((latest, at) => (Date.parse(at) > Date.parse(latest) ? at : latest));
}

function isPerson(actor: Actor | undefined): boolean {
  return !actor?.login.endsWith('[bot]');
}

function isOwnEvent(event: IssueEvent, own: Own): boolean {
  if (event.actor?.id !== own.id) return false;
  if (!own.shared || own.events.has(event.id)) return true;
  const label = event.kind === 'labeled' || event.kind === 'unlabeled' ? event.label : '';
  return label.startsWith(OWN_PREFIX) || label.startsWith(GROOM_PREFIX);
}

function isOwnComment(comment: Comment, own: Own): boolean {
  if (comment.author.id !== own.id) return false;
  return !own.shared || own.comments.has(comment.id) || comment.body.startsWith('<!-- agentos:');
}
