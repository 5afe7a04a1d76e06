/** `plan.md` for people, `plan.json` for programs: the same plan. Words from issues are made harmless. Pure. */
import { neutralise, plural, renderDuration } from '../../core/text.ts';
import type { PlanPaper } from './policy.ts';
import type { SprintReview } from './review.ts';
import type { Points, Scored } from './score.ts';

/** What became of the paper when it was applied. */
export interface PlanResult {
  /** Issues by the requirement they were filed for in this pass. */
  numbers: ReadonlyMap<string, number>;
  /** Issues that were made Ready in this pass. */
  madeReady: ReadonlySet<number>;
  /** ISO 8601. */
  nextAt: string;
}

interface Item {
  issue: number | null;
  title: string;
}

export interface PlanDocument {
  version: 1;
  repo: string;
  sprint: number;
  startedAt: string;
  plannedAt: string;
  nextAt: string;
  review: SprintReview;
  capacity: PlanPaper['draft']['capacity'];
  /** Selected by an earlier pass for the same sprint. */
  selectedBefore: number[];
  selected: (Item & { score: number; breakdown: Points[]; ready: boolean })[];
  needsPerson: (Item & { score: number; breakdown: Points[]; reason: string })[];
  deferred: (Item & { score: number | null; reason: string })[];
  requirements: (Item & { key: string; reason: string })[];
}

export function toPlanDocument({ facts, draft, proposal }: PlanPaper, result: PlanResult): PlanDocument {
  const item = ({ candidate }: Scored): Item => ({
    issue: candidate.number ?? result.numbers.get(candidate.requirement ?? '') ?? null,
    title: candidate.title,
  });
  const selected = proposal.selected.map((scored) => ({ ...item(scored), score: scored.score, breakdown: scored.breakdown }));
  const shown = new Set(selected.map(({ issue }) => issue));
  return {
    version: 1,
    repo: facts.repo,
    sprint: facts.sprint.sprint,
    startedAt: facts.sprint.startedAt,
    plannedAt: facts.now.toISOString(),
    nextAt: result.nextAt,
    review: facts.review,
    capacity: draft.capacity,
    selectedBefore: facts.sprint.selected.filter((issue) => !shown.has(issue)),
    selected: selected.map((one) => ({ ...one, ready: one.issue !== null && result.madeReady.has(one.issue) })),
    needsPerson: proposal.needsPerson.map(({ scored, why }) => ({
      ...item(scored),
      score: scored.score,
      breakdown: scored.breakdown,
      reason: why,
    })),
    deferred: [...proposal.deferred, ...draft.excluded].map(({ number, title, score, reason }) => ({
      issue: number ?? null,
      title,
      score: score ?? null,
      reason,
    })),
    requirements: draft.steps.map((step) => {
      if (step.step === 'none') return { key: step.key, title: step.title, issue: step.issue ?? null, reason: step.reason };
      const { key, title } = step.requirement;
      const issue = step.step === 'comment' ? step.issue : (result.numbers.get(key) ?? null);
      return { key, title, issue, reason: step.reason };
    }),
  };
}

export function renderPlan(plan: PlanDocument): string {
  const { capacity } = plan;
  const limit = capacity.throughput === undefined ? '' : ` The last sprint's throughput allows ${capacity.throughput}.`;
  const before =
    plan.selectedBefore.length === 0 ? [] : ['', `Selected earlier in this sprint: ${plan.selectedBefore.map((n) => `#${n}`).join(', ')}.`];
  return [
    `# Sprint ${plan.sprint} of ${plan.repo}`,
    '',
    `Planned ${plan.plannedAt}; the next sprint begins ${plan.nextAt} or later.`,
    '',
    '## Last sprint',
    '',
    ...renderReview(plan.review),
    '',
    '## Selected',
    '',
    `${plural(capacity.size, 'issue')} a sprint, ${capacity.inWork} Ready or in work, room for ${capacity.free}.${limit}`,
    ...before,
    '',
    ...list(plan.selected, (one) => [
      `${headline(one)}: ${plural(one.score, 'point')}${one.ready ? ', made Ready' : ', proposed'}`,
      ...breakdown(one),
    ]),
    ...section('A person must make these Ready', plan.needsPerson, (one) => [
      `${headline(one)}: ${plural(one.score, 'point')}; ${line(one.reason)}`,
      ...breakdown(one),
    ]),
    ...section('Deferred', plan.deferred, (one) => [
      `${headline(one)}${one.score === null ? '' : ` (${plural(one.score, 'point')})`}: ${line(one.reason)}`,
    ]),
    ...section('Requirements', plan.requirements, (one) => [`${headline(one)}: ${line(one.reason)}`]),
    '',
  ].join('\n');
}

function renderReview(review: SprintReview): string[] {
  const window = `From ${review.from} to ${review.to}`;
  if (review.selected === 0 && review.started === 0) return [`${window}: nothing was selected and nothing was started.`];
  const share = review.mergedShare;
  const percent = (value: number) => `${Math.round(value * 100)} %`;
  const interval = share
    ? ` (${percent(review.merged / review.selected)}; 95 % interval ${percent(share.low)} to ${percent(share.high)})`
    : '';
  const lead = review.medianLeadMs === undefined ? [] : [`- Median time from Ready to merged: ${renderDuration(review.medianLeadMs)}`];
  const attempts = review.attemptsPerMerge === undefined ? [] : [`- Attempts for each merge: ${review.attemptsPerMerge.toFixed(1)}`];
  return [
    `${window}:`,
    '',
    `- Selected: ${review.selected}; merged ${review.merged}${interval}, escalated ${review.escalated}, open ${review.open}`,
    `- Of all issues: ${review.started} started, ${review.finished} merged`,
    ...lead,
    ...attempts,
  ];
}

function section<T>(title: string, items: readonly T[], render: (item: T) => string[]): string[] {
  return items.length === 0 ? [] : ['', `## ${title}`, '', ...list(items, render)];
}

function list<T>(items: readonly T[], render: (item: T) => string[]): string[] {
  if (items.length === 0) return ['Nothing.'];
  return items.flatMap((item) => {
    const [first, ...rest] = render(item);
    return [`- ${first}`, ...rest.map((text) => `  - ${text}`)];
  });
}

function headline({ issue, title }: Item): string {
  return `${issue === null ? '(new)' : `#${issue}`} ${line(title)}`;
}

function breakdown({ breakdown: points }: { breakdown: Points[] }): string[] {
  return points.map(({ factor, points: value, note }) => `${value > 0 ? '+' : '−'}${Math.abs(value)} ${factor}: ${line(note)}`);
}

function line(text: string): string {
  return neutralise(text, 300).replace(/\s+/g, ' ');
}
