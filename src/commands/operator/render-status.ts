/** What `agentos status` says: judging the heartbeats, and the text for people. Pure. */
import { renderUsd } from '../../core/budget/ledger.ts';
import type { LoopRecord } from '../../core/loop-record.ts';
import { TRAYS, type Tray } from '../../core/mailbox/mailbox.ts';
import { cleanLine, plural, renderDuration } from '../../core/text.ts';
import type { Paint } from './tools.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Time without a new pass after which a loop is overdue: three intervals of its cron line; a week and a day for the weekly ones. */
export const LOOP_LIMITS_MS = {
  dispatch: 3 * MINUTE,
  queue: 3 * MINUTE,
  'pr-monitor': 15 * MINUTE,
  'analyze-logs': 8 * DAY,
  groom: 8 * DAY,
  plan: 3 * HOUR,
} as const;
export type LoopName = keyof typeof LOOP_LIMITS_MS;

/** A pass that holds its lock for longer is shown (docs/contracts.md, "Command line"). */
const STUCK_MS = 15 * MINUTE;

export interface LoopFacts {
  command: LoopName;
  record?: LoopRecord;
  /** The pass that started last has not ended and its process lives. */
  running: boolean;
  holdsLock: boolean;
  /** When the state directory was made: a loop that never ran is overdue from then on. */
  installedAt: Date;
  paused: boolean;
  now: Date;
}

export interface LoopHealth {
  command: LoopName;
  lastStartedAt: string | null;
  lastFinishedAt: string | null;
  /** Exit status of the pass that ended last. */
  lastExit: number | null;
  reason: string;
  overdue: boolean;
  running: boolean;
}

/** A pass of which nothing more is heard: killed, or the machine stopped. */
const DIED = 'the last pass ended without a word: killed, or the machine stopped';

/** Whether nothing is heard yet of the end of the pass that started last. */
export function isOpen({ run, over, finished }: LoopRecord): boolean {
  return !over && finished?.run !== run;
}

export function judgeLoop(facts: LoopFacts): LoopHealth {
  const { command, record, running, now } = facts;
  const started = record && Date.parse(record.startedAt);
  const age = now.getTime() - (started ?? facts.installedAt.getTime());
  const stuck = running && facts.holdsLock && age > STUCK_MS;
  const overdue = age > LOOP_LIMITS_MS[command] && !(running && !stuck);
  return {
    command,
    lastStartedAt: record?.startedAt ?? null,
    lastFinishedAt: record?.finished?.at ?? null,
    lastExit: record?.finished?.exit ?? null,
    reason: whyLoop(facts, age, stuck, overdue),
    overdue,
    running,
  };
}

function whyLoop({ command, record, running, paused }: LoopFacts, age: number, stuck: boolean, overdue: boolean): string {
  if (!record) return overdue ? 'never ran; is the crontab installed? `agentos cron print`' : 'never ran';
  if (stuck)
    return `one pass has held its lock for ${renderDuration(age)}; look at its process, which is the last number of run ${record.run}`;
  if (running) return `a pass has been running for ${renderDuration(age)}`;
  if (overdue) return `no pass for ${renderDuration(age)}; is the crontab installed and does cron run? \`agentos cron print\``;
  if (!record.finished || isOpen(record)) return DIED;
  return record.finished.reason || (paused ? 'paused' : command === 'queue' || record.finished.exit === 0 ? '' : 'failed');
}

export interface StatusTask {
  id: string;
  repo: string;
  issue: number;
  title: string;
  tray: Tray;
  /** Number of the attempt that runs or ran last; 0 before the first. */
  attempt: number;
  agent: string | null;
  pullRequest: number | null;
  notBefore: string | null;
  /** `agent` or `program`: nobody of its chain can run now, and the note says why. */
  waitsFor: string | null;
  updatedAt: string;
  note: string | null;
}

export type TrayCounts = Record<Tray, number>;

/** The document of `agentos status --json`. */
export interface Status {
  paused: boolean;
  loops: LoopHealth[];
  repos: { name: string; automation: string; paused: boolean; trays: TrayCounts; openPullRequests: number }[];
  tasks: StatusTask[];
  agents: { name: string; ready: boolean; reason: string; coolingUntil: string | null }[];
  /** US dollars, days and months of UTC; agents with their month. `null` where the books cannot be read. */
  budget: {
    today: { spentUsd: number; reservedUsd: number; limitUsd: number | null };
    agents: { name: string; runsToday: number; runsLimit: number | null; spentUsd: number; reservedUsd: number; limitUsd: number | null }[];
    /** Reservations that nobody settles, entries ahead of the clock: file, line and what it means. */
    warnings: string[];
  } | null;
  /** Files that could not be read as tasks. */
  quarantine: number;
  /** Parts of the state that could not be read; then the rest is not the whole. */
  problems: string[];
  stateDir: string;
}

/** Tasks listed for people; the rest is counted. */
const LISTED = 30;

export function renderStatus(status: Status, now: Date, paint: Paint): string {
  const sections = [
    status.paused ? [paint('warn', 'PAUSED; `agentos resume` goes on')] : [],
    status.problems.map((problem) => paint('bad', `unreadable: ${problem}`)),
    ['Loops', ...table(status.loops.map((loop) => loopRow(loop, now, paint)))],
    ['Repositories', ...table(status.repos.map((repo) => repoRow(repo, paint)))],
    ['Tasks', ...renderTasks(status.tasks, now, paint)],
    ['Agents', ...table(status.agents.map((agent) => agentRow(agent, paint)))],
    budgetLines(status.budget, paint),
    quarantineLines(status, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function loopRow(loop: LoopHealth, now: Date, paint: Paint): string[] {
  const state = loop.overdue
    ? paint('bad', 'OVERDUE')
    : loop.running
      ? paint('good', 'running')
      : loop.reason === DIED
        ? paint('warn', 'died')
        : loop.lastExit === null
          ? paint('dim', 'idle')
          : loop.lastExit === 0
            ? paint('good', 'ok')
            : paint(loop.lastExit === 75 ? 'warn' : 'bad', `exit ${loop.lastExit}`);
  return [loop.command, state, loop.lastStartedAt === null ? 'never' : since(loop.lastStartedAt, now), cleanLine(loop.reason, 300)];
}

function repoRow(repo: Status['repos'][number], paint: Paint): string[] {
  const trays = TRAYS.filter((tray) => repo.trays[tray] > 0).map((tray) => {
    const text = `${tray} ${repo.trays[tray]}`;
    return tray === 'escalated' ? paint('bad', text) : text;
  });
  return [
    repo.name,
    repo.automation,
    repo.paused ? paint('warn', 'paused') : 'active',
    trays.length === 0 ? 'no tasks' : trays.join(', '),
    plural(repo.openPullRequests, 'open pull request'),
  ];
}

function renderTasks(tasks: readonly StatusTask[], now: Date, paint: Paint): string[] {
  const active = tasks.filter((task) => task.tray !== 'done' && task.tray !== 'failed');
  if (active.length === 0) return ['  none under way'];
  const rank: Tray[] = ['escalated', 'processing', 'review', 'inbox'];
  const sorted = [...active].sort((a, b) => rank.indexOf(a.tray) - rank.indexOf(b.tray));
  const rows = sorted.slice(0, LISTED).map((task) => taskRow(task, now, paint));
  const notes = sorted.filter((task) => (task.tray === 'escalated' || task.waitsFor !== null) && task.note !== null).slice(0, LISTED);
  return [
    ...table(rows),
    ...(sorted.length > LISTED ? [`  and ${sorted.length - LISTED} more`] : []),
    ...notes.map((task) => `  ${task.id}: ${cleanLine(task.note ?? '', 500)}`),
  ];
}

function taskRow(task: StatusTask, now: Date, paint: Paint): string[] {
  const waits = task.notBefore !== null && Date.parse(task.notBefore) > now.getTime() ? ` not before ${task.notBefore}` : '';
  return [
    task.id,
    `${task.tray === 'escalated' ? paint('bad', task.tray) : task.tray}${waits}`,
    task.attempt === 0 ? 'no attempt' : `attempt ${task.attempt} by ${task.agent ?? '?'}`,
    task.pullRequest === null ? '' : `#${task.pullRequest}`,
    since(task.updatedAt, now),
    cleanLine(task.title, 60),
  ];
}

function agentRow(agent: Status['agents'][number], paint: Paint): string[] {
  const state = agent.ready ? paint('good', 'ready') : paint('bad', 'not ready');
  return [agent.name, agent.coolingUntil === null ? state : `cooling until ${agent.coolingUntil}`, cleanLine(agent.reason, 300)];
}

/** Only where something is spent or limited. */
function budgetLines(budget: Status['budget'], paint: Paint): string[] {
  if (!budget) return [];
  const warnings = budget.warnings.map((warning) => `  ${paint('warn', cleanLine(warning, 500))}; \`agentos doctor\` has the remedy`);
  if (budget.agents.length === 0 && budget.today.limitUsd === null && warnings.length === 0) return [];
  const money = ({ spentUsd, reservedUsd, limitUsd }: { spentUsd: number; reservedUsd: number; limitUsd: number | null }) =>
    [
      `${renderUsd(spentUsd)} spent${limitUsd === null ? '' : ` of ${renderUsd(limitUsd)}`}`,
      ...(reservedUsd > 0 ? [`${renderUsd(reservedUsd)} reserved`] : []),
    ].join(', ');
  const rows = budget.agents.map((agent) => [
    agent.name,
    `this month ${money(agent)}`,
    `today ${plural(agent.runsToday, 'run')}${agent.runsLimit === null ? '' : ` of ${agent.runsLimit}`}`,
  ]);
  return ['Budget', ...table([['all', `today ${money(budget.today)}`, ''], ...rows]), ...warnings];
}

function quarantineLines({ quarantine, stateDir }: Status, paint: Paint): string[] {
  if (quarantine === 0) return [];
  const where = `${stateDir}/mailbox/quarantine`;
  const remedy = `each has a \`.reason.txt\` beside it; put right what is wrong and move the file back to its tray, or remove both`;
  return [`${paint('bad', `${plural(quarantine, 'file')} in quarantine`)}: ${where}; ${remedy}`];
}

function since(at: string, now: Date): string {
  return `${renderDuration(now.getTime() - Date.parse(at))} ago`;
}

/** Columns as wide as their longest cell. */
function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
  return rows.map((row) => `  ${row.map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - width(cell))).join('  ')}`.trimEnd());
}

/** Characters a cell takes: colours take none. */
function width(cell: string): number {
  return cell.replace(/\u001b\[[0-9]+m/g, '').length;
}
