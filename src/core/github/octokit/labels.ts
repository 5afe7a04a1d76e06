/**
 * Putting labels on and taking them off. A label that we put on is told by the
 * event that GitHub made of it, because the journal recognises our own labels
 * by their events: one that was there before is never taken for ours.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { Actor, IssueEvent } from '../github.ts';
import { afterWrite, type Wait } from './after-write.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName, sameName } from './client/request-names.ts';
import { RATE_LIMIT } from './issue-query.ts';
import { readThread } from './issues.ts';
import { checkLabel } from './text-limits.ts';
import { toLabelState } from './to-issue.ts';

const NODES = `labels(first: 100) { nodes { name } }
  timelineItems(last: 50, itemTypes: [LABELED_EVENT]) { nodes {
    __typename
    ... on LabeledEvent { id createdAt label { name } actor {
      __typename
      login
      ... on User { databaseId }
      ... on Bot { databaseId }
      ... on Mannequin { databaseId }
      ... on Organization { databaseId }
    } }
  } }`;
const LABEL_STATE = `query LabelState($owner: String!, $repo: String!, $number: Int!) {
  ${RATE_LIMIT}
  repository(owner: $owner, name: $repo) { issueOrPullRequest(number: $number) {
    __typename
    ... on Issue { ${NODES} }
    ... on PullRequest { ${NODES} }
  } }
}`;
const labelStateAnswer = z.object({ repository: z.object({ issueOrPullRequest: z.unknown() }) });

/** After a write GitHub's reads may be behind for a moment. */
const READ_AGAIN_MS = [0, 500, 1000, 2000, 4000];

/**
 * @returns our event, `undefined` when the label was there already
 * @throws AgentOsError `unknown_outcome` when the event does not show
 */
export async function addLabel(
  client: GitHubClient,
  by: { own: Actor; wait: Wait },
  at: { repo: string; number: number; label: string },
): Promise<{ eventId: string } | undefined> {
  const { repo, number, label } = at;
  checkLabel(label);
  const before = await readLabels(client, repo, number);
  if (before.labels.some((name) => sameName(name, label))) return undefined;
  const known = new Set(before.events.map((event) => event.id));
  const parameters = { ...ownerAndName(repo), issue_number: number, labels: [label] };
  await client.write(repo, 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels', parameters);
  return afterWrite(`the label \`${label}\` on ${repo}#${number}`, async () => {
    for (const ms of READ_AGAIN_MS) {
      if (ms > 0) await by.wait(ms);
      const { events } = await readLabels(client, repo, number);
      const fresh = events.filter((event) => !known.has(event.id) && isOf(event, label));
      const ours = fresh.findLast((event) => event.actor?.id === by.own.id);
      if (ours) return { eventId: ours.id };
      // Somebody was faster; ours changed nothing.
      if (fresh.length > 0) return undefined;
    }
    throw new AgentOsError('unknown_outcome', `the label \`${label}\` was put on ${repo}#${number}, but its event does not show yet`);
  });
}

/** Nothing happens when the label is not there. */
export async function removeLabel(client: GitHubClient, repo: string, number: number, label: string): Promise<void> {
  const { issue } = await readThread(client, repo, number);
  const name = issue.labels.find((one) => sameName(one, label));
  if (name === undefined) return;
  const parameters = { ...ownerAndName(repo), issue_number: number, name };
  try {
    await client.write(repo, 'DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}', parameters);
  } catch (error) {
    // Taken off by somebody else meanwhile.
    if (!(error instanceof AgentOsError && error.code === 'not_found')) throw error;
  }
}

async function readLabels(client: GitHubClient, repo: string, number: number): Promise<{ labels: string[]; events: IssueEvent[] }> {
  const { repository } = await client.query(LABEL_STATE, { ...ownerAndName(repo), number }, labelStateAnswer);
  return toLabelState(repository.issueOrPullRequest, `${repo}#${number}`);
}

function isOf(event: IssueEvent, label: string): boolean {
  return event.kind === 'labeled' && sameName(event.label, label);
}
