/** I6: what limits on spending rest on can be read and agrees with the tasks (docs/reliability.md, "Invariants"). Pure. */
import { judgeBooks } from '../budget/judge-books.ts';
import type { Finding, FsckSnapshot } from './snapshot.ts';

export function checkBudget({ books, letters, unreadableBreakers, now }: FsckSnapshot): Finding[] {
  const tasks = letters.map(({ letter }) => letter);
  return [
    ...judgeBooks(books, tasks, new Date(now)).map(
      ({ kind, where, what, remedy }): Finding => ({
        invariant: 'I6',
        severity: kind === 'unreadable' ? 'error' : 'warning',
        subject: where,
        what,
        remedy,
      }),
    ),
    ...unreadableBreakers.map(
      (path): Finding => ({
        invariant: 'I6',
        severity: 'warning',
        subject: path,
        what: 'the breaker of an agent cannot be read, and rests nobody',
        remedy: 'Remove the file; the next failure of its provider writes it anew.',
      }),
    ),
  ];
}
