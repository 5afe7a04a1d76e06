/** What a project shows of a task, and when a card is left to the person who moved it. Pure. */
import type { Tray } from '../mailbox/mailbox.ts';
import type { Board, BoardStatus } from './github.ts';

/** The value for a task in this tray, where one is configured; one that was withdrawn leaves its card as it is. */
export function boardValue(board: Board, tray: Tray): string | undefined {
  switch (tray) {
    case 'inbox':
      return board.queued;
    case 'processing':
      return board.running;
    case 'review':
      return board.review;
    case 'escalated':
      return board.needs_human;
    case 'done':
      return board.done;
    default:
      return undefined;
  }
}

/** Every value that is configured. */
export function valuesOf({ queued, running, review, needs_human: needsHuman, done }: Board): string[] {
  return [queued, running, review, needsHuman, done].flatMap((value) => value ?? []);
}

/**
 * Whether the card may be moved now, for a state that it was not yet moved for.
 * A person's move stands until the task's next state; where it leads out of the
 * columns of ours, it stands for good.
 * @param last the value that we wrote last for this task; absent before the first time, when the card stands where it began
 */
export function mayMove(board: Board, { onBoard, value }: BoardStatus, last: string | undefined): boolean {
  if (!onBoard) return board.add && last === undefined; // a person who takes it out of the project does so for good
  if (value === undefined || last === undefined || value === last) return true;
  return valuesOf(board).includes(value);
}
