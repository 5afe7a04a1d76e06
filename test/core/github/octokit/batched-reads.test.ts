/** The batched reads on the test GitHub: what memory answers is what a first look would read, and what that costs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findIssues } from '../../../../src/core/github/octokit/find-issues.ts';
import { openIssueMemory } from '../../../../src/core/github/octokit/issue-memory.ts';
import type { ListReader } from '../../../../src/core/github/octokit/read-lists.ts';
import { type Harness, startHarness } from '../../../github-server/graphql/harness.ts';
import {
  addComment,
  addLabels,
  closeIssue,
  editBody,
  removeLabel,
  renameIssue,
  reopenIssue,
} from '../../../github-server/issue-changes.ts';
import type { Issue, Repository } from '../../../github-server/records.ts';

let h: Harness;
let root: string;
beforeEach(() => {
  h = startHarness();
  root = mkdtempSync(join(tmpdir(), 'agentos-batched-'));
});
afterEach(() => {
  expect(h.violations).toEqual([]);
  h.remove();
  rmSync(root, { recursive: true, force: true });
});

const nameOf = (repo: Repository) => h.store.fullName(repo);

/** A reader with a memory of its own, and what it has asked. */
function openReader(name: string): ListReader & { spent: { requests: number; points: number } } {
  const spent = { requests: 0, points: 0 };
  const client: ListReader['client'] = {
    get now() {
      return new Date(h.store.millis());
    },
    async queryPartial(text, variables) {
      const { body, cost } = await h.ask(text, variables);
      spent.requests += 1;
      spent.points += cost.points;
      const errors = (body.errors ?? []).map(({ path = [], type = '', message }) => ({ path: [...path], type, message }));
      expect(errors.filter(({ type }) => type !== 'NOT_FOUND')).toEqual([]);
      return { data: JSON.parse(JSON.stringify(body.data)) as Record<string, unknown>, errors };
    },
  };
  return { client, memory: openIssueMemory({ root: join(root, name), host: 'api.github.com' }), spent };
}

async function cost(
  reader: ReturnType<typeof openReader>,
  repos: readonly Repository[],
  also: number[] = [],
): Promise<{ found: number; requests: number; points: number }> {
  const before = { ...reader.spent };
  const found = await findIssues(
    reader,
    repos.map((repo) => ({ repo: nameOf(repo), labels: ['ready', 'agent:working'], also })),
  );
  const views = [...found.values()].flatMap((one) => {
    if (!Array.isArray(one)) throw one;
    return one;
  });
  return { found: views.length, requests: reader.spent.requests - before.requests, points: reader.spent.points - before.points };
}

describe('the price of a pass', () => {
  it.each([
    [1, 1, 1],
    [10, 1, 1],
    [50, 1, 1],
  ])('%d repositories, nothing Ready: %d request, %d point', async (count, requests, points) => {
    const repos = [h.repo, ...Array.from({ length: count - 1 }, (_, n) => h.addRepository(`widgets-${n}`))];
    for (const repo of repos) h.addIssue('Not ready', ['bug'], repo);
    expect(await cost(openReader('a'), repos)).toEqual({ found: 0, requests, points });
  });

  it.each([
    [20, 2, 2],
    [100, 6, 6],
    [500, 30, 30],
  ])('%d Ready issues: %d requests and %d points at first, then one', async (count, requests, points) => {
    for (let n = 0; n < count; n++) h.addIssue(`Issue ${n}`, ['ready']);
    h.store.advance(60);
    const reader = openReader('a');
    expect(await cost(reader, [h.repo])).toEqual({ found: count, requests, points });
    h.store.advance(60);
    expect(await cost(reader, [h.repo])).toEqual({ found: count, requests: 1, points: 1 });
    // The tasks that were made of them are active, and the list tells of their issues.
    const numbers = [...h.repo.issues.keys()];
    expect(await cost(reader, [h.repo], numbers)).toEqual({ found: count, requests: 1, points: 1 });
    h.store.advance(60);
    renameIssue(h.store, issueAt(h.repo, 7), h.reader.id, 'Another title');
    h.store.advance(60);
    expect(await cost(reader, [h.repo])).toEqual({ found: count, requests: 2, points: 2 });
  });
});

function issueAt(repo: Repository, pick: number): Issue {
  const issue = [...repo.issues.values()][pick % repo.issues.size];
  if (!issue) throw new Error('no issue');
  return issue;
}

type Change = (issue: Issue, repo: Repository) => void;
const CHANGES: Record<string, Change> = {
  label: (issue, repo) => addLabels(h.store, repo, issue, h.owner.id, ['ready']),
  work: (issue, repo) => addLabels(h.store, repo, issue, h.owner.id, ['agent:working']),
  unlabel: (issue, repo) => removeLabel(h.store, repo, issue, h.reader.id, 'ready'),
  edit: (issue) => editBody(h.store, issue, h.reader.id, `${issue.body}.`),
  rename: (issue) => renameIssue(h.store, issue, h.reader.id, `${issue.title}.`),
  close: (issue) => closeIssue(h.store, issue, h.owner.id, 'not_planned'),
  reopen: (issue) => reopenIssue(h.store, issue, h.owner.id),
  comment: (issue) => addComment(h.store, issue, { userId: h.reader.id }, 'Any news?'),
  move: (issue, repo) => repo.issues.size > 1 && repo.issues.delete(issue.number),
  add: (issue, repo) => h.addIssue(`After ${issue.number}`, ['ready'], repo),
};

describe('what memory answers', () => {
  const step = fc.record({
    change: fc.constantFrom(...Object.keys(CHANGES)),
    pick: fc.constantFrom(0, 0, 0, 1, 2, 9),
    second: fc.constantFrom(false, false, true),
    wait: fc.constantFrom(0, 0.3, 0.3, 0.3, 2, 60),
  });

  it('is what a first look would read', async () => {
    const rounds = fc.array(fc.array(step, { maxLength: 5 }), { minLength: 2, maxLength: 5 });
    const named = fc.uniqueArray(fc.nat(14), { maxLength: 3 });
    const other = h.addRepository('gadgets');
    for (let n = 0; n < 5; n++) for (const repo of [h.repo, other]) h.addIssue(`Issue ${n}`, n % 2 ? ['ready'] : [], repo);
    let run = 0;
    const property = fc.asyncProperty(rounds, named, async (all, also) => {
      const reader = openReader(`run-${++run}`);
      const queries = [h.repo, other].map((repo) => ({ repo: nameOf(repo), labels: ['READY', 'agent:working'], also }));
      for (const [round, steps] of all.entries()) {
        for (const { change, pick, second, wait } of steps) {
          const repo = second ? other : h.repo;
          CHANGES[change]?.(issueAt(repo, pick), repo);
          h.store.advance(wait);
        }
        const fresh = await findIssues(openReader(`run-${run}-${round}`), queries);
        expect(await findIssues(reader, queries)).toEqual(fresh);
      }
    });
    await fc.assert(property, { numRuns: 12 });
  });
});
