/** `agentos status`: loops, repositories, tasks and agents at a glance. Says so, with exit status 74, where a part cannot be read. */
import type { Command } from 'commander';
import { judgeBooks, toCorrupt } from '../../core/budget/judge-books.ts';
import { dayOf, limitOf, splitUsd } from '../../core/budget/ledger.ts';
import { AgentOsError } from '../../core/errors.ts';
import { type Letter, TRAYS, type Tray } from '../../core/mailbox/mailbox.ts';
import { listNames } from '../../core/mailbox/tray-files.ts';
import { isPaused, isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { isResting } from '../../core/routing/breaker.ts';
import { readBreaker } from '../../core/routing/breakers.ts';
import { idPrefix, listIds } from './find-task.ts';
import { gatherLoops } from './loop-health.ts';
import { renderStatus, type Status, type StatusTask, type TrayCounts } from './render-status.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerStatus(program: Command, tools: OperatorTools): void {
  program
    .command('status')
    .summary('loops, repositories, tasks and agents at a glance')
    .description('Says whether each loop runs, where the tasks stand, which agents can run, and what waits for a person. Asks no forge.')
    .addHelpText('after', '\nExit status: 0; 74 when a part of the state cannot be read (the rest is still shown).')
    .action(tools.action(status));
}

async function status(call: Call): Promise<number> {
  const ports = await call.ports();
  const gathered = await gatherStatus(ports, call.globals.json);
  print(call, gathered, renderStatus(gathered, ports.clock.now(), call.paint));
  return gathered.problems.length > 0 ? 74 : 0;
}

/** @param all ended tasks too, which may be thousands. */
async function gatherStatus(ports: Ports, all: boolean): Promise<Status> {
  const problems: string[] = [];
  const orElse = async <T>(fallback: T, read: () => T | Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof AgentOsError)) throw error;
      if (!problems.includes(error.message)) problems.push(error.message);
      return fallback;
    }
  };
  const { paths } = ports;
  const now = ports.clock.now();
  const paused = isPaused(paths);
  const trays = TRAYS.filter((tray) => all || (tray !== 'done' && tray !== 'failed'));
  const letters: Letter[] = [];
  for (const tray of trays) letters.push(...(await orElse([], async () => (await ports.mailbox()).list(tray))));
  return {
    paused,
    loops: await orElse([], () => gatherLoops(paths, now, paused)),
    repos: await gatherRepos(ports, letters, orElse),
    tasks: letters.map(toStatusTask),
    agents: await gatherAgents(ports, orElse),
    budget: await orElse(null, () => gatherBudget(ports, letters)),
    quarantine: await orElse(0, () => countQuarantine(ports)),
    problems,
    stateDir: paths.root,
  };
}

type OrElse = <T>(fallback: T, read: () => T | Promise<T>) => Promise<T>;

async function gatherRepos(ports: Ports, letters: readonly Letter[], orElse: OrElse): Promise<Status['repos']> {
  const ids = await orElse([], async () => {
    await ports.mailbox();
    return listIds(ports);
  });
  return ports.config.repos.map((repo) => {
    const prefix = idPrefix(repo.name);
    const trays = Object.fromEntries(TRAYS.map((tray) => [tray, 0])) as TrayCounts;
    for (const { id, tray } of ids) if (id.startsWith(prefix) && /^-?\d+-\d+$/.test(id.slice(prefix.length))) trays[tray]++;
    const open = letters.filter(
      ({ task, tray }) => task.repo === repo.name && task.pull_request !== undefined && tray !== 'done' && tray !== 'failed',
    );
    return {
      name: repo.name,
      automation: repo.automation,
      paused: isRepoPaused(ports.paths, repo.name),
      trays,
      openPullRequests: open.length,
    };
  });
}

async function gatherAgents(ports: Ports, orElse: OrElse): Promise<Status['agents']> {
  const agents = await orElse(new Map(), () => ports.agents());
  const rows: Status['agents'] = [];
  for (const [name, agent] of agents) {
    const probe = await agent.probe().catch((error: unknown) => {
      if (error instanceof AgentOsError) return { ready: false as const, reason: error.message };
      throw error;
    });
    const breaker = await orElse(undefined, () => readBreaker(ports.paths.breakers, name));
    const rest = isResting(breaker, ports.clock.now()) ? breaker : undefined;
    const reason = probe.ready ? (rest?.reason ?? '') : probe.reason;
    rows.push({ name, ready: probe.ready, reason, coolingUntil: rest?.until ?? null });
  }
  return rows;
}

/** What this day and this month cost; runs that go on count as reserved. */
async function gatherBudget(ports: Ports, letters: readonly Letter[]): Promise<Status['budget']> {
  const inspection = (await ports.books()).inspect();
  const { entries, unreadable } = inspection;
  if (unreadable[0]) throw toCorrupt(unreadable[0].path, unreadable[0].line);
  const { budgets, agents } = ports.config;
  const today = dayOf(ports.clock.now());
  const ofDay = entries.filter(({ at }) => at.startsWith(today));
  const ofMonth = entries.filter(({ at }) => at.startsWith(today.slice(0, 7)));
  // Models that were asked about tasks stand beside the agents.
  const names = new Set([...Object.keys(agents), ...ofMonth.map(({ agent }) => agent)]);
  const rows = [...names].map((name) => ({
    name,
    runsToday: ofDay.filter(({ agent }) => agent === name).length,
    runsLimit: limitOf(budgets.per_agent_day_runs, name) ?? null,
    ...splitUsd(ofMonth.filter(({ agent }) => agent === name)),
    limitUsd: limitOf(budgets.per_agent_month_usd, name) ?? null,
  }));
  return {
    today: { ...splitUsd(ofDay), limitUsd: budgets.per_day_usd ?? null },
    agents: rows.filter(
      (row) => row.runsToday > 0 || row.spentUsd + row.reservedUsd > 0 || row.limitUsd !== null || row.runsLimit !== null,
    ),
    warnings: judgeBooks(inspection, letters, ports.clock.now()).map(({ where, what }) => `${where}: ${what}`),
  };
}

/** Files in quarantine, without the notes that say why. */
function countQuarantine(ports: Ports): number {
  return listNames(ports.paths.mailbox, 'quarantine').filter((name) => !name.endsWith('.reason.txt')).length;
}

function toStatusTask({ task, tray }: { task: Letter['task']; tray: Tray }): StatusTask {
  const last = task.attempts.at(-1);
  return {
    id: task.id,
    repo: task.repo,
    issue: task.issue,
    title: task.title,
    tray,
    attempt: last?.n ?? 0,
    agent: last?.agent ?? null,
    pullRequest: task.pull_request ?? null,
    notBefore: task.not_before ?? null,
    waitsFor: task.waits_for ?? null,
    updatedAt: latest(task.created_at, task.settled_at, last?.started_at, last?.ended_at),
    note: task.note ?? null,
  };
}

/** The newest of these instants, whatever their offsets. */
function latest(first: string, ...others: (string | undefined)[]): string {
  return others.reduce<string>((newest, at) => (at !== undefined && Date.parse(at) > Date.parse(newest) ? at : newest), first);
}
