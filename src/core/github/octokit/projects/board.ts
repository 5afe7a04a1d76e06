/**
 * Where an issue stands in a project, read and written. A card is written by
 * the ids that GitHub gives at that moment: those of values change when a
 * field is edited.
 */
import * as z from 'zod';
import { AgentOsError } from '../../../errors.ts';
import type { BoardField, BoardStatus } from '../../github.ts';
import type { GitHubClient } from '../client/client.ts';
import { ownerAndName } from '../client/request-names.ts';
import { ADD_ITEM, CLEAR_VALUE, SET_VALUE } from './board-query.ts';
import { type Card, type Cards, placeOf, readCards } from './read-board.ts';
import { optionOf } from './ready-column.ts';

const added = z.object({ addProjectV2ItemById: z.object({ item: z.object({ id: z.string() }) }) });
const moved = z.looseObject({});

export async function findBoardStatus(client: GitHubClient, repo: string, issue: number, at: BoardField): Promise<BoardStatus> {
  const { card } = await readCard(client, repo, issue, at);
  return { onBoard: card.itemId !== undefined, ...(card.value && { value: card.value.name }) };
}

/** @returns false when the issue is not in the project and may not be added */
export async function setBoardStatus(
  client: GitHubClient,
  repo: string,
  issue: number,
  to: BoardField & { value: string; add: boolean },
): Promise<boolean> {
  const { card, definition } = await readCard(client, repo, issue, to);
  const option = optionOf(definition, placeOf(repo, to), to.value);
  if (card.value?.optionId === option) return true;
  if (card.itemId === undefined && !to.add) return false;
  const { projectId: project, fieldId: field } = definition;
  const item = card.itemId ?? (await addItem(client, repo, project, card.issueId));
  await client.mutate(repo, SET_VALUE, { project, item, field, option }, moved);
  return true;
}

/** Takes the card out of a column: nothing happens when it stands elsewhere. @param done where it goes; without it, the value is taken away */
export async function leaveColumn(
  client: GitHubClient,
  repo: string,
  issue: number,
  from: BoardField & { value: string; done?: string | undefined },
): Promise<void> {
  const { card, definition } = await readCard(client, repo, issue, from);
  if (card.itemId === undefined || card.value?.name !== from.value) return;
  const { projectId: project, fieldId: field } = definition;
  const at = { project, item: card.itemId, field };
  if (from.done === undefined) await client.mutate(repo, CLEAR_VALUE, at, moved);
  else await client.mutate(repo, SET_VALUE, { ...at, option: optionOf(definition, placeOf(repo, from), from.done) }, moved);
}

async function addItem(client: GitHubClient, repo: string, project: string, content: string): Promise<string> {
  const answer = await client.mutate(repo, ADD_ITEM, { project, content }, added);
  return answer.addProjectV2ItemById.item.id;
}

async function readCard(
  client: GitHubClient,
  repo: string,
  issue: number,
  at: BoardField,
): Promise<Pick<Cards, 'definition'> & { card: Card }> {
  ownerAndName(repo);
  const { definition, byNumber } = await readCards(client, repo, placeOf(repo, at), [issue]);
  const card = byNumber.get(issue);
  if (!card) throw new AgentOsError('not_found', `${repo} has no issue #${issue}`);
  return { definition, card };
}
