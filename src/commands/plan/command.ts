/**
 * `agentos plan`: one pass from requirements and backlog to the next sprint.
 * Runs hourly: where no sprint is due it reads one small file a repository.
 */
import { readIfThere } from '../../core/atomic-file.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import { AgentOsError } from '../../core/errors.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { type Applied, type LoopOptions, runCommand } from '../run-command.ts';
import { decidePlan, type PlanAction, type RepoView } from './policy.ts';
import type { Requirement } from './requirements.ts';
import { dueAt, planDirectory, readSprint } from './state.ts';

export interface PlanOptions extends LoopOptions {
  /** Path of a requirements list; the cadence is ignored then. */
  requirements?: string;
}

const MAX_BYTES = 1024 * 1024;

/** @returns the exit status. @throws `usage` for a list that cannot be used. */
export async function runPlan(options: PlanOptions, ports: Ports, out: Output): Promise<number> {
  const repos = selectRepos(ports.config, options.repos);
  const requirements = options.requirements === undefined ? undefined : await readRequirements(options.requirements, repos);
  let apply: ((action: PlanAction) => Promise<Applied>) | undefined;
  return runCommand<RepoView[], PlanAction>(
    {
      command: 'plan',
      lock: 'pass',
      gather: () => gather(ports, repos, requirements),
      decide: decidePlan,
      apply: async (action) => {
        apply ??= (await import('./apply.ts')).openPlanPass(ports, repos);
        return apply(action);
      },
    },
    options,
    ports,
    out,
  );
}

async function gather(ports: Ports, repos: readonly RepoConfig[], requirements: readonly Requirement[] | undefined): Promise<RepoView[]> {
  const views: RepoView[] = [];
  for (const repo of repos) {
    const reason = whyIdle(ports, repo, requirements !== undefined);
    if (reason !== undefined) views.push({ state: 'idle', repo: repo.name, reason });
    else views.push(await (await import('./gather.ts')).gatherRepo(ports, repo, requirements));
  }
  return views;
}

function whyIdle(ports: Ports, repo: RepoConfig, asked: boolean): string | undefined {
  if (isRepoPaused(ports.paths, repo.name)) return `paused; \`agentos resume --repo ${repo.name}\` starts it again`;
  if (asked) return undefined;
  const now = ports.clock.now();
  const due = dueAt(readSprint(planDirectory(ports.paths.plan, repo.name)), ports.config.plan.cadence_days, now);
  return due > now ? `the next sprint is due ${due.toISOString()}` : undefined;
}

async function readRequirements(path: string, repos: readonly RepoConfig[]): Promise<Requirement[]> {
  if (repos.length > 1) {
    throw new AgentOsError('usage', '--requirements needs one repository, and several are configured', {
      hint: `Add --repo with one of: ${repos.map((repo) => repo.name).join(', ')}.`,
    });
  }
  const text = readIfThere(path);
  if (text === undefined) throw new AgentOsError('usage', `--requirements \`${path}\` does not exist`, { hint: 'Name a Markdown file.' });
  if (text.length > MAX_BYTES || text.includes('\u0000')) {
    throw new AgentOsError('usage', `--requirements \`${path}\` is no Markdown file of at most 1 MiB`, { hint: 'Name a Markdown file.' });
  }
  return (await import('./requirements.ts')).parseRequirements(text);
}
