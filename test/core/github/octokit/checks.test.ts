import { afterEach, describe, expect, it } from 'vitest';
import type { CheckRun } from '../../../../src/core/github/github.ts';
import { codeOf } from '../../../contract/github.ts';
import { openScripted, type Script, type Scripted, type ScriptedGitHub } from './scripted-github.ts';

const SHA = 'a'.repeat(40);
const RUNS = `GET /repos/acme/shop/commits/${SHA}/check-runs`;
const STATUSES = `GET /repos/acme/shop/commits/${SHA}/statuses`;
const BRANCH = 'GET /repos/acme/shop/branches/main';
const RULES = 'GET /repos/acme/shop/rules/branches/main';
const WORKFLOWS = 'GET /repos/acme/shop/actions/runs';
const ACTIONS = 15368;

let github: ScriptedGitHub | undefined;
afterEach(async () => {
  await github?.close();
  github = undefined;
});

function run(id: number, name: string, conclusion: string | null, changes: Record<string, unknown> = {}) {
  const status = conclusion === null ? 'queued' : 'completed';
  return { id, name, status, conclusion, app: { id: ACTIONS, slug: 'github-actions' }, check_suite: { id: 1 }, ...changes };
}
const runs = (...list: object[]): Scripted => ({ body: { total_count: list.length, check_runs: list } });
const classic = (required: unknown): Scripted => ({
  body: {
    name: 'main',
    protected: required !== undefined,
    ...(required !== undefined && { protection: { required_status_checks: required } }),
  },
});
const ruleset = (...checks: object[]) => ({ type: 'required_status_checks', parameters: { required_status_checks: checks } });

const QUIET: Script = { [RUNS]: runs(), [STATUSES]: { body: [] }, [BRANCH]: classic(undefined), [RULES]: { body: [] } };

async function list(script: Script): Promise<CheckRun[]> {
  github = await openScripted({ ...QUIET, ...script });
  return github.forge.listCheckRuns('acme/shop', SHA, 'main');
}
const brief = (checks: CheckRun[]) => checks.map(({ name, state }) => `${name}: ${state}`);

describe('the checks of a commit', () => {
  it('are its newest runs and statuses, of all pages', async () => {
    const first = Array.from({ length: 100 }, (_, at) => run(at + 1, `test-${at}`, 'success'));
    const checks = await list({
      [RUNS]: { ...runs(...first), nextPage: 2 },
      [`${RUNS}?page=2`]: runs(run(101, 'zest', 'failure'), run(102, 'test-0', null)),
      [STATUSES]: { body: [{ id: 2, context: 'ci', state: 'success' }] },
    });
    expect(checks).toHaveLength(102);
    expect(brief(checks.filter((check) => check.state !== 'success'))).toEqual(['test-0: pending', 'zest: failure']);
    expect(checks.at(-1)).toEqual({ name: 'ci', sha: SHA, state: 'success' });
  });

  it('say why a run failed: title, summary, text, annotations', async () => {
    const output = { title: '2 failed', summary: 'In `tax`.', text: 'stack', annotations_count: 1 };
    const checks = await list({
      [RUNS]: runs(run(5, 'test', 'timed_out', { output }), run(6, 'lint', 'success', { output })),
      'GET /repos/acme/shop/check-runs/5/annotations': {
        body: [{ path: 'src/tax.ts', start_line: 3, annotation_level: 'failure', message: 'expected 1\u001b[31m' }],
      },
    });
    expect(checks).toEqual([
      { name: 'lint', sha: SHA, state: 'success' },
      {
        name: 'test',
        sha: SHA,
        state: 'failure',
        output: 'It took longer than allowed (`timed_out`).\n2 failed\nIn `tax`.\nstack\nsrc/tax.ts:3: failure: expected 1',
      },
    ]);
  });

  it('do without annotations that cannot be read', async () => {
    const checks = await list({ [RUNS]: runs(run(5, 'test', 'failure', { output: { title: 'x', annotations_count: 1 } })) });
    expect(checks).toEqual([{ name: 'test', sha: SHA, state: 'failure', output: 'x' }]);
  });

  const workflowRun = (check_suite_id: number, status = 'completed') => ({
    ...{ id: check_suite_id, name: 'CI', check_suite_id, workflow_id: 70, event: 'pull_request', status },
    conclusion: status === 'completed' ? 'success' : null,
  });
  const workflows = (...list: object[]): Scripted => ({ body: { total_count: list.length, workflow_runs: list } });

  it('count by their workflow where a name stands twice', async () => {
    const twice = runs(run(1, 'test', 'failure'), run(2, 'test', 'success', { check_suite: { id: 2 } }));
    expect(brief(await list({ [RUNS]: twice }))).toEqual(['test: failure', 'test: success']);
    await github?.close();
    expect(brief(await list({ [RUNS]: twice, [WORKFLOWS]: workflows(workflowRun(1), workflowRun(2)) }))).toEqual(['test: success']);
  });

  it('are not over while a workflow has jobs to come', async () => {
    const checks = await list({
      [RUNS]: runs(run(1, 'lint', 'success')),
      [STATUSES]: { body: [{ id: 2, context: 'license/cla', state: 'success' }] },
      [WORKFLOWS]: workflows(workflowRun(1, 'in_progress')),
    });
    expect(brief(checks)).toEqual(['lint: success', 'CI: pending', 'license/cla: success']);
  });

  it('are asked for after the workflows, so that no job can begin and end between the two', async () => {
    await list({ [RUNS]: runs(run(1, 'lint', 'success')), [WORKFLOWS]: workflows(workflowRun(1)) });
    const order = github?.asked.map(({ what }) => what).filter((what) => what === RUNS || what === WORKFLOWS);
    expect(order).toEqual([WORKFLOWS, RUNS]);
  });

  it.each([
    ['runs', { [RUNS]: { status: 403, body: { message: 'Resource not accessible by integration' } } }, 'refused'],
    ['statuses', { [STATUSES]: { status: 403, body: { message: 'Resource not accessible by integration' } } }, 'refused'],
    ['runs of another form', { [RUNS]: runs({ id: 1, name: 'x' }) }, 'unavailable'],
    ['workflows, for now', { [WORKFLOWS]: { status: 502 } }, 'unavailable'],
    ['workflows of another form', { [WORKFLOWS]: workflows({ id: 1 }) }, 'unavailable'],
    ['the branch', { [BRANCH]: { status: 404, body: { message: 'Branch not found' } } }, 'not_found'],
    ['the branch, in another form', { [BRANCH]: { body: {} } }, 'unavailable'],
    ['rules of another form', { [RULES]: { body: [{ type: 'required_status_checks', parameters: {} }] } }, 'unavailable'],
  ])('are an error where %s cannot be read', async (_, script: Script, code) => {
    expect(await codeOf(list(script))).toBe(code);
  });
});

describe('what the rules require', () => {
  it('is the sum of rulesets and protection, pending until it is reported', async () => {
    const checks = await list({
      [RUNS]: runs(run(1, 'test', 'success')),
      [BRANCH]: classic({
        enforcement_level: 'non_admins',
        contexts: ['test', 'e2e', 'old'],
        checks: [
          { context: 'test', app_id: ACTIONS },
          { context: 'e2e', app_id: -1 },
        ],
      }),
      [RULES]: {
        body: [
          { type: 'deletion' },
          ruleset({ context: 'lint' }, { context: 'test', integration_id: 5 }),
          { type: 'merge_queue', parameters: { merge_method: 'SQUASH' } },
        ],
      },
    });
    expect(brief(checks)).toEqual(['test: success', 'e2e: pending', 'lint: pending', 'old: pending', 'test: pending']);
    expect(checks[1]?.output).toBe('required by the rules of `main`; not reported');
  });

  it('is nothing where the protection is off', async () => {
    const off = classic({ enforcement_level: 'off', contexts: ['test'], checks: [{ context: 'test', app_id: null }] });
    expect(await list({ [BRANCH]: off })).toEqual([]);
  });

  it.each<[string, Script, string[]]>([
    [
      'a plan without rulesets',
      { [RULES]: { status: 403, body: { message: 'Upgrade to GitHub Pro or make this repository public to enable this feature.' } } },
      [],
    ],
    ['an older server of our own', { [RULES]: { status: 404, body: { message: 'Not Found' } } }, []],
    ['no permission', { [RULES]: { status: 403, body: { message: 'Resource not accessible by integration' } } }, ['branch rules: pending']],
    ['a protection that is not told', { [BRANCH]: { body: { name: 'main', protected: true } } }, ['branch rules: pending']],
  ])('with %s', async (_, script, expected) => {
    const checks = await list(script);
    expect(brief(checks)).toEqual(expected);
    for (const check of checks) expect(check.output).toMatch(/cannot be read.*permission/);
  });
});
