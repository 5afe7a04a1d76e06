/** Prepares the isolated directory of an attempt: newest branches, a throw-away clone, `setup`, memory, prompt. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { renderResultTemplate } from '../../core/agents/result.ts';
import { ensureDirectory, readIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import { describeFailure, runLines } from '../../core/checkout/run-lines.ts';
import { runPath } from '../../core/config/paths.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError, toIoError } from '../../core/errors.ts';
import { readEvidence } from '../../core/evidence.ts';
import { openMemory } from '../../core/memory/store.ts';
import { cleanText, tail } from '../../core/text.ts';
import type { Job } from './job.ts';
import { type EarlierAttempt, type PromptFacts, renderPrompt } from './prompt.ts';
import { noteStart } from './salvage.ts';

export interface Prepared {
  /** The commit that the tree is judged against, and the first parent of what is pushed. */
  base: string;
  parents: string[];
  /** Conflict markers laid into the tree; a fix that leaves it so did nothing. */
  startTree?: string;
  untracked: Record<string, string>;
  exclude: string[];
  prompt: string;
}

const RESULT_FILE = '.agent_result.md';
const MEMORY_FILE = 'CODEBASE.md';

/** Tip of the base branch now, fetched into the mirror. */
export async function fetchBase(job: Job): Promise<string> {
  const { forge, git, host, letter } = job;
  const { task } = letter;
  const tip = await forge.findBranch(task.repo, task.base);
  if (tip === undefined) throw new AgentOsError('not_found', `${task.repo} has no branch \`${task.base}\``);
  const wanted = [{ branch: task.base, sha: tip }];
  if (task.fix) wanted.push({ branch: task.branch, sha: task.fix.head });
  await git.fetch(host, await forge.getRemote(task.repo, 'read'), wanted);
  return tip;
}

/** Makes the directory ready for the agent. @throws AgentOsError for what is not the agent's fault. */
export async function prepareAttempt(job: Job, baseTip: string): Promise<Prepared> {
  const { git, host, letter } = job;
  const { fix } = letter.task;
  const base = fix?.head ?? baseTip;
  for (const dir of [job.runDir, job.home]) ensureDirectory(dir);
  const start = await startingPoint(job, baseTip);
  await git.createWorkspace(host, { path: job.tree, commit: base, branch: letter.task.branch, ...(start.tree && { tree: start.tree }) });
  crashPoint('queue:workspace-made');
  const untracked = await setUp(job, base);
  const { exclude, memory } = await layMemory(job);
  const prompt = renderPrompt(promptFacts(job, memory));
  writeFileAtomic(`${job.runDir}/prompt.md`, prompt, { durable: false });
  const reading = { base, untracked, exclude: [RESULT_FILE, ...exclude] };
  noteStart(job.runDir, reading);
  return { ...reading, parents: start.parents, prompt, ...(start.tree && { startTree: start.tree }) };
}

async function startingPoint(job: Job, baseTip: string): Promise<{ parents: string[]; tree?: string }> {
  const { fix } = job.letter.task;
  if (!fix) return { parents: [baseTip] };
  if (fix.kind === 'checks') return { parents: [fix.head] };
  const merged = await job.git.mergeTree(job.host, fix.head, baseTip);
  return { parents: [fix.head, baseTip], tree: merged.tree };
}

/** Runs `setup` and notes the untracked files it left, which are no part of the change. */
async function setUp(job: Job, base: string): Promise<Record<string, string>> {
  const { repo, ports } = job;
  if (repo.setup.length === 0) return {};
  const runs = await runLines(
    await ports.sandbox(),
    {
      lines: repo.setup,
      cwd: job.tree,
      home: job.home,
      objects: [`${job.host.mirror}/objects`],
      network: ports.config.sandbox.network,
      logs: job.runDir,
      name: 'setup',
      mark: job.mark,
    },
    job.signal,
  );
  if (job.signal.aborted) throw new AgentOsError('cancelled', 'stopped during `setup`');
  const failure = describeFailure(runs);
  if (failure !== undefined) {
    const output = tail(cleanText(runs.at(-1)?.output ?? ''), 500).replace(/\s+/g, ' ');
    throw new AgentOsError('refused', `setup failed: ${failure}: ${output}`);
  }
  return job.git.listUntracked(job.host, job.tree, base);
}

/** Lays the memory beside the work, unless the repository has a file of that name. */
async function layMemory(job: Job): Promise<{ exclude: string[]; memory?: string }> {
  const text = await openMemory(job.ports.paths.memory).read(job.letter.task.repo);
  if (existsSync(`${job.tree}/${MEMORY_FILE}`)) return text === '' ? { exclude: [] } : { exclude: [], memory: text };
  if (text !== '') writeFileAtomic(`${job.tree}/${MEMORY_FILE}`, text, { durable: false, mode: 0o644 });
  return { exclude: [MEMORY_FILE] };
}

function promptFacts(job: Job, memory: string | undefined): PromptFacts {
  const { task, body } = job.letter;
  const given = makeGiven(job.home);
  const taskFile = `${given}/task.md`;
  writeFileAtomic(taskFile, body, { durable: false });
  return {
    nonce: randomBytes(8).toString('hex'),
    task,
    body,
    taskFile,
    template: renderResultTemplate(),
    setup: job.repo.setup,
    verify: job.repo.verify,
    earlier: layEarlier(job, given),
    ...(memory !== undefined && { memory }),
  };
}

/** The directory in HOME for what the agent may read beside its prompt: new, whatever `setup` planted in its place. */
function makeGiven(home: string): string {
  const path = `${home}/.agentos`;
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw toIoError(error, `empty \`${path}\``);
  }
  ensureDirectory(path);
  return path;
}

/** Attempts that failed, and all that left a change, however they ended; the whole of it is laid where the agent can read it. */
function layEarlier(job: Job, given: string): EarlierAttempt[] {
  const { task } = job.letter;
  if (task.fix) return [];
  const ended = task.attempts.filter((attempt) => attempt.ended_at !== undefined);
  return ended.flatMap(({ n, agent, outcome, code = 'failed', summary = '' }) => {
    const dir = runPath(job.ports.paths, task.id, n);
    const patch = cleanText(readIfThere(`${dir}/diff.patch`) ?? '');
    const failed = outcome === 'failed' && n > (task.attempts_forgiven ?? 0);
    if (!failed && patch === '') return [];
    const patchFile = `${given}/attempt-${n}.patch`;
    if (patch !== '') writeFileAtomic(patchFile, patch, { durable: false });
    return { n, agent, code, summary, patch, output: readEvidence(dir)?.output ?? '', ...(patch !== '' && { patchFile }) };
  });
}
