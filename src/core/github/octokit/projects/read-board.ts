/**
 * Reads the cards of projects: all that stand in the columns that make issues
 * Ready, along with a list of issues where there is one, and where certain
 * issues stand. An answer that is not complete is an error, never fewer cards:
 * a card that is missing would take its task back.
 */
import { AgentOsError } from '../../../errors.ts';
import { tryRead } from '../../../try-read.ts';
import type { GitHubClient, PartError } from '../client/client.ts';
import { sameRepo } from '../client/request-names.ts';
import type { Passenger } from '../read-lists.ts';
import { type Fields, isFields, numberedPart, repositoryPart, wrongShape } from '../repository-part.ts';
import { cardsQuery, type FieldPlace, fieldQuery, fieldsQuery, itemsQuery, itemsRider } from './board-query.ts';
import {
  type CardValue,
  type FieldDefinition,
  optionOf,
  projectPart,
  type ReadyColumn,
  toCardValue,
  toDefinition,
} from './ready-column.ts';

type Client = Pick<GitHubClient, 'queryPartial'>;
type Answer = { data: Fields; errors: readonly PartError[] };

/** Of each hundred cards, on every pass. */
const MAX_PAGES = 50;
/** How often a project that moves while it is read is begun anew. */
const ROUNDS = 3;
/** Issues of which one request asks where they stand. */
const ISSUES_PER_REQUEST = 50;

/** A card of an issue in a column. */
interface ReadyCard {
  updatedAt: string;
  value: CardValue;
}

/** By repository as it is configured, then by number of the issue. */
export type ReadyCards = ReadonlyMap<string, ReadonlyMap<number, ReadyCard> | AgentOsError>;

/** The columns of all repositories, once read. */
export interface BoardReading {
  /** To be asked along with another query. */
  passenger: Passenger;
  /** The rest of it. */
  finish(): Promise<ReadyCards>;
}

/** One field of one project, and which repositories look at it. */
interface Board {
  place: FieldPlace;
  columns: [repo: string, column: ReadyColumn][];
  pages: Fields[];
  read?: { definition: FieldDefinition; items: Fields[] } | AgentOsError;
}

export function openBoardReading(client: Client, columns: ReadonlyMap<string, ReadyColumn>): BoardReading {
  const boards = groupByField(columns);
  let taken: Answer | undefined;
  const passenger: Passenger = {
    ...itemsRider(boards),
    take(answer) {
      taken = answer;
    },
  };
  return {
    passenger,
    async finish() {
      const { text, variables } = itemsQuery(boards);
      const answer = taken ?? (await client.queryPartial(text, variables));
      for (const [at, board] of boards.entries())
        board.read = await tryRead(async () => readItems(client, board.place, orThrow(projectPart(answer, `b${at}`, board.place))));
      return new Map(boards.flatMap((board) => board.columns.map(([repo, column]) => [repo, cardsOf(board, repo, column)] as const)));
    },
  };
}

function groupByField(columns: ReadonlyMap<string, ReadyColumn>): Board[] {
  const boards = new Map<string, Board>();
  for (const [repo, column] of columns) {
    const place = placeOf(repo, column);
    const key = JSON.stringify([place.owner.toLowerCase(), place.project, place.field]);
    const board = boards.get(key) ?? { place, columns: [], pages: [] };
    board.columns.push([repo, column]);
    boards.set(key, board);
  }
  return [...boards.values()];
}

/** A project is its owner's, and only the projects of a repository's owner are looked at. */
export function placeOf(repo: string, { project, field }: Pick<ReadyColumn, 'project' | 'field'>): FieldPlace {
  return { owner: repo.slice(0, repo.indexOf('/')), project, field };
}

/** @param first the project as the first page shows it */
async function readItems(client: Client, place: FieldPlace, first: Fields): Promise<{ definition: FieldDefinition; items: Fields[] }> {
  const definition = await define(client, place, first);
  let before = '';
  let part = first;
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) part = await readPage(client, place);
    const { items, whole } = await readPages(client, place, part);
    const ids = items.map((item) => String(item['id'])).join(' ');
    // GitHub may count cards that it does not list: what reads the same twice did not move.
    if (whole || ids === before) return { definition, items };
    before = ids;
  }
  throw new AgentOsError('unavailable', `project ${place.project} of \`${place.owner}\` kept changing while it was read`);
}

async function readPages(client: Client, place: FieldPlace, first: Fields): Promise<{ items: Fields[]; whole: boolean }> {
  const items: Fields[] = [];
  let part = first;
  for (let page = 1; ; page++) {
    const list = isFields(part['items']) ? part['items'] : {};
    const { totalCount: total, nodes, pageInfo } = list;
    if (!Array.isArray(nodes) || !isFields(pageInfo) || typeof total !== 'number') throw wrongShape(place.owner, 'items');
    items.push(...nodes.filter(isFields));
    const { hasNextPage, endCursor } = pageInfo;
    const ids = new Set(items.map(({ id }) => id));
    if (hasNextPage === false) return { items, whole: page === 1 || (ids.size === items.length && ids.size === total) };
    if (hasNextPage !== true || typeof endCursor !== 'string' || nodes.length === 0) throw wrongShape(place.owner, 'items.pageInfo');
    if (page === MAX_PAGES) {
      throw new AgentOsError('refused', `project ${place.project} of \`${place.owner}\` has more than ${MAX_PAGES * 100} items`, {
        hint: 'Archive what is done in it.',
      });
    }
    part = await readPage(client, place, endCursor);
  }
}

async function readPage(client: Client, place: FieldPlace, after?: string): Promise<Fields> {
  const { text, variables } = itemsQuery([{ place, ...(after !== undefined && { after }) }]);
  return orThrow(projectPart(await client.queryPartial(text, variables), 'b0', place));
}

/** @throws AgentOsError `refused` where there is no such project or field */
export async function readField(client: Client, place: FieldPlace): Promise<FieldDefinition> {
  const { text, variables } = fieldQuery(place);
  return define(client, place, orThrow(projectPart(await client.queryPartial(text, variables), 'b0', place)));
}

/** @throws AgentOsError `refused`, with the fields that there are */
async function define(client: Client, place: FieldPlace, part: Fields): Promise<FieldDefinition> {
  const definition = toDefinition(part, place.field);
  if (definition) return definition;
  const { text, variables } = fieldsQuery(place);
  const project = orThrow(projectPart(await client.queryPartial(text, variables), 'b0', place));
  const nodes = isFields(project['fields']) ? project['fields']['nodes'] : [];
  const names = (Array.isArray(nodes) ? nodes : []).flatMap((node) => (isFields(node) && node['name'] ? [`\`${node['name']}\``] : []));
  throw new AgentOsError(
    'refused',
    `project ${place.project} of \`${place.owner}\` has no single-select field \`${place.field}\`; it has ${names.join(', ') || 'none'}`,
    { hint: 'Write the name in the configuration as it is in the project.' },
  );
}

function cardsOf({ place, read }: Board, repo: string, column: ReadyColumn): Map<number, ReadyCard> | AgentOsError {
  if (!read || read instanceof AgentOsError) return read ?? wrongShape(repo, 'items');
  try {
    const option = optionOf(read.definition, place, column.value);
    const cards = new Map<number, ReadyCard>();
    for (const { isArchived, content, fieldValueByName } of read.items) {
      const { number, updatedAt, repository } = isFields(content) ? content : {};
      // A draft or a pull request has no number here.
      if (isArchived === true || typeof number !== 'number' || !isFields(repository)) continue;
      const value = sameRepo(String(repository['nameWithOwner']), repo) ? toCardValue(fieldValueByName, place) : undefined;
      if (value?.optionId !== option) continue;
      if (typeof updatedAt !== 'string' || Number.isNaN(Date.parse(updatedAt))) return wrongShape(repo, 'content.updatedAt');
      cards.set(number, { updatedAt, value });
    }
    return cards;
  } catch (error) {
    if (error instanceof AgentOsError) return error;
    throw error;
  }
}

/** Where an issue stands in a field of a project. */
export interface Card {
  issueId: string;
  /** Absent where the issue is not in the project. */
  itemId?: string;
  value?: CardValue;
}

export interface Cards {
  definition: FieldDefinition;
  /** What is no issue of the repository is not in it. */
  byNumber: Map<number, Card>;
}

/** @throws AgentOsError `refused` where there is no such project or field */
export async function readCards(client: Client, repo: string, place: FieldPlace, numbers: readonly number[]): Promise<Cards> {
  const byNumber = new Map<number, Card>();
  let definition: FieldDefinition | undefined;
  for (let at = 0; at === 0 || at < numbers.length; at += ISSUES_PER_REQUEST) {
    const batch = numbers.slice(at, at + ISSUES_PER_REQUEST);
    const { text, variables } = cardsQuery(place, repo, batch);
    const answer = await client.queryPartial(text, variables);
    definition = await define(client, place, orThrow(projectPart(answer, 'b0', place)));
    const part = orThrow(repositoryPart(answer, 'r0', repo));
    for (const number of batch) {
      const node = orThrow(numberedPart(part, `i${number}`, repo, number));
      if (node) byNumber.set(number, toCard(node, definition, repo, place));
    }
  }
  if (!definition) throw wrongShape(repo, 'projectV2');
  return { definition, byNumber };
}

function toCard({ id: issueId, projectItems }: Fields, { projectId }: FieldDefinition, repo: string, place: FieldPlace): Card {
  const { nodes, pageInfo } = isFields(projectItems) ? projectItems : {};
  if (typeof issueId !== 'string' || !Array.isArray(nodes) || !isFields(pageInfo)) throw wrongShape(repo, 'projectItems');
  const item = nodes.find((node) => isFields(node) && isFields(node['project']) && node['project']['id'] === projectId);
  if (!item && pageInfo['hasNextPage'] !== false) throw new AgentOsError('refused', `an issue of \`${repo}\` is in too many projects`);
  if (!item) return { issueId };
  if (typeof item['id'] !== 'string') throw wrongShape(repo, 'projectItems.nodes');
  const value = toCardValue(item['fieldValueByName'], place);
  return { issueId, itemId: item['id'], ...(value && { value }) };
}

function orThrow<T>(value: T | AgentOsError): T {
  if (value instanceof AgentOsError) throw value;
  return value;
}
