/** Endpoints that no other test meets, each with an answer the guard accepts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openScene, REPO, type Scene } from './scene.ts';

let s: Scene;
const NAME = 'ann/widgets';
beforeAll(async () => {
  s = await openScene({ files: { 'a.txt': 'grüße\n', 'dir/b.txt': 'two\n' } });
  s.server.addCollaborator(NAME, 'eve', 'triage');
  s.server.as('ann').openIssue(NAME, { title: 'A', labels: ['x'] });
  s.server.as('ann').comment(NAME, 1, 'first');
  const sha = s.server.as('bob').push(NAME, 'work', { 'a.txt': null, 'dir/c.txt': 'grüße\n', 'new.txt': 'n\n' });
  s.server.as('bob').openPull(NAME, { title: 'P', head: 'work' });
  s.server.as('bob').status(NAME, sha, 'ext', 'pending');
  s.server.addRuleset(NAME, [{ type: 'non_fast_forward' }], ['refs/heads/release/*']);
});
afterAll(() => s.close());

it.each<[string, string, unknown, number, unknown]>([
  ['GET', '/users/bob', undefined, 200, { login: 'bob', type: 'User' }],
  ['GET', '/user/repos', undefined, 200, [{ full_name: NAME }]],
  ['GET', '/users/nobody', undefined, 404, {}],
  ['GET', '/rate_limit', undefined, 200, { resources: { core: { limit: 5000 } } }],
  ['GET', `${REPO}/contents/dir/b.txt`, undefined, 200, { path: 'dir/b.txt', content: 'dHdvCg==\n' }],
  ['GET', `${REPO}/contents/dir/c.txt?ref=work`, undefined, 200, { size: Buffer.byteLength('grüße\n') }],
  ['GET', `${REPO}/contents/none.txt`, undefined, 404, {}],
  ['GET', `${REPO}/labels/X`, undefined, 200, { name: 'x', color: 'ededed' }],
  ['POST', `${REPO}/labels`, { name: 'y', color: 'ff0000' }, 201, { name: 'y' }],
  ['POST', `${REPO}/labels`, { name: 'Y' }, 422, { errors: [{ code: 'already_exists' }] }],
  ['PUT', `${REPO}/issues/1/labels`, { labels: ['y'] }, 200, [{ name: 'y' }]],
  ['GET', `${REPO}/issues/1/labels`, undefined, 200, [{ name: 'y' }]],
  ['GET', `${REPO}/issues/1/comments`, undefined, 200, [{ body: 'first', user: { login: 'ann' } }]],
  ['POST', `${REPO}/issues/1/assignees`, { assignees: ['bob'] }, 201, { assignees: [{ login: 'bob' }] }],
  ['GET', `${REPO}/issues/1/parent`, undefined, 404, {}],
  ['GET', `${REPO}/issues/1/dependencies/blocked_by`, undefined, 200, []],
  ['GET', `${REPO}/issues/2`, undefined, 200, { pull_request: {}, draft: false }],
  ['POST', `${REPO}/pulls/2/requested_reviewers`, { reviewers: ['eve'] }, 201, { requested_reviewers: [{ login: 'eve' }] }],
  ['GET', `${REPO}/issues/2/timeline`, undefined, 200, [{ event: 'review_requested', requested_reviewer: { login: 'eve' } }]],
  ['PATCH', `${REPO}/pulls/2`, { title: 'Better', body: 'text' }, 200, { title: 'Better', body: 'text' }],
  ['GET', `${REPO}/pulls/2/reviews`, undefined, 200, []],
  ['GET', `${REPO}/pulls/2/files`, undefined, 200, [{ status: 'renamed', previous_filename: 'a.txt' }, { filename: 'new.txt' }]],
  ['GET', `${REPO}/commits/work/statuses`, undefined, 200, [{ context: 'ext', state: 'pending' }]],
  ['GET', `${REPO}/commits/${'1'.repeat(40)}`, undefined, 422, {}],
  ['GET', `${REPO}/commits/nowhere`, undefined, 404, {}],
  ['GET', `${REPO}/git/matching-refs/heads/wo`, undefined, 200, [{ ref: 'refs/heads/work' }]],
  ['GET', `${REPO}/rulesets`, undefined, 200, [{ enforcement: 'active' }]],
  ['GET', `${REPO}/rules/branches/release%2F1`, undefined, 200, [{ type: 'non_fast_forward' }]],
  ['GET', `${REPO}/rules/branches/main`, undefined, 200, []],
  ['GET', `${REPO}/branches/work`, undefined, 200, { name: 'work', protected: false }],
  ['GET', `${REPO}/installation`, undefined, 401, {}],
])('%s %s %j → %i', async (method, path, body, status, expected) => {
  const answer = await s.ann(method, path, body);
  expect(answer.status).toBe(status);
  expect(answer.data).toMatchObject(expected as object);
});

it('edits a comment', async () => {
  const { id } = (await s.ann('GET', `${REPO}/issues/1/comments`)).data[0];
  expect((await s.bob('PATCH', `${REPO}/issues/comments/${id}`, { body: 'second' })).data).toMatchObject({ body: 'second' });
  expect((await s.nobody('GET', `${REPO}/issues/comments/${id}`)).data.body).toBe('second');
});
