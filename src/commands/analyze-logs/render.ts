/**
 * The report, for people: Markdown on stdout. A share always stands with its
 * number of issues and its interval; too few of them are called too few. Words
 * of agents are made harmless on the way. Pure.
 */
import type { Interval } from '../../core/statistics.ts';
import { neutralise, plural, renderDuration } from '../../core/text.ts';
import { type Example, isSupported, MIN_EVENTS, MIN_ISSUES, type Pattern } from './detect.ts';
import type { Analysis } from './report.ts';
import type { Metrics, Rate, Spread } from './statistics.ts';

/** Below this many issues a share or a median is not given. */
const MIN_UNITS = 3;
/** Below this many the 85th percentile is nothing but the largest value. */
const MIN_P85 = 7;
/** Patterns shown; the rest is counted. */
const MAX_PATTERNS = 10;

export function renderReport(analysis: Analysis): string {
  const { metrics, quality } = analysis;
  const sections = [
    `# Log analysis, ${day(analysis.from)} to ${day(analysis.to)}\n\n${summary(analysis)}`,
    `## Success by agent\n\n${rates('agent', metrics.byAgent)}`,
    `## Success by task type\n\n${rates('type', metrics.byType)}`,
    `## Time and effort\n\n${effort(metrics)}`,
    `## Failures by code\n\n${codes(analysis)}`,
    `## Failures by fingerprint\n\n${patterns(analysis.patterns)}`,
    `## Data quality\n\n${plural(quality.events, 'event')}, ${plural(quality.unreadable, 'unreadable line')}, ${plural(quality.incompleteAttempts, 'attempt')} without repository, issue, agent or type.`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** `7 of 10 (70 %, 95 % interval 40–89 %)`, or the bare count where that says too little. */
export function renderRate(successes: number, n: number, interval: Interval): string {
  if (n < MIN_UNITS) return `${successes} of ${n}, insufficient data (n=${n})`;
  return `${successes} of ${n} (${percent(successes / n)} %, 95 % interval ${percent(interval.low)}–${percent(interval.high)} %)`;
}

/** Where the evidence of an example lies in the state directory. */
export function renderPointer(example: Example): string {
  if (example.task === null) return `events of ${day(example.at)}, run \`${example.run}\``;
  return example.attempt === null ? `task \`${example.task}\`` : `\`runs/${example.task}/${example.attempt}/\``;
}

/** A template as inline code: backticks inside it cannot end it. */
export function renderTemplate(template: string): string {
  return template === ''
    ? '(no reason given)'
    : `\`${neutralise(template).replaceAll('`', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>')}\``;
}

function summary({ metrics, attempts, failures }: Analysis): string {
  const parts = [
    `${metrics.merged} merged and verified`,
    `${metrics.escalated} left to a person`,
    `${metrics.withdrawn} withdrawn`,
    `${metrics.unfinished} not ended yet`,
  ];
  const apart = metrics.endedOnInfrastructure;
  const excluded =
    apart === 0
      ? ''
      : ` ${plural(apart, 'issue')} ended for reasons of providers, machines or budgets and ${apart === 1 ? 'counts' : 'count'} for no agent.`;
  return `Issues: ${parts.join(', ')}. ${plural(attempts, 'attempt')} ended, ${plural(failures, 'failure')}.${excluded}`;
}

function rates(what: string, list: readonly Rate[]): string {
  if (list.length === 0) return 'insufficient data (n=0)';
  return table(
    [what, 'merged of ended issues'],
    list.map((rate) => [cell(rate.name), renderRate(rate.successes, rate.n, rate.interval)]),
  );
}

function effort({ leadMs, attemptsPerMerge }: Metrics): string {
  return table(
    ['of merged issues', 'n', 'median', 'p85', 'mean'],
    [
      ['ready to merged', ...spread(leadMs, renderDuration)],
      ['attempts', ...spread(attemptsPerMerge, (value) => String(Math.round(value * 10) / 10))],
    ],
  );
}

function spread(values: Spread, render: (value: number) => string): string[] {
  const { n } = values;
  const give = (value: number | null, from: number) => (value === null || n < from ? `insufficient data (n=${n})` : render(value));
  return [String(n), give(values.p50, MIN_UNITS), give(values.p85, MIN_P85), give(values.mean, MIN_UNITS)];
}

function codes({ codes: list, failures }: Analysis): string {
  if (list.length === 0) return 'No failures.';
  return table(
    ['code', 'failures', 'issues', 'says something about'],
    list.map((entry) => [
      `\`${cell(entry.code)}\``,
      `${entry.count} of ${failures}`,
      String(entry.issues),
      entry.quality ? 'the work' : 'the operation',
    ]),
  );
}

function patterns(list: readonly Pattern[]): string {
  if (list.length === 0) return 'No failures.';
  const shown = list.slice(0, MAX_PATTERNS).map((pattern) => {
    const mark = isSupported(pattern) ? '**finding**' : `below support (from ${MIN_EVENTS} over ${MIN_ISSUES} issues)`;
    const examples = pattern.examples.map(
      (example) => `  - ${example.issue === null ? example.repo : `${example.repo}#${example.issue}`}: ${renderPointer(example)}`,
    );
    const head = `- \`${pattern.fingerprint}\` \`${cell(pattern.code)}\`: ${plural(pattern.count, 'event')} over ${plural(pattern.issues, 'issue')}, ${mark}\n  ${renderTemplate(pattern.template)}`;
    return [head, ...examples].join('\n');
  });
  const left = list.length - shown.length;
  return shown.join('\n') + (left > 0 ? `\n- … and ${plural(left, 'more pattern')} (\`--json\` has all)` : '');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text from outside in a cell of a table. */
export function cell(text: string): string {
  return neutralise(text, 200).replace(/[|`\n]/g, ' ');
}

function percent(share: number): number {
  return Math.round(share * 100);
}

function day(instant: string): string {
  return instant.slice(0, 10);
}
