/** What the local forge promises beyond the port: its files, its people, its time, and git underneath. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/clock.ts';
import { openLocalForge } from '../../../../src/core/github/local/forge.ts';
import { codeOf } from '../../../contract/github.ts';
import { git, type LocalHarness, makeSource, openHarness, REPO } from './harness.ts';

let h: LocalHarness;
beforeAll(async () => {
  h = await openHarness();
});
afterAll(() => h.close());

const file = (path: string) => join(h.root, REPO, path);

async function newIssue(labels: string[] = []): Promise<number> {
  return (await h.forge.createIssue(REPO, { title: 'Issue', body: 'Body\n', labels })).number;
}

describe('files', () => {
  it('are Markdown that people read', async () => {
    const number = await newIssue(['ready']);
    await h.as('operator').createComment(REPO, number, 'Hello');
    const text = readFileSync(file(`issues/${number}.md`), 'utf8');
    expect(text).toContain(`number: ${number}\ntitle: Issue\nstate: open\n`);
    expect(text).toMatch(/\n---\n\nBody\n\n\n<!-- comment \{ id: \d+, author: operator, author_id: 1, created_at: .*Z \} -->\n\nHello\n$/);
  });

  it('may be edited by hand, in other YAML as well', async () => {
    const number = await newIssue();
    const path = file(`issues/${number}.md`);
    const text = readFileSync(path, 'utf8')
      .replace('assignees: []', 'assignees:\n- ada # by hand')
      .replace('pinned: false', 'pinned: true');
    writeFileSync(path, text);
    expect(await h.forge.getIssue(REPO, number)).toMatchObject({ assignees: ['ada'], pinned: true });
    await h.forge.addLabel(REPO, number, 'x');
    expect(await h.forge.getIssue(REPO, number)).toMatchObject({ assignees: ['ada'], pinned: true, labels: ['x'] });
  });

  it('that cannot be read fail the listing, by name', async () => {
    const number = await newIssue();
    const path = file(`issues/${number}.md`);
    const text = readFileSync(path, 'utf8');
    for (const broken of ['', 'torn', text.slice(0, 60), text.replace('open', 'opne'), text.replace(`number: ${number}`, 'number: 9999')]) {
      writeFileSync(path, broken);
      await expect(h.forge.listIssues(REPO, { state: 'open' })).rejects.toMatchObject({
        code: 'corrupt',
        message: expect.stringContaining(`issues/${number}.md`),
      });
    }
    writeFileSync(path, text);
    writeFileSync(file('issues/.12.md.1.ab.tmp'), 'half');
    writeFileSync(file('issues/notes.txt'), 'mine');
    await h.forge.listIssues(REPO, { state: 'open' });
  });

  it('keep an archived repository as it is', async () => {
    const path = file('repository.md');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('archived: false', 'archived: true').replace('[squash, merge, rebase]', '[merge]'));
    expect(await h.forge.getRepository(REPO)).toMatchObject({ archived: true, mergeMethods: ['merge'] });
    expect(await codeOf(newIssue())).toBe('refused');
    writeFileSync(path, text);
  });

  it('cannot be reached by a name', async () => {
    for (const name of ['../x', '..', 'a/../b', '/etc/x', 'a', 'a/b/c', '-a/b', 'a/..'])
      expect(await codeOf(h.forge.getRepository(name))).toBe('usage');
  });
});

describe('time', () => {
  it('rises strictly, even when the clock stands still or goes back', async () => {
    let now = Date.parse('2030-01-01T00:00:00.000Z');
    const forge = openLocalForge({ root: h.root, clock: { now: () => new Date(now) }, as: 'operator', localCi: {} });
    const { number } = await forge.createIssue(REPO, { title: 'Time', body: '', labels: ['a', 'b'] });
    now -= 1_000_000;
    await forge.editIssue(REPO, number, { title: 'Time 2', body: 'new', addLabels: ['c'], removeLabels: ['a'] });
    const issue = await forge.getIssue(REPO, number);
    const events = await forge.listIssueEvents(REPO, number);
    expect(events.map((event) => event.kind)).toEqual(['labeled', 'labeled', 'renamed', 'edited', 'unlabeled', 'labeled']);
    // What is asked for at once is there at once: a label beside `ready` counts for it.
    expect(events[1]?.at).toBe(events[0]?.at);
    const times = [issue.createdAt, ...events.slice(1).map((event) => event.at)];
    expect(times).toEqual([...new Set(times)].sort());
    expect(issue.updatedAt).toBe(events.at(-1)?.at);
    const ids = events.map((event) => Number(event.id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    await forge.editIssue(REPO, number, { title: 'Time 2', body: 'new', addLabels: ['C'] });
    expect((await forge.listIssueEvents(REPO, number)).length).toBe(events.length);
  });
});

describe('people', () => {
  it('keep their id, and nobody gets it again', async () => {
    const operator = h.as('operator');
    const ada = await operator.addUser('Ada', 'read');
    expect(await operator.addUser('ada', 'triage')).toEqual({ ...ada, permission: 'triage' });
    expect(await h.forge.getPermission(REPO, { id: ada.id, login: 'ADA' })).toBe('triage');
    const path = join(h.root, 'users.md');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^.*login: Ada.*\n/m, ''));
    expect(await h.forge.getPermission(REPO, ada)).toBe('none');
    const again = await operator.addUser('Ada', 'write');
    expect(again.id).toBeGreaterThan(ada.id);
    expect(await h.forge.getPermission(REPO, ada)).toBe('none');
    expect(await h.forge.getPermission(REPO, again)).toBe('write');
    expect(await h.forge.getPermission(REPO, { id: 2, login: 'agentos' })).toBe('write');
  });

  it('are refused when they are strange or unknown', async () => {
    for (const login of ['', '-a', 'a--b', 'a b', '../x', 'x'.repeat(40)])
      expect(await codeOf(h.forge.addUser(login, 'read'))).toBe('usage');
    expect(await codeOf(h.as('nobody').createIssue(REPO, { title: 'x', body: '', labels: [] }))).toBe('not_found');
  });

  it('may do what is theirs, and no more', async () => {
    const reader = await h.person('read');
    const triage = await h.person('triage');
    const own = await reader.createIssue(REPO, { title: 'Mine', body: '', labels: [] });
    const other = await newIssue();
    await h.as('reader').editIssue(REPO, own.number, { title: 'Still mine' });
    await reader.closeIssue(REPO, own.number, 'completed');
    expect(await codeOf(h.as('reader').editIssue(REPO, other, { body: 'x' }))).toBe('refused');
    expect(await codeOf(h.as('triageer').editIssue(REPO, other, { body: 'x' }))).toBe('refused');
    await triage.addLabel(REPO, other, 'ready');
    await triage.closeIssue(REPO, other, 'not_planned');
    expect(await codeOf(triage.deleteBranch(REPO, 'x', '0'.repeat(40)))).toBe('refused');
    expect(await codeOf(triage.createPullRequest(REPO, { title: 'x', body: '', head: 'x', base: 'main' }))).toBe('refused');
  });
});

describe('pull requests', () => {
  it('keep the author of a squash, and say who merged', async () => {
    const head = await h.push('authored', { 'authored.txt': '1\n' }, 'main');
    const { number } = await h.forge.createPullRequest(REPO, { title: 'x', body: '', head: 'authored', base: 'main' });
    await h.push('main', { 'meanwhile.txt': '1\n' });
    const { sha: updated } = await h.forge.updateBranch(REPO, number, head);
    expect(h.git('rev-list', '--parents', '-n1', updated)).toBe(`${updated} ${head} ${h.git('rev-parse', 'main')}`);
    expect(await h.forge.updateBranch(REPO, number, updated)).toEqual({ sha: updated });
    const request = { method: 'squash', expectedHeadSha: updated, title: 'Title', message: 'Text\n\nTask: x' } as const;
    const { sha } = await h.forge.mergePullRequest(REPO, number, request);
    expect(h.git('log', '-1', '--format=%an|%ae|%cn|%B', sha)).toBe('Ada|ada@example.com|agentos|Title\n\nText\n\nTask: x');
    expect(h.git('rev-parse', `${sha}^{tree}`)).toBe(h.git('rev-parse', `${updated}^{tree}`));
  });

  it('keep authors and messages of a rebase', async () => {
    await h.push('rebased', { 'r1.txt': '1\n' }, 'main');
    const head = await h.push('rebased', { 'r2.txt': '1\n' });
    const base = await h.push('main', { 'r3.txt': '1\n' });
    const { number } = await h.forge.createPullRequest(REPO, { title: 'x', body: '', head: 'rebased', base: 'main' });
    const { sha } = await h.forge.mergePullRequest(REPO, number, { method: 'rebase', expectedHeadSha: head, title: '', message: '' });
    expect(h.git('log', '--format=%an %cn %s', `${base}..${sha}`)).toBe('Ada agentos Change rebased\nAda agentos Change rebased');
    expect(h.git('rev-list', '--merges', `${base}..${sha}`)).toBe('');
  });

  it('close no issue when the base is not the default branch', async () => {
    const number = await newIssue();
    await h.push('release', { 'rel.txt': '1\n' }, 'main');
    const head = await h.push('to-release', { 'rel2.txt': '1\n' }, 'release');
    const pull = await h.forge.createPullRequest(REPO, { title: 'x', body: `Closes #${number}`, head: 'to-release', base: 'release' });
    await h.forge.mergePullRequest(REPO, pull.number, { method: 'merge', expectedHeadSha: head, title: 'x', message: `Closes #${number}` });
    expect((await h.forge.getIssue(REPO, number)).state).toBe('open');
  });

  it('are one for a branch that came back', async () => {
    const head = await h.push('back', { 'back.txt': '1\n' }, 'main');
    const request = { title: 'x', body: '', head: 'back', base: 'main' };
    const first = await h.forge.createPullRequest(REPO, request);
    await h.forge.deleteBranch(REPO, 'back', head);
    expect(await h.forge.getPullRequest(REPO, first.number)).toMatchObject({
      state: 'closed',
      closedBy: { login: 'agentos' },
      headSha: head,
    });
    await h.push('back', { 'back.txt': '2\n' }, 'main');
    expect((await h.forge.getPullRequest(REPO, first.number)).state).toBe('closed');
    const second = await h.forge.createPullRequest(REPO, request);
    expect(second.number).toBeGreaterThan(first.number);
  });

  it('are not reviewed by who opened them, and not when closed', async () => {
    await h.push('own-review', { 'o.txt': '1\n' }, 'main');
    const operator = h.as('operator');
    const { number } = await operator.createPullRequest(REPO, { title: 'x', body: '', head: 'own-review', base: 'main' });
    expect(await codeOf(operator.reviewPullRequest(REPO, number, { state: 'approved', body: '' }))).toBe('refused');
    expect(await codeOf(h.forge.reviewPullRequest(REPO, number, { state: 'changes_requested', body: '' }))).toBe('refused');
    await h.forge.reviewPullRequest(REPO, number, { state: 'changes_requested', body: 'No.' });
    await operator.closePullRequest(REPO, number);
    expect(await codeOf(h.forge.reviewPullRequest(REPO, number, { state: 'approved', body: '' }))).toBe('refused');
    expect(await h.forge.listReviews(REPO, number)).toMatchObject([
      { author: { login: 'agentos' }, state: 'changes_requested', body: 'No.' },
    ]);
  });

  it('read branches that git packed', async () => {
    const tip = await h.push('packed', { 'p.txt': '1\n' }, 'main');
    h.git('pack-refs', '--all');
    expect(readdirSync(join(h.gitDir, 'refs/heads'))).not.toContain('packed');
    expect(await h.forge.findBranch(REPO, 'packed')).toBe(tip);
    expect(await h.forge.findBranch(REPO, '../../HEAD')).toBeUndefined();
    await h.forge.deleteBranch(REPO, 'packed', tip);
    expect(await h.forge.findBranch(REPO, 'packed')).toBeUndefined();
  });

  it('never run a hook or a configured program', async () => {
    const mark = join(h.dir, 'hook-ran');
    mkdirSync(join(h.gitDir, 'hooks'), { recursive: true });
    for (const hook of ['reference-transaction', 'post-update', 'update']) {
      writeFileSync(join(h.gitDir, 'hooks', hook), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    }
    const head = await h.push('hooked', { 'h.txt': '1\n' }, 'main');
    const { number } = await h.forge.createPullRequest(REPO, { title: 'x', body: '', head: 'hooked', base: 'main' });
    await h.forge.mergePullRequest(REPO, number, { method: 'squash', expectedHeadSha: head, title: 'x', message: '' });
    expect(readdirSync(h.dir)).not.toContain('hook-ran');
  });
});

describe('a new repository', () => {
  it('has the branches, and nothing of where they came from', async () => {
    const source = makeSource(join(h.dir, 'other'));
    git(source, 'tag', 'v1');
    git(source, 'branch', 'side');
    git(source, 'checkout', '-q', '-b', 'trunk');
    await h.forge.createRepository('acme/other', source);
    expect((await h.forge.getRepository('acme/other')).defaultBranch).toBe('trunk');
    const gitDir = (await h.forge.getRemote('acme/other')).url;
    expect(git(gitDir, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main\nrefs/heads/side\nrefs/heads/trunk');
    expect(git(gitDir, 'config', '--list')).not.toContain(source);
    expect(await codeOf(h.forge.createRepository('acme/other', source))).toBe('conflict');
  });

  it('is refused whole where there is nothing to copy', async () => {
    const empty = join(h.dir, 'empty');
    mkdirSync(empty);
    expect(await codeOf(h.forge.createRepository('acme/empty', empty))).toBe('not_found');
    expect(await codeOf(h.forge.createRepository('acme/empty', join(h.dir, 'nowhere')))).toBe('not_found');
    git(empty, 'init', '-q');
    expect(await codeOf(h.forge.createRepository('acme/empty', empty))).toBe('refused');
    const source = makeSource(join(h.dir, 'detached'));
    git(source, 'checkout', '-q', '--detach');
    git(source, 'commit', '-q', '--allow-empty', '-m', 'On no branch');
    expect(await codeOf(h.forge.createRepository('acme/empty', source))).toBe('refused');
    expect(readdirSync(h.root).filter((name) => name.startsWith('.init'))).toEqual([]);
    expect(await codeOf(h.forge.getRepository('acme/empty'))).toBe('not_found');
    await expect(h.forge.getRepository('acme/empty')).rejects.toMatchObject({
      hint: expect.stringContaining('agentos local init acme/empty'),
    });
  });

  it('shares its clock of events with nobody else', async () => {
    const source = makeSource(join(h.dir, 'third'));
    const forge = openLocalForge({ root: h.root, clock: systemClock, localCi: {} });
    await forge.createRepository('acme/third', source);
    expect(await forge.createIssue('acme/third', { title: 'First', body: '', labels: [] })).toEqual({ number: 1 });
  });
});
