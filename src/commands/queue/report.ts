/**
 * What people read of a finished attempt: the commit message and the pull
 * request. What the agent says is marked as such and made harmless. Pure.
 */

import type { TreeChange } from '../../core/git/tree-policy.ts';
import { quietTitle } from '../../core/github/quiet-title.ts';
import type { Task } from '../../core/mailbox/task.ts';
import { cutAtLine, renderForeign } from '../../core/markdown/foreign.ts';
import { cleanLine, neutralise, plural } from '../../core/text.ts';

export interface ReportFacts {
  task: Task;
  agent: string;
  attempt: number;
  changes: readonly Pick<TreeChange, 'path' | 'kind'>[];
  /** Protected paths among them. */
  protected: readonly string[];
  /** Lines that passed on a fresh checkout. */
  verified: readonly string[];
  result: {
    summary: string;
    done: readonly string[];
    decisions: readonly string[];
    risks: readonly string[];
    manualSteps: readonly string[];
  };
}

const LISTED_PATHS = 30;
/** With it the body stays below the 65,536 characters that a forge takes. */
const WORDS_LIMIT = 20_000;

/** Subject, what the agent summed up, and the trailers by which a commit is traced back. */
export function renderCommitMessage(facts: Pick<ReportFacts, 'task' | 'agent'>, summary: string): string {
  const { task, agent } = facts;
  const text = neutralise(summary, 2000).trim();
  const trailers = `Task: ${task.id}\nIssue: ${task.repo}#${task.issue}\nAgent: ${agent}`;
  return `${quietTitle(task.title, 72)}\n\n${text === '' ? '' : `${text}\n\n`}${trailers}\n`;
}

export function renderPullRequestBody(facts: ReportFacts): string {
  const { task, result, changes } = facts;
  const listed = changes.slice(0, LISTED_PATHS).map((change) => `- ${change.kind} ${code(change.path)}`);
  const more = changes.length > LISTED_PATHS ? [`- and ${changes.length - LISTED_PATHS} more`] : [];
  const verified = facts.verified.map((line) => `- \`${line.replaceAll('`', "'")}\` passed`);
  const sections = [
    `Closes #${task.issue}`,
    `## Evidence\n\n${verified.length > 0 ? `On a fresh checkout of exactly this tree:\n\n${verified.join('\n')}` : 'No `verify` is configured; nothing was run.'}`,
    `## Change\n\n${plural(changes.length, 'file')}:\n\n${[...listed, ...more].join('\n')}`,
    ...(facts.protected.length > 0
      ? [
          `## Needs approval\n\nThese paths are protected; a trusted person must approve this head:\n\n${facts.protected.slice(0, LISTED_PATHS).map(bullet).join('\n')}`,
        ]
      : []),
    renderWords(facts.agent, facts.attempt, result),
    `---\nTask \`${task.id}\`, made ready by ${neutralise(task.snapshot.ready_by, 60)}.`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function bullet(path: string): string {
  return `- ${code(path)}`;
}

function code(path: string): string {
  return `\`${cleanLine(path, 200).replaceAll('`', "'")}\``;
}

/** The agent's own words, quoted line by line. */
function renderWords(agent: string, attempt: number, result: ReportFacts['result']): string {
  const parts = [
    renderForeign(result.summary, 4000),
    ...list('Done', result.done),
    ...list('Decisions', result.decisions),
    ...list('Risks', result.risks),
    ...list('Left to do by hand', result.manualSteps),
  ];
  const quoted = cutAtLine(parts.join('\n\n'), WORDS_LIMIT)
    .split('\n')
    .map((line) => `> ${line}`.trimEnd());
  return `## What the agent says\n\nWords of \`${agent}\` (attempt ${attempt}), not checked:\n\n${quoted.join('\n')}`;
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0
    ? []
    : [
        `**${title}**\n\n${items
          .slice(0, 20)
          .map((item) => `- ${renderForeign(item, 500).replace(/\s+/g, ' ')}`)
          .join('\n')}`,
      ];
}
