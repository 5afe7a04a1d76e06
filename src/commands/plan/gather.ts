/** Looks once at each repository that is due: backlog, tasks, journal, the last sprint's events, and whom to trust. */
import { createHash } from 'node:crypto';
import type { RepoConfig } from '../../core/config/schema.ts';
import type { EffectRecord } from '../../core/effects/effects.ts';
import { AgentOsError } from '../../core/errors.ts';
import { readEvents } from '../../core/events/read.ts';
import { askTrust } from '../../core/github/ask-readiness.ts';
import type { Issue, IssueEvent } from '../../core/github/github.ts';
import { TRAYS } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';
import type { FiledFacts, ListedRequirement } from './filed.ts';
import { decideLabel, writersToAsk } from './labelling.ts';
import { parseRequirementBody } from './marker.ts';
import { draftPlan, type RepoFacts, type RepoView } from './policy.ts';
import type { LabelVerdict, PlannedTask } from './proposal.ts';
import type { Requirement } from './requirements.ts';
import { reviewSprint } from './review.ts';
import type { Scored } from './score.ts';
import { dueAt, planDirectory, readSprint, readStored, type Sprint } from './state.ts';

/** Issues whose timeline is read in one pass to find enough that may be made Ready. */
const MAX_JUDGED = 50;
const DAY_MS = 24 * 3600 * 1000;

/** Never throws for one repository: what is wrong with it is in its view. `io` concerns all. */
export async function gatherRepo(ports: Ports, repo: RepoConfig, requirements: readonly Requirement[] | undefined): Promise<RepoView> {
  try {
    return { state: 'due', facts: await gatherFacts(ports, repo, requirements) };
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
    return { state: 'failed', repo: repo.name, error };
  }
}

async function gatherFacts(ports: Ports, repo: RepoConfig, requirements: readonly Requirement[] | undefined): Promise<RepoFacts> {
  const now = ports.clock.now();
  const { plan } = ports.config;
  const dir = planDirectory(ports.paths.plan, repo.name);
  const effects = await ports.effects();
  const last = readSprint(dir);
  const labelled = await effects.list(repo.name, 'add-ready-label');
  const from = last ? new Date(last.startedAt) : new Date(now.getTime() - plan.cadence_days * DAY_MS);
  const events = readEvents(ports.paths.events, from, now).events.filter((event) => event.repo === repo.name);
  const tasks = await listTasks(ports, repo.name);
  const facts = {
    repo: repo.name,
    now,
    readyLabel: repo.ready.label,
    size: plan.size,
    sprint: toSprint(last, dueAt(last, plan.cadence_days, now) <= now, labelled, now),
    review: reviewSprint(events, last?.selected ?? [], from, now),
    filed: await gatherFiled(ports, repo, tasks, dir),
    tasks,
    unsettled: listUnsettled(labelled),
    requirements: requirements?.map((requirement): ListedRequirement => ({ ...requirement, hash: sha256(requirement.text) })),
  };
  return { ...facts, verdicts: plan.auto_ready ? await judgeRanked(ports, repo, facts) : undefined };
}

/** The sprint to plan: a new one when it is due, else the one that runs. The journal knows what a killed pass labelled for it. */
export function toSprint(last: Sprint | undefined, isDue: boolean, labelled: readonly EffectRecord[], now: Date): Sprint {
  const sprintOf = (record: EffectRecord) => Number(/^sprint:(\d+)$/.exec(record.key)?.[1] ?? 0);
  const sprint = last ? last.sprint + (isDue ? 1 : 0) : Math.max(1, ...labelled.map(sprintOf));
  const journal = labelled.filter((record) => record.state === 'done' && sprintOf(record) === sprint);
  const before = last && !isDue ? last.selected : [];
  const selected = [...new Set([...before, ...journal.map((record) => Number(record.subject.slice(1)))])].sort((a, b) => a - b);
  return { sprint, startedAt: last && !isDue ? last.startedAt : now.toISOString(), selected };
}

function listUnsettled(labelled: readonly EffectRecord[]): RepoFacts['unsettled'] {
  const open = labelled.filter((record) => record.state === 'intent');
  return open.map(({ subject, key, payload }) => {
    const sha256 = (payload as { sha256?: unknown } | undefined)?.sha256;
    return { issue: Number(subject.slice(1)), key, sha256: typeof sha256 === 'string' ? sha256 : '' };
  });
}

async function listTasks(ports: Ports, repo: string): Promise<PlannedTask[]> {
  const mailbox = await ports.mailbox();
  const tasks: PlannedTask[] = [];
  for (const tray of TRAYS) {
    for (const { task } of await mailbox.list(tray)) if (task.repo === repo) tasks.push({ id: task.id, issue: task.issue, tray });
  }
  return tasks;
}

async function gatherFiled(ports: Ports, repo: RepoConfig, tasks: readonly PlannedTask[], dir: string): Promise<FiledFacts> {
  const forge = await ports.forge();
  const effects = await ports.effects();
  const issues = await forge.listIssues(repo.name, { state: 'all' });
  const identity = await forge.getIdentity();
  const own = issues.filter((issue) => issue.author.id === identity.id);
  const hashes = own.flatMap((issue): [number, string][] => {
    const text = parseRequirementBody(issue.body)?.text;
    return text === undefined ? [] : [[issue.number, sha256(text)]];
  });
  return {
    issues: new Map(issues.map((issue) => [issue.number, issue])),
    own: new Set(own.map((issue) => issue.number)),
    hashes: new Map(hashes),
    filed: await effects.list(repo.name, 'file-issue'),
    comments: await effects.list(repo.name, 'comment-requirement'),
    stored: readStored(dir),
    tasked: new Set(tasks.map((task) => task.issue)),
    readyLabel: repo.ready.label,
  };
}

/** Judges the best candidates, until enough of them may be made Ready. */
async function judgeRanked(ports: Ports, repo: RepoConfig, facts: Omit<RepoFacts, 'verdicts'>): Promise<Map<number, LabelVerdict>> {
  const { ranked, capacity, filedBy, outdated } = draftPlan(facts);
  const forge = await ports.forge();
  const verdicts = new Map<number, LabelVerdict>();
  let found = 0;
  for (const { candidate } of ranked satisfies Scored[]) {
    if (found >= capacity.free || verdicts.size >= MAX_JUDGED) break;
    const issue = facts.filed.issues.get(candidate.number ?? 0);
    if (!issue) {
      found++; // filed in this pass, by us
      continue;
    }
    const events = await forge.listIssueEvents(repo.name, issue.number);
    const verdict = await judgeLabel(ports, repo, issue, events, {
      filedByUs: filedBy.has(issue.number),
      outdated: outdated.has(issue.number),
    });
    verdicts.set(issue.number, verdict);
    if (verdict.may) found++;
  }
  return verdicts;
}

/** Asks who may be trusted now, and decides. */
export async function judgeLabel(
  ports: Ports,
  repo: RepoConfig,
  issue: Issue,
  events: readonly IssueEvent[],
  known: { filedByUs: boolean; outdated: boolean },
): Promise<LabelVerdict> {
  const forge = await ports.forge();
  const writers = writersToAsk({ issue, events, ...known }).filter((writer) => writer !== undefined);
  const trust = await askTrust({ forge, pins: ports.paths.pins }, repo, writers);
  return decideLabel({ repo, issue, events, own: await forge.getIdentity(), ...known, ...trust });
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
