/** Issues over REST: what GitHub does that is easy to get wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openScene, REPO, type Scene } from './scene.ts';

let s: Scene;
beforeEach(async () => {
  s = await openScene();
});
afterEach(() => s.close());

describe('issues', () => {
  it('drops labels of who may not label, and makes a label at its first use', async () => {
    const { data: mine } = await s.bob('POST', `${REPO}/issues`, { title: 'A', body: 'x', labels: ['Ready', 'new one'] });
    expect(mine.labels.map((label: { name: string }) => label.name)).toEqual(['Ready', 'new one']);
    const { data: theirs } = await s.eve('POST', `${REPO}/issues`, { title: 'B', labels: ['Ready'] });
    expect(theirs.labels).toEqual([]);
    expect(theirs.user.login).toBe('eve');
    expect((await s.ann('GET', `${REPO}/labels`)).data).toHaveLength(2);
    const denied = await s.eve('POST', `${REPO}/issues/2/labels`, { labels: ['Ready'] });
    expect(denied.status).toBe(403);
    const again = await s.bob('POST', `${REPO}/issues/1/labels`, { labels: ['READY'] });
    expect(again.data).toHaveLength(2);
    const gone = await s.bob('DELETE', `${REPO}/issues/1/labels/new%20one`);
    expect(gone.data.map((label: { name: string }) => label.name)).toEqual(['Ready']);
    expect((await s.bob('DELETE', `${REPO}/issues/1/labels/new%20one`)).data.message).toBe('Label does not exist');
  });

  it('keeps a timeline with actors and moves updated_at with every change but a check', async () => {
    const number = s.server.as('eve').openIssue('ann/widgets', { title: 'Old', body: 'one' });
    const moved = async (act: () => unknown) => {
      const before = (await s.ann('GET', `${REPO}/issues/${number}`)).data.updated_at;
      s.server.advance(60);
      await act();
      return (await s.ann('GET', `${REPO}/issues/${number}`)).data.updated_at > before;
    };
    const path = `${REPO}/issues/${number}`;
    expect(await moved(() => s.bob('POST', `${path}/labels`, { labels: ['x'] }))).toBe(true);
    expect(await moved(() => s.bob('POST', `${path}/labels`, { labels: ['x'] }))).toBe(false);
    expect(await moved(() => s.eve('PATCH', path, { title: 'New' }))).toBe(true);
    expect(await moved(() => s.eve('PATCH', path, { body: 'two' }))).toBe(true);
    expect(await moved(() => s.eve('POST', `${path}/comments`, { body: 'hm' }))).toBe(true);
    expect(await moved(() => s.ann('PATCH', path, { state: 'closed', state_reason: 'not_planned' }))).toBe(true);
    expect(await moved(() => s.ann('PATCH', path, { state: 'open' }))).toBe(true);
    const { data } = await s.nobody('GET', `${path}/timeline`);
    expect(data.map((one: { event: string; actor: { login: string } }) => `${one.event} ${one.actor.login}`)).toEqual([
      'labeled bob',
      'renamed eve',
      'commented eve',
      'closed ann',
      'reopened ann',
    ]);
    expect(data[1].rename).toEqual({ from: 'Old', to: 'New' });
    expect(data[3].state_reason).toBe('not_planned');
    expect(s.server.issue('ann/widgets', number).lastEditedAt).toBe('2026-03-01T10:04:00Z');
  });

  it('pages with Link and caps a page at a hundred', async () => {
    for (let at = 0; at < 103; at++) s.server.as('ann').openIssue('ann/widgets', { title: `I${at}` });
    const first = await s.ann('GET', `${REPO}/issues?state=all&per_page=200`);
    expect(first.data).toHaveLength(100);
    expect(first.data[0].number).toBe(103);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await s.ann('GET', next.slice(s.server.apiUrl.length));
    expect(second.data.map((one: { number: number }) => one.number)).toEqual([3, 2, 1]);
    expect(second.headers.get('link')).not.toContain('rel="next"');
  });

  it('answers unchanged reads with 304, which cost nothing', async () => {
    s.server.as('ann').openIssue('ann/widgets', { title: 'A' });
    const first = await s.ann('GET', `${REPO}/issues/1`);
    const again = await s.ann('GET', `${REPO}/issues/1`, undefined, { 'if-none-match': first.headers.get('etag') ?? '' });
    expect([again.status, again.data]).toEqual([304, '']);
    expect(again.headers.get('x-ratelimit-remaining')).toBe(first.headers.get('x-ratelimit-remaining'));
    s.server.as('ann').comment('ann/widgets', 1, 'x');
    const changed = await s.ann('GET', `${REPO}/issues/1`, undefined, { 'if-none-match': first.headers.get('etag') ?? '' });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('date')).toBe('Sun, 01 Mar 2026 10:00:00 GMT');
  });

  it.each([
    [{ title: '' }, 'title'],
    [{ title: 'x'.repeat(257) }, 'title'],
    [{ title: 'x', body: 'y'.repeat(65537) }, 'body'],
    [{ title: 'x', labels: ['l'.repeat(51)] }, 'name'],
  ])('refuses what is too long or empty %#', async (body, field) => {
    const { status, data } = await s.ann('POST', `${REPO}/issues`, body);
    expect([status, data.message, data.errors[0].field]).toEqual([422, 'Validation Failed', field]);
    expect(s.server.repo('ann/widgets').issues.size).toBe(0);
  });

  it('tells what is deleted, hidden, renamed, archived, unknown', async () => {
    s.server.as('ann').openIssue('ann/widgets', { title: 'A' });
    s.server.as('ann').deleteIssue('ann/widgets', 1);
    expect((await s.ann('GET', `${REPO}/issues/1`)).status).toBe(410);
    s.server.createRepo('ann/secret', { private: true });
    expect((await s.bob('GET', '/repos/ann/secret')).status).toBe(404);
    s.server.renameRepo('ann/widgets', 'gadgets');
    const moved = await s.ann('GET', `${REPO}/issues?state=all`);
    expect(moved.status).toBe(301);
    const location = (moved.headers.get('location') ?? '').slice(s.server.apiUrl.length);
    expect(location).toBe(`/repositories/${s.server.repo('ann/gadgets').id}/issues`);
    expect((await s.ann('GET', location)).status).toBe(200);
    s.server.archiveRepo('ann/gadgets');
    expect((await s.ann('POST', '/repos/ann/gadgets/issues', { title: 'x' })).data.message).toMatch(/archived/);
    expect((await s.nobody('GET', '/user')).status).toBe(401);
  });

  it('knows parts and dependencies', async () => {
    for (const title of ['whole', 'part', 'first']) s.server.as('ann').openIssue('ann/widgets', { title });
    const { id: part } = (await s.ann('GET', `${REPO}/issues/2`)).data;
    const { id: first } = (await s.ann('GET', `${REPO}/issues/3`)).data;
    expect((await s.ann('POST', `${REPO}/issues/1/sub_issues`, { sub_issue_id: part })).status).toBe(201);
    expect((await s.ann('POST', `${REPO}/issues/1/sub_issues`, { sub_issue_id: part })).status).toBe(422);
    expect((await s.ann('GET', `${REPO}/issues/2/parent`)).data.number).toBe(1);
    expect((await s.ann('POST', `${REPO}/issues/2/dependencies/blocked_by`, { issue_id: first })).status).toBe(201);
    expect((await s.ann('GET', `${REPO}/issues/2/dependencies/blocked_by`)).data[0].number).toBe(3);
    expect((await s.ann('GET', `${REPO}/issues/1`)).data.sub_issues_summary).toEqual({ total: 1, completed: 0, percent_completed: 0 });
  });
});
