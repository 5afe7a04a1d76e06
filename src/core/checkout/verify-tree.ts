/**
 * Proves a tree by the repository's own `verify` lines, on a fresh checkout in
 * the sandbox, after `setup`. What passed is kept beside the task's runs, bound
 * to the tree and to the lines, so that the same tree is not verified twice.
 */
import { ensureDirectory, readIfThere, writeFileAtomic } from '../atomic-file.ts';
import { runMark, type StatePaths } from '../config/paths.ts';
import type { LoadedConfig, RepoConfig } from '../config/schema.ts';
import { AgentOsError } from '../errors.ts';
import type { Git, HostRepository } from '../git/git.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { cleanText, tail } from '../text.ts';
import { describeFailure, type LineRun, runLines } from './run-lines.ts';

export interface Verifier {
  paths: StatePaths;
  config: LoadedConfig;
  git: Git;
  sandbox: Sandbox;
}

export interface VerifyRequest {
  host: HostRepository;
  repo: RepoConfig;
  task: string;
  /** The attempt, or the pull request, that asks: names the directories. */
  label: string;
  /** A commit whose history the checkout has. */
  commit: string;
  /** The tree to prove. */
  tree: string;
}

export interface Verified {
  ok: boolean;
  /** One line for people. */
  reason: string;
  /** The end of the failing line's output, cleaned. */
  output: string;
  runs: { line: string; ok: boolean; duration_ms: number }[];
}

/** @throws `cancelled` when the signal stopped it. */
export async function verifyTree(with_: Verifier, request: VerifyRequest, signal: AbortSignal): Promise<Verified> {
  const { repo, task, tree } = request;
  if (repo.verify.length === 0 || isVerified(with_.paths, repo, task, tree)) return { ok: true, reason: 'verified', output: '', runs: [] };
  const runs = await inCheckout(with_, request, async (dirs) => {
    const common = {
      cwd: dirs.tree,
      home: dirs.home,
      objects: [`${request.host.mirror}/objects`],
      logs: dirs.logs,
      mark: runMark(with_.paths.root, `${task}.${request.label}`),
    };
    const { network } = with_.config.sandbox;
    const setup = await runLines(with_.sandbox, { ...common, lines: repo.setup, network, name: 'verify-setup' }, signal);
    if (setup.some((run) => !run.ok)) return setup;
    return [...setup, ...(await runLines(with_.sandbox, { ...common, lines: repo.verify, network: [], name: 'verify' }, signal))];
  });
  if (signal.aborted || runs.some((run) => run.ended === 'stopped')) throw new AgentOsError('cancelled', `verifying ${task} was stopped`);
  const failure = describeFailure(runs);
  if (failure === undefined) rememberVerified(with_.paths, repo, task, tree);
  return {
    ok: failure === undefined,
    reason: failure ?? 'verified',
    output: failure === undefined ? '' : tail(cleanText(runs.at(-1)?.output ?? ''), 12_000),
    runs: runs.map(toRecord),
  };
}

/** Whether this very tree passed these very `setup` and `verify` lines for this task. */
export function isVerified(paths: StatePaths, repo: RepoConfig, task: string, tree: string): boolean {
  return readIfThere(verifiedPath(paths, task, tree)) === proofOf(repo);
}

function rememberVerified(paths: StatePaths, repo: RepoConfig, task: string, tree: string): void {
  ensureDirectory(`${paths.runs}/${task}/verified`);
  writeFileAtomic(verifiedPath(paths, task, tree), proofOf(repo));
}

/** What passed: other lines in the configuration ask for another run. */
function proofOf({ setup, verify }: RepoConfig): string {
  return `${JSON.stringify({ setup, verify })}\n`;
}

function verifiedPath(paths: StatePaths, task: string, tree: string): string {
  return `${paths.runs}/${task}/verified/${tree}`;
}

async function inCheckout(
  with_: Verifier,
  request: VerifyRequest,
  run: (dirs: { tree: string; home: string; logs: string }) => Promise<LineRun[]>,
): Promise<LineRun[]> {
  const root = `${with_.paths.workspaces}/${request.task}/verify-${request.label}`;
  const dirs = { tree: `${root}/tree`, home: `${root}/home`, logs: `${with_.paths.runs}/${request.task}/${request.label}` };
  await with_.git.removeWorkspace(root);
  for (const dir of [root, dirs.home, dirs.logs]) ensureDirectory(dir);
  try {
    await with_.git.createWorkspace(request.host, { path: dirs.tree, commit: request.commit, branch: 'verify', tree: request.tree });
    return await run(dirs);
  } finally {
    await with_.git.removeWorkspace(root);
  }
}

function toRecord(run: LineRun): Verified['runs'][number] {
  return { line: run.line, ok: run.ok, duration_ms: Math.round(run.durationMs) };
}
