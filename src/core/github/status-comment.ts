/**
 * The status comment: the only comment of ours on an issue, edited in place,
 * saying where the task stands. It mentions a person only in states that need
 * one. Pure.
 */
import type { Tray } from '../mailbox/mailbox.ts';
import { countedAttempts, type Task } from '../mailbox/task.ts';
import { neutralise, plural } from '../text.ts';
import { isColumn } from './labels.ts';

/** Recognises the comment; counts only on comments that our own identity wrote. */
export const STATUS_MARKER = '<!-- agentos:status -->';

export function renderStatusComment(task: Task, tray: Tray): string {
  return `${STATUS_MARKER}\n${headline(task, tray)}\n\n${details(task)}`.trimEnd();
}

/** Asks for the label again, after an edit voided it. */
export function renderRelabelComment(by: string, label: string): string {
  const [done, anew] = isColumn(label)
    ? [`it was moved to \`${label}\``, 'move its card out of that column and in again']
    : [`\`${label}\` was put on`, `take \`${label}\` off and put it on again`];
  return `${STATUS_MARKER}\n**Not started.** @${by}, this issue was edited after ${done}, so what you agreed to may have changed. Read it again; to go on, ${anew}.`;
}

function headline(task: Task, tray: Tray): string {
  const last = task.attempts.at(-1);
  const pull = task.pull_request === undefined ? '' : ` #${task.pull_request}`;
  const note = task.note ? ` ${neutralise(task.note, 4000)}` : '';
  switch (tray) {
    case 'inbox':
      return task.fix
        ? `**Queued for a fix** of pull request${pull}.${note}`
        : `**Queued** as \`${task.id}\` for ${task.agents.map((agent) => `\`${agent}\``).join(' → ')}.${note}`;
    case 'processing':
      return `**Running**: attempt ${last?.n ?? 1} by \`${last?.agent ?? task.agents[0]}\`.`;
    case 'review':
      return `**In review**: pull request${pull}.${note}`;
    case 'escalated':
      return `**Needs a person.** @${task.snapshot.ready_by}:${note}`;
    case 'done':
      return `**Done**: merged by pull request${pull}${task.merged ? ` as ${task.merged.slice(0, 12)}` : ''}, and the merged tree is verified.`;
    case 'failed':
      return `**Stopped.**${note}`;
  }
}

/** A comment holds 65,536 characters. */
const LISTED_ATTEMPTS = 30;

function details(task: Task): string {
  const ended = task.attempts.filter((attempt) => attempt.ended_at !== undefined);
  if (ended.length === 0) return '';
  const left = ended.length - LISTED_ATTEMPTS;
  const rows = ended
    .slice(-LISTED_ATTEMPTS)
    .map(
      (attempt) =>
        `- ${attempt.n}. \`${attempt.agent}\`: ${attempt.code ?? attempt.outcome}. ${neutralise(attempt.summary ?? '', 200).replace(/\s+/g, ' ')}`,
    );
  return `<details><summary>${plural(ended.length, 'attempt')}, ${countedAttempts(task).length} counted</summary>\n\n${left > 0 ? `${plural(left, 'earlier attempt')} not shown.\n\n` : ''}${rows.join('\n')}\n\n</details>`;
}
