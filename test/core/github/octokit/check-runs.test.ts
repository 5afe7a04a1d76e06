import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeRun,
  missingChecks,
  newestRuns,
  newestStatuses,
  parseRun,
  parseStatus,
  type RunNode,
  type StatusNode,
  toCheck,
  unfinishedWorkflows,
  type WorkflowNode,
  workflowsOf,
} from '../../../../src/core/github/octokit/check-runs.ts';

const SHA = 'a'.repeat(40);
const ACTIONS = 15368;

function run(id: number, changes: Partial<RunNode> = {}): RunNode {
  return {
    id,
    name: 'test',
    status: 'completed',
    conclusion: 'success',
    app: { id: ACTIONS, slug: 'github-actions' },
    check_suite: { id: 1 },
    output: null,
    ...changes,
  };
}

function status(id: number, changes: Partial<StatusNode> = {}): StatusNode {
  return { id, context: 'ci', state: 'success', description: null, creator: { type: 'User' }, ...changes };
}

describe('a check run', () => {
  it.each([
    ['completed', 'success', 'success', false],
    ['completed', 'neutral', 'neutral', false],
    ['completed', 'skipped', 'neutral', false],
    ['completed', 'failure', 'failure', false],
    ['completed', 'timed_out', 'failure', true],
    ['completed', 'startup_failure', 'failure', true],
    ['completed', 'action_required', 'failure', true],
    ['completed', 'cancelled', 'failure', true],
    ['completed', 'stale', 'pending', true],
    ['completed', 'foo', 'failure', true],
    ['completed', 'constructor', 'failure', true],
    ['completed', null, 'failure', true],
    ['queued', null, 'pending', false],
    ['in_progress', null, 'pending', false],
    ['waiting', null, 'pending', false],
    ['requested', null, 'pending', false],
    ['pending', null, 'pending', false],
    ['in_progress', 'success', 'pending', false],
    ['foo', 'success', 'pending', true],
  ])('%s, %s is %s', (status, conclusion, state, noted) => {
    const judged = judgeRun({ status, conclusion });
    expect(judged.state).toBe(state);
    expect(judged.note !== undefined).toBe(noted);
  });

  it('of an unknown kind says so', () => {
    expect(judgeRun({ status: 'completed', conclusion: 'foo' }).note).toBe('Unknown conclusion `foo`.');
  });

  it('that is not one is an error', () => {
    expect(() => parseRun({ ...run(1), conclusion: undefined }, SHA)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(() => parseStatus({ ...status(1), context: '' }, SHA)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    expect(parseRun({ ...run(1), extra: 1 }, SHA).id).toBe(1);
  });
});

describe('a workflow that is not over is pending', () => {
  const workflow = (changes: Partial<WorkflowNode> = {}): WorkflowNode => ({
    ...{ id: 9, name: 'CI', check_suite_id: 1, workflow_id: 70, event: 'pull_request', status: 'completed', conclusion: 'success' },
    ...changes,
  });
  const waiting = { status: 'in_progress', conclusion: null };
  const unrun = { status: 'completed', conclusion: 'action_required' };

  it.each<[string, WorkflowNode[], RunNode[], string[]]>([
    ['not when it is over', [workflow()], [run(1)], []],
    ['when the jobs that show are over, and the next has not begun', [workflow(waiting)], [run(1)], ['CI']],
    ['when none of its jobs shows yet', [workflow({ ...waiting, status: 'queued' })], [], ['CI']],
    ['of a status that nobody knows', [workflow({ status: null })], [run(1)], ['CI']],
    ['once, where one of its jobs says so', [workflow(waiting)], [run(1), run(2, { ...waiting, name: 'e2e' })], []],
    ['when another one waits', [workflow(waiting)], [run(1, { ...waiting, check_suite: { id: 2 } })], ['CI']],
    ['when a person must let it run', [workflow(unrun)], [], ['CI']],
    ['not when a person has let it run since', [workflow(unrun), workflow({ id: 10, check_suite_id: 2 })], [], []],
    ['without a name', [workflow({ ...waiting, name: null })], [], ['workflow 70']],
  ])('%s', (_, workflows, runs, expected) => {
    const found = unfinishedWorkflows(workflows, runs, SHA);
    expect(found.map(({ name }) => name)).toEqual(expected);
    expect(found.every(({ state, sha }) => state === 'pending' && sha === SHA)).toBe(true);
  });
});

describe('of one key the newest by id counts', () => {
  const conclusions = (runs: RunNode[], workflows = new Map<number, string>()) =>
    newestRuns(runs, workflows).map((one) => [one.name, one.conclusion]);

  it.each([
    ['a newer success over an old cancel', [run(1, { conclusion: 'cancelled' }), run(2)], ['success']],
    ['a newer failure over an old success', [run(2, { conclusion: 'failure' }), run(1)], ['failure']],
    ['a newer run over an old success', [run(1), run(2, { status: 'queued', conclusion: null })], [null]],
    ['a cancel that nothing followed', [run(1, { conclusion: 'cancelled' })], ['cancelled']],
    ['another name beside it', [run(1, { name: 'lint', conclusion: 'failure' }), run(2)], ['failure', 'success']],
    ['another app beside it', [run(1, { conclusion: 'failure', app: { id: 5 } }), run(2)], ['failure', 'success']],
    ['no app beside it', [run(1, { conclusion: 'failure', app: null }), run(2)], ['failure', 'success']],
  ])('%s', (_, runs, expected) => {
    expect(conclusions(runs).map(([, conclusion]) => conclusion)).toEqual(expected);
  });

  const two = [run(1, { conclusion: 'cancelled', check_suite: { id: 1 } }), run(2, { check_suite: { id: 2 } })];
  const workflow = (check_suite_id: number, workflow_id: number, event: string) => ({
    id: check_suite_id,
    check_suite_id,
    workflow_id,
    event,
  });

  it.each([
    ['one workflow, run twice', [workflow(1, 70, 'pull_request'), workflow(2, 70, 'pull_request')], 1],
    ['one workflow, on two sorts of the same event', [workflow(1, 70, 'pull_request'), workflow(2, 70, 'pull_request_target')], 1],
    ['one workflow, on two events', [workflow(1, 70, 'push'), workflow(2, 70, 'pull_request')], 2],
    ['two workflows', [workflow(1, 70, 'push'), workflow(2, 71, 'push')], 2],
    ['workflows that cannot be read', [], 2],
    ['workflows of which one is told', [workflow(2, 70, 'push')], 2],
  ])('%s', (_, workflows, expected) => {
    expect(newestRuns(two, workflowsOf(workflows))).toHaveLength(expected);
  });

  it('and a failure is never hidden by another key', () => {
    const someRun = fc.record({
      name: fc.constantFrom('test', 'lint'),
      app: fc.constantFrom(null, { id: 5 }, { id: ACTIONS }),
      check_suite: fc.constantFrom(null, { id: 1 }, { id: 2 }),
      conclusion: fc.constantFrom('success', 'failure', 'cancelled'),
    });
    const key = (one: RunNode) => JSON.stringify([one.name, one.app?.id ?? null, one.check_suite?.id ?? null]);
    fc.assert(
      fc.property(fc.array(someRun, { maxLength: 12 }), fc.nat(), (some, turn) => {
        const runs = some.map((changes, at) => run(at + 1, changes));
        const turned = [...runs.slice(turn % (runs.length || 1)), ...runs.slice(0, turn % (runs.length || 1))];
        const kept = newestRuns(turned, new Map());
        for (const one of runs.filter((other) => other.conclusion === 'failure'))
          expect(kept.some((other) => key(other) === key(one) && other.id >= one.id)).toBe(true);
        expect(kept).toEqual(newestRuns(runs, new Map()));
      }),
    );
  });
});

describe('a commit status', () => {
  it.each([
    ['success', 'success'],
    ['pending', 'pending'],
    ['failure', 'failure'],
    ['error', 'failure'],
    ['toString', 'failure'],
  ])('%s is %s', (state, expected) => {
    expect(toCheck(SHA, status(1, { state })).state).toBe(expected);
  });

  it('counts by context, the newest by id, with what it says', () => {
    const found = newestStatuses([status(3, { state: 'failure', description: '2 failed' }), status(2), status(4, { context: 'a' })]);
    expect(found.map((one) => toCheck(SHA, one))).toEqual([
      { name: 'a', sha: SHA, state: 'success' },
      { name: 'ci', sha: SHA, state: 'failure', output: '2 failed' },
    ]);
  });
});

describe('what the rules require', () => {
  const at = { sha: SHA, base: 'main' };
  const missing = (...required: { context: string; app?: number }[]) =>
    missingChecks(required, { runs: [run(1)], statuses: [status(2), status(3, { context: 'app-ci', creator: { type: 'Bot' } })] }, at).map(
      (check) => check.name,
    );

  it('is pending while nobody has reported it', () => {
    expect(missingChecks([{ context: 'e2e' }, { context: 'e2e', app: 1 }], { runs: [], statuses: [] }, at)).toEqual([
      { name: 'e2e', sha: SHA, state: 'pending', output: 'required by the rules of `main`; not reported' },
    ]);
  });

  it.each([
    [{ context: 'test' }, []],
    [{ context: 'ci' }, []],
    [{ context: 'Test' }, ['Test']],
    [{ context: 'test', app: ACTIONS }, []],
    [{ context: 'test', app: 5 }, ['test']],
    [{ context: 'ci', app: 5 }, ['ci']],
    [{ context: 'app-ci', app: 5 }, []],
  ])('%j leaves %j to wait for', (required, expected) => {
    expect(missing(required)).toEqual(expected);
  });
});
