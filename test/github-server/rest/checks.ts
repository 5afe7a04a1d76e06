/** Check runs, commit statuses and the runs and jobs of Actions. */
import { type Call, invalid, notFound, paged, Refusal, type Reply, type Route, repoOf, text, viewerOf } from '../call.ts';
import { ACTIONS_APP, addRun, addStatus, latestStatuses, rerunFailed, runsOf, suiteOf, suiteState } from '../checks.ts';
import { listCommits, resolveCommit } from '../git-store.ts';
import type { CheckRun, CheckSuite, CommitStatus, Repository } from '../records.ts';
import { renderAppId, renderUser } from '../render/accounts.ts';
import { renderRepo, repoPage, repoUrl } from '../render/repositories.ts';

const READ_CHECKS = { role: 'read', resource: 'checks', level: 'read' } as const;
const READ_STATUSES = { role: 'read', resource: 'statuses', level: 'read' } as const;
const READ_ACTIONS = { role: 'read', resource: 'actions', level: 'read' } as const;

function commitOf(call: Call, repo: Repository, ref = call.params['ref'] ?? ''): string {
  const sha = resolveCommit(call.store, repo, ref);
  if (!sha) throw /^[0-9a-f]{40}$/.test(ref) ? new Refusal(422, `No commit found for SHA: ${ref}`) : notFound();
  return sha;
}

function pullsOf(call: Call, repo: Repository, sha: string): Record<string, unknown>[] {
  const end = (ref: string, tip: string) => ({ ref, sha: tip, repo: { id: repo.id, url: repoUrl(call, repo), name: repo.name } });
  const open = call.store.pulls(repo).filter((issue) => issue.state === 'open' && issue.pull?.headSha === sha);
  return open.map(({ number, pull }) => ({
    ...{ id: pull?.id, number, url: `${repoUrl(call, repo)}/pulls/${number}` },
    ...{ head: end(pull?.headRef ?? '', sha), base: end(pull?.baseRef ?? '', pull?.baseSha ?? '') },
  }));
}

function pageOf(call: Call, repo: Repository, run: CheckRun): string {
  const runId = repo.checkSuites.find((suite) => suite.id === run.suiteId)?.workflowRunId;
  return runId === undefined ? `${repoPage(call, repo)}/runs/${run.id}` : `${repoPage(call, repo)}/actions/runs/${runId}/job/${run.id}`;
}

function renderRun(call: Call, repo: Repository, run: CheckRun): Record<string, unknown> {
  const url = `${repoUrl(call, repo)}/check-runs/${run.id}`;
  const page = pageOf(call, repo, run);
  return {
    ...{ id: run.id, name: run.name, node_id: run.nodeId, head_sha: run.headSha, external_id: run.externalId, url, html_url: page },
    ...{ details_url: run.detailsUrl ?? page, status: run.status, conclusion: run.conclusion, started_at: run.startedAt },
    ...{ completed_at: run.completedAt, output: { ...run.output, annotations_count: 0, annotations_url: `${url}/annotations` } },
    ...{ check_suite: { id: run.suiteId }, app: renderAppId(call, run.appId), pull_requests: pullsOf(call, repo, run.headSha) },
  };
}

function listRuns(call: Call): Reply {
  const repo = repoOf(call, READ_CHECKS);
  const sha = commitOf(call, repo);
  const { query } = call;
  const runs = runsOf(repo, sha, query.get('filter') !== 'all').filter(
    (run) =>
      (query.get('check_name') ?? run.name) === run.name &&
      (query.get('status') ?? run.status) === run.status &&
      Number(query.get('app_id') ?? run.appId) === run.appId,
  );
  return paged(
    call,
    runs,
    (run) => renderRun(call, repo, run),
    (check_runs, total_count) => ({ total_count, check_runs }),
  );
}

function writer(call: Call): { repo: Repository; appId: number } {
  const repo = repoOf(call, { role: 'write', resource: 'checks', level: 'write' });
  const { appId } = viewerOf(call).token;
  if (appId === undefined) throw new Refusal(403, 'You must authenticate via a GitHub App.');
  return { repo, appId };
}

/** The fields of a check run that a body sets. */
function given(call: Call): Partial<CheckRun> {
  const { body, store } = call;
  const output = body['output'] as Partial<CheckRun['output']> | undefined;
  const conclusion = text(call, 'conclusion') as CheckRun['conclusion'] | undefined;
  const status = conclusion ? 'completed' : (text(call, 'status') as CheckRun['status'] | undefined);
  if (status === 'completed' && !conclusion) throw invalid({ resource: 'CheckRun', field: 'conclusion', code: 'missing_field' });
  return {
    ...(text(call, 'name') !== undefined && { name: text(call, 'name') as string }),
    ...(status && { status }),
    ...(conclusion && { conclusion, completedAt: text(call, 'completed_at') ?? store.stamp() }),
    ...(body['started_at'] !== undefined && { startedAt: String(body['started_at']) }),
    ...(body['details_url'] !== undefined && { detailsUrl: String(body['details_url']) }),
    ...(body['external_id'] !== undefined && { externalId: String(body['external_id']) }),
    ...(output && { output: { title: output.title ?? null, summary: output.summary ?? null, text: output.text ?? null } }),
  };
}

function createRun(call: Call): Reply {
  const { repo, appId } = writer(call);
  const sha = commitOf(call, repo, text(call, 'head_sha') ?? '');
  const branch = call.store.pulls(repo).find((issue) => issue.pull?.headSha === sha)?.pull?.headRef ?? repo.defaultBranch;
  const fields = given(call);
  const startedAt = fields.startedAt ?? (fields.status === undefined || fields.status === 'queued' ? null : call.store.stamp());
  const run = addRun(call.store, repo, suiteOf(call.store, repo, appId, sha, branch), { ...fields, startedAt, name: fields.name ?? '' });
  return { status: 201, body: renderRun(call, repo, run) };
}

function editRun(call: Call): Reply {
  const { repo, appId } = writer(call);
  const run = repo.checkRuns.find((one) => one.id === Number(call.params['check_run_id']));
  if (!run) throw notFound();
  if (run.appId !== appId) throw new Refusal(403, 'Invalid app_id - check run can only be modified by the GitHub App that created it.');
  Object.assign(run, given(call));
  if (run.status !== 'completed') Object.assign(run, { conclusion: null, completedAt: null });
  return { status: 200, body: renderRun(call, repo, run) };
}

function renderStatus(call: Call, repo: Repository, status: CommitStatus): Record<string, unknown> {
  const creator = renderUser(call, call.store.user(status.creatorId));
  return {
    ...{ id: status.id, node_id: status.nodeId, url: `${repoUrl(call, repo)}/statuses/${status.sha}`, avatar_url: creator['avatar_url'] },
    ...{ state: status.state, context: status.context, description: status.description, target_url: status.targetUrl, creator },
    ...{ created_at: status.createdAt, updated_at: status.createdAt },
  };
}

function getCombined(call: Call): Reply {
  const repo = repoOf(call, READ_STATUSES);
  const sha = commitOf(call, repo);
  const all = latestStatuses(repo, sha);
  const bad = all.some((one) => one.state === 'failure' || one.state === 'error');
  const state = bad ? 'failure' : all.length === 0 || all.some((one) => one.state === 'pending') ? 'pending' : 'success';
  const url = `${repoUrl(call, repo)}/commits/${sha}`;
  const rest = { sha, repository: renderRepo(call, repo, undefined), commit_url: url, url: `${url}/status` };
  return paged(
    call,
    all,
    (one) => renderStatus(call, repo, one),
    (statuses, total_count) => ({ state, statuses, total_count, ...rest }),
  );
}

function listStatuses(call: Call): Reply {
  const repo = repoOf(call, READ_STATUSES);
  const sha = commitOf(call, repo);
  const all = repo.statuses.filter((one) => one.sha === sha).sort((a, b) => b.id - a.id);
  return paged(call, all, (one) => renderStatus(call, repo, one));
}

function createStatus(call: Call): Reply {
  const repo = repoOf(call, { role: 'write', resource: 'statuses', level: 'write' });
  const sha = commitOf(call, repo, call.params['sha']);
  const state = (text(call, 'state') ?? '') as CommitStatus['state'];
  const fields = { description: text(call, 'description') ?? null, targetUrl: text(call, 'target_url') ?? null };
  const status = addStatus(call.store, repo, {
    sha,
    state,
    context: text(call, 'context') ?? 'default',
    creatorId: viewerOf(call).userId,
    ...fields,
  });
  return { status: 201, body: renderStatus(call, repo, status) };
}

function renderWorkflowRun(call: Call, repo: Repository, suite: CheckSuite, number: number): Record<string, unknown> {
  const url = `${repoUrl(call, repo)}/actions/runs/${suite.workflowRunId}`;
  const [commit] = listCommits(repo, ['-1', suite.headSha]);
  const person = ({ name, email }: { name: string; email: string }) => ({ name, email });
  const head = commit && { ...{ id: commit.sha, tree_id: commit.tree, message: commit.message, timestamp: commit.committer.date } };
  const small = renderRepo(call, repo, undefined);
  return {
    ...{ id: suite.workflowRunId, name: 'CI', node_id: suite.nodeId, check_suite_id: suite.id, check_suite_node_id: suite.nodeId, url },
    ...{ head_branch: suite.headBranch, head_sha: suite.headSha, path: '.github/workflows/ci.yml', run_number: number },
    ...{
      run_attempt: suite.runAttempt,
      event: suite.event,
      ...suiteState(repo, suite),
      workflow_id: 1,
      display_title: commit?.message ?? '',
    },
    ...{ html_url: `${repoPage(call, repo)}/actions/runs/${suite.workflowRunId}`, pull_requests: pullsOf(call, repo, suite.headSha) },
    ...{ created_at: suite.createdAt, updated_at: suite.updatedAt, run_started_at: suite.createdAt, jobs_url: `${url}/jobs` },
    ...{ logs_url: `${url}/logs`, check_suite_url: `${repoUrl(call, repo)}/check-suites/${suite.id}`, artifacts_url: `${url}/artifacts` },
    ...{ cancel_url: `${url}/cancel`, rerun_url: `${url}/rerun`, workflow_url: `${repoUrl(call, repo)}/actions/workflows/1` },
    head_commit: head ? { ...head, author: person(commit.author), committer: person(commit.committer) } : null,
    ...{ repository: small, head_repository: small },
  };
}

function listWorkflowRuns(call: Call): Reply {
  const repo = repoOf(call, READ_ACTIONS);
  const { query } = call;
  const all = repo.checkSuites.filter((suite) => suite.workflowRunId !== undefined);
  const kept = all.filter((suite) => {
    const { status, conclusion } = suiteState(repo, suite);
    const wanted = query.get('status');
    return (
      (query.get('head_sha') ?? suite.headSha) === suite.headSha &&
      (query.get('branch') ?? suite.headBranch) === suite.headBranch &&
      (query.get('event') ?? suite.event) === suite.event &&
      (wanted === null || wanted === status || wanted === conclusion)
    );
  });
  const render = (suite: CheckSuite) => renderWorkflowRun(call, repo, suite, all.indexOf(suite) + 1);
  return paged(call, kept.reverse(), render, (workflow_runs, total_count) => ({ total_count, workflow_runs }));
}

function suiteOfRun(call: Call, repo: Repository): CheckSuite {
  const suite = repo.checkSuites.find((one) => one.workflowRunId === Number(call.params['run_id']));
  if (!suite) throw notFound();
  return suite;
}

function listJobs(call: Call): Reply {
  const repo = repoOf(call, READ_ACTIONS);
  const suite = suiteOfRun(call, repo);
  const runUrl = `${repoUrl(call, repo)}/actions/runs/${suite.workflowRunId}`;
  const jobs = repo.checkRuns.filter((run) => run.suiteId === suite.id && run.appId === ACTIONS_APP);
  const render = (run: CheckRun) => ({
    ...{
      id: run.id,
      run_id: suite.workflowRunId,
      run_url: runUrl,
      run_attempt: suite.runAttempt,
      node_id: run.nodeId,
      head_sha: run.headSha,
    },
    ...{
      url: `${repoUrl(call, repo)}/actions/jobs/${run.id}`,
      html_url: pageOf(call, repo, run),
      status: run.status,
      conclusion: run.conclusion,
    },
    ...{
      created_at: suite.createdAt,
      started_at: run.startedAt ?? suite.createdAt,
      completed_at: run.completedAt,
      name: run.name,
      steps: [],
    },
    ...{ check_run_url: `${repoUrl(call, repo)}/check-runs/${run.id}`, labels: ['ubuntu-latest'], runner_id: null, runner_name: null },
    ...{ runner_group_id: null, runner_group_name: null, workflow_name: 'CI', head_branch: suite.headBranch },
  });
  return paged(call, jobs, render, (list, total_count) => ({ total_count, jobs: list }));
}

/** The log itself is served at `/_logs/ID`, without a token, as GitHub's short-lived addresses are. */
function getLogs(call: Call): Reply {
  const repo = repoOf(call, READ_ACTIONS);
  const run = repo.checkRuns.find((one) => one.id === Number(call.params['job_id']));
  if (run?.log === undefined) throw notFound();
  return { status: 302, headers: { location: `${call.url}/_logs/${repo.id}/${run.id}` } };
}

function rerun(call: Call): Reply {
  const repo = repoOf(call, { role: 'write', resource: 'actions', level: 'write' });
  const suite = suiteOfRun(call, repo);
  const { status, conclusion } = suiteState(repo, suite);
  if (status !== 'completed' || conclusion === 'success') throw new Refusal(403, 'This workflow run cannot be retried');
  rerunFailed(call.store, repo, suite);
  return { status: 201, body: {} };
}

const REPO = '/repos/{owner}/{repo}';
export const checkRoutes: Route[] = [
  { method: 'GET', path: `${REPO}/commits/{ref}/check-runs`, run: listRuns },
  { method: 'GET', path: `${REPO}/commits/{ref}/status`, run: getCombined },
  { method: 'GET', path: `${REPO}/commits/{ref}/statuses`, run: listStatuses },
  { method: 'POST', path: `${REPO}/statuses/{sha}`, run: createStatus },
  { method: 'POST', path: `${REPO}/check-runs`, run: createRun },
  { method: 'PATCH', path: `${REPO}/check-runs/{check_run_id}`, run: editRun },
  { method: 'GET', path: `${REPO}/actions/runs`, run: listWorkflowRuns },
  { method: 'GET', path: `${REPO}/actions/runs/{run_id}/jobs`, run: listJobs },
  { method: 'GET', path: `${REPO}/actions/jobs/{job_id}/logs`, run: getLogs },
  { method: 'POST', path: `${REPO}/actions/runs/{run_id}/rerun-failed-jobs`, run: rerun },
];
