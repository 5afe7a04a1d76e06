/**
 * May `plan` make this issue Ready? (docs/contracts.md, "On the forge": only issues that
 * it filed itself, or whose author and last editor are trusted now.) What a
 * person did with the label is never undone. Pure.
 */
import type { RepoConfig } from '../../core/config/schema.ts';
import type { Actor, Issue, IssueEvent } from '../../core/github/github.ts';
import { isTrusted, type ReadinessFacts } from '../../core/github/readiness.ts';
import type { LabelVerdict } from './proposal.ts';

export interface LabelFacts extends Pick<ReadinessFacts, 'permissions' | 'pins'> {
  repo: Pick<RepoConfig, 'trusted' | 'ready'>;
  issue: Issue;
  /** The whole timeline, oldest first. */
  events: readonly IssueEvent[];
  own: Actor & { shared: boolean };
  /** The journal knows that `plan` or `analyze-logs` filed it. */
  filedByUs: boolean;
  /** A changed requirement stands in a comment, the description is the old one. */
  outdated: boolean;
}

/** The accounts whose trust decides: the author unless it is ours, the last editor of the body, the last of the title. */
export function writersToAsk(facts: Pick<LabelFacts, 'issue' | 'events' | 'filedByUs'>): (Actor | undefined)[] {
  const last = (kind: IssueEvent['kind']) => facts.events.findLast((event) => event.kind === kind);
  const edits = [last('edited'), last('renamed')].filter((event) => event !== undefined);
  return [...(facts.filedByUs ? [] : [facts.issue.author]), ...edits.map((event) => event.actor)];
}

export function decideLabel(facts: LabelFacts): LabelVerdict {
  const label = facts.repo.ready.label.toLowerCase();
  const taken = facts.events.some((event) => event.kind === 'unlabeled' && event.label.toLowerCase() === label);
  if (taken) return { may: false, why: `\`${label}\` was taken off before` };
  if (facts.outdated) return { may: false, why: 'its requirement changed after it was filed; put the new text into the description' };
  for (const writer of writersToAsk(facts)) {
    if (!writer) return { may: false, why: 'it was edited by an account that is gone' };
    // The account of Agent OS is trusted through the journal alone.
    const ours = writer.id === facts.own.id && !facts.own.shared;
    if (ours || !isTrusted({ ...facts, trusted: facts.repo.trusted }, writer)) {
      const what = writer === facts.issue.author ? 'written' : 'edited';
      return { may: false, why: `${what} by ${writer.login}, who is not trusted now` };
    }
  }
  return { may: true, why: facts.filedByUs ? 'filed by Agent OS' : `written by ${facts.issue.author.login}, who is trusted` };
}
