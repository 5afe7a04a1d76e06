/**
 * Reads everything that was checked on a commit and everything that the rules
 * of its base require; what counts of it is decided in `check-runs.ts`. A read
 * that fails is an error, never a shorter list.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import { cleanText, tail } from '../../text.ts';
import { tryRead } from '../../try-read.ts';
import type { CheckRun } from '../github.ts';
import { parseAnswer } from './answer.ts';
import {
  judgeRun,
  missingChecks,
  newestRuns,
  newestStatuses,
  parseRun,
  parseStatus,
  parseWorkflow,
  type RunNode,
  toCheck,
  unfinishedWorkflows,
  type WorkflowNode,
  workflowsOf,
} from './check-runs.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';
import { readRules } from './rules.ts';

const OUTPUT_KEPT = 20_000;
/** So many failed runs of a commit have their annotations read. */
const MOST_ANNOTATED = 10;

export async function listCheckRuns(client: GitHubClient, repo: string, sha: string, base: string): Promise<CheckRun[]> {
  const at = { ...ownerAndName(repo), ref: sha };
  const latest = { ...at, filter: 'latest' } as const;
  // Before their jobs: what is over here has no job that would not show there.
  const workflows = await readWorkflows(client, repo, sha);
  const runs = (await client.readAll('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', latest)).map((one) => parseRun(one, sha));
  const statuses = (await client.readAll('GET /repos/{owner}/{repo}/commits/{ref}/statuses', at)).map((one) => parseStatus(one, sha));
  const rules = await readRules(client, repo, base);
  const checks = await describeRuns(client, repo, sha, newestRuns(runs, workflowsOf(workflows)));
  checks.push(...unfinishedWorkflows(workflows, runs, sha));
  checks.push(...newestStatuses(statuses).map((status) => toCheck(sha, status)));
  if (rules.known) return [...checks, ...missingChecks(rules.required, { runs, statuses }, { sha, base })];
  return [...checks, { name: 'branch rules', sha, state: 'pending', output: rules.why }];
}

/** Nothing where the token may not read them, or the server has none: then every suite counts for itself. */
async function readWorkflows(client: GitHubClient, repo: string, head_sha: string): Promise<WorkflowNode[]> {
  const parameters = { ...ownerAndName(repo), head_sha };
  const answers = await tryRead(() => client.readAll('GET /repos/{owner}/{repo}/actions/runs', parameters));
  if (!(answers instanceof AgentOsError)) return answers.map((answer) => parseWorkflow(answer, head_sha));
  if (answers.code === 'refused' || answers.code === 'not_found') return [];
  throw answers;
}

async function describeRuns(client: GitHubClient, repo: string, sha: string, runs: readonly RunNode[]): Promise<CheckRun[]> {
  const checks: CheckRun[] = [];
  let annotated = 0;
  for (const run of runs) {
    const { state, note } = judgeRun(run);
    const parts = [note];
    if (state === 'failure') {
      parts.push(run.output?.title ?? '', run.output?.summary ?? '', run.output?.text ?? '');
      if ((run.output?.annotations_count ?? 0) > 0 && annotated++ < MOST_ANNOTATED) parts.push(await readAnnotations(client, repo, run.id));
    }
    const output = tail(cleanText(parts.filter((part) => part !== undefined && part !== '').join('\n')), OUTPUT_KEPT);
    checks.push({ name: run.name, sha, state, ...(output !== '' && { output }) });
  }
  return checks;
}

const annotations = z.array(
  z.object({
    path: z.string(),
    start_line: z.number().nullish(),
    annotation_level: z.string().nullish(),
    message: z.string().nullish(),
  }),
);

/** The first hundred; only what the agent is shown, so a failure to read them is no failure of the check. */
async function readAnnotations(client: GitHubClient, repo: string, check_run_id: number): Promise<string> {
  const parameters = { ...ownerAndName(repo), check_run_id, per_page: 100 };
  const lines = await tryRead(async () => {
    const { data } = await client.read('GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations', parameters);
    return parseAnswer(annotations, data, `the annotations of check run ${check_run_id}`);
  });
  if (lines instanceof AgentOsError) return '';
  return lines
    .map(({ path, start_line, annotation_level, message }) => `${path}:${start_line ?? 1}: ${annotation_level ?? 'note'}: ${message ?? ''}`)
    .join('\n');
}
