/**
 * Which of many issues wait for nothing: GitHub says of every issue in a list
 * how many others block it, a hundred issues in one request, where asking for
 * the blockers themselves is a request for each issue. What the list does not
 * tell of must be asked for.
 */
import * as z from 'zod';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';

/** Fewer are asked for one by one, and a page of the list may cost no more than so many requests. */
const MANY = 20;
const PAGE = 100;

const counted = z.object({ number: z.number(), issue_dependencies_summary: z.object({ total_blocked_by: z.number() }) });

/** Those of the issues that nothing blocks, nor ever did; issues that were just made Ready stand first in the list. */
export async function findUnblocked(client: GitHubClient, repo: string, issues: readonly number[]): Promise<Set<number>> {
  const unblocked = new Set<number>();
  const left = new Set(issues);
  for (let page = 1; page <= issues.length / MANY && left.size >= MANY; page++) {
    const parameters = { ...ownerAndName(repo), state: 'open', sort: 'updated', direction: 'desc', per_page: PAGE, page } as const;
    const { data } = await client.read('GET /repos/{owner}/{repo}/issues', parameters);
    const answers: unknown[] = Array.isArray(data) ? data : [];
    const entries = answers.flatMap((answer) => counted.safeParse(answer).data ?? []);
    for (const { number, issue_dependencies_summary: blockers } of entries) {
      if (left.delete(number) && blockers.total_blocked_by === 0) unblocked.add(number);
    }
    // The last page, or a server that counts nothing.
    if (answers.length < PAGE || entries.length === 0) break;
  }
  return unblocked;
}
