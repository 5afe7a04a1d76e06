/**
 * Whole issues with their timelines, many in one request. Further pages are
 * read where there are any, and only while the issue stays as it was: a view is
 * one moment of an issue, complete, or an error.
 */
import { AgentOsError } from '../../errors.ts';
import { tryRead } from '../../try-read.ts';
import type { IssueView } from '../github.ts';
import type { GitHubClient } from './client/client.ts';
import { CONNECTION_NAMES, type ConnectionName, isIssueNumber, restQuery, viewQuery } from './issue-query.ts';
import { type Fields, isFields, notAnswered, numberedPart, repositoryPart, wrongShape } from './repository-part.ts';

/** Issues in one request: four connections each, together less than a point. */
export const VIEWS_PER_REQUEST = 20;
/** Where GitHub has no time for more. */
export const FEW_VIEWS = 5;

/** How often an issue that changes while its pages are read is begun anew. */
const ROUNDS = 3;

/** By number; what is no issue of the repository is not in it. */
export type Views = Map<number, IssueView>;

type Client = Pick<GitHubClient, 'queryPartial'>;

/**
 * One request, and more where a list of an issue has more than a hundred entries.
 * @param wanted at most `VIEWS_PER_REQUEST` issues in all
 * @returns by repository
 */
export async function readViews(
  client: Client,
  wanted: readonly { repo: string; numbers: readonly number[] }[],
): Promise<Map<string, Views | AgentOsError>> {
  const parts = wanted.map(({ repo, numbers }) => ({ repo, numbers: numbers.filter(isIssueNumber) }));
  const found = new Map<string, Views | AgentOsError>();
  const answer = await client.queryPartial(...asArguments(viewQuery(parts)));
  const { toIssueView } = await import('./to-issue.ts');
  for (const [at, { repo, numbers }] of parts.entries()) {
    const views = await tryRead(async () => {
      const part = orThrow(repositoryPart(answer, `r${at}`, repo));
      const read: Views = new Map();
      for (const number of numbers) {
        const node = orThrow(numberedPart(part, `i${number}`, repo, number));
        const whole = node && (await complete(client, repo, number, node));
        if (whole) read.set(number, toIssueView(whole, `the issue ${repo}#${number}`));
      }
      return read;
    });
    found.set(repo, views);
  }
  return found;
}

/** The node with every page of its lists joined; `undefined` when the issue is gone meanwhile. */
async function complete(client: Client, repo: string, number: number, node: Fields): Promise<Fields | undefined> {
  let start: Fields | undefined = node;
  for (let round = 0; round < ROUNDS; round++) {
    const whole = await joinPages(client, repo, start);
    if (whole) return whole;
    const answer = await client.queryPartial(...asArguments(viewQuery([{ repo, numbers: [number] }])));
    start = orThrow(numberedPart(orThrow(repositoryPart(answer, 'r0', repo)), `i${number}`, repo, number));
    if (!start) return undefined;
  }
  throw new AgentOsError('unavailable', `the issue ${repo}#${number} kept changing while it was read`);
}

/** `undefined` when the issue changed between two pages. */
async function joinPages(client: Client, repo: string, node: Fields): Promise<Fields | undefined> {
  const joined = { ...node };
  for (;;) {
    const after = cursorsOf(joined, repo);
    if (Object.keys(after).length === 0) return joined;
    if (typeof node['id'] !== 'string') throw wrongShape(repo, 'id');
    const { data, errors } = await client.queryPartial(...asArguments(restQuery(node['id'], after)));
    const page = isFields(data) ? data['node'] : undefined;
    if (page === null && errors.every((error) => error.type === 'NOT_FOUND')) return undefined;
    if (errors[0]) throw notAnswered(repo, errors[0]);
    if (!isFields(page)) throw wrongShape(repo, 'node');
    if (page['updatedAt'] !== node['updatedAt']) return undefined;
    for (const name of Object.keys(after)) joined[name] = append(joined[name], page[name], repo, name);
  }
}

/** Where the lists go on that are not complete. */
function cursorsOf(node: Fields, repo: string): Partial<Record<ConnectionName, string>> {
  const after: Partial<Record<ConnectionName, string>> = {};
  for (const name of CONNECTION_NAMES) {
    const list = node[name];
    if (list === null) continue; // GitHub's word for a list that does not apply
    const info = isFields(list) ? list['pageInfo'] : undefined;
    if (!isFields(info) || typeof info['hasNextPage'] !== 'boolean') throw wrongShape(repo, `${name}.pageInfo`);
    if (!info['hasNextPage']) continue;
    if (typeof info['endCursor'] !== 'string') throw wrongShape(repo, `${name}.pageInfo.endCursor`);
    after[name] = info['endCursor'];
  }
  return after;
}

function append(list: unknown, page: unknown, repo: string, name: string): Fields {
  const before = isFields(list) ? list['nodes'] : undefined;
  const more = isFields(page) ? page['nodes'] : undefined;
  // A page that brings nothing would be asked for without end.
  if (!isFields(page) || !Array.isArray(before) || !Array.isArray(more) || more.length === 0) throw wrongShape(repo, `${name}.nodes`);
  return { ...page, nodes: [...before, ...more] };
}

function asArguments({ text, variables }: { text: string; variables: Fields }): [string, Fields] {
  return [text, variables];
}

function orThrow<T>(value: T | AgentOsError): T {
  if (value instanceof AgentOsError) throw value;
  return value;
}
