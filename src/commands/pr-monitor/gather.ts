/**
 * Looks once at every pull request of ours, and closely only at those that
 * something has happened to. A read that fails makes that one pull request
 * fail, never a shorter list. A pass without news loads nothing but this.
 */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { tryRead } from '../../core/try-read.ts';
import { readTurn, startAt } from '../../core/turn.ts';
import { keyOf, recall } from './memory.ts';
import type { PrMonitorSnapshot } from './policy.ts';

/** @param anew looks at everything, whatever an earlier pass said. */
export async function gatherPrMonitor(ports: Ports, repos: readonly RepoConfig[], anew = false): Promise<PrMonitorSnapshot> {
  const mailbox = await ports.mailbox();
  const letters = [...(await mailbox.list('review')), ...(await mailbox.list('escalated'))];
  const snapshot: Required<PrMonitorSnapshot> = { pulls: [], left: [], unchanged: [] };
  const wanted: Wanted[] = [];
  for (const letter of letters) {
    const { id, repo: name, issue, pull_request: number } = letter.task;
    const leave = (reason: string, error?: AgentOsError) =>
      snapshot.left.push({ id, issue, subject: `${name}#${number ?? issue}`, reason, ...(error && { error }) });
    const repo = repos.find((entry) => entry.name === name);
    const isWanted = repo !== undefined || !ports.config.repos.some((entry) => entry.name === name);
    // Without a pull request an escalated task is dispatch's.
    if (!isWanted || (number === undefined && letter.tray === 'escalated')) continue;
    if (!repo) leave(`${name} is not in \`repos\` any more`);
    else if (number === undefined) leave(`task ${id} is in review and names no pull request; run \`agentos cancel ${id}\``);
    else if (isRepoPaused(ports.paths, name)) leave(`${name} is paused`);
    else wanted.push({ repo, letter, number, subject: `${name}#${number}`, leave });
  }
  await lookAtEach(
    ports,
    startAt(wanted, (one) => one.subject, readTurn(ports.paths, 'pr-monitor')),
    anew,
    snapshot,
  );
  return snapshot;
}

interface Wanted {
  repo: RepoConfig;
  letter: Letter;
  number: number;
  subject: string;
  leave(reason: string, error: AgentOsError): void;
}

/** Where the forge asks us to wait, the rest has its turn in a later pass. */
async function lookAtEach(ports: Ports, wanted: readonly Wanted[], anew: boolean, snapshot: Required<PrMonitorSnapshot>): Promise<void> {
  if (wanted.length === 0) return;
  const asked = wanted.map(({ letter, number }) => ({ repo: letter.task.repo, pull: number, issue: letter.task.issue }));
  const stamps = await (await ports.forge()).stampPullRequests(asked);
  let waiting: AgentOsError | undefined;
  for (const { repo, letter, number, subject, leave } of wanted) {
    const { id } = letter.task;
    const stamp = stamps.get(subject);
    const key = stamp === undefined ? undefined : keyOf(ports.paths, repo, letter, stamp);
    const known = anew || key === undefined ? undefined : recall(ports.paths, id, key, ports.clock.now());
    if (known) {
      snapshot.unchanged.push({ id, subject, ...known });
      continue;
    }
    const { gatherPull } = await import('./gather-pull.ts');
    const facts = waiting ?? (await tryRead(() => gatherPull(ports, repo, letter, number), ['rate_limit']));
    if (!(facts instanceof AgentOsError)) snapshot.pulls.push({ ...facts, ...(key !== undefined && { key }) });
    else leave(facts.message, facts);
    if (facts instanceof AgentOsError && facts.code === 'rate_limit') waiting = facts;
  }
}
