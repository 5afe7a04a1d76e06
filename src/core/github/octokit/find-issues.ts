/**
 * The issues that concern dispatch, of many repositories: one request that
 * reads numbers and update times, and further ones for the issues that are new
 * or changed since they were last read. A pass that finds nothing is that one
 * request: no package, no schema library, no file but a small index. An answer
 * that is not complete is the repository's error, never a shorter list.
 */
import { AgentOsError } from '../../errors.ts';
import type { IssueQuery, IssueView } from '../github.ts';
import { noteTime, unlessTooMuch } from './ask-many.ts';
import { isSettled } from './decide-pages.ts';
import { type IssueMemory, isFresh } from './issue-memory.ts';
import { type ListReader, readLists } from './read-lists.ts';

/** The answer about one repository, while it is put together. */
interface Found {
  repo: string;
  views: Map<number, IssueView>;
  error?: AgentOsError;
}

interface Missing {
  of: Found;
  number: number;
}

/** Issues beside the lists, known once these are read: by repository, `updatedAt` by number. */
export type MoreIssues = () => Promise<ReadonlyMap<string, ReadonlyMap<number, string> | AgentOsError>>;

/**
 * @returns by repository, oldest first
 * @throws AgentOsError what concerns every repository: the forge does not answer, or not to us
 */
export async function findIssues(
  reader: ListReader,
  queries: readonly IssueQuery[],
  more?: MoreIssues,
): Promise<Map<string, IssueView[] | AgentOsError>> {
  const lists = await readLists(reader, queries);
  const others = await more?.();
  const found = new Map<string, Found>();
  const missing: Missing[] = [];
  for (const [repo, list] of lists) {
    const other = others?.get(repo) ?? new Map<number, string>();
    const error = [list, other].find((one) => one instanceof AgentOsError);
    const of: Found = { repo, views: new Map(), ...(error && { error }) };
    found.set(repo, of);
    if (list instanceof AgentOsError || other instanceof AgentOsError) continue;
    missing.push(...recall(reader, new Map([...other, ...list.also, ...list.entries]), of));
  }
  if (missing.length > 0) await fetchViews(reader, missing);
  for (const [repo, list] of lists) {
    if (!(list instanceof AgentOsError) && list.index) reader.memory.writeIndex(repo, list.index);
  }
  return new Map(Array.from(found.values(), ({ repo, error, views }) => [repo, error ?? inOrder(views)]));
}

/** Takes from memory what has not changed. @returns what is to be read */
function recall({ memory, client }: ListReader, wanted: ReadonlyMap<number, string>, of: Found): Missing[] {
  const now = client.now.toISOString();
  return [...wanted].flatMap(([number, updatedAt]) => {
    const view = recallView(memory, of.repo, { number, updatedAt }, now);
    if (view) of.views.set(number, view);
    return view ? [] : [{ of, number }];
  });
}

function recallView(memory: IssueMemory, repo: string, at: { number: number; updatedAt: string }, now: string): IssueView | undefined {
  const remembered = memory.readView(repo, at.number);
  if (remembered?.view.issue.updatedAt !== at.updatedAt) return undefined;
  return isSettled(at.updatedAt, remembered.readAt) && isFresh(remembered.readAt, now) ? remembered.view : undefined;
}

/** What was read is remembered at once, so that a pass that is cut off here has not read in vain. */
async function fetchViews({ client, memory }: ListReader, missing: readonly Missing[]): Promise<void> {
  const { FEW_VIEWS, readViews, VIEWS_PER_REQUEST } = await import('./read-views.ts');
  let left = [...missing];
  for (let size = VIEWS_PER_REQUEST; left.length > 0; ) {
    const batch = groupByRepository(left.slice(0, size));
    const asked = await unlessTooMuch(Math.min(left.length, size) > FEW_VIEWS, () => noteTime(client, () => readViews(client, batch)));
    if (!asked) {
      size = FEW_VIEWS;
      continue;
    }
    const { answer, askedAt } = asked;
    for (const { repo, of } of batch) {
      const views = answer.get(repo);
      if (views instanceof AgentOsError) {
        of.error = views;
        continue;
      }
      for (const [number, view] of views ?? []) {
        of.views.set(number, view);
        memory.writeView(repo, { view, readAt: askedAt });
      }
    }
    left = left.slice(batch.reduce((sum, { numbers }) => sum + numbers.length, 0)).filter(({ of }) => !of.error);
  }
}

function groupByRepository(missing: readonly Missing[]): { repo: string; of: Found; numbers: number[] }[] {
  const groups = new Map<Found, number[]>();
  for (const { of, number } of missing) groups.set(of, [...(groups.get(of) ?? []), number]);
  return Array.from(groups, ([of, numbers]) => ({ repo: of.repo, of, numbers }));
}

/** Numbers are given in the order of creation. */
function inOrder(views: ReadonlyMap<number, IssueView>): IssueView[] {
  return [...views.values()].sort((a, b) => a.issue.number - b.issue.number);
}
