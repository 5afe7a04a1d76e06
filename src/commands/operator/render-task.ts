/** A task as `agentos show` prints it. Pure. */
import type { Tray } from '../../core/mailbox/mailbox.ts';
import type { Attempt, Task } from '../../core/mailbox/task.ts';
import { cleanLine, cleanText, renderDuration } from '../../core/text.ts';
import type { Paint } from './tools.ts';

export type ShownAttempt = Attempt & {
  /** Directory of what is kept of the attempt. */
  run?: string;
  /** Command that shows its preserved work. */
  look?: string;
};

export interface ShownTask {
  task: Task;
  tray: Tray;
  /** Absolute path of the task file. */
  file: string;
  attempts: readonly ShownAttempt[];
  body: string;
  /** The local forge: its pull requests are seen with `agentos local pr view`. */
  local: boolean;
}

export function renderTask(shown: ShownTask, paint: Paint): string {
  const { task, tray, file, attempts, body } = shown;
  const head = [
    `${paint('bold', task.id)}  ${paint(tray === 'escalated' ? 'bad' : 'bold', tray)}`,
    cleanLine(task.title, 300),
    ...field('issue', `${task.repo}#${task.issue}, made ready by ${cleanLine(task.snapshot.ready_by)} at ${task.snapshot.ready_at}`),
    ...field('type', `${task.type}, priority ${task.priority}`),
    ...field('agents', cleanLine(task.agents.join(' → '))),
    ...field('branch', cleanLine(`${task.branch} on ${task.base}`, 500)),
    ...pullRequest(shown),
    ...field('protected', task.protected?.map((path) => cleanLine(path)).join(', ')),
    ...field('not before', task.not_before),
    ...field('since', task.settled_at ?? task.created_at),
    ...field('note', task.note && cleanLine(task.note, 8000)),
    ...field('file', file),
  ];
  const log = attempts.length === 0 ? ['no attempt yet'] : attempts.flatMap((attempt) => renderAttempt(attempt, paint));
  return `${head.join('\n')}\n\n${log.join('\n')}\n\n${cleanText(body).trimEnd()}\n`;
}

function pullRequest({ task, local }: ShownTask): string[] {
  if (task.pull_request === undefined) return [];
  const how = local ? `; \`agentos local pr view ${task.repo} ${task.pull_request}\`` : '';
  const merged = task.merged === undefined ? '' : `, merged as ${task.merged.slice(0, 12)}`;
  return field('pull request', `#${task.pull_request}${merged}${how}`);
}

function renderAttempt(attempt: ShownAttempt, paint: Paint): string[] {
  const { n, agent, kind, started_at, ended_at, outcome, code } = attempt;
  const took = ended_at === undefined ? '' : ` in ${renderDuration(Date.parse(ended_at) - Date.parse(started_at))}`;
  const end = outcome === undefined ? paint('warn', 'not ended') : paint(outcome === 'complete' ? 'good' : 'bad', outcome);
  const why = code === undefined || code === outcome ? '' : ` (${cleanLine(code)})`;
  return [
    `attempt ${n}${kind === 'fix' ? ', fix' : ''} by ${cleanLine(agent)}: ${end}${why}${took}, started ${started_at}`,
    ...(attempt.passed_over ?? []).flatMap((why) => field('passed over', cleanLine(why, 300))),
    ...field('said', attempt.summary && cleanLine(attempt.summary, 2000)),
    ...field('files', attempt.run),
    ...field('work', attempt.look),
  ];
}

function field(name: string, value: string | undefined): string[] {
  return value === undefined || value === '' ? [] : [`  ${`${name}:`.padEnd(14)}${value}`];
}
