/** Looks at everything that `agentos gc` may remove. */
import { readdirSync, statSync } from 'node:fs';
import { preservedPath } from '../../core/config/paths.ts';
import { AgentOsError, errnoOf, toIoError } from '../../core/errors.ts';
import { countReady } from '../../core/github/readiness.ts';
import { isTaskId } from '../../core/ids.ts';
import { type Letter, TRAYS } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';
import type { GcSnapshot, GcTask } from './gc-policy.ts';

/** Where the preserved work of a repository hangs, one directory a task. */
export function preservedRefs(ports: Pick<Ports, 'paths'>, repo: string): string {
  return `${preservedPath(ports.paths, repo)}/refs/agentos/preserved`;
}

export async function gatherGc(ports: Ports, days: number): Promise<GcSnapshot> {
  const mailbox = await ports.mailbox();
  const tasks: GcTask[] = [];
  for (const tray of TRAYS) for (const letter of await mailbox.list(tray)) tasks.push(await toGcTask(ports, letter));
  const effects = await ports.effects();
  const records = [];
  for (const { name } of ports.config.repos) records.push(...(await effects.list(name)));
  return {
    now: ports.clock.now(),
    days,
    cadenceDays: ports.config.plan.cadence_days,
    tasks,
    runs: list(ports.paths.runs)
      .filter(isTaskId)
      .map((task) => ({ task, changedAt: statSync(`${ports.paths.runs}/${task}`).mtime })),
    preserved: ports.config.repos.flatMap(({ name }) => list(preservedRefs(ports, name)).map((task) => ({ repo: name, task }))),
    eventDays: list(ports.paths.events).flatMap((name) => (/^\d{4}-\d\d-\d\d\.ndjson$/.test(name) ? [name.slice(0, 10)] : [])),
    effects: records,
  };
}

async function toGcTask(ports: Ports, { task, tray }: Letter): Promise<GcTask> {
  const ended = tray === 'done' || tray === 'failed';
  const readyCount = ended ? await askReadyCount(ports, task.repo, task.issue) : undefined;
  return {
    id: task.id,
    repo: task.repo,
    issue: task.issue,
    branch: task.branch,
    tray,
    settledAt: task.settled_at ?? task.created_at,
    ...(task.pull_request !== undefined && { pullRequest: task.pull_request }),
    ...(readyCount !== undefined && { readyCount }),
  };
}

/** How often the issue was made ready; `undefined` where nobody can tell. */
async function askReadyCount(ports: Ports, name: string, issue: number): Promise<number | undefined> {
  const repo = ports.config.repos.find((entry) => entry.name === name);
  if (!repo) return undefined;
  try {
    return countReady(await (await ports.forge()).listIssueEvents(name, issue), repo.ready.label);
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw toIoError(error, `list \`${dir}\``);
  }
}
