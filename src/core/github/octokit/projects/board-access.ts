/**
 * Whether the projects that a repository's configuration names are there, with
 * their fields and values, asked by reads alone.
 */
import { AgentOsError } from '../../../errors.ts';
import { valuesOf } from '../../board.ts';
import type { Board } from '../../github.ts';
import type { GitHubClient } from '../client/client.ts';
import { placeOf, readField } from './read-board.ts';
import { optionOf } from './ready-column.ts';

/** As a repository is configured. */
export interface Configured {
  name: string;
  ready?: { project?: number | undefined; field?: string | undefined; value?: string | undefined } | undefined;
  board?: Board | undefined;
}

/** What is wrong with one of them. */
export interface ColumnProblem {
  /** `ready`: nothing becomes a task without it. */
  of: 'ready' | 'board';
  message: string;
  hint?: string | undefined;
}

/** One request for each that is configured. */
export async function readColumnProblems(client: Pick<GitHubClient, 'queryPartial'>, repo: Configured): Promise<ColumnProblem[]> {
  const { project, field, value } = repo.ready ?? {};
  const asked = [
    ...(project !== undefined && field !== undefined && value !== undefined
      ? [{ of: 'ready' as const, project, field, values: [value] }]
      : []),
    ...(repo.board ? [{ of: 'board' as const, ...repo.board, values: valuesOf(repo.board) }] : []),
  ];
  const problems: ColumnProblem[] = [];
  for (const { of, values, ...column } of asked) {
    const place = placeOf(repo.name, column);
    try {
      const definition = await readField(client, place);
      for (const one of values) optionOf(definition, place, one);
    } catch (error) {
      if (!(error instanceof AgentOsError) || error.code !== 'refused') throw error;
      problems.push({ of, message: error.message, hint: error.hint });
    }
  }
  return problems;
}
