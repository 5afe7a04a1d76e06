/** Reads the events of the window and what the journal knows of earlier findings. No request to the forge. */
import { selectRepos } from '../../core/config/select-repos.ts';
import type { Event } from '../../core/events/event.ts';
import { readEvents } from '../../core/events/read.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import type { LoopOptions } from '../run-command.ts';
import type { Filed, FindingsSnapshot } from './policy.ts';
import { type Analysis, analyse } from './report.ts';

/** Effects that file issues share one kind, so that `plan` tells what Agent OS filed itself; the key says what for. */
export const FILE_ISSUE = 'file-issue';
const KEY_PREFIX = 'finding:';

/** Natural key of a finding in the journal. */
export function findingKey(fingerprint: string): string {
  return `${KEY_PREFIX}${fingerprint}`;
}

/** Attempts of issues that ended in the window may lie this much before it. */
const LOOKBACK_DAYS = 30;
const DAY_MS = 86_400_000;

export interface AnalysisSnapshot extends FindingsSnapshot {
  analysis: Analysis;
}

export async function gatherAnalysis(options: LoopOptions & { days: number }, ports: Ports): Promise<AnalysisSnapshot> {
  const repos = selectRepos(ports.config, options.repos);
  const to = ports.clock.now();
  const from = new Date(to.getTime() - options.days * DAY_MS);
  const window = readEvents(ports.paths.events, new Date(from.getTime() - LOOKBACK_DAYS * DAY_MS), to);
  const wanted = new Set(repos.map(({ name }) => name));
  const events = options.repos.length === 0 ? window.events : window.events.filter((event) => belongsTo(event, wanted));
  const analysis = analyse(events, window.unreadable, from, to);
  return {
    analysis,
    patterns: analysis.patterns,
    filed: await listFiled(ports),
    repos: repos.map(({ name }) => ({ name, paused: isRepoPaused(ports.paths, name) })),
  };
}

/** With `--repo` only events that name the repository: a failed action has it in front of its reason. */
function belongsTo(event: Event, repos: ReadonlySet<string>): boolean {
  if (event.repo !== undefined) return repos.has(event.repo);
  return event.event === 'run.action.failed' && repos.has(/^[^\s:#]+/.exec(event.reason)?.[0] ?? '');
}

/** Over every configured repository: a fingerprint is filed once, wherever that was. */
async function listFiled(ports: Ports): Promise<Map<string, Filed>> {
  const effects = await ports.effects();
  const filed = new Map<string, Filed>();
  for (const { name } of ports.config.repos) {
    for (const record of await effects.list(name, FILE_ISSUE)) {
      if (record.state === 'failed' || !record.key.startsWith(KEY_PREFIX)) continue;
      const issue = numberOf(record.result);
      filed.set(record.key.slice(KEY_PREFIX.length), { repo: name, ...(record.state === 'done' && issue !== undefined && { issue }) });
    }
  }
  return filed;
}

function numberOf(result: unknown): number | undefined {
  const number = typeof result === 'object' && result !== null ? (result as { number?: unknown }).number : undefined;
  return typeof number === 'number' ? number : undefined;
}
