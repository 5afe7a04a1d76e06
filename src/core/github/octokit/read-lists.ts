/**
 * Which issues concern dispatch, and when each was last updated: all
 * repositories in one request, and more only for pages that `decidePages` asks
 * for. On the way of an idle pass, so answers are checked by hand.
 */
import { AgentOsError } from '../../errors.ts';
import type { IssueQuery } from '../github.ts';
import { noteTime, unlessTooMuch } from './ask-many.ts';
import type { GitHubClient, PartError } from './client/client.ts';
import { decidePages, type Entry, type Page } from './decide-pages.ts';
import { type IssueIndex, type IssueMemory, isFresh } from './issue-memory.ts';
import { isIssueNumber, type ListPart, listQuery, type Rider } from './issue-query.ts';
import { type Fields, isFields, numberedPart, repositoryPart, wrongShape } from './repository-part.ts';

export interface ListReader {
  client: Pick<GitHubClient, 'queryPartial' | 'now'>;
  memory: IssueMemory;
  /** Told who we are, as the answer says by the way. */
  noteViewer?(viewer: { id: number; login: string }): void;
  /** Asked along with the first request, where there is one. */
  passenger?: Passenger;
}

/** Something else that is wanted to know at the same moment. */
export interface Passenger extends Rider {
  take(answer: { data: Fields; errors: readonly PartError[] }): void;
}

/** What there is now in one repository. */
export interface ScannedList {
  /** The list; `updatedAt` by number. */
  entries: ReadonlyMap<number, string>;
  /** Of `also`, what is there and not in the list. */
  also: ReadonlyMap<number, string>;
  /** What is to be remembered; absent when memory holds the same already, or no list was asked for. */
  index?: IssueIndex;
}

/** One page each costs a hundredth of a point, so that fifty cost one. */
const REPOSITORIES_PER_REQUEST = 50;
/** Where GitHub has no time for more. */
const FEW_REPOSITORIES = 10;
/** Issues asked for by number cost no points, but make the request longer. */
const NUMBERS_PER_REQUEST = 100;
/** How often a list that moves while it is read is begun anew. */
const ROUNDS = 3;

/** The reading of one repository. */
interface Scan {
  query: IssueQuery;
  round: number;
  pages: Page[];
  /** When the first of `pages` was asked for. */
  readAt: string;
  also: Map<number, string>;
  /** Of the numbers of the query, those that the list is expected to have. */
  listed: readonly number[];
  /** The whole list, once it is known. */
  entries?: ReadonlyMap<number, string>;
  error?: AgentOsError;
}

/** What the next request asks of one repository. */
interface Ask extends Omit<ListPart, 'repo'> {
  scan: Scan;
}

/** @returns by repository, where anything is asked for at all */
export async function readLists(reader: ListReader, queries: readonly IssueQuery[]): Promise<Map<string, ScannedList | AgentOsError>> {
  const scans = queries.map(
    (query): Scan => ({ query, round: 0, pages: [], readAt: '', also: new Map(), listed: listedBefore(reader, query) }),
  );
  let open = scans.map((scan) => firstAsk(scan));
  let riding = reader.passenger;
  for (let size = REPOSITORIES_PER_REQUEST; ; ) {
    const batch = takeBatch(open, size);
    if (batch.now.length === 0) break;
    const next = await unlessTooMuch(batch.now.length > FEW_REPOSITORIES, () => request(reader, batch.now, riding));
    if (next) {
      open = [...batch.later, ...next].filter(({ scan }) => !scan.error);
      riding = undefined;
    } else size = FEW_REPOSITORIES;
  }
  return new Map(scans.map((scan) => [scan.query.repo, scan.error ?? finish(reader.memory, scan)]));
}

function firstAsk(scan: Scan): Ask {
  const { labels, also } = scan.query;
  const listed = new Set(scan.listed);
  const unlisted = [...new Set(also)].filter((number) => isIssueNumber(number) && !listed.has(number));
  // Without labels every issue would be listed.
  return { scan, also: unlisted, ...(labels.length > 0 && { list: { labels } }) };
}

/** Hundreds of tasks may be active, nearly all of them on issues that carry a label: the list tells of these. */
function listedBefore({ memory }: ListReader, { repo, labels, also }: IssueQuery): number[] {
  if (labels.length === 0 || also.length === 0) return [];
  const before = memory.readIndex(repo)?.entries;
  return before ? [...new Set(also)].filter((number) => before.has(number)) : [];
}

/** As much as fits into one request; numbers that do not fit are asked for in the next one. */
function takeBatch(open: readonly Ask[], size: number): { now: Ask[]; later: Ask[] } {
  const now: Ask[] = [];
  const later: Ask[] = [];
  let room = NUMBERS_PER_REQUEST;
  for (const ask of open) {
    if (!ask.list && ask.also.length === 0) continue;
    if (now.length === size || (!ask.list && room === 0)) {
      later.push(ask);
      continue;
    }
    now.push({ ...ask, also: ask.also.slice(0, room) });
    if (ask.also.length > room) later.push({ scan: ask.scan, also: ask.also.slice(room) });
    room -= Math.min(room, ask.also.length);
  }
  return { now, later };
}

/** @returns what is to be asked next */
async function request({ client, memory, noteViewer }: ListReader, asks: readonly Ask[], passenger?: Passenger): Promise<Ask[]> {
  const { text, variables } = listQuery(
    asks.map(({ scan, ...part }) => ({ repo: scan.query.repo, ...part })),
    passenger,
  );
  const { answer, askedAt } = await noteTime(client, () => client.queryPartial(text, variables));
  passenger?.take(answer);
  const { login, databaseId } = isFields(answer.data['viewer']) ? answer.data['viewer'] : {};
  if (typeof login === 'string' && Number.isSafeInteger(databaseId)) noteViewer?.({ id: databaseId as number, login });
  return asks.flatMap((ask, at) => {
    const part = repositoryPart(answer, `r${at}`, ask.scan.query.repo);
    const next = part instanceof AgentOsError ? part : absorb(ask, part, askedAt, memory);
    if (!(next instanceof AgentOsError)) return next;
    ask.scan.error = next;
    return [];
  });
}

function absorb({ scan, list, also }: Ask, part: Fields, askedAt: string, memory: IssueMemory): Ask[] | AgentOsError {
  const { repo, labels } = scan.query;
  for (const number of also) {
    const node = numberedPart(part, `i${number}`, repo, number);
    if (node instanceof AgentOsError) return node;
    if (node && !isEntry(node)) return wrongShape(repo, `i${number}.updatedAt`);
    if (node) scan.also.set(number, node.updatedAt);
  }
  if (!list) return [];
  const page = toPage(part['issues']);
  if (!page) return wrongShape(repo, 'issues');
  if (scan.pages.length === 0) scan.readAt = askedAt;
  scan.pages.push(page);
  const known = page.cursor === undefined || scan.pages.length > 1 ? undefined : usableIndex(memory, scan);
  const decision = decidePages(scan.pages, known);
  if (decision.kind === 'next') return [{ scan, list: { labels, after: decision.cursor }, also: [] }];
  if (decision.kind === 'complete') {
    scan.entries = decision.entries;
    const left = scan.listed.filter((number) => !decision.entries.has(number));
    return left.length > 0 ? [{ scan, also: left }] : [];
  }
  scan.pages = [];
  scan.round += 1;
  if (scan.round < ROUNDS) return [{ scan, list: { labels }, also: [] }];
  return new AgentOsError('unavailable', `the issues of \`${repo}\` kept changing while they were listed`);
}

/** The index, where it answers this very query and was read as a whole not too long ago. */
function usableIndex(memory: IssueMemory, { query, readAt }: Scan): IssueIndex | undefined {
  const index = memory.readIndex(query.repo);
  return index && sameList(index.labels, sortedLabels(query)) && isFresh(index.wholeAt, readAt) ? index : undefined;
}

function finish(memory: IssueMemory, scan: Scan): ScannedList {
  const { query, pages, readAt, entries = new Map<number, string>() } = scan;
  const also = new Map([...scan.also].filter(([number]) => !entries.has(number)).sort(([a], [b]) => a - b));
  if (query.labels.length === 0) return { entries, also };
  const before = memory.readIndex(query.repo);
  const isWhole = pages.at(-1)?.cursor === undefined;
  const wholeAt = isWhole ? readAt : (before?.wholeAt ?? readAt);
  const index: IssueIndex = { readAt, wholeAt, labels: sortedLabels(query), also: [...also.keys()], entries };
  const same = before ? pages.length === 1 && sameIndex(before, index) : entries.size === 0 && also.size === 0;
  return { entries, also, ...(!same && { index }) };
}

function sameIndex(a: IssueIndex, b: IssueIndex): boolean {
  return sameList(a.labels, b.labels) && sameList(a.also, b.also) && sameEntries(a, b);
}

function sortedLabels({ labels }: IssueQuery): string[] {
  return [...new Set(labels.map((label) => label.toLowerCase()))].sort();
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

function sameEntries(a: IssueIndex, b: IssueIndex): boolean {
  return a.entries.size === b.entries.size && [...a.entries].every(([number, updatedAt]) => b.entries.get(number) === updatedAt);
}

function toPage(connection: unknown): Page | undefined {
  if (!isFields(connection)) return undefined;
  const { totalCount: total, nodes, pageInfo } = connection;
  if (typeof total !== 'number' || !Array.isArray(nodes) || !nodes.every(isEntry) || !isFields(pageInfo)) return undefined;
  const { hasNextPage, endCursor } = pageInfo;
  const entries = nodes.map(({ number, updatedAt }) => ({ number, updatedAt }));
  if (hasNextPage === false) return { total, entries };
  return hasNextPage === true && typeof endCursor === 'string' ? { total, entries, cursor: endCursor } : undefined;
}

function isEntry(node: unknown): node is Entry {
  if (!isFields(node)) return false;
  const { number, updatedAt } = node;
  return Number.isSafeInteger(number) && typeof updatedAt === 'string' && !Number.isNaN(Date.parse(updatedAt));
}
