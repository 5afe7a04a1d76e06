/** Every write that a loop makes on GitHub, by the loop's own functions: how it is brought about, and how often it happened. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyFinding } from '../../../../src/commands/analyze-logs/apply.ts';
import { runPlan } from '../../../../src/commands/plan/command.ts';
import { finalize } from '../../../../src/commands/pr-monitor/finalize.ts';
import { merge } from '../../../../src/commands/pr-monitor/merge.ts';
import { findOwnUpdate } from '../../../../src/commands/pr-monitor/own-heads.ts';
import { publish } from '../../../../src/commands/queue/publish.ts';
import { AgentOsError } from '../../../../src/core/errors.ts';
import { snapshotSha } from '../../../../src/core/github/ask-readiness.ts';
import { closePullRequest } from '../../../../src/core/github/close-pull-request.ts';
import { ensureStatusComment, projectLabels, projectLetter, removeLabel } from '../../../../src/core/github/projection.ts';
import { ensureReadyLabel } from '../../../../src/core/github/ready-label.ts';
import type { Task } from '../../../../src/core/mailbox/task.ts';
import type { Ports } from '../../../../src/core/ports.ts';
import { LOOP_OPTIONS, openOutput } from '../../../support/loop-ports.ts';
import { type Case, fresh, openIssue, openPull, projector, taskOf, type Write } from './arrange-write.ts';
import { type Passes, PERSON, REPO } from './passes.ts';

/** A merged pull request whose task is in review. */
async function mergedTask(at: Passes): Promise<{ task: Task; issue: number; branch: string; before: string }> {
  const issue = openIssue(at);
  const { number, head, branch } = openPull(at);
  const before = at.server.tip(REPO, 'main') ?? '';
  at.server.as(PERSON).merge(REPO, number);
  const task = taskOf(issue, { branch, pull_request: number, pushed: head });
  await at.post(task, 'review');
  return { task, issue, branch, before };
}

async function finish(at: Passes, ports: Ports, task: Task): Promise<void> {
  const [repo] = ports.config.repos;
  const letter = await at.letter(ports, task.id);
  const forge = await ports.forge();
  if (repo && letter.tray === 'review') await finalize(ports, repo, letter, await forge.getPullRequest(REPO, task.pull_request ?? 0));
  // As the next `dispatch` does.
  const { labels } = await forge.getIssue(REPO, task.issue);
  await projectLetter(await projector(ports), await at.letter(ports, task.id), labels);
}

/** A finished attempt, ready to be pushed. */
async function published(at: Passes): Promise<{ task: Task; commit: string; run: Case['run'] }> {
  const task = taskOf(openIssue(at));
  const ports = at.pass();
  const git = await ports.git();
  const host = await git.openHost(REPO);
  const base = at.server.tip(REPO, 'main') ?? '';
  await git.fetch(host, await (await ports.forge()).getRemote(REPO, 'read'), [{ branch: 'main', sha: base }]);
  const author = { name: 'Agent OS', email: 'agentos@example.com' };
  const made = { tree: await git.treeOf(host, base), parents: [base], message: `Work on ${task.id}`, author, at: new Date(at.now) };
  const commit = await git.commitTree(host, made);
  await git.preserve(host, task.id, 1, commit);
  const found = { agent: 'codex', outcome: 'complete' as const, code: 'ok', summary: 's', protected: [], output: '' };
  const evidence = { version: 1 as const, task: task.id, attempt: 1, ...found, base, commit, title: 'T', body: 'B' };
  const run = async (now: Ports) => publish({ ...(await projector(now)), git: await now.git(), host }, task, evidence);
  return { task, commit, run };
}

const COMMENTS = /^\/repos\/acme\/shop\/issues\/\d+\/comments$/;
const ISSUE = /^\/repos\/acme\/shop\/issues\/\d+$/;
const ISSUES = /^\/repos\/acme\/shop\/issues$/;
const LABELS = /^\/repos\/acme\/shop\/issues\/\d+\/labels$/;
const MARKED = '<!-- agentos:status -->';

function merging(mergeAsync: boolean): Write['arrange'] {
  return async (at) => {
    at.server.settings.mergeAsync = mergeAsync;
    const issue = openIssue(at);
    const { number, head, branch } = openPull(at);
    const before = at.server.tip(REPO, 'main') ?? '';
    const task = taskOf(issue, { branch, pull_request: number, pushed: head });
    await at.post(task, 'review');
    const run = async (ports: Ports) => {
      await at.settleMerges();
      const [repo] = ports.config.repos;
      if (repo) await merge(ports, repo, await at.letter(ports, task.id), head);
    };
    return { run, happened: () => at.commits(before, at.server.tip(REPO, 'main') ?? '').length };
  };
}

export const WRITES: Record<string, Write> = {
  'the status comment': {
    request: { method: 'POST', path: COMMENTS },
    arrange: async (at) => {
      const issue = openIssue(at);
      const run = async (ports: Ports) => ensureStatusComment(await projector(ports), REPO, issue, `${MARKED}\nwaiting`);
      return { run, happened: () => at.server.issue(REPO, issue).comments.length };
    },
  },
  'an edit of the status comment': {
    request: { method: 'PATCH', path: /^\/repos\/acme\/shop\/issues\/comments\/\d+$/ },
    arrange: async (at) => {
      const issue = openIssue(at);
      await ensureStatusComment(await projector(at.pass()), REPO, issue, `${MARKED}\nwaiting`);
      const run = async (ports: Ports) => ensureStatusComment(await projector(ports), REPO, issue, `${MARKED}\ndone`);
      return { run, happened: () => at.server.issue(REPO, issue).comments.filter(({ body }) => body.endsWith('done')).length };
    },
  },
  'a status label': {
    request: { method: 'POST', path: LABELS },
    arrange: async (at) => {
      const issue = openIssue(at);
      const run = async (ports: Ports) => {
        const { labels } = await (await ports.forge()).getIssue(REPO, issue);
        await projectLabels(await projector(ports), REPO, issue, labels, 'review');
      };
      return { run, happened: () => at.events(issue, 'labeled') };
    },
  },
  'the removal of a label': {
    request: { method: 'DELETE', path: /^\/repos\/acme\/shop\/issues\/\d+\/labels\/.*$/ },
    arrange: async (at) => {
      const issue = openIssue(at, ['agentos:review']);
      const run = async (ports: Ports) => removeLabel(await projector(ports), REPO, issue, 'agentos:review');
      return { run, happened: () => at.events(issue, 'unlabeled') };
    },
  },
  'the label that makes ready': {
    request: { method: 'POST', path: LABELS },
    arrange: async (at) => {
      const issue = openIssue(at);
      const { title, body } = at.server.issue(REPO, issue);
      const ready = { repo: REPO, number: issue, label: 'ready', key: 'k', sha256: snapshotSha({ title, body }) };
      const run = async (ports: Ports) => ensureReadyLabel(await projector(ports), ready);
      return { run, happened: () => at.events(issue, 'labeled', 'ready') };
    },
  },
  'a push': {
    request: { method: 'POST', path: /\/git-receive-pack$/ },
    arrange: async (at) => {
      const { task, commit, run } = await published(at);
      return { run, happened: () => Number(at.server.tip(REPO, task.branch) === commit) };
    },
  },
  'a pull request': {
    request: { method: 'POST', path: /^\/repos\/acme\/shop\/pulls$/ },
    arrange: async (at) => {
      const { task, run } = await published(at);
      const issues = at.server.repo(REPO).issues;
      return { run, happened: () => [...issues.values()].filter(({ pull }) => pull?.headRef === task.branch).length };
    },
  },
  'the end of a pull request': {
    request: { method: 'PATCH', path: /^\/repos\/acme\/shop\/pulls\/\d+$/ },
    arrange: async (at) => {
      const { number } = openPull(at);
      const run = async (ports: Ports) => closePullRequest(await projector(ports), REPO, number);
      return { run, happened: () => at.events(number, 'closed') };
    },
  },
  'an update of a branch': {
    request: { method: 'PUT', path: /\/update-branch$/ },
    arrange: async (at) => {
      const { number, head, branch } = openPull(at);
      at.server.as(PERSON).push(REPO, 'main', { [`main-${number}`]: 'x\n' });
      const task = taskOf(openIssue(at), { branch, pull_request: number, pushed: head });
      const effect = { repo: REPO, subject: `#${number}`, kind: 'update-branch', key: head, nature: 'once' as const };
      const run = async (ports: Ports) => {
        const forge = await ports.forge();
        const [probe, act] = [() => findOwnUpdate(ports, task, head), () => forge.updateBranch(REPO, number, head)];
        return (await ports.effects()).ensure({ ...effect, probe, act });
      };
      return { run, happened: () => at.commits(head, at.server.tip(REPO, branch) ?? '').length };
    },
  },
  'a merge in the background': { request: { method: 'PUT', path: /\/merge-async$/ }, arrange: merging(true) },
  'a merge at once': { request: { method: 'PUT', path: /\/merge$/ }, arrange: merging(false) },
  'the end of an issue': {
    request: { method: 'PATCH', path: ISSUE },
    arrange: async (at) => {
      const { task, issue } = await mergedTask(at);
      return { run: (ports) => finish(at, ports, task), happened: () => at.events(issue, 'closed') };
    },
  },
  'the end of a branch': {
    request: { method: 'DELETE', path: /\/git\/refs\/heads(\/|%2F).*$/ },
    arrange: async (at) => {
      const { task, branch } = await mergedTask(at);
      return { run: (ports) => finish(at, ports, task), happened: () => Number(at.server.tip(REPO, branch) === null) };
    },
  },
  'an issue that is opened again': {
    request: { method: 'PATCH', path: ISSUE },
    arrange: async (at) => {
      const { task, issue, before } = await mergedTask(at);
      at.server.as(PERSON).close(REPO, issue);
      at.server.as(PERSON).forcePush(REPO, 'main', before);
      return { run: (ports) => finish(at, ports, task), happened: () => at.events(issue, 'reopened') };
    },
  },
  'an issue of a requirement': {
    request: { method: 'POST', path: ISSUES },
    arrange: async (at) => {
      const title = `Show total ${fresh()}`;
      const requirements = join(at.dir, 'requirements.md');
      const run = async (ports: Ports) => {
        writeFileSync(requirements, `- ${title}\n\n  With tax.\n`);
        const status = await runPlan({ ...LOOP_OPTIONS, requirements }, ports, openOutput());
        if (status !== 0) throw new AgentOsError(status === 75 ? 'unknown_outcome' : 'refused', `plan ended with ${status}`);
      };
      const issues = at.server.repo(REPO).issues;
      return { run, happened: () => [...issues.values()].filter((one) => one.title === title).length };
    },
  },
  'an issue of a finding': {
    request: { method: 'POST', path: ISSUES },
    arrange: async (at) => {
      const fingerprint = fresh().toString(16).padStart(12, '0');
      const at9 = '2026-11-22T09:00:00Z';
      const example = { repo: REPO, issue: 1, task: 'acme__shop-1-1', attempt: 1, at: at9, run: 'r', excerpt: 'boom' };
      const counted = { count: 3, issues: 2, agents: ['codex'], repos: [{ name: REPO, count: 3, issues: 2 }] };
      const times = { firstAt: at9, lastAt: at9, examples: [example] };
      const about = { event: 'queue.attempt.ended', code: 'verify_failed', fileable: true, template: `boom ${fingerprint}` };
      const pattern = { fingerprint, ...about, ...counted, ...times };
      const analysis = { from: '2026-11-15T00:00:00Z', to: '2026-11-22T00:00:00Z', failures: 3 } as Parameters<typeof applyFinding>[1];
      const action = { kind: 'file-finding' as const, subject: fingerprint, reason: 'often', repo: REPO, pattern };
      const issues = at.server.repo(REPO).issues;
      const before = issues.size;
      return { run: (ports) => applyFinding(ports, analysis, action), happened: () => issues.size - before };
    },
  },
};
