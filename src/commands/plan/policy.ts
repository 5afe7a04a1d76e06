/** From what was gathered to what is done: requirements first, then the selection, then the plan on paper. Pure. */
import type { AgentOsError } from '../../core/errors.ts';
import type { Issue } from '../../core/github/github.ts';
import { hasLabel } from '../../core/github/readiness.ts';
import { plural } from '../../core/text.ts';
import type { Action } from '../run-command.ts';
import {
  decideRequirements,
  type Filed,
  type FiledFacts,
  filedIssues,
  fileKey,
  type ListedRequirement,
  listOutdated,
  type RequirementStep,
  traceRequirements,
} from './filed.ts';
import {
  type Capacity,
  type Deferred,
  decideCapacity,
  type LabelVerdict,
  listInWork,
  mapUnblocks,
  type PlannedTask,
  type Proposal,
  propose,
  whyNot,
} from './proposal.ts';
import type { SprintReview } from './review.ts';
import { type Candidate, rank, type Scored } from './score.ts';
import type { Sprint } from './state.ts';

export interface RepoFacts {
  repo: string;
  now: Date;
  readyLabel: string;
  /** `plan.size`. */
  size: number;
  /** The sprint that is planned; `selected` holds what an earlier pass selected for it. */
  sprint: Sprint;
  review: SprintReview;
  filed: FiledFacts;
  tasks: readonly PlannedTask[];
  /** Labels that a killed pass meant to put on, with the hash of the text that was judged. */
  unsettled: readonly { issue: number; key: string; sha256: string }[];
  requirements: readonly ListedRequirement[] | undefined;
  /** `undefined`: `plan.auto_ready` is off. */
  verdicts: ReadonlyMap<number, LabelVerdict> | undefined;
}

export type RepoView =
  | { state: 'idle'; repo: string; reason: string }
  | { state: 'failed'; repo: string; error: AgentOsError }
  | { state: 'due'; facts: RepoFacts };

/** What follows from the facts before anybody's trust is asked for. */
export interface Draft {
  traced: ReadonlyMap<string, Filed>;
  steps: RequirementStep[];
  ranked: Scored[];
  capacity: Capacity;
  /** Open issues that are no candidates. */
  excluded: Deferred[];
  /** Issues that we filed, with the key of the effect; those that this pass adopts included. */
  filedBy: ReadonlyMap<number, string>;
  /** Issues whose description is older than their requirement. */
  outdated: ReadonlySet<number>;
}

export interface PlanPaper {
  facts: RepoFacts;
  draft: Draft;
  proposal: Proposal;
}

type Step<S extends RequirementStep['step']> = Extract<RequirementStep, { step: S }>;

export type PlanAction = Action & { repo: string } & (
    | { kind: 'file-issue'; step: Step<'file'> }
    | { kind: 'comment-issue'; step: Step<'comment'> }
    | { kind: 'make-ready'; scored: Scored; sprint: number }
    | { kind: 'settle-ready'; issue: number; key: string; sha256: string }
    | { kind: 'select'; issue: number | undefined; key: string | undefined }
    | { kind: 'skip' | 'hold' }
    | { kind: 'look'; error: AgentOsError }
    | { kind: 'write-plan'; paper: PlanPaper }
  );

export function draftPlan(facts: Omit<RepoFacts, 'verdicts'>): Draft {
  const { filed, tasks, readyLabel } = facts;
  const traced = traceRequirements(filed);
  const steps = facts.requirements ? decideRequirements(facts.requirements, filed, traced) : [];
  const open = [...filed.issues.values()].filter((issue) => issue.state === 'open');
  const unblocks = mapUnblocks(open);
  const filedBy = filedIssues(filed.filed);
  for (const step of steps) {
    if (step.step === 'file' && step.adopts !== undefined) filedBy.set(step.adopts, fileKey(step.requirement.key, step.generation));
  }
  const excluded: Deferred[] = [];
  const candidates: Candidate[] = [];
  for (const issue of open) {
    const reason = whyNot(issue, filed.issues, tasks, readyLabel);
    if (reason !== undefined) excluded.push({ number: issue.number, title: issue.title, reason });
    else candidates.push(toCandidate(issue, filedBy.get(issue.number), unblocks.get(issue.number) ?? []));
  }
  for (const step of steps)
    if (step.step === 'file' && step.adopts === undefined) candidates.push(toNewCandidate(step.requirement, facts.now));
  return {
    traced,
    steps,
    ranked: rank(candidates, facts.now),
    capacity: decideCapacity(facts.size, listInWork(open, tasks, readyLabel).size, facts.review),
    excluded,
    filedBy,
    outdated: listOutdated(filed, traced, facts.requirements ?? []),
  };
}

export function decidePlan(views: readonly RepoView[]): PlanAction[] {
  return views.flatMap((view): PlanAction[] => {
    if (view.state === 'idle') return [{ kind: 'skip', repo: view.repo, subject: view.repo, reason: view.reason }];
    if (view.state === 'failed')
      return [{ kind: 'look', repo: view.repo, subject: view.repo, reason: 'cannot be read', error: view.error }];
    return decideRepo(view.facts);
  });
}

function decideRepo(facts: RepoFacts): PlanAction[] {
  const draft = draftPlan(facts);
  const proposal = propose(draft.ranked, draft.capacity, facts.verdicts);
  const { repo } = facts;
  const paper: PlanPaper = { facts, draft, proposal };
  return [
    ...facts.unsettled.flatMap((one) => toSettlement(facts, one)),
    ...draft.steps.map((step) => toRequirementAction(repo, step)),
    ...proposal.selected.map((scored) => toSelection(facts, scored)),
    ...proposal.needsPerson.map(({ scored, why }): PlanAction => {
      return {
        kind: 'hold',
        repo,
        subject: subjectOf(repo, scored.candidate),
        reason: `comes next, but a person must make it Ready: ${why}`,
      };
    }),
    ...[...proposal.deferred, ...draft.excluded].map(({ number, title, reason }): PlanAction => {
      return { kind: 'skip', repo, subject: number === undefined ? `${repo}: ${title}` : `${repo}#${number}`, reason };
    }),
    { kind: 'write-plan', repo, subject: repo, reason: summary(paper), paper },
  ];
}

/** Where the label is not there the issue is a candidate like any other, and the same effect is carried on. */
function toSettlement({ repo, filed, readyLabel, sprint }: RepoFacts, one: RepoFacts['unsettled'][number]): PlanAction[] {
  const issue = filed.issues.get(one.issue);
  if (issue?.state !== 'open' || !hasLabel(issue.labels, readyLabel)) return [];
  const reason = `selected for sprint ${sprint.sprint} by a pass that was stopped`;
  return [{ kind: 'settle-ready', repo, subject: `${repo}#${one.issue}`, reason, ...one }];
}

function toRequirementAction(repo: string, step: RequirementStep): PlanAction {
  const { reason } = step;
  if (step.step === 'file') return { kind: 'file-issue', repo, subject: `${repo}: ${step.requirement.title}`, reason, step };
  if (step.step === 'comment') return { kind: 'comment-issue', repo, subject: `${repo}#${step.issue}`, reason, step };
  return { kind: 'skip', repo, subject: step.issue === undefined ? `${repo}: ${step.title}` : `${repo}#${step.issue}`, reason };
}

function toSelection(facts: RepoFacts, scored: Scored): PlanAction {
  const { repo, sprint, verdicts } = facts;
  const { number, requirement } = scored.candidate;
  const subject = subjectOf(repo, scored.candidate);
  const reason = `selected for sprint ${sprint.sprint} with ${plural(scored.score, 'point')}`;
  if (verdicts) {
    const why = number === undefined ? 'filed by Agent OS' : verdicts.get(number)?.why;
    return { kind: 'make-ready', repo, subject, reason: `${reason}; ${why}`, scored, sprint: sprint.sprint };
  }
  if (number !== undefined && sprint.selected.includes(number))
    return { kind: 'skip', repo, subject, reason: `proposed for sprint ${sprint.sprint} already` };
  return { kind: 'select', repo, subject, reason: `${reason}; a person makes it Ready`, issue: number, key: requirement };
}

function summary({ facts, draft, proposal }: PlanPaper): string {
  const { capacity } = draft;
  const limit = capacity.throughput === undefined ? '' : `, ${capacity.throughput} by the last sprint's throughput`;
  const counts = `${proposal.selected.length} selected, ${proposal.needsPerson.length} for a person, ${proposal.deferred.length + draft.excluded.length} deferred`;
  return `sprint ${facts.sprint.sprint}: ${counts}; ${capacity.inWork} of ${capacity.size} in work${limit}`;
}

function subjectOf(repo: string, candidate: Candidate): string {
  return candidate.number === undefined ? `${repo}: ${candidate.title}` : `${repo}#${candidate.number}`;
}

function toCandidate(issue: Issue, filedKey: string | undefined, unblocks: readonly number[]): Candidate {
  const { number, title, body, labels, createdAt } = issue;
  const origin = filedKey?.startsWith('requirement:') ? 'requirement' : filedKey?.startsWith('finding:') ? 'finding' : undefined;
  return { number, title, body, labels, createdAt, unblocks, ...(origin && { origin }) };
}

function toNewCandidate({ key, title, text }: ListedRequirement, now: Date): Candidate {
  return { requirement: key, title, body: text, labels: [], createdAt: now.toISOString(), origin: 'requirement', unblocks: [] };
}
