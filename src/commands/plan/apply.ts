/**
 * Does what was decided. Every write to the forge goes through the journal and
 * finds what an earlier, killed pass did; state files come last, so that a pass
 * that did not get there is made again.
 */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Ports } from '../../core/ports.ts';
import type { Applied } from '../run-command.ts';
import { commentKey, filedIssues, fileKey, type StoredRequirement } from './filed.ts';
import { makeReady, settleReady } from './make-ready.ts';
import { commentMarker, parseRequirementBody, renderChangeComment, renderRequirementBody } from './marker.ts';
import type { PlanAction, PlanPaper } from './policy.ts';
import { logStep, type Progress } from './progress.ts';
import { renderPlan, toPlanDocument } from './render.ts';
import { planDirectory, readSprint, writePlan, writeSprint, writeStored } from './state.ts';

type Of<K extends PlanAction['kind']> = Extract<PlanAction, { kind: K }>;

/** One pass: the actions of `decidePlan` in their order. */
export function openPlanPass(ports: Ports, repos: readonly RepoConfig[]): (action: PlanAction) => Promise<Applied> {
  const progress = new Map<string, Progress>();
  for (const repo of repos) {
    progress.set(repo.name, {
      repo,
      filed: new Map(),
      failedKeys: new Set(),
      madeReady: new Set(),
      selected: new Set(),
      incomplete: false,
      news: false,
    });
  }
  return async (action) => {
    const known = progress.get(action.repo);
    if (!known) throw new Error(`no repository ${action.repo} in this pass`);
    try {
      return await applyOne(ports, known, action);
    } catch (error) {
      if (error instanceof AgentOsError && error.temporary) known.incomplete = true;
      if (action.kind === 'file-issue' || action.kind === 'comment-issue') known.failedKeys.add(action.step.requirement.key);
      throw error;
    }
  };
}

async function applyOne(ports: Ports, known: Progress, action: PlanAction): Promise<Applied> {
  switch (action.kind) {
    case 'look':
      throw action.error;
    case 'file-issue':
      return fileIssue(ports, known, action);
    case 'comment-issue':
      return commentIssue(ports, known, action);
    case 'make-ready':
      return makeReady(ports, known, action);
    case 'settle-ready':
      return settleReady(ports, known, action);
    case 'select':
      return select(ports, known, action);
    case 'write-plan':
      return writePaper(ports, known, action.paper);
    default:
      return { outcome: 'skipped' };
  }
}

async function fileIssue(ports: Ports, known: Progress, { repo, step, reason }: Of<'file-issue'>): Promise<Applied> {
  const forge = await ports.forge();
  const effects = await ports.effects();
  const { key, title, text, hash } = step.requirement;
  const { number } = await effects.ensure({
    repo,
    subject: 'issues',
    kind: 'file-issue',
    key: fileKey(key, step.generation),
    payload: { title, hash },
    nature: 'once',
    probe: async () => (step.tried ? findFiled(ports, repo, step) : undefined),
    act: () => forge.createIssue(repo, { title, body: renderRequirementBody(key, text), labels: [] }),
  });
  known.filed.set(key, { number, generation: step.generation });
  known.news = true;
  await logStep(ports, { event: 'plan.issue.filed', repo, issue: number, reason: `${title}: ${reason}` });
  return { outcome: 'applied', detail: { issue: number, title } };
}

/** The newest issue of ours with the marker of this requirement that no record and no earlier generation holds. */
async function findFiled(ports: Ports, repo: string, step: Of<'file-issue'>['step']): Promise<{ number: number } | undefined> {
  const forge = await ports.forge();
  const own = (await forge.getIdentity()).id;
  const known = filedIssues(await (await ports.effects()).list(repo, 'file-issue'));
  const found = (await forge.listIssues(repo, { state: 'all' })).findLast(
    (issue) =>
      issue.author.id === own &&
      parseRequirementBody(issue.body)?.key === step.requirement.key &&
      !known.has(issue.number) &&
      !step.earlier.includes(issue.number),
  );
  return found && { number: found.number };
}

async function commentIssue(ports: Ports, known: Progress, { repo, step, reason }: Of<'comment-issue'>): Promise<Applied> {
  const forge = await ports.forge();
  const { key, text, hash } = step.requirement;
  const marker = commentMarker(key, hash);
  await (await ports.effects()).ensure({
    repo,
    subject: `#${step.issue}`,
    kind: 'comment-requirement',
    key: commentKey(key, hash),
    payload: { hash, body: step.bodyHash },
    nature: 'once',
    probe: async () => {
      const own = (await forge.getIdentity()).id;
      const comments = await forge.listComments(repo, step.issue);
      const found = comments.find((comment) => comment.author.id === own && comment.body.trimEnd().endsWith(marker));
      return found && { id: found.id };
    },
    act: () => forge.createComment(repo, step.issue, renderChangeComment(key, hash, text)),
  });
  known.news = true;
  await logStep(ports, { event: 'plan.issue.commented', repo, issue: step.issue, reason });
  return { outcome: 'applied', detail: { issue: step.issue } };
}

async function select(ports: Ports, known: Progress, action: Of<'select'>): Promise<Applied> {
  const number = action.issue ?? known.filed.get(action.key ?? '')?.number;
  if (number === undefined) return { outcome: 'deferred', reason: 'its issue could not be filed' };
  known.selected.add(number);
  known.news = true;
  await logStep(ports, { event: 'plan.issue.selected', repo: action.repo, issue: number, reason: action.reason });
  return { outcome: 'applied', detail: { issue: number } };
}

async function writePaper(ports: Ports, known: Progress, paper: PlanPaper): Promise<Applied> {
  const { facts } = paper;
  const dir = planDirectory(ports.paths.plan, facts.repo);
  const selected = [...new Set([...facts.sprint.selected, ...known.selected])].sort((a, b) => a - b);
  const sprint = { ...facts.sprint, selected };
  const begun = readSprint(dir)?.sprint !== sprint.sprint;
  const nextAt = new Date(Date.parse(sprint.startedAt) + ports.config.plan.cadence_days * 24 * 3600 * 1000).toISOString();
  const numbers = new Map([...known.filed].map(([key, { number }]) => [key, number]));
  const document = toPlanDocument(paper, { numbers, madeReady: known.madeReady, nextAt });
  if (facts.requirements) writeStored(dir, toStored(known, paper));
  writePlan(dir, renderPlan(document), document);
  const detail = { sprint: sprint.sprint, selected, file: `${dir}/plan.md` };
  if (known.incomplete) return { outcome: 'deferred', reason: 'not everything could be done; the next run goes on', detail };
  writeSprint(dir, sprint);
  if (!known.news && !begun) return { outcome: 'skipped', reason: `nothing new for sprint ${sprint.sprint}`, detail };
  return { outcome: 'applied', detail };
}

/** What is remembered of each requirement; one whose step failed stays as it was, so that it is tried again. */
function toStored(known: Progress, { facts, draft }: PlanPaper): StoredRequirement[] {
  const stored = new Map(facts.filed.stored.map((entry) => [entry.key, entry]));
  for (const { key, title, hash, done } of facts.requirements ?? []) {
    const traced = draft.traced.get(key);
    const issue = known.filed.get(key)?.number ?? traced?.issue;
    const generation = known.filed.get(key)?.generation ?? traced?.generation;
    if (done || known.failedKeys.has(key) || issue === undefined || generation === undefined) continue;
    stored.set(key, { key, title, hash, issue, generation });
  }
  return [...stored.values()];
}
