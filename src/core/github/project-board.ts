/**
 * Shows where a task stands in a field of a project, once for each of its
 * states: what a person does to the card afterwards is not fought over. The
 * journal knows what was written last, so a card that is as it should be costs
 * no request.
 */
import type { EffectRecord, Effects, Recorded } from '../effects/effects.ts';
import type { Letter } from '../mailbox/mailbox.ts';
import { boardValue, mayMove } from './board.ts';
import type { GitHub } from './github.ts';

/** Result of an effect: what was written last, by this one or an earlier one. */
type Shown = { value?: string };

export async function projectBoard(to: { forge: GitHub; effects: Effects }, { task, tray }: Pick<Letter, 'task' | 'tray'>): Promise<void> {
  const { repo, issue } = task;
  const board = to.forge.boardOf?.(repo);
  const value = board && boardValue(board, tray);
  if (!board || value === undefined) return;
  const at = { project: board.project, field: board.field };
  const effect = { repo, subject: `#${issue}`, kind: 'set-board-status', key: `${board.project} ${board.field}` };
  const known = await to.effects.find(effect);
  const payload = { task: task.id, tray, value, last: lastValue(known, task.id) ?? null };
  if (known?.state === 'done' && isSame(known.payload, payload)) return;
  await to.effects.ensure<Shown>({
    ...effect,
    payload,
    nature: 'state',
    // Only for a write of unknown outcome: otherwise what stands there now is no word of ours.
    probe: async () => {
      if (known?.state !== 'intent') return undefined;
      return (await to.forge.findBoardStatus(repo, issue, at)).value === value ? { value } : undefined;
    },
    act: async () => {
      const last = payload.last ?? undefined;
      const left: Shown = last === undefined ? {} : { value: last };
      if (!mayMove(board, await to.forge.findBoardStatus(repo, issue, at), last)) return left;
      return (await to.forge.setBoardStatus(repo, issue, { ...at, value, add: board.add })) ? { value } : left;
    },
  });
}

/** By the record of the task's last state, or the one before where its outcome is not known. */
function lastValue(known: Pick<EffectRecord, 'state' | 'result' | 'payload'> | undefined, task: string): string | undefined {
  if (fieldOf(known?.payload, 'task') !== task) return undefined; // an earlier task's card is where this one begins
  const said = known?.state === 'done' ? fieldOf(known.result, 'value') : fieldOf(known?.payload, 'last');
  return typeof said === 'string' ? said : undefined;
}

function isSame(a: Recorded | undefined, b: Readonly<Record<string, Recorded>>): boolean {
  return ['task', 'tray', 'value'].every((name) => fieldOf(a, name) === b[name]);
}

function fieldOf(value: Recorded | undefined, name: string): Recorded | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[name] : undefined;
}
