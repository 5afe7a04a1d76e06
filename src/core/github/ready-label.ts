/**
 * Makes an issue Ready by our own hand. `dispatch` accepts such a label only
 * when the journal holds that very event, so it goes through here alone. Where
 * somebody edited between the judgement and the label, it comes off again.
 */
import { snapshotSha } from './ask-readiness.ts';
import type { Projector } from './projection.ts';
import { hasLabel } from './readiness.ts';

export interface ReadyLabel {
  repo: string;
  number: number;
  label: string;
  /** Tells this occasion from others on the same issue. */
  key: string;
  /** `snapshotSha` of what was judged, so that a reader of the journal can hold the label to it. */
  sha256: string;
}

/** `labelled`: ours, by this event. `faster`: a person had put it on. `edited`: it is off again, and a person must decide. */
export type ReadyOutcome = { outcome: 'labelled'; eventId: string } | { outcome: 'faster' } | { outcome: 'edited' };

export async function ensureReadyLabel(to: Projector, ready: ReadyLabel): Promise<ReadyOutcome> {
  const { repo, number, label, key, sha256 } = ready;
  const added = await to.effects.ensure<{ eventId: string | null }>({
    repo,
    subject: `#${number}`,
    kind: 'add-ready-label',
    key,
    payload: { label, sha256 },
    nature: 'once',
    probe: () => findOwnLabel(to, ready),
    act: async () => (await to.forge.addLabel(repo, number, label)) ?? { eventId: null },
  });
  if (added.eventId === null) return { outcome: 'faster' };
  if (snapshotSha(await to.forge.getIssue(repo, number)) === sha256) return { outcome: 'labelled', eventId: added.eventId };
  await takeOff(to, ready);
  return { outcome: 'edited' };
}

/** The newest event by which our account put the label on, unless another record holds it. */
async function findOwnLabel(to: Projector, { repo, number, label }: ReadyLabel): Promise<{ eventId: string } | undefined> {
  const own = (await to.forge.getIdentity()).id;
  const records = await to.effects.list(repo, 'add-ready-label');
  const recorded = new Set(records.map((record) => (record.result as { eventId?: string } | undefined)?.eventId));
  const found = (await to.forge.listIssueEvents(repo, number)).findLast(
    (event) =>
      event.kind === 'labeled' && event.label.toLowerCase() === label.toLowerCase() && event.actor?.id === own && !recorded.has(event.id),
  );
  return found && { eventId: found.id };
}

async function takeOff(to: Projector, { repo, number, label, key }: ReadyLabel): Promise<void> {
  const isOn = async () => hasLabel((await to.forge.getIssue(repo, number)).labels, label);
  await to.effects.ensure({
    repo,
    subject: `#${number}`,
    kind: 'remove-ready-label',
    key,
    nature: 'state',
    probe: async () => ((await isOn()) ? undefined : { removed: true }),
    act: async () => {
      await to.forge.removeLabel(repo, number, label);
      return { removed: true };
    },
  });
}
