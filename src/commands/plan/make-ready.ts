/**
 * Makes an issue Ready, and nothing that was not judged: everything is looked at
 * again just before, and where somebody edited in between, the label comes off.
 */
import { snapshotSha } from '../../core/github/ask-readiness.ts';
import type { Issue } from '../../core/github/github.ts';
import { HOLD } from '../../core/github/labels.ts';
import { hasLabel } from '../../core/github/readiness.ts';
import { ensureReadyLabel } from '../../core/github/ready-label.ts';
import type { Ports } from '../../core/ports.ts';
import type { Applied } from '../run-command.ts';
import { filedIssues } from './filed.ts';
import { judgeLabel } from './gather.ts';
import type { PlanAction } from './policy.ts';
import { logStep, type Progress } from './progress.ts';

type Of<K extends PlanAction['kind']> = Extract<PlanAction, { kind: K }>;

export async function makeReady(ports: Ports, known: Progress, action: Of<'make-ready'>): Promise<Applied> {
  const { repo } = action;
  const { candidate } = action.scored;
  const number = candidate.number ?? known.filed.get(candidate.requirement ?? '')?.number;
  if (number === undefined) return { outcome: 'deferred', reason: 'its issue could not be filed' };
  const forge = await ports.forge();
  const issue = await forge.getIssue(repo, number);
  if (issue.state === 'closed') return { outcome: 'skipped', reason: 'closed meanwhile' };
  if (hasLabel(issue.labels, known.repo.ready.label) || hasLabel(issue.labels, HOLD)) return personWasFaster();
  const filedByUs = filedIssues(await (await ports.effects()).list(repo, 'file-issue')).has(number);
  const events = await forge.listIssueEvents(repo, number);
  const verdict = await judgeLabel(ports, known.repo, issue, events, { filedByUs, outdated: false });
  if (!verdict.may) return { outcome: 'skipped', reason: `a person must make it Ready: ${verdict.why}` };
  return putOn(ports, known, action, issue, `sprint:${action.sprint}`, snapshotSha(issue));
}

/** A killed pass meant to put the label on, and it is there: finds out whether that was us. */
export async function settleReady(ports: Ports, known: Progress, action: Of<'settle-ready'>): Promise<Applied> {
  const issue = await (await ports.forge()).getIssue(action.repo, action.issue);
  if (!hasLabel(issue.labels, known.repo.ready.label)) return { outcome: 'skipped', reason: 'taken off meanwhile' };
  return putOn(ports, known, action, issue, action.key, action.sha256);
}

async function putOn(ports: Ports, known: Progress, action: PlanAction, issue: Issue, key: string, sha256: string): Promise<Applied> {
  const { repo, reason } = action;
  const { number } = issue;
  const to = { forge: await ports.forge(), effects: await ports.effects() };
  const done = await ensureReadyLabel(to, { repo, number, label: known.repo.ready.label, key, sha256 });
  if (done.outcome === 'faster') return personWasFaster();
  if (done.outcome === 'edited')
    return { outcome: 'skipped', reason: 'edited while it was made Ready; the label is off again, and a person must decide' };
  known.madeReady.add(number);
  known.selected.add(number);
  known.news = true;
  await logStep(ports, { event: 'plan.issue.selected', repo, issue: number, reason });
  return { outcome: 'applied', detail: { issue: number, eventId: done.eventId } };
}

function personWasFaster(): Applied {
  return { outcome: 'skipped', reason: 'labelled by a person meanwhile' };
}
