/**
 * The local stand-in for Actions: runs the checks that are pending on open pull
 * requests, on the merge of head and base, in a clean checkout without a git
 * dir, inside the sandbox. A result is recorded for the head it ran on and for
 * no other. What an earlier run left behind when it was killed is removed first.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { ensureDirectory, writeFileAtomic } from '../../atomic-file.ts';
import { describeFailure, type LineRun, runLines } from '../../checkout/run-lines.ts';
import type { Clock } from '../../clock.ts';
import { runMark } from '../../config/paths.ts';
import { AgentOsError } from '../../errors.ts';
import { type FrontMatter, renderFrontMatter } from '../../front-matter.ts';
import { tryLock } from '../../lock.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { cleanText, tail } from '../../text.ts';
import { type RepositoryFiles, readSettings, repositoryFiles } from './files.ts';
import { checkOutTree, mergeTree } from './git.ts';
import type { PullRecord } from './records.ts';
import { readBranch } from './refs.ts';
import { renderSections, storedText } from './sections.ts';
import { withLock } from './transaction.ts';
import { type CheckResult, checksPath, listChecks, listPulls, readCheckResults } from './view.ts';

/** What of a repository's configuration matters here. */
export interface LocalCiRepo {
  name: string;
  setup: readonly string[];
  local_ci: readonly string[];
}

export interface LocalCi {
  root: string;
  clock: Clock;
  /** Opened only when something is to run. */
  sandbox(): Promise<Sandbox>;
  /** Hosts that `setup` may reach, as in `sandbox.network`; checks reach none. */
  setupNetwork: readonly string[];
  /** A private directory for checkouts and transcripts; emptied. */
  work: string;
  /** Removes a directory whatever a program did to it. */
  remove(path: string): Promise<void>;
}

/** A check that this run brought to an end. */
export interface CiOutcome {
  repo: string;
  number: number;
  sha: string;
  name: string;
  state: 'success' | 'failure';
}

const OUTPUT_KEPT = 20_000;

/**
 * Runs everything pending in these repositories, one check after another.
 * @throws AgentOsError `locked` while another run is at it, `cancelled` when the signal came; results so far are recorded.
 */
export async function runLocalCi(ci: LocalCi, repos: readonly LocalCiRepo[], signal: AbortSignal): Promise<CiOutcome[]> {
  ensureDirectory(ci.work);
  const lock = tryLock(`${ci.work}/.lock`);
  if (!lock) throw new AgentOsError('locked', 'another `agentos local ci` is running');
  try {
    for (const name of readdirSync(ci.work)) if (name !== '.lock') await removeLeftovers(ci, name);
    const outcomes: CiOutcome[] = [];
    for (const repo of repos) outcomes.push(...(await runRepository(ci, repo, signal)));
    return outcomes;
  } finally {
    lock.release();
  }
}

/** A checkout's directory has the name that marks its processes. */
async function removeLeftovers(ci: LocalCi, name: string): Promise<void> {
  await (await ci.sandbox()).killLeftovers(runMark(ci.work, name));
  await ci.remove(`${ci.work}/${name}`);
}

async function runRepository(ci: LocalCi, repo: LocalCiRepo, signal: AbortSignal): Promise<CiOutcome[]> {
  if (repo.local_ci.length === 0) return [];
  const files = repositoryFiles(ci.root, repo.name);
  await readSettings(files);
  const outcomes: CiOutcome[] = [];
  const seen = new Set<string>();
  for (const pull of await listPulls(files)) {
    if (pull.state !== 'open' || seen.has(pull.headSha)) continue;
    seen.add(pull.headSha);
    const checks = await listChecks(files, pull.headSha, repo.local_ci);
    const pending = checks.filter((check) => check.state === 'pending').map((check) => check.name);
    if (pending.length === 0) continue;
    for (const { name, state } of await runPull(ci, files, repo, pull, pending, signal)) {
      outcomes.push({ repo: repo.name, number: pull.number, sha: pull.headSha, name, state });
    }
  }
  return outcomes;
}

async function runPull(
  ci: LocalCi,
  files: RepositoryFiles,
  repo: LocalCiRepo,
  pull: PullRecord,
  pending: readonly string[],
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const base = readBranch(files.gitDir, pull.base);
  const merged = base === undefined ? { conflicts: [] } : mergeTree(files.gitDir, base, pull.headSha);
  if (merged.tree === undefined) {
    const where = merged.conflicts.length > 0 ? `: ${merged.conflicts.join(', ')}` : '';
    return recordAll(ci, files, pull.headSha, pending, `The head conflicts with \`${pull.base}\`${where}. Nothing was run.`);
  }
  const results: CheckResult[] = [];
  for (const [index, line] of pending.entries()) {
    const mark = `ci-${pull.headSha.slice(0, 12)}-${index + 1}`;
    const dirs = makeDirs(`${ci.work}/${mark}`);
    try {
      checkOutTree(files.gitDir, merged.tree, dirs.tree, `${dirs.root}/index`);
      const result = await runCheck(ci, repo, { ...dirs, line, mark: runMark(ci.work, mark) }, signal);
      results.push(...(await record(ci, files, pull.headSha, [result])));
    } finally {
      await ci.remove(dirs.root);
    }
  }
  return results;
}

interface CheckDirs {
  root: string;
  tree: string;
  home: string;
}

function makeDirs(root: string): CheckDirs {
  const dirs = { root, tree: `${root}/tree`, home: `${root}/home` };
  for (const dir of Object.values(dirs)) mkdirSync(dir, { recursive: true, mode: 0o700 });
  return dirs;
}

type NewResult = Omit<CheckResult, 'at'>;

/** `setup`, then the one line; each check has a checkout of its own. */
async function runCheck(
  ci: LocalCi,
  repo: LocalCiRepo,
  check: CheckDirs & { line: string; mark: string },
  signal: AbortSignal,
): Promise<NewResult> {
  const sandbox = await ci.sandbox();
  const common = { cwd: check.tree, home: check.home, objects: [], logs: check.root, mark: check.mark };
  const setup = await runLines(sandbox, { ...common, name: 'setup', lines: repo.setup, network: ci.setupNetwork }, signal);
  const prepared = setup.every((run) => run.ok);
  const runs = prepared ? await runLines(sandbox, { ...common, name: 'check', lines: [check.line], network: [] }, signal) : setup;
  if (signal.aborted || runs.some((run) => run.ended === 'stopped')) {
    throw new AgentOsError('cancelled', `the check \`${check.line}\` was stopped; it stays pending`);
  }
  const failure = describeFailure(runs);
  const output = failure === undefined ? outputOf(runs) : `${outputOf(runs)}\n${prepared ? '' : 'setup: '}${failure}`;
  return { name: check.line, state: failure === undefined ? 'success' : 'failure', output: output.trim() };
}

function outputOf(runs: readonly LineRun[]): string {
  return tail(cleanText(runs.at(-1)?.output ?? '').trimEnd(), OUTPUT_KEPT);
}

async function recordAll(ci: LocalCi, files: RepositoryFiles, sha: string, names: readonly string[], why: string): Promise<CheckResult[]> {
  return record(
    ci,
    files,
    sha,
    names.map((name): NewResult => ({ name, state: 'failure', output: why })),
  );
}

/** Adds results to those of the commit. The first result of a check stands: a commit does not change. */
async function record(ci: LocalCi, files: RepositoryFiles, sha: string, results: readonly NewResult[]): Promise<CheckResult[]> {
  return withLock(files.lock, async () => {
    const known = await readCheckResults(files, sha);
    const at = ci.clock.now().toISOString();
    const added = results.filter(({ name }) => !known.some((other) => other.name === name)).map((result) => ({ ...result, at }));
    ensureDirectory(`${files.dir}/checks`);
    writeFileAtomic(checksPath(files, sha), renderChecks(sha, [...known, ...added]));
    return added;
  });
}

function renderChecks(sha: string, results: readonly CheckResult[]): string {
  const head = renderFrontMatter({ sha, checks: results.map(({ name, state, at }): FrontMatter => ({ name, state, at })) }, '');
  const sections = results.map(({ name, output }) => ({ kind: 'output' as const, fields: { name }, text: storedText(output) }));
  return `${head.trimEnd()}\n\n${renderSections('', sections)}`;
}
