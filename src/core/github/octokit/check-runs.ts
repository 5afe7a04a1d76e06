/**
 * What counts of the checks on a commit. GitHub keeps two kinds, check runs and
 * commit statuses, and keeps old ones beside new ones: of each key the newest
 * by id counts, and different keys never mask each other. What is not known to
 * be over is pending, what is not known to be good is a failure. Pure.
 */
import * as z from 'zod';
import type { CheckRun } from '../github.ts';
import { number, parseAnswer } from './answer.ts';

const run = z.object({
  id: number,
  name: z.string().min(1),
  status: z.string(),
  conclusion: z.string().nullable(),
  app: z.object({ id: number, slug: z.string().nullish() }).nullable(),
  check_suite: z.object({ id: number }).nullable(),
  output: z
    .object({
      title: z.string().nullish(),
      summary: z.string().nullish(),
      text: z.string().nullish(),
      annotations_count: z.number().int().nullish(),
    })
    .nullish(),
});
export type RunNode = z.output<typeof run>;

const status = z.object({
  id: number,
  context: z.string().min(1),
  state: z.string(),
  description: z.string().nullish(),
  creator: z.object({ type: z.string().nullish() }).nullish(),
});
export type StatusNode = z.output<typeof status>;

const workflowRun = z.object({
  id: number,
  name: z.string().nullish(),
  check_suite_id: number,
  workflow_id: number,
  event: z.string(),
  status: z.string().nullish(),
  conclusion: z.string().nullish(),
});
export type WorkflowNode = z.output<typeof workflowRun>;

/** A check that the rules of a branch ask for; with the id of the app that must report it, where the rule names one. */
export interface RequiredCheck {
  context: string;
  app?: number;
}

/** @throws AgentOsError `unavailable` */
export function parseRun(answer: unknown, sha: string): RunNode {
  return parseAnswer(run, answer, `the check runs of ${sha}`);
}

/** @throws AgentOsError `unavailable` */
export function parseStatus(answer: unknown, sha: string): StatusNode {
  return parseAnswer(status, answer, `the statuses of ${sha}`);
}

/** @throws AgentOsError `unavailable` */
export function parseWorkflow(answer: unknown, sha: string): WorkflowNode {
  return parseAnswer(workflowRun, answer, `the workflow runs of ${sha}`);
}

/** By check suite: which workflow it ran, and on what sort of event. */
export function workflowsOf(workflows: readonly WorkflowNode[]): Map<number, string> {
  return new Map(workflows.map((one) => [one.check_suite_id, sortOf(one)]));
}

function sortOf({ workflow_id, event }: WorkflowNode): string {
  return `${workflow_id}/${event.startsWith('pull_request') ? 'pull_request' : event}`;
}

/**
 * Workflows that are not over though nothing of them is seen to wait: a job shows only once the jobs that it needs are
 * over, and a workflow that a person must let run shows none.
 */
export function unfinishedWorkflows(workflows: readonly WorkflowNode[], runs: readonly RunNode[], sha: string): CheckRun[] {
  const seen = new Set(runs.filter((one) => judgeRun(one).state === 'pending').map((one) => one.check_suite?.id));
  const last = new Set(newest(workflows, sortOf));
  return workflows.flatMap((one) => {
    const waits = one.status !== 'completed';
    if (seen.has(one.check_suite_id) || !(waits || (one.conclusion === 'action_required' && last.has(one)))) return [];
    const output = waits ? 'the workflow is not over' : 'the workflow waits for a person to let it run';
    return [{ name: one.name || `workflow ${one.workflow_id}`, sha, state: 'pending' as const, output }];
  });
}

/**
 * The newest run of each key, by name. The key is the app, the workflow with
 * its sort of event, and the name: a job of one workflow must not hide the job
 * of that name in another. Where the workflow is not known the suite stands for
 * it, which hides less.
 */
export function newestRuns(runs: readonly RunNode[], workflows: ReadonlyMap<number, string>): RunNode[] {
  const key = (one: RunNode) => {
    const suite = one.check_suite?.id;
    const group = suite === undefined ? '' : (workflows.get(suite) ?? `suite ${suite}`);
    return JSON.stringify([one.app?.id ?? null, group, one.name]);
  };
  return newest(runs, key).sort((a, b) => compare(a.name, b.name) || a.id - b.id);
}

/** The newest status of each context, by name. */
export function newestStatuses(statuses: readonly StatusNode[]): StatusNode[] {
  return newest(statuses, (one) => one.context).sort((a, b) => compare(a.context, b.context));
}

function newest<T extends { id: number }>(all: readonly T[], key: (one: T) => string): T[] {
  const found = new Map<string, T>();
  for (const one of all) {
    const other = found.get(key(one));
    if (!other || other.id < one.id) found.set(key(one), one);
  }
  return [...found.values()];
}

const CONCLUSIONS: Readonly<Record<string, { state: CheckRun['state']; note?: string }>> = {
  success: { state: 'success' },
  neutral: { state: 'neutral' },
  skipped: { state: 'neutral' },
  failure: { state: 'failure' },
  timed_out: { state: 'failure', note: 'It took longer than allowed (`timed_out`).' },
  startup_failure: { state: 'failure', note: 'It could not be started (`startup_failure`).' },
  action_required: { state: 'failure', note: 'A person must act on GitHub before it goes on (`action_required`).' },
  cancelled: { state: 'failure', note: 'It was cancelled, and no newer run took its place.' },
  // GitHub gave up on a run that was never finished: nobody knows.
  stale: { state: 'pending', note: 'GitHub gave up waiting for it (`stale`); it must run again.' },
};
const WAITING: ReadonlySet<string> = new Set(['queued', 'in_progress', 'waiting', 'requested', 'pending']);

/** What a run says, and what must be told about it besides its own output. */
export function judgeRun({ status, conclusion }: Pick<RunNode, 'status' | 'conclusion'>): { state: CheckRun['state']; note?: string } {
  if (status !== 'completed') {
    return WAITING.has(status) ? { state: 'pending' } : { state: 'pending', note: `Its status \`${status}\` is not known.` };
  }
  const known = Object.hasOwn(CONCLUSIONS, conclusion ?? '') ? CONCLUSIONS[conclusion ?? ''] : undefined;
  return known ?? { state: 'failure', note: `Unknown conclusion \`${conclusion}\`.` };
}

const STATUSES: Readonly<Record<string, CheckRun['state']>> = {
  success: 'success',
  pending: 'pending',
  failure: 'failure',
  error: 'failure',
};

/** A commit status in the port's words. */
export function toCheck(sha: string, { context, state, description }: StatusNode): CheckRun {
  const known = Object.hasOwn(STATUSES, state) ? STATUSES[state] : undefined;
  const output = [known ? '' : `Unknown state \`${state}\`.`, description ?? ''].filter((line) => line !== '').join('\n');
  return { name: context, sha, state: known ?? 'failure', ...(output !== '' && { output }) };
}

/**
 * What the rules ask for and nobody has reported on this commit. Which app made
 * a status is not told: one made by any app counts as reported, because GitHub
 * itself holds a merge to the app.
 */
export function missingChecks(
  required: readonly RequiredCheck[],
  seen: { runs: readonly RunNode[]; statuses: readonly StatusNode[] },
  at: { sha: string; base: string },
): CheckRun[] {
  const isReported = ({ context, app }: RequiredCheck) =>
    seen.runs.some((one) => one.name === context && (app === undefined || one.app?.id === app)) ||
    seen.statuses.some((one) => one.context === context && (app === undefined || one.creator?.type === 'Bot'));
  const missing = required.filter((one) => !isReported(one)).map((one) => one.context);
  const output = `required by the rules of \`${at.base}\`; not reported`;
  return [...new Set(missing)].sort(compare).map((name) => ({ name, sha: at.sha, state: 'pending', output }));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
