import { describe, expect, it } from 'vitest';
import { boardValue, mayMove } from '../../../src/core/github/board.ts';
import type { Board, BoardStatus } from '../../../src/core/github/github.ts';
import { TRAYS } from '../../../src/core/mailbox/mailbox.ts';

const BOARD: Board = {
  project: 4,
  field: 'Status',
  queued: 'Todo',
  running: 'Busy',
  review: 'Review',
  needs_human: 'Blocked',
  done: 'Done',
  add: false,
};

describe('a card', () => {
  it('has a value for every tray that is configured', () => {
    const shown = Object.fromEntries(TRAYS.map((tray) => [tray, boardValue(BOARD, tray)]));
    expect(shown).toEqual({ inbox: 'Todo', processing: 'Busy', review: 'Review', escalated: 'Blocked', done: 'Done', failed: undefined });
    expect(boardValue({ project: 4, field: 'Status', done: 'Done', add: false }, 'review')).toBeUndefined();
  });

  const on = (value?: string): BoardStatus => ({ onBoard: true, ...(value !== undefined && { value }) });
  it.each<[string, BoardStatus, string | undefined, boolean]>([
    ['moves from where it began', on('Backlog'), undefined, true],
    ['moves where it has no value yet', on(), undefined, true],
    ['moves where a person took the value away', on(), 'Todo', true],
    ['moves on from what we wrote', on('Todo'), 'Todo', true],
    ['moves where a person chose another column of ours', on('Blocked'), 'Busy', true],
    ['stays where a person took it out of our columns', on('Later'), 'Busy', false],
    ['stays out of the project', { onBoard: false }, undefined, false],
  ])('%s', (_, now, last, expected) => {
    expect(mayMove(BOARD, now, last)).toBe(expected);
  });

  it('is added once where that is allowed, and not again when a person took it out', () => {
    expect(mayMove({ ...BOARD, add: true }, { onBoard: false }, undefined)).toBe(true);
    expect(mayMove({ ...BOARD, add: true }, { onBoard: false }, 'Todo')).toBe(false);
  });
});
