import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addRun, addStatus, completeRun, suiteOf } from '../checks.ts';
import { branchTip } from '../git-store.ts';
import { mergeNow, openPull } from '../pulls.ts';
import type { Issue, Pull, Review } from '../records.ts';
import { type Answer, type Harness, startHarness, viewerOf } from './harness.ts';

let github: Harness;
let head: string;
let issue: Issue;
beforeEach(() => {
  github = startHarness();
  github.commit('main', { 'a.txt': 'one\n' });
  head = github.commit('agent/1', { 'b.txt': 'two\n' }, 'main');
  issue = open('agent/1');
});
afterEach(() => {
  github.remove();
});

function open(branch: string): Issue {
  const wanted = { title: 'Add b', body: 'Closes #2', head: branch, base: 'main', draft: false };
  return openPull(github.store, github.repo, { userId: github.owner.id }, wanted);
}

async function pull(fields: string): Promise<Answer> {
  return (await github.read(`{ repository(owner: "ann", name: "widgets") { pullRequest(number: 1) { ${fields} } } }`)).repository
    .pullRequest;
}

function review(state: Review['state'], authorId = github.owner.id): void {
  const pulled = issue.pull as Pull;
  pulled.reviews.push({
    ...github.store.newIds('PRR'),
    ...{ authorId, state, body: `I say ${state}`, commitSha: head, submittedAt: github.store.stamp() },
  });
}

describe('a pull request', () => {
  it('tells what it is', async () => {
    github.addIssue('wanted');
    const base = branchTip(github.store, github.repo, 'main');
    const told = await pull(`number state title body isDraft merged headRefName headRefOid baseRefName baseRefOid baseRef { target { oid } }
      headRef { name } headRepository { nameWithOwner } isCrossRepository mergeCommit { oid } mergedBy { login } isInMergeQueue
      commits(last: 1) { totalCount nodes { commit { oid } } } reviewThreads(first: 5) { totalCount }
      closingIssuesReferences(first: 5) { nodes { number } }`);
    expect(told).toEqual({
      ...{ number: 1, state: 'OPEN', title: 'Add b', body: 'Closes #2', isDraft: false, merged: false },
      ...{ headRefName: 'agent/1', headRefOid: head, baseRefName: 'main', baseRefOid: base, baseRef: { target: { oid: base } } },
      ...{ headRef: { name: 'agent/1' }, headRepository: { nameWithOwner: 'Ann/widgets' }, isCrossRepository: false },
      ...{ mergeCommit: null, mergedBy: null, isInMergeQueue: false, reviewThreads: { totalCount: 0 } },
      commits: { totalCount: 1, nodes: [{ commit: { oid: head } }] },
      closingIssuesReferences: { nodes: [{ number: 2 }] },
    });
  });

  it('is no issue, and has a number of the same sequence', async () => {
    const { body } = await github.ask(`{ repository(owner: "ann", name: "widgets") { issue(number: 1) { id }
      issueOrPullRequest(number: 1) { __typename } issues(first: 5) { totalCount } pullRequests(first: 5, states: OPEN) { nodes { number } } } }`);
    expect(body).toMatchObject({
      data: {
        repository: {
          issue: null,
          issueOrPullRequest: { __typename: 'PullRequest' },
          issues: { totalCount: 0 },
          pullRequests: { nodes: [{ number: 1 }] },
        },
      },
      errors: [{ type: 'NOT_FOUND', path: ['repository', 'issue'], message: 'Could not resolve to an Issue with the number of 1.' }],
    });
  });

  it('is of unknown mergeability until it was asked for', async () => {
    const ask = () => pull('mergeable mergeStateStatus');
    expect(await ask()).toEqual({ mergeable: 'UNKNOWN', mergeStateStatus: 'UNKNOWN' });
    expect(await ask()).toEqual({ mergeable: 'MERGEABLE', mergeStateStatus: 'CLEAN' });
    github.commit('main', { 'b.txt': 'else\n' });
    expect((await ask()).mergeable).toBe('UNKNOWN');
    expect(await ask()).toEqual({ mergeable: 'CONFLICTING', mergeStateStatus: 'DIRTY' });
  });

  it('is merged with a commit, by somebody, and closed in its timeline', async () => {
    github.addIssue('wanted');
    const by = { userId: github.owner.id, person: { name: 'Ann', email: 'ann@example.com' } };
    const sha = mergeNow(github.store, github.repo, issue, { method: 'squash', by });
    const told = await pull(`state merged mergeable mergeCommit { oid } mergedBy { login }
      timelineItems(first: 5, itemTypes: [CLOSED_EVENT, MERGED_EVENT]) { nodes { __typename ... on Node { id } } }`);
    expect(told).toMatchObject({
      state: 'MERGED',
      merged: true,
      mergeable: 'UNKNOWN',
      mergeCommit: { oid: sha },
      mergedBy: { login: 'Ann' },
    });
    const closed = await github.read(`{ repository(owner: "ann", name: "widgets") { issue(number: 2) { state
      timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { closer { ... on PullRequest { number } } } } } } } }`);
    expect(closed.repository.issue).toEqual({ state: 'CLOSED', timelineItems: { nodes: [{ closer: { number: 1 } }] } });
    const events = issue.events.filter(({ event }) => event === 'closed' || event === 'merged');
    expect(told.timelineItems.nodes.map(({ id }: { id: string }) => id)).toEqual(events.map(({ nodeId }) => nodeId));
  });
});

describe('reviews', () => {
  it('decide by the last opinion of those who may write', async () => {
    const decision = async () => (await pull('reviewDecision')).reviewDecision;
    expect(await decision()).toBeNull();
    github.repo.protections.set('main', { requiredChecks: [], strict: false, requiredReviews: 1, enforceAdmins: false });
    review('APPROVED', github.reader.id);
    expect(await decision()).toBe('REVIEW_REQUIRED');
    review('CHANGES_REQUESTED');
    expect(await decision()).toBe('CHANGES_REQUESTED');
    review('COMMENTED');
    expect(await decision()).toBe('CHANGES_REQUESTED');
    review('APPROVED');
    expect(await decision()).toBe('APPROVED');
    const told = await pull('reviews(first: 10, states: [APPROVED]) { totalCount nodes { state author { login } commit { oid } body } }');
    expect(told.reviews).toMatchObject({
      totalCount: 2,
      nodes: [{ author: { login: 'rob' } }, { author: { login: 'Ann' }, commit: { oid: head } }],
    });
  });
});

describe('checks', () => {
  const ROLLUP = `statusCheckRollup { state contexts(first: 10) { totalCount nodes { __typename
    ... on CheckRun { name status conclusion isRequired(pullRequestNumber: 1) checkSuite { status app { slug } } }
    ... on StatusContext { context state description } } } }`;

  it('roll up to one state', async () => {
    const { store, repo } = github;
    expect((await pull(ROLLUP)).statusCheckRollup).toBeNull();
    repo.protections.set('main', {
      requiredChecks: [{ context: 'build', appId: null }],
      strict: false,
      requiredReviews: 0,
      enforceAdmins: false,
    });
    const run = addRun(store, repo, suiteOf(store, repo, 7, head, 'agent/1'), { name: 'build' });
    expect((await pull(ROLLUP)).statusCheckRollup.state).toBe('PENDING');
    completeRun(store, run, 'success');
    const { statusCheckRollup } = await pull(ROLLUP);
    expect(statusCheckRollup.state).toBe('SUCCESS');
    expect(statusCheckRollup.contexts).toEqual({
      totalCount: 1,
      nodes: [
        {
          ...{ __typename: 'CheckRun', name: 'build', status: 'COMPLETED', conclusion: 'SUCCESS', isRequired: true },
          checkSuite: { status: 'COMPLETED', app: null },
        },
      ],
    });
  });

  it('fail when a status fails, and are not for every token', async () => {
    const { store, repo } = github;
    addStatus(store, repo, { sha: head, creatorId: github.owner.id, context: 'lint', state: 'failure', description: 'bad' });
    const data = await github.read(
      `{ repository(owner: "ann", name: "widgets") { object(oid: "${head}") { ... on Commit { ${ROLLUP} } } } }`,
    );
    expect(data.repository.object.statusCheckRollup).toMatchObject({
      state: 'FAILURE',
      contexts: { nodes: [{ context: 'lint', description: 'bad' }] },
    });
    repo.private = true;
    const as = viewerOf(github.owner, { kind: 'fine-grained', permissions: { pull_requests: 'read' } });
    const { body } = await github.ask(
      `{ repository(owner: "ann", name: "widgets") { pullRequest(number: 1) { number ${ROLLUP} } } }`,
      {},
      { as },
    );
    expect(body).toMatchObject({
      data: { repository: { pullRequest: { number: 1, statusCheckRollup: null } } },
      errors: [{ type: 'FORBIDDEN' }],
    });
  });
});
