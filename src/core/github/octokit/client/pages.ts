/**
 * All pages of a list, or an error: a list that may be cut is never taken for
 * whole, so that nothing counts as absent that was only not looked for.
 */
import { AgentOsError } from '../../../errors.ts';
import type { Answer } from './client.ts';

export interface PageTerms {
  perPage: number;
  maxPages: number;
  /** For error texts. */
  what: string;
}

/** @param list the pages, from the first or with changed parameters. */
export async function readPages(
  list: (changes: Record<string, unknown>) => AsyncIterable<Answer<unknown[]>>,
  { perPage, maxPages, what }: PageTerms,
): Promise<unknown[]> {
  const items: unknown[] = [];
  const seen = new Set<unknown>();
  let pages = 0;
  let last: Answer<unknown[]> | undefined;
  for await (const page of list({})) {
    if (!Array.isArray(page.data)) throw incomplete(what, 'a page is not a list');
    if (++pages > maxPages) throw incomplete(what, `there are more than ${maxPages} pages`);
    for (const item of page.data) {
      const id = (item as { id?: unknown } | null)?.id;
      if (id !== undefined && seen.has(id)) continue;
      seen.add(id);
      items.push(item);
    }
    last = page;
  }
  // A full page without any link is the end, or has lost its link: the next page tells.
  if (last && last.data.length >= perPage && last.headers['link'] === undefined) {
    for await (const page of list({ page: pages + 1 })) {
      if (page.data.length > 0) throw incomplete(what, 'the link to the next page is missing');
      break;
    }
  }
  return items;
}

function incomplete(what: string, why: string): AgentOsError {
  return new AgentOsError('unavailable', `the list \`${what}\` is not complete: ${why}`);
}
