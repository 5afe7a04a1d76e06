/**
 * What the host makes of an agent's directory once the agent is gone: the tree,
 * the policy, the proof on a fresh checkout, one commit, and the evidence.
 * Whatever was made is preserved before the directory goes.
 */
import { copyFileSync } from 'node:fs';
import type { AgentReply } from '../../core/agents/agent.ts';
import type { AgentResult } from '../../core/agents/result.ts';
import { readResultFile } from '../../core/agents/result-file.ts';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { verifyTree } from '../../core/checkout/verify-tree.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError } from '../../core/errors.ts';
import { type Evidence, writeEvidence } from '../../core/evidence.ts';
import type { ImportedTree } from '../../core/git/git.ts';
import { judgeTree, type TreeChange } from '../../core/git/tree-policy.ts';
import { cleanLine } from '../../core/text.ts';
import type { Job } from './job.ts';
import { type AttemptFacts, decideOutcome, isOutweighed, type Outcome } from './outcome.ts';
import type { Prepared } from './prepare.ts';
import { renderCommitMessage, renderPullRequestBody } from './report.ts';
import { PATCH_LIMIT_BYTES, setAside } from './salvage.ts';

const REFUSALS_SHOWN = 50;

interface Findings {
  facts: AttemptFacts;
  result?: AgentResult;
  imported?: ImportedTree;
  /** The whole change of the pull request, which policy looks at. */
  changes: TreeChange[];
  protected: string[];
  output: string;
}

export async function judgeAttempt(job: Job, prepared: Prepared, reply: AgentReply): Promise<Evidence> {
  const found = await find(job, prepared, reply);
  const outcome = decideOutcome(found.facts);
  const commit = await keep(job, prepared, found, outcome);
  const evidence: Evidence = {
    version: 1,
    task: job.letter.task.id,
    attempt: job.attempt,
    agent: job.agent.name,
    ...outcome,
    base: prepared.base,
    protected: found.protected,
    output: found.output,
    ...toUsed(reply),
    ...(found.imported && { tree: found.imported.tree }),
    ...(commit !== undefined && { commit }),
    ...(found.result && { result: { summary: found.result.summary, decisions: found.result.decisions, risks: found.result.risks } }),
    ...(outcome.outcome === 'complete' && found.result && describe(job, found, found.result)),
  };
  writeUsage(job.runDir, reply);
  writeEvidence(job.runDir, evidence);
  crashPoint('queue:evidence-written');
  return evidence;
}

async function find(job: Job, prepared: Prepared, reply: AgentReply): Promise<Findings> {
  const report = readResultFile(job.tree);
  keepResultFile(job, 'result' in report);
  const { ended: how, durationMs, failure, text } = reply;
  const facts: AttemptFacts = { ended: how, durationMs, ...(failure && { failure }), ...(text !== undefined && { said: text }) };
  // Its own sum is the run's affair; that the day or the month had less left is not.
  if (job.cutShort && failure?.kind === 'limit' && (reply.costUsd ?? 0) >= (job.maxCostUsd ?? Number.POSITIVE_INFINITY))
    facts.cutShort = true;
  if ('result' in report) facts.result = toSaid(report.result);
  else facts.problem = { code: report.problem, reason: report.reason };
  const found: Findings = { facts, changes: [], protected: [], output: '', ...('result' in report && { result: report.result }) };
  const imported = await importTree(job, prepared, found);
  if (!imported) return found;
  await judgePolicy(job, prepared, found, imported);
  const ended = reply.ended === 'exited' && (!reply.failure || isOutweighed(reply.failure));
  const worth = ended && facts.result?.status === 'complete' && facts.refused?.length === 0 && facts.changed !== 0;
  if (worth) await prove(job, prepared, found, imported);
  return found;
}

/** What the run used, for the evidence and the events. */
function toUsed({ usage, costUsd, failure }: AgentReply): Pick<Evidence, 'usage' | 'cost_usd' | 'retry_at'> {
  return {
    ...(usage && {
      usage: {
        input_tokens: usage.input,
        cache_read_tokens: usage.cacheRead,
        cache_write_tokens: usage.cacheWrite,
        output_tokens: usage.output,
      },
    }),
    ...(costUsd !== undefined && { cost_usd: costUsd }),
    ...(failure?.retryAt && { retry_at: failure.retryAt.toISOString() }),
  };
}

/** `usage.json`, for people; only where the agent reports any. */
function writeUsage(runDir: string, reply: AgentReply): void {
  const used = {
    ...toUsed(reply),
    ...(reply.costIsEstimate && { cost_is_estimate: true }),
    ...(reply.session !== undefined && { session: reply.session }),
  };
  if (Object.keys(used).length > 0) writeFileAtomic(`${runDir}/usage.json`, `${JSON.stringify(used, null, 2)}\n`, { durable: false });
}

async function importTree(job: Job, prepared: Prepared, found: Findings): Promise<ImportedTree | undefined> {
  try {
    found.imported = await job.git.importTree(job.host, {
      path: job.tree,
      base: prepared.base,
      exclude: prepared.exclude,
      untracked: prepared.untracked,
    });
    crashPoint('queue:tree-imported');
    return found.imported;
  } catch (error) {
    if (!(error instanceof AgentOsError) || (error.code !== 'refused' && error.code !== 'corrupt')) throw error;
    found.facts.refused = [error.message];
    found.output = error.message;
    setAside(job.tree, job.runDir);
    return undefined;
  }
}

/** Judges the whole change of the pull request: after a fix, base to head, not just what the fix added. */
async function judgePolicy(job: Job, prepared: Prepared, found: Findings, imported: ImportedTree): Promise<void> {
  const { fix } = job.letter.task;
  const nothing = imported.tree === prepared.startTree || imported.changes.length === 0;
  found.facts.changed = nothing ? 0 : imported.changes.length;
  found.changes = fix ? await job.git.diff(job.host, prepared.parents.at(-1) ?? fix.base, imported.tree) : imported.changes;
  const judged = judgeTree(found.changes, { protectedGlobs: job.repo.protected_paths });
  found.protected = judged.protected;
  found.facts.refused = judged.refused.map(({ path, reason }) => `${cleanLine(path, 200)}: ${reason}`);
  if (fix?.kind === 'conflict' && (await hasMarkers(job, prepared, imported.tree))) {
    found.facts.refused.push('conflict markers were left in the tree');
  }
  found.output = found.facts.refused.slice(0, REFUSALS_SHOWN).join('\n');
}

async function hasMarkers(job: Job, prepared: Prepared, tree: string): Promise<boolean> {
  const patch = await job.git.renderPatch(job.host, prepared.parents.at(-1) ?? prepared.base, tree, PATCH_LIMIT_BYTES);
  return /^\+(?:<{7} |>{7} )/m.test(patch);
}

async function prove(job: Job, prepared: Prepared, found: Findings, imported: ImportedTree): Promise<void> {
  const { ports, git, host, repo, letter } = job;
  const verified = await verifyTree(
    { paths: ports.paths, config: ports.config, git, sandbox: await ports.sandbox() },
    { host, repo, task: letter.task.id, label: String(job.attempt), commit: prepared.base, tree: imported.tree },
    job.signal,
  );
  found.facts.verified = { ok: verified.ok, reason: verified.reason };
  found.output = verified.output;
}

/** One commit on the recorded base, kept in the preserved repository, pushed or not. */
async function keep(job: Job, prepared: Prepared, found: Findings, outcome: Outcome): Promise<string | undefined> {
  const { git, host, letter, ports } = job;
  const { imported } = found;
  if (!imported || imported.changes.length === 0) return undefined;
  const patch = await git.renderPatch(host, prepared.base, imported.tree, PATCH_LIMIT_BYTES);
  writeFileAtomic(`${job.runDir}/diff.patch`, patch, { durable: false });
  const { name, email } = ports.config.identity;
  const commit = await git.commitTree(host, {
    tree: imported.tree,
    parents: prepared.parents,
    message: renderCommitMessage({ task: letter.task, agent: job.agent.name }, found.result?.summary ?? outcome.summary),
    author: { name, email },
    at: ports.clock.now(),
  });
  await git.preserve(host, letter.task.id, job.attempt, commit);
  crashPoint('queue:work-preserved');
  return commit;
}

function describe(job: Job, found: Findings, result: AgentResult): Pick<Evidence, 'title' | 'body'> {
  const { task } = job.letter;
  const facts = { task, agent: job.agent.name, attempt: job.attempt, changes: found.changes, protected: found.protected };
  return { title: task.title, body: renderPullRequestBody({ ...facts, verified: job.repo.verify, result }) };
}

function toSaid(result: AgentResult): NonNullable<AttemptFacts['result']> {
  return { status: result.status, summary: result.summary, ...(result.blockerCode !== undefined && { code: result.blockerCode }) };
}

function keepResultFile(job: Job, valid: boolean): void {
  // Only a file that was read safely is copied: anything else may be a FIFO or 5 GB.
  if (valid) copyFileSync(`${job.tree}/.agent_result.md`, `${job.runDir}/result.md`);
}
