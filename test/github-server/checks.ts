/**
 * Checks: what Actions would run for a pull request (`Repository.checks`), and
 * the runs and statuses others report. A suite begins when a pull request is
 * opened or its head moves and stays queued until `runChecks`; a conflicting
 * pull request starts none, a rerun tests the same merge again, as on GitHub.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { branchTip, commitTree, git, mergeTree, tryGit } from './git-store.ts';
import type { CheckRun, CheckSuite, CommitStatus, Issue, Pull, Repository } from './records.ts';
import type { Store } from './store.ts';

/** The App that owns Actions' checks; its number on github.com. */
export const ACTIONS_APP = 15368;

export function startChecks(store: Store, repo: Repository, issue: Issue, pull: Pull): void {
  if (repo.checks.length === 0) return;
  const base = branchTip(store, repo, pull.baseRef);
  const tree = base && mergeTree(repo, base, pull.headSha);
  if (!base || !tree) return;
  const person = { name: 'GitHub', email: 'noreply@github.com' };
  const testSha = commitTree(repo, tree, [base, pull.headSha], `Merge ${pull.headSha} into ${base}`, person, store.stamp());
  tryGit(repo.gitDir, ['update-ref', `refs/pull/${issue.number}/merge`, testSha]);
  const suite = addSuite(store, repo, ACTIONS_APP, pull.headSha, pull.headRef);
  Object.assign(suite, { event: 'pull_request', workflowRunId: store.newIds('').id, testSha });
  for (const plan of repo.checks) addRun(store, repo, suite, { name: plan.name });
}

function addSuite(store: Store, repo: Repository, appId: number, headSha: string, headBranch: string): CheckSuite {
  const at = store.stamp();
  const suite: CheckSuite = { ...store.newIds('CS'), appId, headSha, headBranch, runAttempt: 1, createdAt: at, updatedAt: at };
  repo.checkSuites.push(suite);
  return suite;
}

export function addRun(store: Store, repo: Repository, suite: CheckSuite, given: Partial<CheckRun> & { name: string }): CheckRun {
  const run: CheckRun = {
    ...store.newIds('CR'),
    ...{ suiteId: suite.id, appId: suite.appId, headSha: suite.headSha, status: 'queued', conclusion: null, startedAt: null },
    ...{ completedAt: null, detailsUrl: null, externalId: '', output: { title: null, summary: null, text: null } },
    ...given,
  };
  repo.checkRuns.push(run);
  return run;
}

/** The suite an App reports into for a commit: one per App and commit. */
export function suiteOf(store: Store, repo: Repository, appId: number, sha: string, branch: string): CheckSuite {
  return repo.checkSuites.find((one) => one.appId === appId && one.headSha === sha) ?? addSuite(store, repo, appId, sha, branch);
}

export function addStatus(
  store: Store,
  repo: Repository,
  given: Pick<CommitStatus, 'sha' | 'state' | 'context' | 'creatorId'> & Partial<CommitStatus>,
): CommitStatus {
  const status: CommitStatus = { ...store.newIds('SC'), description: null, targetUrl: null, createdAt: store.stamp(), ...given };
  repo.statuses.push(status);
  return status;
}

/** Newest first; `latest` keeps the newest of each name and App. */
export function runsOf(repo: Repository, sha: string, latest: boolean): CheckRun[] {
  const runs = repo.checkRuns.filter((run) => run.headSha === sha).sort((a, b) => b.id - a.id);
  if (!latest) return runs;
  const suites = new Map<string, CheckRun>();
  for (const run of runs) {
    const key = `${run.appId} ${run.name} ${repo.checkSuites.find((suite) => suite.id === run.suiteId)?.event ?? ''}`;
    if (!suites.has(key)) suites.set(key, run);
  }
  return [...suites.values()];
}

/** The newest status of every context, newest first. */
export function latestStatuses(repo: Repository, sha: string): CommitStatus[] {
  const all = repo.statuses.filter((one) => one.sha === sha).sort((a, b) => b.id - a.id);
  return all.filter((one, index) => all.findIndex((other) => other.context === one.context) === index);
}

export function completeRun(store: Store, run: CheckRun, conclusion: NonNullable<CheckRun['conclusion']>, text?: string): void {
  run.startedAt ??= store.stamp();
  Object.assign(run, { status: 'completed', conclusion, completedAt: store.stamp() });
  if (text !== undefined) run.log = text;
}

/** Runs everything of Actions that is queued. @returns the runs that ended. */
export function runChecks(store: Store, repo: Repository): CheckRun[] {
  return repo.checkRuns.filter((run) => {
    const plan = repo.checks.find((one) => one.name === run.name);
    const suite = repo.checkSuites.find((one) => one.id === run.suiteId);
    if (run.status === 'completed' || run.appId !== ACTIONS_APP || !plan || !suite?.testSha) return false;
    run.startedAt ??= store.stamp();
    run.status = 'in_progress';
    if (plan.run === 'hold') return false;
    const { ok, text } =
      plan.run === 'pass' || plan.run === 'fail' ? { ok: plan.run === 'pass', text: '' } : runLine(repo, suite.testSha, plan.run);
    completeRun(store, run, ok ? 'success' : 'failure', text);
    suite.updatedAt = store.stamp();
    return true;
  });
}

/** In a clean checkout, with nothing of the caller's environment but the path. */
function runLine(repo: Repository, sha: string, line: string): { ok: boolean; text: string } {
  const work = mkdtempSync(join(tmpdir(), 'test-github-check-'));
  try {
    git(work, ['clone', '-q', '--no-checkout', '--no-hardlinks', '--shared', repo.gitDir, '.']);
    git(work, ['checkout', '-q', '--detach', sha]);
    const env = { PATH: process.env['PATH'], HOME: work, CI: 'true' };
    const done = spawnSync('/bin/sh', ['-c', line], { cwd: work, env, encoding: 'utf8', timeout: 60_000 });
    return { ok: done.status === 0, text: `${done.stdout}${done.stderr}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts the failed jobs of a workflow run back into the queue: in place, the same commit is tested again. */
export function rerunFailed(store: Store, repo: Repository, suite: CheckSuite): void {
  suite.runAttempt++;
  suite.updatedAt = store.stamp();
  for (const run of repo.checkRuns) {
    if (run.suiteId !== suite.id || run.conclusion === 'success') continue;
    Object.assign(run, { status: 'queued', conclusion: null, startedAt: null, completedAt: null });
    delete run.log;
  }
}

export function suiteState(repo: Repository, suite: CheckSuite): { status: CheckRun['status']; conclusion: CheckRun['conclusion'] } {
  const runs = repo.checkRuns.filter((run) => run.suiteId === suite.id);
  if (runs.length === 0 || runs.every((run) => run.status === 'queued')) return { status: 'queued', conclusion: null };
  if (runs.some((run) => run.status !== 'completed')) return { status: 'in_progress', conclusion: null };
  const worst = runs.find((run) => !['success', 'neutral', 'skipped'].includes(run.conclusion ?? ''));
  return { status: 'completed', conclusion: worst ? worst.conclusion : 'success' };
}
