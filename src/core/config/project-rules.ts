/**
 * The rules about projects on GitHub that the schema cannot say: which keys go
 * together, where they apply, and that showing a task never takes it back.
 * Reads the value as it was written. Pure.
 */
import type { Path, Problem } from './problem.ts';
import { childOf } from './shape.ts';

const STATES = ['queued', 'running', 'review', 'needs_human', 'done'] as const;

export function findProjectProblems(value: unknown): Problem[] {
  const repos = childOf(value, 'repos');
  const onGitHub = childOf(childOf(value, 'forge'), 'kind') === 'github';
  if (!Array.isArray(repos)) return [];
  return [
    ...repos.flatMap((repo: unknown, index) => [
      ...findReadyProblems(childOf(repo, 'ready'), ['repos', index, 'ready'], onGitHub),
      ...findBoardProblems(repo, ['repos', index, 'board'], onGitHub),
    ]),
    ...(repos.some((repo) => isGiven(childOf(repo, 'ready'), 'project')) ? findOwnStarts(value) : []),
  ];
}

/** A label of ours is told by its event in the journal; a card tells no more than an account. */
function findOwnStarts(value: unknown): Problem[] {
  const what = 'people alone move a card into the column that makes an issue Ready; write `false`, or let a label make issues Ready';
  return ['dispatch', 'plan'].flatMap((key): Problem[] =>
    childOf(childOf(value, key), 'auto_ready') === true ? [{ path: [key, 'auto_ready'], what }] : [],
  );
}

function findReadyProblems(ready: unknown, path: Path, onGitHub: boolean): Problem[] {
  const given = ['project', 'field', 'value'].filter((key) => isGiven(ready, key));
  if (given.length === 0) return [];
  if (!onGitHub) return [onlyOnGitHub([...path, given[0] ?? ''])];
  const missing = ['project', 'field', 'value'].filter((key) => !given.includes(key));
  const problems = missing.map((key): Problem => ({ path: [...path, key], what: 'missing; a column is `project`, `field` and `value`' }));
  if (isGiven(ready, 'label'))
    problems.push({
      path: [...path, 'label'],
      atKey: true,
      what: 'either a label or a column of a project makes issues Ready; remove one',
    });
  return problems;
}

function findBoardProblems(repo: unknown, path: Path, onGitHub: boolean): Problem[] {
  const board = childOf(repo, 'board');
  if (board === undefined || board === null) return [];
  if (!onGitHub) return [onlyOnGitHub(path)];
  const states = STATES.filter((key) => isGiven(board, key));
  if (states.length === 0) return [{ path, what: `would show nothing; give one of ${STATES.map((key) => `\`${key}\``).join(', ')}` }];
  const ready = childOf(repo, 'ready');
  const same = ['project', 'field'].every((key) => isGiven(board, key) && isSame(childOf(board, key), childOf(ready, key)));
  if (!same) return [];
  const what =
    'would move the card out of the column that makes the issue Ready, and so withdraw the task; only `done` goes with the same field';
  const moved = states.filter((key) => key !== 'done').map((key): Problem => ({ path: [...path, key], atKey: true, what }));
  if (isGiven(board, 'done') && isSame(childOf(board, 'done'), childOf(ready, 'value')))
    moved.push({ path: [...path, 'done'], what: 'the column that makes the issue Ready; name the one for what is done' });
  return moved;
}

function onlyOnGitHub(path: Path): Problem {
  return { path, atKey: true, what: 'only for `forge.kind: github`; the local forge has no projects; remove the key' };
}

/** Whether GitHub tells names apart by their case is not to be relied on. */
function isSame(a: unknown, b: unknown): boolean {
  return String(a).toLowerCase() === String(b).toLowerCase();
}

function isGiven(value: unknown, key: string): boolean {
  return ![undefined, null].includes(childOf(value, key) as undefined);
}
