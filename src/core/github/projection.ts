/**
 * Shows on the forge where a task stands: one status label, one status comment
 * and, where configured, one card of a project, written after the durable move,
 * put right on every pass, and never decided on. What a person does to them is
 * not fought over: a deleted comment stays deleted, a moved card where it is.
 */
import { createHash } from 'node:crypto';
import type { Effects } from '../effects/effects.ts';
import { AgentOsError } from '../errors.ts';
import type { Letter, Tray } from '../mailbox/mailbox.ts';
import { tryRead } from '../try-read.ts';
import type { GitHub } from './github.ts';
import { decideLabels, STATUS_LABELS } from './labels.ts';
import { hasLabel } from './readiness.ts';
import { renderStatusComment, STATUS_MARKER } from './status-comment.ts';

export interface Projector {
  forge: GitHub;
  effects: Effects;
}

/**
 * Label, comment and, where there is one, the card of an issue for the letter that stands for it.
 * @returns what is wrong with the project that shows it: that costs nobody a comment or a label
 */
export async function projectLetter(
  to: Projector,
  letter: Pick<Letter, 'task' | 'tray'>,
  labels: readonly string[],
): Promise<AgentOsError | undefined> {
  const { repo, issue } = letter.task;
  // The label last: it says that the comment was written, and without one nobody looks at the issue again.
  await ensureStatusComment(to, repo, issue, renderStatusComment(letter.task, letter.tray));
  const failed = to.forge.boardOf?.(repo) && (await tryProjectBoard(to, letter));
  await projectLabels(to, repo, issue, labels, letter.tray);
  return failed;
}

/** A task that has ended is looked at again as long as it has a label of ours: what may be written soon goes before it. */
async function tryProjectBoard(to: Projector, letter: Pick<Letter, 'task' | 'tray'>): Promise<AgentOsError | undefined> {
  const { projectBoard } = await import('./project-board.ts');
  const failed = await tryRead(() => projectBoard(to, letter));
  if (!(failed instanceof AgentOsError)) return undefined;
  if (letter.tray === 'done' && failed.temporary) throw failed;
  return failed;
}

/** As `projectLetter`, for a loop that has just moved it: what cannot be written now is put right by a later pass. */
export async function showLetter(to: Projector, letter: Pick<Letter, 'task' | 'tray'>): Promise<void> {
  try {
    const { labels } = await to.forge.getIssue(letter.task.repo, letter.task.issue);
    await projectLetter(to, letter, labels);
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
  }
}

/** Exactly the label of the tray, or none of ours. */
export async function projectLabels(
  to: Projector,
  repo: string,
  issue: number,
  labels: readonly string[],
  tray: Tray | undefined,
): Promise<void> {
  const { add, remove } = decideLabels(labels, tray);
  for (const label of remove) await removeLabel(to, repo, issue, label);
  for (const label of add) {
    await to.effects.ensure({
      repo,
      subject: `#${issue}`,
      kind: 'add-label',
      key: label,
      nature: 'state',
      probe: async () => ((await to.forge.getIssue(repo, issue)).labels.includes(label) ? true : undefined),
      act: async () => {
        await to.forge.addLabel(repo, issue, label);
        return true;
      },
    });
  }
  await settleLabels(to, repo, issue, { add, remove });
}

/** Writes whose answer was lost, and for which nothing is left to do, are known to be over: an intent does not stay open. */
async function settleLabels(to: Projector, repo: string, issue: number, rest: { add: string[]; remove: string[] }): Promise<void> {
  for (const [kind, labels] of [['add-label', rest.add] as const, ['remove-label', rest.remove] as const]) {
    for (const key of STATUS_LABELS.filter((label) => !labels.includes(label))) {
      const effect = { repo, subject: `#${issue}`, kind, key };
      if ((await to.effects.find(effect))?.state !== 'intent') continue;
      const over = async () => true;
      await to.effects.ensure({ ...effect, nature: 'state', probe: over, act: over });
    }
  }
}

/** Takes a label off an issue. */
export async function removeLabel(to: Projector, repo: string, issue: number, label: string): Promise<void> {
  await to.effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: 'remove-label',
    key: label,
    nature: 'state',
    probe: async () => (hasLabel((await to.forge.getIssue(repo, issue)).labels, label) ? undefined : true),
    act: async () => {
      await to.forge.removeLabel(repo, issue, label);
      return true;
    },
  });
}

/** Creates the status comment once in the life of the issue, then edits it. No request when it already says this. @returns whether anything was written. */
export async function ensureStatusComment(to: Projector, repo: string, issue: number, body: string): Promise<boolean> {
  const subject = `#${issue}`;
  const sha = createHash('sha256').update(body).digest('hex');
  if (await isLatest(to, repo, subject, sha)) return false;
  const { id, fresh } = await createStatusComment(to, repo, issue, body, sha);
  if (fresh) return true;
  return to.effects.ensure({
    repo,
    subject,
    kind: 'edit-status-comment',
    key: 'status',
    payload: sha,
    nature: 'state',
    probe: async () => {
      // The journal knows the last text; only after an answer that was lost must the comment tell.
      if ((await to.effects.find({ repo, subject, kind: 'edit-status-comment', key: 'status' }))?.state !== 'intent') return undefined;
      const shown = (await to.forge.listComments(repo, issue)).find((comment) => comment.id === id);
      return shown && sameText(shown.body, body) ? true : undefined;
    },
    act: async () => {
      try {
        await to.forge.updateComment(repo, issue, id, body);
        return true;
      } catch (error) {
        if (!(error instanceof AgentOsError) || error.code !== 'not_found') throw error;
        return false; // a person removed it: recorded, so that it is not tried on every pass
      }
    },
  });
}

function sameText(one: string, other: string): boolean {
  return one.replaceAll('\r\n', '\n').trimEnd() === other.replaceAll('\r\n', '\n').trimEnd();
}

/** Whether the text written last, by creation or by an edit, is this one. */
async function isLatest(to: Projector, repo: string, subject: string, sha: string): Promise<boolean> {
  const edit = await to.effects.find({ repo, subject, kind: 'edit-status-comment', key: 'status' });
  const latest = edit ?? (await to.effects.find({ repo, subject, kind: 'create-status-comment', key: 'status' }));
  return latest?.state === 'done' && latest.payload === sha;
}

async function createStatusComment(
  to: Projector,
  repo: string,
  issue: number,
  body: string,
  sha: string,
): Promise<{ id: number; fresh: boolean }> {
  let fresh = false;
  const { id } = await to.effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: 'create-status-comment',
    key: 'status',
    payload: sha,
    nature: 'once',
    probe: async () => {
      const own = await to.forge.getIdentity();
      const found = (await to.forge.listComments(repo, issue)).find(
        (comment) => comment.author.id === own.id && comment.body.startsWith(STATUS_MARKER),
      );
      return found ? { id: found.id } : undefined;
    },
    act: async () => {
      const created = await to.forge.createComment(repo, issue, body);
      fresh = true;
      return created;
    },
  });
  return { id, fresh };
}
