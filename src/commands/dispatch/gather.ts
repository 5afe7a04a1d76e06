/** Looks once: issues that carry `ready` or a label of ours, their tasks, and what readiness and dependencies ask for. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Asker } from '../../core/github/ask-readiness.ts';
import { findCycle, parseDependencies } from '../../core/github/dependencies.ts';
import type { GitHub, Issue } from '../../core/github/github.ts';
import { OWN_PREFIX } from '../../core/github/labels.ts';
import { countReady, hasLabel } from '../../core/github/readiness.ts';
import { tryRead } from '../../core/github/try-read.ts';
import { taskId } from '../../core/ids.ts';
import type { Letter, Mailbox } from '../../core/mailbox/mailbox.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import type { DispatchSnapshot, IssueFacts, TaskFacts } from './policy.ts';

/** Issues followed from one issue through `depends on` lines before the search for a circle gives up. */
const DEPENDENCY_LIMIT = 50;

/** Active tasks by `owner/name#N`. */
export type ActiveTasks = ReadonlyMap<string, TaskFacts>;

export async function gatherDispatch(ports: Ports, repos: readonly RepoConfig[]): Promise<DispatchSnapshot> {
  const forge = await ports.forge();
  const mailbox = await ports.mailbox();
  const active = await listActive(mailbox);
  const snapshot: DispatchSnapshot = { repos: [] };
  for (const repo of repos) {
    const paused = isRepoPaused(ports.paths, repo.name);
    const issues: IssueFacts[] = [];
    const unreadable: NonNullable<DispatchSnapshot['repos'][number]['unreadable']> = [];
    const candidates = await tryRead(() => listCandidates(forge, repo, active));
    if (candidates instanceof AgentOsError) unreadable.push({ subject: repo.name, issue: 0, error: candidates });
    for (const issue of candidates instanceof AgentOsError ? [] : candidates) {
      const facts = await tryRead(() => gatherIssue(ports, repo, issue, active));
      if (facts instanceof AgentOsError) unreadable.push({ subject: `${repo.name}#${issue.number}`, issue: issue.number, error: facts });
      else issues.push(facts);
    }
    snapshot.repos.push({ repo: repo.name, paused, issues, unreadable });
  }
  return snapshot;
}

/** The facts of one issue; also what `explain` asks for. */
export async function gatherIssue(ports: Ports, repo: RepoConfig, issue: Issue, active: ActiveTasks): Promise<IssueFacts> {
  const forge = await ports.forge();
  const facts: IssueFacts = { repo: repo.name, issue, readyLabel: repo.ready.label, waitsFor: [] };
  const task = active.get(`${repo.name}#${issue.number}`);
  if (task) facts.active = task;
  // A label of ours without `ready`: the last step of its task may have been cut off.
  if (!hasLabel(issue.labels, repo.ready.label)) return task ? facts : { ...facts, ...(await findEnded(ports, repo, issue)) };
  if (issue.state === 'closed') return task ? facts : { ...facts, ...(await findEnded(ports, repo, issue)) };
  const { askReadiness } = await import('../../core/github/ask-readiness.ts');
  const asker: Asker = { forge, effects: await ports.effects(), pins: ports.paths.pins };
  facts.readiness = await askReadiness(asker, repo, issue);
  if (!facts.readiness.ready || facts.active) return facts;
  const ended = await (await ports.mailbox()).find(taskId(repo.name, issue.number, facts.readiness.n));
  if (ended) return { ...facts, ended: toFacts(ended) };
  return { ...facts, ...(await gatherDependencies(forge, repo.name, issue)) };
}

/** The task of the newest `ready` of an issue that still carries a label: the last step of its task may have been cut off. */
async function findEnded(ports: Ports, repo: RepoConfig, issue: Issue): Promise<Pick<IssueFacts, 'ended'>> {
  const events = await (await ports.forge()).listIssueEvents(repo.name, issue.number);
  const n = countReady(events, repo.ready.label);
  const ended = n === 0 ? undefined : await (await ports.mailbox()).find(taskId(repo.name, issue.number, n));
  return ended ? { ended: toFacts(ended) } : {};
}

/** Tasks outside `done` and `failed`, without reading waiting letters that are indexed. */
export async function listActive(mailbox: Mailbox): Promise<ActiveTasks> {
  const active = new Map<string, TaskFacts>();
  for (const waiting of await mailbox.listWaiting()) {
    active.set(`${waiting.repo}#${waiting.issue}`, {
      id: waiting.id,
      tray: 'inbox',
      ...(waiting.pullRequest !== undefined && { pullRequest: waiting.pullRequest }),
    });
  }
  for (const tray of ['processing', 'review', 'escalated'] as const) {
    for (const letter of await mailbox.list(tray)) active.set(`${letter.task.repo}#${letter.task.issue}`, toFacts(letter));
  }
  return active;
}

function toFacts(letter: Letter): TaskFacts {
  const pull = letter.task.pull_request;
  return { id: letter.task.id, tray: letter.tray, ...(pull !== undefined && { pullRequest: pull }) };
}

/** Issues with a label that concerns us, and the issues of tasks whose labels a person took off. */
async function listCandidates(forge: GitHub, repo: RepoConfig, active: ActiveTasks): Promise<Issue[]> {
  const concerns = (label: string) => hasLabel([label], repo.ready.label) || label.startsWith(OWN_PREFIX);
  const issues = await forge.listIssues(repo.name, { state: 'all', anyLabel: concerns });
  const listed = new Set(issues.map((issue) => issue.number));
  for (const subject of active.keys()) {
    const [name, number] = subject.split('#');
    if (name !== repo.name || listed.has(Number(number))) continue;
    const issue = await findIssue(forge, repo.name, Number(number));
    if (issue) issues.push(issue);
  }
  return issues.sort((a, b) => a.number - b.number);
}

async function gatherDependencies(forge: GitHub, repo: string, issue: Issue): Promise<Pick<IssueFacts, 'waitsFor' | 'circle'>> {
  const open = new Map<number, number[]>([[issue.number, parseDependencies(issue.body)]]);
  const missing = new Set<number>();
  const queue = [...(open.get(issue.number) ?? [])];
  for (let next = queue.shift(); next !== undefined && open.size < DEPENDENCY_LIMIT; next = queue.shift()) {
    if (open.has(next) || missing.has(next)) continue;
    const found = await findIssue(forge, repo, next);
    if (!found) missing.add(next);
    if (found?.state !== 'open') continue;
    open.set(next, parseDependencies(found.body));
    queue.push(...(open.get(next) ?? []));
  }
  const waitsFor = (open.get(issue.number) ?? [])
    .filter((number) => open.has(number) || missing.has(number))
    .map((number) => ({ issue: number, state: missing.has(number) ? ('missing' as const) : ('open' as const) }));
  const circle = findCycle(issue.number, open);
  return circle ? { waitsFor, circle } : { waitsFor };
}

async function findIssue(forge: GitHub, repo: string, number: number): Promise<Issue | undefined> {
  try {
    return await forge.getIssue(repo, number);
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'not_found') return undefined;
    throw error;
  }
}
