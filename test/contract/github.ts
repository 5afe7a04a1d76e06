/**
 * What every adapter of the GitHub port keeps: one suite, run against each. An
 * adapter brings a fresh repository with one commit on `main` (a file
 * `README.md`), people, and a way to push.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentOsError } from '../../src/core/errors.ts';
import type { GitHub } from '../../src/core/github/github.ts';

export interface GitHubHarness {
  repo: string;
  /** As Agent OS itself, with write permission. */
  forge: GitHub;
  /** As a person with this permission. */
  person(permission: 'read' | 'triage' | 'write'): Promise<GitHub>;
  approve(number: number): Promise<void>;
  /** Commits files on top of a branch's tip (or of `from`, for a new branch) and pushes; a value of `undefined` removes the file. @returns the new tip. */
  push(branch: string, files: Record<string, string>, from?: string): Promise<string>;
  removeBranch(branch: string): Promise<void>;
  /** Content of a file at the tip of a branch. */
  read(branch: string, path: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** The code of the error that a call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error as AgentOsError).code ?? String(error),
  );
}

/** Of a merge that was not handed to a merge queue. */
function shaOf(merged: { sha: string } | { enqueued: true }): string {
  if ('enqueued' in merged) throw new Error('the merge queue has it');
  return merged.sha;
}

export function describeGitHub(name: string, open: () => Promise<GitHubHarness>): void {
  describe(name, () => {
    let h: GitHubHarness;
    beforeAll(async () => {
      h = await open();
    });
    afterAll(() => h.close());
    describe('repositories and people', () => repositories(() => h));
    describe('issues', () => issues(() => h));
    describe('comments', () => comments(() => h));
    describe('pull requests', () => pulls(() => h));
    describe('merging', () => merging(() => h));
    describe('branches', () => branches(() => h));
  });
}

function repositories(h: () => GitHubHarness): void {
  it('describes the repository', async () => {
    const { forge, repo } = h();
    expect(await forge.getRepository(repo)).toEqual({
      name: repo,
      defaultBranch: 'main',
      mergeMethods: ['squash', 'merge', 'rebase'],
      archived: false,
    });
    expect(await forge.findBranch(repo, 'main')).toMatch(/^[0-9a-f]{40}$/);
    expect((await forge.getRemote(repo, 'read')).url).not.toBe('');
  });

  it('answers not_found for what is not there', async () => {
    const { forge, repo } = h();
    expect(await codeOf(forge.getRepository('nobody/nothing'))).toBe('not_found');
    expect(await codeOf(forge.listIssues('nobody/nothing', { state: 'open' }))).toBe('not_found');
    expect(await codeOf(forge.getIssue(repo, 99_999))).toBe('not_found');
    expect(await codeOf(forge.getPullRequest(repo, 99_999))).toBe('not_found');
    expect(await codeOf(forge.createComment(repo, 99_999, 'x'))).toBe('not_found');
    expect(await forge.findBranch(repo, 'no/such')).toBeUndefined();
  });

  it('knows who has which permission, by id and login together', async () => {
    const { forge, repo, person } = h();
    const own = await forge.getIdentity();
    expect(['write', 'admin']).toContain(await forge.getPermission(repo, own));
    const reader = await (await person('read')).getIdentity();
    expect(await forge.getPermission(repo, reader)).toBe('read');
    expect(await forge.getPermission(repo, { id: reader.id, login: own.login })).toBe('none');
    expect(await forge.getPermission(repo, { id: own.id, login: reader.login })).toBe('none');
  });
}

function issues(h: () => GitHubHarness): void {
  it('creates an issue with labels as events of its author', async () => {
    const { forge, repo, person } = h();
    const writer = await person('write');
    const author = await writer.getIdentity();
    const { number } = await writer.createIssue(repo, { title: 'Tax', body: 'Show it.\n\n- a\n', labels: ['ready', 'bug'] });
    const issue = await forge.getIssue(repo, number);
    expect(issue).toMatchObject({
      number,
      title: 'Tax',
      body: 'Show it.\n\n- a\n',
      state: 'open',
      labels: ['ready', 'bug'],
      assignees: [],
    });
    expect(issue.author).toEqual({ id: author.id, login: author.login });
    const events = await forge.listIssueEvents(repo, number);
    expect(events.map((event) => event.kind)).toEqual(['labeled', 'labeled']);
    expect(events[0]).toMatchObject({ label: 'ready', actor: { id: author.id, login: author.login } });
    expect(events[0]?.id).not.toBe(events[1]?.id);
  });

  it('lists by state and label, oldest first, without pull requests', async () => {
    const { forge, repo } = h();
    const open = (await forge.createIssue(repo, { title: 'List me', body: '', labels: ['list-me'] })).number;
    const closed = (await forge.createIssue(repo, { title: 'List me too', body: '', labels: ['list-me'] })).number;
    await forge.closeIssue(repo, closed, 'not_planned');
    const anyLabel = (label: string) => label === 'list-me';
    const numbers = async (state: 'open' | 'closed' | 'all') =>
      (await forge.listIssues(repo, { state, anyLabel })).map((issue) => issue.number);
    expect(await numbers('open')).toEqual([open]);
    expect(await numbers('closed')).toEqual([closed]);
    expect(await numbers('all')).toEqual([open, closed]);
  });

  it('finds what carries a label or is named, with its timeline, and says why a repository cannot be read', async () => {
    const { forge, repo } = h();
    const labelled = (await forge.createIssue(repo, { title: 'Find me', body: 'x', labels: ['find-me'] })).number;
    const closed = (await forge.createIssue(repo, { title: 'Find me closed', body: 'x', labels: ['find-me-too'] })).number;
    const named = (await forge.createIssue(repo, { title: 'Named', body: 'x', labels: [] })).number;
    await forge.createIssue(repo, { title: 'Not me', body: 'x', labels: ['other'] });
    await forge.closeIssue(repo, closed, 'completed');
    const query = { repo, labels: ['FIND-me', 'find-me-too'], also: [named, labelled, 99_999] };
    const found = await forge.findIssues([query, { repo: 'nobody/nothing', labels: ['ready'], also: [] }]);
    const views = found.get(repo);
    if (!Array.isArray(views)) throw views;
    expect(views.map((view) => view.issue.number)).toEqual([labelled, closed, named]);
    expect(views[0]?.events).toEqual(await forge.listIssueEvents(repo, labelled));
    expect(views[0]).toEqual(await forge.viewIssue(repo, labelled));
    expect(views[1]?.issue.state).toBe('closed');
    expect(found.get('nobody/nothing')).toMatchObject({ code: 'not_found' });
    expect(await codeOf(forge.viewIssue(repo, 99_999))).toBe('not_found');
    expect(await forge.findIssues([])).toEqual(new Map());
  });

  it('sees the next look at once: a label, an edit by a person, an end', async () => {
    const { forge, repo } = h();
    const { number } = await forge.createIssue(repo, { title: 'Changes', body: 'x', labels: ['changes'] });
    const look = async () => {
      const views = (await forge.findIssues([{ repo, labels: ['changes'], also: [] }])).get(repo);
      return Array.isArray(views) ? views.map(({ issue, events }) => [issue.number, issue.labels, issue.state, events.length]) : views;
    };
    expect(await look()).toEqual([[number, ['changes'], 'open', 1]]);
    await forge.addLabel(repo, number, 'hold');
    expect(await look()).toEqual([[number, ['changes', 'hold'], 'open', 2]]);
    await forge.closeIssue(repo, number, 'completed');
    expect(await look()).toEqual([[number, ['changes', 'hold'], 'closed', 3]]);
    await forge.removeLabel(repo, number, 'changes');
    expect(await look()).toEqual([]);
  });

  it('links issues that wait for others, and parts of a whole, once each', async () => {
    const { forge, repo } = h();
    const create = async (title: string) => (await forge.createIssue(repo, { title, body: '', labels: [] })).number;
    const [first, second, whole] = [await create('First'), await create('Second'), await create('Whole')];
    expect(await forge.listDependencies(repo, [first, second])).toEqual(new Map());
    await forge.addDependency(repo, second, first);
    await forge.addDependency(repo, second, first);
    expect(await forge.listDependencies(repo, [first, second])).toEqual(new Map([[second, [{ repo, issue: first, state: 'open' }]]]));
    await forge.closeIssue(repo, first, 'completed');
    expect(await forge.listDependencies(repo, [second])).toEqual(new Map([[second, [{ repo, issue: first, state: 'closed' }]]]));
    await forge.addSubIssue(repo, whole, second);
    await forge.addSubIssue(repo, whole, second);
    expect(await codeOf(forge.addDependency(repo, second, 99_999))).toBe('not_found');
    expect(await codeOf(forge.addSubIssue(repo, 99_999, second))).toBe('not_found');
  });

  it('adds and removes labels once', async () => {
    const { forge, repo } = h();
    const { number } = await forge.createIssue(repo, { title: 'Labels', body: '', labels: [] });
    const added = await forge.addLabel(repo, number, 'Ready');
    expect(await forge.addLabel(repo, number, 'ready')).toBeUndefined();
    await forge.removeLabel(repo, number, 'READY');
    await forge.removeLabel(repo, number, 'ready');
    const events = await forge.listIssueEvents(repo, number);
    expect(events.map((event) => event.kind)).toEqual(['labeled', 'unlabeled']);
    expect(events[0]?.id).toBe(added?.eventId);
    expect((await forge.getIssue(repo, number)).labels).toEqual([]);
  });

  it('closes with a reason and reopens, once each', async () => {
    const { forge, repo } = h();
    const { number } = await forge.createIssue(repo, { title: 'Close', body: '', labels: [] });
    await forge.closeIssue(repo, number, 'completed');
    await forge.closeIssue(repo, number, 'completed');
    expect(await forge.getIssue(repo, number)).toMatchObject({ state: 'closed', stateReason: 'completed' });
    await forge.reopenIssue(repo, number);
    await forge.reopenIssue(repo, number);
    const issue = await forge.getIssue(repo, number);
    expect(issue.state).toBe('open');
    expect(issue.stateReason).not.toBe('completed');
    expect((await forge.listIssueEvents(repo, number)).map((event) => event.kind)).toEqual(['closed', 'reopened']);
  });

  it('refuses labels, closing and texts that GitHub refuses', async () => {
    const { forge, repo, person } = h();
    const reader = await person('read');
    const { number } = await forge.createIssue(repo, { title: 'Rules', body: '', labels: [] });
    expect(await codeOf(reader.addLabel(repo, number, 'ready'))).toBe('refused');
    expect(await codeOf(reader.closeIssue(repo, number, 'completed'))).toBe('refused');
    expect(await codeOf(forge.addLabel(repo, number, 'x'.repeat(51)))).toBe('refused');
    expect(await codeOf(forge.createIssue(repo, { title: 'x'.repeat(257), body: '', labels: [] }))).toBe('refused');
    expect(await codeOf(forge.createIssue(repo, { title: ' ', body: '', labels: [] }))).toBe('refused');
    expect(await codeOf(forge.createIssue(repo, { title: 'x', body: 'x'.repeat(65_537), labels: [] }))).toBe('refused');
    const dropped = await reader.createIssue(repo, { title: 'From a reader', body: '', labels: ['ready'] });
    expect((await forge.getIssue(repo, dropped.number)).labels).toEqual([]);
    expect(await forge.listIssueEvents(repo, dropped.number)).toEqual([]);
  });
}

function comments(h: () => GitHubHarness): void {
  it('creates, edits in place and lists comments', async () => {
    const { forge, repo, person } = h();
    const reader = await person('read');
    const { number } = await forge.createIssue(repo, { title: 'Talk', body: 'x', labels: [] });
    const first = await reader.createComment(repo, number, 'One');
    const second = await forge.createComment(repo, number, 'Two\n');
    await forge.updateComment(repo, number, second.id, '<!-- marker -->\nThree');
    const list = await forge.listComments(repo, number);
    expect(list.map(({ id, body }) => ({ id, body }))).toEqual([
      { id: first.id, body: 'One' },
      { id: second.id, body: '<!-- marker -->\nThree' },
    ]);
    expect(list[0]?.author.login).toBe((await reader.getIdentity()).login);
    expect(await codeOf(reader.updateComment(repo, number, second.id, 'mine now'))).toBe('refused');
    expect(await codeOf(forge.updateComment(repo, number, 999_999_999, 'x'))).toBe('not_found');
    expect(await codeOf(forge.createComment(repo, number, ''))).toBe('refused');
  });
}

async function openPull(
  h: GitHubHarness,
  branch: string,
  files: Record<string, string>,
  body = '',
): Promise<{ number: number; head: string }> {
  const head = await h.push(branch, files, 'main');
  const { number } = await h.forge.createPullRequest(h.repo, { title: `Change ${branch}`, body, head: branch, base: 'main' });
  return { number, head };
}

function pulls(h: () => GitHubHarness): void {
  it('opens one that follows its branch', async () => {
    const { forge, repo, push } = h();
    const { number, head } = await openPull(h(), 'follow', { 'follow.txt': '1\n' });
    expect(await forge.getPullRequest(repo, number)).toMatchObject({
      number,
      state: 'open',
      base: 'main',
      head: 'follow',
      headSha: head,
      mergeable: true,
    });
    const next = await push('follow', { 'follow.txt': '2\n' });
    expect(await forge.getPullRequest(repo, number)).toMatchObject({ state: 'open', headSha: next });
    const listed = await forge.listPullRequests(repo, { state: 'open', head: 'follow' });
    expect(listed.map((pull) => [pull.number, pull.headSha])).toEqual([[number, next]]);
    expect((await forge.listIssues(repo, { state: 'all' })).map((issue) => issue.number)).not.toContain(number);
  });

  it('refuses a second one of a head, and one without commits', async () => {
    const { forge, repo, push } = h();
    await openPull(h(), 'twice', { 'twice.txt': '1\n' });
    const again = { title: 'Again', body: '', head: 'twice', base: 'main' };
    expect(await codeOf(forge.createPullRequest(repo, again))).toBe('conflict');
    await push('level', {}, 'main');
    expect(await codeOf(forge.createPullRequest(repo, { ...again, head: 'level' }))).toBe('refused');
    expect(await codeOf(forge.createPullRequest(repo, { ...again, head: 'no-such-branch' }))).toBe('refused');
  });

  it('takes labels, comments and reviews like an issue', async () => {
    const { forge, repo } = h();
    const { number, head } = await openPull(h(), 'reviewed', { 'reviewed.txt': '1\n' });
    await forge.addLabel(repo, number, 'hold');
    await forge.createComment(repo, number, 'Hello');
    await h().approve(number);
    expect((await forge.getPullRequest(repo, number)).labels).toEqual(['hold']);
    expect((await forge.listComments(repo, number)).map((comment) => comment.body)).toEqual(['Hello']);
    expect(await forge.listReviews(repo, number)).toMatchObject([{ state: 'approved', sha: head }]);
  });

  it('is closed by a person, or by the end of its branch', async () => {
    const { forge, repo, removeBranch } = h();
    const byHand = await openPull(h(), 'by-hand', { 'a.txt': '1\n' });
    await forge.closePullRequest(repo, byHand.number);
    await forge.closePullRequest(repo, byHand.number);
    const own = await forge.getIdentity();
    expect(await forge.getPullRequest(repo, byHand.number)).toMatchObject({ state: 'closed', closedBy: { id: own.id } });
    const orphan = await openPull(h(), 'orphan', { 'b.txt': '1\n' });
    await removeBranch('orphan');
    expect((await forge.getPullRequest(repo, orphan.number)).state).toBe('closed');
    expect((await forge.listPullRequests(repo, { state: 'closed' })).map((pull) => pull.number)).toEqual(
      expect.arrayContaining([byHand.number, orphan.number]),
    );
  });

  it('tells conflicts with their paths, and brings a branch up to date', async () => {
    const { forge, repo, push, read } = h();
    await push('main', { 'shared.txt': 'base\n' });
    const { number, head } = await openPull(h(), 'behind', { 'shared.txt': 'mine\n' });
    const main = await push('main', { 'other.txt': '1\n' });
    expect(await codeOf(forge.updateBranch(repo, number, main))).toBe('conflict');
    const { sha } = await forge.updateBranch(repo, number, head);
    expect(await forge.findBranch(repo, 'behind')).toBe(sha);
    expect(await read('behind', 'other.txt')).toBe('1\n');
    await push('main', { 'shared.txt': 'theirs\n' });
    const pull = await forge.getPullRequest(repo, number);
    expect(pull.mergeable).toBe(false);
    expect(pull.conflicts ?? ['shared.txt']).toEqual(['shared.txt']);
    expect(await codeOf(forge.updateBranch(repo, number, sha))).toBe('conflict');
    const request = { method: 'squash', expectedHeadSha: sha, title: 'x', message: '' } as const;
    expect(await codeOf(forge.mergePullRequest(repo, number, request))).toBe('conflict');
    expect(await read('main', 'shared.txt')).toBe('theirs\n');
  });
}

function merging(h: () => GitHubHarness): void {
  it.each(['squash', 'merge', 'rebase'] as const)('%s puts the change on the base and closes what it names', async (method) => {
    const { forge, repo, push, read } = h();
    const issue = await forge.createIssue(repo, { title: 'By keyword', body: '', labels: [] });
    const named = await forge.createIssue(repo, { title: 'By the body', body: '', labels: [] });
    const { number } = await openPull(h(), `m-${method}`, { [`${method}.txt`]: '1\n' }, `Closes #${named.number}`);
    const head = await push(`m-${method}`, { [`${method}.txt`]: '2\n' });
    await push('main', { 'elsewhere.txt': `${method}\n` });
    const title = `Change it (#${number})`;
    const stale = { method, expectedHeadSha: '0'.repeat(40), title, message: '' };
    expect(await codeOf(forge.mergePullRequest(repo, number, stale))).toBe('conflict');
    const message = method === 'rebase' ? '' : `Fixes #${issue.number}`;
    const sha = shaOf(await forge.mergePullRequest(repo, number, { method, expectedHeadSha: head, title, message }));
    expect(await forge.findBranch(repo, 'main')).toBe(sha);
    expect(await read('main', `${method}.txt`)).toBe('2\n');
    expect(await read('main', 'elsewhere.txt')).toBe(`${method}\n`);
    expect(await forge.getPullRequest(repo, number)).toMatchObject({ state: 'merged', mergeSha: sha, headSha: head });
    expect(await forge.getIssue(repo, named.number)).toMatchObject({ state: 'closed', stateReason: 'completed' });
    expect((await forge.getIssue(repo, issue.number)).state).toBe(method === 'rebase' ? 'open' : 'closed');
    expect(await codeOf(forge.mergePullRequest(repo, number, { method, expectedHeadSha: head, title, message }))).toBe('refused');
    expect(await codeOf(forge.closePullRequest(repo, number))).toBe('refused');
  });

  it('needs write permission', async () => {
    const { forge, repo, person } = h();
    const { number, head } = await openPull(h(), 'not-yours', { 'c.txt': '1\n' });
    const triage = await person('triage');
    const merge = { method: 'squash', expectedHeadSha: head, title: 'x', message: '' } as const;
    expect(await codeOf(triage.mergePullRequest(repo, number, merge))).toBe('refused');
    expect((await forge.getPullRequest(repo, number)).state).toBe('open');
  });
}

function branches(h: () => GitHubHarness): void {
  it('deletes a branch at its expected tip only', async () => {
    const { forge, repo, push } = h();
    const tip = await push('gone', { 'd.txt': '1\n' }, 'main');
    await forge.deleteBranch(repo, 'gone', '0'.repeat(40));
    expect(await forge.findBranch(repo, 'gone')).toBe(tip);
    await forge.deleteBranch(repo, 'gone', tip);
    await forge.deleteBranch(repo, 'gone', tip);
    expect(await forge.findBranch(repo, 'gone')).toBeUndefined();
    const main = await forge.findBranch(repo, 'main');
    expect(await codeOf(forge.deleteBranch(repo, 'main', main ?? ''))).toBe('refused');
  });
}
