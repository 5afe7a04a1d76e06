/** Pull requests, checks, rules and merges over REST, with real git behind them. */
import { afterEach, describe, expect, it } from 'vitest';
import { git } from './git-store.ts';
import { openScene, REPO, type Scene } from './scene.ts';

let s: Scene;
afterEach(() => s.close());

const NAME = 'ann/widgets';
const wire = async (seed: Parameters<typeof openScene>[0] = {}, options: Parameters<typeof openScene>[1] = {}) => {
  s = await openScene({ files: { 'a.txt': 'one\n', 'b.txt': 'two\n' }, ...seed }, options);
  return s;
};
/** A branch of bob's with one commit, and its pull request. */
async function pull(branch: string, files: Record<string, string>, body = ''): Promise<{ number: number; sha: string }> {
  const sha = s.server.as('bob').push(NAME, branch, files, { message: `Work on ${branch}` });
  const { status, data } = await s.bob('POST', `${REPO}/pulls`, { title: `PR ${branch}`, head: branch, base: 'main', body });
  expect(status).toBe(201);
  return { number: data.number, sha };
}

describe('pull requests', () => {
  it('are refused twice, without commits, without branches', async () => {
    await wire();
    await pull('work', { 'a.txt': 'changed\n' });
    const open = (head: string) => s.bob('POST', `${REPO}/pulls`, { title: 'x', head, base: 'main' });
    expect((await open('work')).data.errors[0].message).toBe('A pull request already exists for ann:work.');
    expect((await open('nowhere')).data.errors[0]).toEqual({ resource: 'PullRequest', field: 'head', code: 'invalid' });
    await s.bob('POST', `${REPO}/git/refs`, { ref: 'refs/heads/same', sha: s.server.tip(NAME, 'main') });
    expect((await open('same')).data.errors[0].message).toBe('No commits between main and same');
    expect((await s.bob('GET', `${REPO}/pulls?head=ann:work&state=all`)).data).toHaveLength(1);
    expect((await s.bob('GET', `${REPO}/pulls?head=bob:work&state=all`)).data).toHaveLength(0);
  });

  it('compute mergeable when one of them is read, anew after every move of the base', async () => {
    await wire({}, { mergeableAfterReads: 2 });
    const { number } = await pull('work', { 'a.txt': 'changed\n' });
    const read = async () => (await s.bob('GET', `${REPO}/pulls/${number}`)).data;
    // Its creation was the first read.
    expect([(await read()).mergeable, (await read()).mergeable]).toEqual([null, true]);
    s.server.as('ann').push(NAME, 'main', { 'a.txt': 'other\n' });
    expect([(await read()).mergeable_state, (await read()).mergeable]).toEqual(['unknown', null]);
    expect(await read()).toMatchObject({ mergeable: false, mergeable_state: 'dirty' });
    const refused = await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {});
    expect([refused.status, refused.data.message]).toEqual([405, 'Pull Request is not mergeable']);
  });

  it.each([
    ['squash', 1, 'PR work (#3)'],
    ['merge', 2, 'Merge pull request #3 from ann/work'],
    ['rebase', 1, 'Second'],
  ])('merge by %s, close what they promise to close, and only with the right head', async (method, parents, subject) => {
    await wire({ deleteBranchOnMerge: true });
    for (const title of ['closed by it', 'not closed']) s.server.as('ann').openIssue(NAME, { title });
    const { number } = await pull('work', { 'a.txt': 'changed\n' }, 'Fixes #1. See #2.');
    const sha = s.server.as('bob').push(NAME, 'work', { 'c.txt': 'new\n' }, { message: 'Second' });
    s.server.as('ann').push(NAME, 'main', { 'b.txt': 'moved\n' }, { message: 'Base moves' });
    const wrong = await s.bob('PUT', `${REPO}/pulls/${number}/merge`, { sha: '1'.repeat(40), merge_method: method });
    expect(wrong.status).toBe(409);
    const merged = await s.bob('PUT', `${REPO}/pulls/${number}/merge`, { sha, merge_method: method });
    expect(merged.data).toMatchObject({ merged: true, sha: s.server.tip(NAME, 'main') });
    const { data: commit } = await s.bob('GET', `${REPO}/commits/main`);
    expect([commit.parents.length, commit.commit.message.split('\n')[0]]).toEqual([parents, subject]);
    const { gitDir } = s.server.repo(NAME);
    expect(git(gitDir, ['ls-tree', '--name-only', 'main']).trim().split('\n')).toEqual(['a.txt', 'b.txt', 'c.txt']);
    expect(git(gitDir, ['show', 'main:b.txt'])).toBe('moved\n');
    expect([s.server.issue(NAME, 1).state, s.server.issue(NAME, 2).state]).toEqual(['closed', 'open']);
    expect(s.server.tip(NAME, 'work')).toBeNull();
    expect((await s.bob('GET', `${REPO}/pulls/${number}`)).data).toMatchObject({
      merged: true,
      state: 'closed',
      merged_by: { login: 'bob' },
    });
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).status).toBe(405);
  });

  it('close when their branch goes, and follow it when it moves', async () => {
    await wire();
    const { number } = await pull('work', { 'a.txt': 'changed\n' });
    const sha = s.server.as('bob').push(NAME, 'work', { 'a.txt': 'again\n' });
    expect((await s.bob('GET', `${REPO}/pulls/${number}`)).data.head.sha).toBe(sha);
    expect((await s.bob('GET', `${REPO}/pulls/${number}/commits`)).data).toHaveLength(2);
    expect((await s.bob('GET', `${REPO}/pulls/${number}/files`)).data[0]).toMatchObject({
      filename: 'a.txt',
      status: 'modified',
      changes: 2,
    });
    expect((await s.bob('DELETE', `${REPO}/git/refs/heads/work`)).status).toBe(204);
    expect((await s.bob('GET', `${REPO}/pulls/${number}`)).data.state).toBe('closed');
    expect((await s.bob('PATCH', `${REPO}/pulls/${number}`, { state: 'open' })).status).toBe(422);
  });

  it('take the base into the head on demand', async () => {
    await wire();
    const { number, sha } = await pull('work', { 'a.txt': 'changed\n' });
    s.server.as('ann').push(NAME, 'main', { 'b.txt': 'moved\n' });
    const stale = await s.bob('PUT', `${REPO}/pulls/${number}/update-branch`, { expected_head_sha: '2'.repeat(40) });
    expect(stale.status).toBe(422);
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/update-branch`, { expected_head_sha: sha })).status).toBe(202);
    const { data } = await s.bob('GET', `${REPO}/compare/main...work`);
    expect(data).toMatchObject({ status: 'ahead', behind_by: 0, ahead_by: 2 });
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/update-branch`, {})).data.errors[0].message).toMatch(/no new commits/);
  });

  it('merge in the background', async () => {
    await wire();
    const { number, sha } = await pull('work', { 'a.txt': 'changed\n' });
    const path = `${REPO}/pulls/${number}/merge-async`;
    const asked = await s.bob('PUT', path, { sha, merge_method: 'squash' });
    expect([asked.status, asked.data.status]).toEqual([202, 'pending']);
    const { uuid } = asked.data.details;
    const again = await s.bob('PUT', path, { sha, merge_method: 'rebase' });
    expect([again.status, again.data.details.uuid, again.data.details.merge_method]).toEqual([409, uuid, 'squash']);
    expect((await s.bob('GET', `${path}/${uuid}`)).data.status).toBe('pending');
    const done = await s.bob('GET', `${path}/${uuid}`);
    expect(done.data).toMatchObject({ status: 'merged', details: { sha: s.server.tip(NAME, 'main') } });
    s.server.settings.mergeAsync = false;
    expect((await s.bob('PUT', path, {})).status).toBe(404);
  });
});

describe('checks and rules', () => {
  it('run in a checkout of the merge, and hold a merge back', async () => {
    await wire({
      checks: [
        { name: 'test', run: 'grep -q changed a.txt && cat b.txt' },
        { name: 'lint', run: 'hold' },
      ],
    });
    s.server.addRuleset(NAME, [
      {
        type: 'required_status_checks',
        parameters: { required_status_checks: [{ context: 'test', integration_id: 15368 }], strict_required_status_checks_policy: true },
      },
    ]);
    const { number, sha } = await pull('work', { 'a.txt': 'changed\n' });
    const runs = async () => (await s.bob('GET', `${REPO}/commits/${sha}/check-runs`)).data;
    expect((await runs()).check_runs.map((run: { status: string }) => run.status)).toEqual(['queued', 'queued']);
    const early = await s.bob('PUT', `${REPO}/pulls/${number}/merge`, { merge_method: 'squash' });
    expect([early.status, early.data.message]).toEqual([405, expect.stringContaining('Required status check "test" is in progress.')]);
    expect(s.server.runChecks()).toHaveLength(1);
    const after = (await runs()).check_runs;
    expect(after.map((run: { name: string; conclusion: string }) => [run.name, run.conclusion])).toEqual([
      ['lint', null],
      ['test', 'success'],
    ]);
    const { data: found } = await s.bob('GET', `${REPO}/actions/runs?head_sha=${sha}`);
    expect(found.workflow_runs[0].status).toBe('in_progress');
    const { data: jobs } = await s.bob('GET', `${REPO}/actions/runs/${found.workflow_runs[0].id}/jobs`);
    const log = await s.bob('GET', `${REPO}/actions/jobs/${jobs.jobs[0].id}/logs`);
    expect(await (await fetch(log.headers.get('location') ?? '')).text()).toBe('two\n');
    const { data: rules } = await s.nobody('GET', `${REPO}/rules/branches/main`);
    expect(rules[0].parameters.required_status_checks).toEqual([{ context: 'test', integration_id: 15368 }]);
    s.server.as('ann').push(NAME, 'main', { 'c.txt': 'moved\n' });
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).data.message).toContain('out-of-date');
    const updated = await s.bob('PUT', `${REPO}/pulls/${number}/update-branch`, {});
    expect(updated.status).toBe(202);
    s.server.runChecks();
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).status).toBe(200);
  });

  it('are reported by Apps and as statuses, fail and run again', async () => {
    await wire({ checks: [{ name: 'test', run: 'fail' }] });
    const { sha } = await pull('work', { 'a.txt': 'changed\n' });
    s.server.runChecks();
    const { data } = await s.bob('GET', `${REPO}/actions/runs?head_sha=${sha}`);
    expect(data.workflow_runs[0]).toMatchObject({ conclusion: 'failure', run_attempt: 1 });
    expect((await s.bob('POST', `${REPO}/actions/runs/${data.workflow_runs[0].id}/rerun-failed-jobs`)).status).toBe(201);
    s.server.setChecks(NAME, [{ name: 'test', run: 'pass' }]);
    s.server.runChecks();
    expect((await s.bob('GET', `${REPO}/commits/work/check-runs`)).data).toMatchObject({
      total_count: 1,
      check_runs: [{ conclusion: 'success' }],
    });
    expect((await s.bob('GET', `${REPO}/commits/${sha}/status`)).data).toMatchObject({ state: 'pending', total_count: 0 });
    expect((await s.bob('POST', `${REPO}/statuses/${sha}`, { state: 'failure', context: 'ext' })).status).toBe(201);
    expect((await s.bob('GET', `${REPO}/commits/${sha}/status`)).data).toMatchObject({ state: 'failure', total_count: 1 });
    expect((await s.bob('POST', `${REPO}/check-runs`, { name: 'x', head_sha: sha })).status).toBe(403);
  });

  it('of protection and reviews are told to who may know', async () => {
    await wire();
    s.server.protect(NAME, 'main', { requiredChecks: [{ context: 'ci', appId: null }], requiredReviews: 1 });
    const { number, sha } = await pull('work', { 'a.txt': 'changed\n' });
    expect((await s.bob('GET', `${REPO}/branches/main/protection`)).status).toBe(404);
    expect((await s.ann('GET', `${REPO}/branches/main/protection`)).data.required_status_checks.contexts).toEqual(['ci']);
    expect((await s.bob('GET', `${REPO}/branches/main`)).data.protection.required_status_checks.contexts).toEqual(['ci']);
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).data.message).toContain('Required status check "ci" is expected.');
    s.server.as('ann').status(NAME, sha, 'ci', 'success');
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).data.message).toContain('approving review');
    expect((await s.bob('POST', `${REPO}/pulls/${number}/reviews`, { event: 'APPROVE' })).status).toBe(422);
    const review = await s.ann('POST', `${REPO}/pulls/${number}/reviews`, { event: 'APPROVE', body: 'fine' });
    expect(review.data).toMatchObject({ state: 'APPROVED', commit_id: sha });
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).status).toBe(200);
  });

  it('hand over to a merge queue', async () => {
    await wire();
    const queue = {
      check_response_timeout_minutes: 5,
      grouping_strategy: 'ALLGREEN',
      max_entries_to_build: 5,
      max_entries_to_merge: 5,
      merge_method: 'MERGE',
      min_entries_to_merge: 1,
      min_entries_to_merge_wait_minutes: 0,
    };
    s.server.addRuleset(NAME, [{ type: 'merge_queue', parameters: queue }]);
    const { number } = await pull('work', { 'a.txt': 'changed\n' });
    expect((await s.bob('PUT', `${REPO}/pulls/${number}/merge`, {})).data.message).toContain('merge queue');
    s.server.settings.asyncPolls = 0;
    const { data } = await s.bob('PUT', `${REPO}/pulls/${number}/merge-async`, {});
    expect((await s.bob('GET', `${REPO}/pulls/${number}/merge-async/${data.details.uuid}`)).data.status).toBe('enqueued');
    expect(s.server.runMergeQueue(NAME)).toEqual([number]);
    expect((await s.bob('GET', `${REPO}/pulls/${number}`)).data.merged).toBe(true);
    expect((await s.bob('GET', `${REPO}/rules/branches/main`)).data[0].type).toBe('merge_queue');
  });
});
