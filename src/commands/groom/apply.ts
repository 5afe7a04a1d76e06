/**
 * Puts on and takes off labels of the groomer and writes its one comment. Every
 * issue is looked at once more first: what a person did meanwhile wins.
 */
import type { Effects } from '../../core/effects/effects.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { GitHub, Issue } from '../../core/github/github.ts';
import type { Ports } from '../../core/ports.ts';
import type { Applied } from '../run-command.ts';
import { ADD_LABEL, COMMENT_KEY, CREATE_COMMENT, EDIT_COMMENT } from './gather.ts';
import { type GroomAction, type GroomSnapshot, toFactKey, whySpared } from './policy.ts';
import { GROOM_MARKER, renderComment } from './render.ts';

type Forge = Pick<GitHub, 'getIdentity' | 'getIssue' | 'listComments' | 'addLabel' | 'removeLabel' | 'createComment' | 'updateComment'>;

interface Writer {
  forge: Forge;
  effects: Effects;
}

export async function applyGroom(ports: Ports, snapshot: GroomSnapshot, action: GroomAction): Promise<Applied> {
  if (action.kind === 'read-backlog') throw action.error;
  if (action.kind === 'skip' || action.kind === 'wait') return { outcome: 'skipped' };
  const to: Writer = { forge: await ports.forge(), effects: await ports.effects() };
  const { repo, issue: number } = action;
  const now = await to.forge.getIssue(repo, number);
  const why = whyNot(now, snapshot, action);
  if (why !== undefined) return { outcome: 'skipped', reason: why };
  if (action.kind === 'comment') {
    if (!(await writeComment(to, snapshot, action)))
      return { outcome: 'skipped', reason: 'a person deleted our comment; it stays deleted' };
  } else if (action.kind === 'add-label') await addLabel(to, action);
  else await removeLabel(to, action);
  await ports.log.write({
    event: action.kind === 'comment' ? 'groom.issue.commented' : 'groom.issue.labelled',
    repo,
    issue: number,
    kind: action.kind,
    outcome: 'applied',
    reason: action.reason,
  });
  return { outcome: 'applied' };
}

/** What makes the decision void; taking off what is so no more is right for every open issue that is not held. */
function whyNot(issue: Issue, snapshot: GroomSnapshot, action: GroomAction): string | undefined {
  if (issue.state === 'closed') return 'it was closed meanwhile';
  const facts = snapshot.repos.find(({ repo }) => action.subject.startsWith(`${repo}#`));
  const spared = whySpared(issue, facts?.readyLabel ?? 'ready');
  if (spared === undefined || (action.kind === 'remove-label' && spared !== 'label `hold`')) return undefined;
  return `left alone: ${spared}`;
}

async function addLabel({ forge, effects }: Writer, action: GroomAction & { kind: 'add-label' }): Promise<void> {
  const { repo, issue, label, fact } = action;
  await effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: ADD_LABEL,
    key: fact.key,
    payload: label,
    nature: 'once',
    probe: async () => ((await forge.getIssue(repo, issue)).labels.includes(label) ? { eventId: null } : undefined),
    act: async (): Promise<{ eventId: string | null }> => ({ eventId: (await forge.addLabel(repo, issue, label))?.eventId ?? null }),
  });
}

async function removeLabel({ forge, effects }: Writer, action: GroomAction & { kind: 'remove-label' }): Promise<void> {
  const { repo, issue, label } = action;
  await effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: 'remove-label',
    key: label,
    nature: 'state',
    probe: async () => ((await forge.getIssue(repo, issue)).labels.includes(label) ? undefined : true),
    act: async () => {
      await forge.removeLabel(repo, issue, label);
      return true;
    },
  });
}

/** Creates the comment once in the life of the issue, then edits it in place. @returns false where a person deleted it. */
async function writeComment(to: Writer, snapshot: GroomSnapshot, action: GroomAction & { kind: 'comment' }): Promise<boolean> {
  const { repo, issue } = action;
  const body = renderComment(action.facts, titlesOf(snapshot, repo));
  const id = action.comment;
  if (id !== undefined) return editComment(to, action, id, body);
  await to.effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: CREATE_COMMENT,
    key: COMMENT_KEY,
    payload: toFactKey(action.facts),
    nature: 'once',
    probe: () => findComment(to.forge, repo, issue),
    act: () => to.forge.createComment(repo, issue, body),
  });
  return true;
}

async function editComment(to: Writer, action: GroomAction & { kind: 'comment' }, id: number, body: string): Promise<boolean> {
  const { repo, issue } = action;
  const { written } = await to.effects.ensure({
    repo,
    subject: `#${issue}`,
    kind: EDIT_COMMENT,
    key: COMMENT_KEY,
    payload: toFactKey(action.facts),
    nature: 'state',
    probe: async () => {
      const found = (await to.forge.listComments(repo, issue)).find((comment) => comment.id === id);
      return found?.body === body ? { written: true } : undefined;
    },
    act: async () => {
      try {
        await to.forge.updateComment(repo, issue, id, body);
        return { written: true };
      } catch (error) {
        if (error instanceof AgentOsError && error.code === 'not_found') return { written: false };
        throw error;
      }
    },
  });
  return written;
}

/** Only what our own account wrote: anybody can copy a marker. */
async function findComment(forge: Forge, repo: string, issue: number): Promise<{ id: number } | undefined> {
  const own = await forge.getIdentity();
  const found = (await forge.listComments(repo, issue)).find(({ author, body }) => author.id === own.id && body.startsWith(GROOM_MARKER));
  return found && { id: found.id };
}

function titlesOf(snapshot: GroomSnapshot, name: string): Map<number, string> {
  const found = snapshot.repos.find(({ repo }) => repo === name);
  return new Map(found?.state === 'read' ? found.issues.map(({ issue }) => [issue.number, issue.title]) : []);
}
