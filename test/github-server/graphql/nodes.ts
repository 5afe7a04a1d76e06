/** `node(id:)`: whatever has a global id and may be seen by the viewer. */
import { canSee } from '../access.ts';
import type { Repository } from '../records.ts';
import { canSee as canSeeProject } from './projects.ts';
import { notFound } from './refusal.ts';
import { actorSource, type Context, fieldSource, refuseUnreadable, repositorySource, type ThreadSource, threadSource } from './sources.ts';
import { commentSource, eventSource } from './timeline.ts';

export type NodeSource = { __typename: string };

export function findNode(context: Context, id: string): NodeSource {
  const found = recordNode(context, id) ?? partNode(context, id);
  if (found) return found;
  throw notFound(`a node with the global id of '${id}'`);
}

function recordNode(context: Context, id: string): NodeSource | undefined {
  const { store, viewer } = context;
  const node = store.byNodeId(id);
  if (!node) return undefined;
  if (node.kind === 'user') return actorSource(node.user);
  if ('project' in node) {
    if (!canSeeProject(context, node.project)) return undefined;
    const { project } = node;
    if (node.kind === 'field') return fieldSource(project, node.field);
    return node.kind === 'item' ? { __typename: 'ProjectV2Item', ...node } : { __typename: 'ProjectV2', ...node };
  }
  const { repo } = node;
  if (!canSee(viewer, repo)) return undefined;
  if (node.kind === 'repository') return repositorySource(repo);
  if (node.kind === 'label') return { __typename: 'Label', ...node };
  refuseUnreadable(context, repo, node.kind === 'pull' ? 'pull_requests' : 'issues');
  return threadSource(repo, node.issue);
}

/** Events, comments, reviews and checks. */
function partNode(context: Context, id: string): NodeSource | undefined {
  for (const repo of context.store.state.repositories.values()) {
    if (!canSee(context.viewer, repo)) continue;
    const found = checkNode(repo, id) ?? threadNode(context, repo, id);
    if (found) return found;
  }
  return undefined;
}

function checkNode(repo: Repository, id: string): NodeSource | undefined {
  const run = repo.checkRuns.find(({ nodeId }) => nodeId === id);
  if (run) return { __typename: 'CheckRun', ...{ repo, run } };
  const status = repo.statuses.find(({ nodeId }) => nodeId === id);
  return status && { __typename: 'StatusContext', ...{ repo, status } };
}

function threadNode(context: Context, repo: Repository, id: string): NodeSource | undefined {
  for (const issue of repo.issues.values()) {
    if (issue.deleted) continue;
    const found = inThread(threadSource(repo, issue), id);
    if (!found) continue;
    refuseUnreadable(context, repo, issue.pull ? 'pull_requests' : 'issues');
    return found;
  }
  return undefined;
}

function inThread(on: ThreadSource, id: string): NodeSource | undefined {
  const event = on.issue.events.find(({ nodeId }) => nodeId === id);
  if (event) return eventSource(on, event);
  const comment = on.issue.comments.find(({ nodeId }) => nodeId === id);
  if (comment) return commentSource(on, comment);
  const review = on.issue.pull?.reviews.find(({ nodeId }) => nodeId === id);
  return review && { __typename: 'PullRequestReview', ...{ on, review } };
}
