/**
 * The issue that a finding becomes: what was seen, the evidence, what to do,
 * and how to tell afterwards whether it helped. It speaks of one repository
 * only, because others may be private to its readers. What agents said stands
 * in fences, made harmless. Pure.
 */
import { wilson } from '../../core/statistics.ts';
import { cleanLine, fence, neutralise, plural } from '../../core/text.ts';
import type { Pattern } from './detect.ts';
import { cell, renderPointer, renderRate, renderTemplate, table } from './render.ts';

/** After this time the measure is looked at. */
const REVIEW_DAYS = 14;

export interface FindingContext {
  repo: string;
  pattern: Pattern;
  from: Date;
  to: Date;
  /** Failures of the window in all repositories. */
  failures: number;
}

/** The hidden line by which the issue is found again; it counts only on issues that our own account wrote. */
export function findingMarker(fingerprint: string): string {
  return `<!-- agentos:finding ${fingerprint} -->`;
}

export function renderFinding(context: FindingContext): { title: string; body: string } {
  const { pattern, repo } = context;
  const what = cleanLine(neutralise(pattern.template).replaceAll('&lt;', '').replaceAll('&gt;', ''), 80) || 'no reason given';
  const body = [
    findingMarker(pattern.fingerprint),
    `## What was seen\n\n${seen(context)}`,
    `## Evidence\n\n${evidence(context)}\n\n${pattern.examples.map(example).join('\n\n')}`,
    `## Suggested task\n\n${suggestion(pattern)}`,
    `## Measure and review date\n\n${measure(context)}`,
    `Filed by \`agentos analyze-logs\`. It carries no \`ready\`: a person decides whether ${repo} wants this.`,
  ];
  return { title: `Recurring failure: ${cell(pattern.code)}: ${what}`, body: `${body.join('\n\n')}\n` };
}

function seen({ pattern, from, to, repo }: FindingContext): string {
  const here = pattern.repos.find(({ name }) => name === repo) ?? { count: 0, issues: 0 };
  const elsewhere = pattern.count - here.count;
  const others = elsewhere === 0 ? '' : `, and ${plural(elsewhere, 'time')} in other repositories`;
  const who = pattern.agents.length === 0 ? '' : ` Agents: ${pattern.agents.map((name) => `\`${cell(name)}\``).join(', ')}.`;
  return `From ${day(from.toISOString())} to ${day(to.toISOString())} the same failure happened ${plural(here.count, 'time')} here, over ${plural(here.issues, 'issue')}${others}:\n\n${renderTemplate(pattern.template)}\n\nCode \`${cell(pattern.code)}\`.${who}`;
}

function evidence({ pattern, failures }: FindingContext): string {
  return table(
    ['figure', 'value'],
    [
      ['events', String(pattern.count)],
      ['distinct issues', String(pattern.issues)],
      ['share of all failures', renderRate(pattern.count, failures, wilson(pattern.count, failures))],
      ['first seen', pattern.firstAt],
      ['last seen', pattern.lastAt],
      ['fingerprint', `\`${pattern.fingerprint}\``],
    ],
  );
}

function example(entry: Pattern['examples'][number]): string {
  const where = entry.issue === null ? entry.repo : `#${entry.issue}`;
  return `${where}, ${entry.at}, ${renderPointer(entry)} in the state directory:\n\n${fence(neutralise(entry.excerpt || '(no reason given)', 600))}`;
}

function suggestion(pattern: Pattern): string {
  const cause = pattern.code === 'verify_failed' ? 'what makes the checks fail this way' : 'what makes attempts end this way';
  return `Find ${cause} from the examples, and put it right where it arises: in the code, its tests, its set-up, or the instructions that contributors are given. Done when the cause is named in the pull request and the same situation no longer fails.`;
}

function measure({ pattern, from, to }: FindingContext): string {
  const days = Math.max(1, Math.round((to.getTime() - from.getTime()) / 86_400_000));
  const review = new Date(to.getTime() + REVIEW_DAYS * 86_400_000);
  return `Measure: events with fingerprint \`${pattern.fingerprint}\` in ${plural(days, 'day')}, ${pattern.count} now. Hypothesis: none in the ${plural(days, 'day')} before ${day(review.toISOString())}, when \`agentos analyze-logs\` should be read again. If it still happens, the cause was another one.`;
}

function day(instant: string): string {
  return instant.slice(0, 10);
}
