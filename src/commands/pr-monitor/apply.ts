/** Acts on one verdict of the PR monitor; every write is bound to the head that was judged. */

import { verifyTree } from '../../core/checkout/verify-tree.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { PullRequest } from '../../core/github/github.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Fix, Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { cleanLine, cleanText, tail } from '../../core/text.ts';
import type { Applied } from '../run-command.ts';
import { finalize } from './finalize.ts';
import { gatherPull } from './gather-pull.ts';
import { merge } from './merge.ts';
import { findOwnUpdate } from './own-heads.ts';
import { decidePrMonitor, fixOnce, type PrMonitorAction } from './policy.ts';
import { settleEscalated, settleFix, settleWithdrawn } from './settle.ts';

type Active = Extract<PrMonitorAction, { expectedHeadSha: string }>;

export async function applyPrMonitor(ports: Ports, action: PrMonitorAction): Promise<Applied> {
  if (action.kind === 'unreadable') throw action.error;
  if (!('expectedHeadSha' in action)) return { outcome: 'skipped' };
  const letter = await (await ports.mailbox()).find(action.id);
  if (!letter || (letter.tray !== 'review' && letter.tray !== 'escalated') || letter.task.pull_request === undefined) {
    throw new AgentOsError('conflict', `task ${action.id} has left review`);
  }
  const repo = ports.config.repos.find((entry) => entry.name === letter.task.repo);
  if (!repo) throw new AgentOsError('config', `${letter.task.repo} is not in \`repos\``);
  // The last look before anything is done, from zero: an earlier action of the pass may have taken half an hour.
  const number = letter.task.pull_request;
  const [again] = decidePrMonitor({ pulls: [await gatherPull(ports, repo, letter, number)] });
  if (again?.kind !== action.kind || again.expectedHeadSha !== action.expectedHeadSha) {
    return { outcome: 'deferred', reason: `#${number} changed while it was looked at: ${again?.reason}` };
  }
  if (action.kind !== 'finalize' && action.kind !== 'withdraw') await recordCutOff(ports, letter.task, number);
  return act(ports, repo, letter, number, action);
}

async function act(ports: Ports, repo: RepoConfig, letter: Letter, number: number, action: Active): Promise<Applied> {
  const forge = await ports.forge();
  switch (action.kind) {
    case 'finalize':
      return finalize(ports, repo, letter, await forge.getPullRequest(repo.name, number));
    case 'withdraw':
      await settleWithdrawn(ports, letter, action.reason);
      return { outcome: 'applied' };
    case 'escalate':
      await settleEscalated(ports, letter, action.reason);
      return { outcome: 'applied' };
    case 'queue-fix':
      return queueFix(ports, letter, await forge.getPullRequest(repo.name, number), action);
    case 'update-branch':
      return updateBranch(ports, letter, number, action.expectedHeadSha);
    case 'verify-head':
      return verifyHead(ports, repo, letter, number, action.expectedHeadSha);
    case 'merge': {
      const pull = await merge(ports, repo, letter, action.expectedHeadSha);
      if (!pull) return { outcome: 'applied', reason: `${action.reason}; the merge queue of ${repo.name} has it` };
      const done = await finalize(ports, repo, letter, pull);
      return { ...done, reason: `${action.reason}; ${done.reason}` };
    }
  }
}

async function updateBranch(ports: Ports, letter: Letter, number: number, expected: string): Promise<Applied> {
  const { task } = letter;
  const { sha } = await ensureUpdate(ports, task, number, expected, () => makeUpdate(ports, task, number, expected));
  await ports.log.write({
    event: 'pr-monitor.pull_request.updated',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    pr: number,
    outcome: 'updated',
    reason: `${task.base} merged into ${task.branch} as ${sha}`,
  });
  return { outcome: 'applied', detail: { sha } };
}

/**
 * The forge names what stands on the branch once it is done; that this is our merge of the base, and not one that somebody
 * else pushed at the same moment, the commit itself must show.
 */
async function makeUpdate(ports: Ports, task: Task, number: number, expected: string): Promise<{ sha: string }> {
  const made = await (await ports.forge()).updateBranch(task.repo, number, expected);
  if (made.sha === expected) return made;
  const found = await findOwnUpdate(ports, task, expected).catch((error: unknown) => error);
  if ((found as { sha?: unknown } | undefined)?.sha === made.sha) return made;
  throw new AgentOsError('unknown_outcome', `nobody knows whether ${made.sha} on #${number} is our update of its branch`, { cause: found });
}

async function ensureUpdate(ports: Ports, task: Task, number: number, expected: string, act: () => Promise<{ sha: string }>) {
  return (await ports.effects()).ensure({
    repo: task.repo,
    subject: `#${number}`,
    kind: 'update-branch',
    key: expected,
    nature: 'once',
    probe: () => findOwnUpdate(ports, task, expected),
    act,
  });
}

/** Records an update of ours that a crash kept from the journal, before another commit hides it. */
async function recordCutOff(ports: Ports, task: Task, number: number): Promise<void> {
  const updates = await (await ports.effects()).list(task.repo, 'update-branch');
  for (const { state, subject, key } of updates) {
    if (state !== 'intent' || subject !== `#${number}` || !(await findOwnUpdate(ports, task, key))) continue;
    await ensureUpdate(ports, task, number, key, async () => {
      throw new AgentOsError('conflict', `the head of #${number} moved`);
    });
  }
}

/** Runs `verify` on a head that the forge has no checks for; red is handled like a failed check. */
async function verifyHead(ports: Ports, repo: RepoConfig, letter: Letter, number: number, expected: string): Promise<Applied> {
  const { task } = letter;
  const pull = await (await ports.forge()).getPullRequest(task.repo, number);
  if (pull.headSha !== expected) throw new AgentOsError('conflict', `the head of #${number} moved`);
  const git = await ports.git();
  const host = await git.openHost(task.repo);
  const tree = await git.treeOf(host, pull.headSha);
  const verified = await verifyTree(
    { paths: ports.paths, config: ports.config, git, sandbox: await ports.sandbox() },
    { host, repo, task: task.id, label: `head-${number}`, commit: pull.headSha, tree },
    ports.signal,
  );
  if (verified.ok) return { outcome: 'applied', reason: `\`verify\` passed on ${pull.headSha.slice(0, 12)}` };
  const reason = `\`verify\` failed on this head: ${verified.reason}`;
  if (fixOnce(task, 'checks', reason).kind === 'escalate') {
    await settleEscalated(ports, letter, `${reason}, after one fix`);
    return { outcome: 'applied', reason };
  }
  const base = (await (await ports.forge()).findBranch(task.repo, pull.base)) ?? pull.headSha;
  await settleFix(
    ports,
    letter,
    { kind: 'checks', head: pull.headSha, base, about: [cleanLine(verified.reason, 500)], evidence: verified.output },
    reason,
  );
  return { outcome: 'applied', reason };
}

async function queueFix(ports: Ports, letter: Letter, pull: PullRequest, action: Active & { kind: 'queue-fix' }): Promise<Applied> {
  if (pull.headSha !== action.expectedHeadSha) throw new AgentOsError('conflict', `the head of #${pull.number} moved`);
  const forge = await ports.forge();
  const { task } = letter;
  const base = await forge.findBranch(task.repo, pull.base);
  if (base === undefined) throw new AgentOsError('not_found', `${task.repo} has no branch \`${pull.base}\``);
  const failed = (await forge.listCheckRuns(task.repo, pull.headSha, pull.base)).filter((check) => check.state === 'failure');
  const fix: Fix = {
    kind: action.fix,
    head: pull.headSha,
    base,
    about: (action.fix === 'checks' ? failed.map((check) => check.name) : (pull.conflicts ?? []))
      .slice(0, 50)
      .map((text) => cleanLine(text, 500)),
    evidence: tail(failed.map((check) => `${cleanLine(check.name, 200)}:\n${cleanText(check.output ?? '')}`).join('\n\n'), 15_000),
  };
  await settleFix(ports, letter, fix, action.reason);
  return { outcome: 'applied', detail: { task: task.id } };
}
