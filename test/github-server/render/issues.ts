/** Issues, comments and timelines as REST shows them. */
import { roleOf } from '../access.ts';
import type { Site } from '../call.ts';
import type { Comment, Issue, Repository, TimelineEvent } from '../records.ts';
import { renderAppId, renderUser } from './accounts.ts';
import { renderLabel, repoPage, repoUrl } from './repositories.ts';

export function association(userId: number, repo: Repository): string {
  if (repo.ownerId === userId) return 'OWNER';
  return repo.collaborators.has(userId) && roleOf(userId, repo) !== 'read' ? 'COLLABORATOR' : 'NONE';
}

export function issuePage(site: Site, repo: Repository, issue: Issue): string {
  return `${repoPage(site, repo)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
}

/** What issues and pull requests have in common. */
export function renderCommon(site: Site, repo: Repository, issue: Issue): Record<string, unknown> {
  const people = issue.assigneeIds.map((id) => renderUser(site, site.store.user(id)));
  return {
    ...{ number: issue.number, title: issue.title, body: issue.body, state: issue.state, locked: false, active_lock_reason: null },
    ...{ user: renderUser(site, site.store.user(issue.authorId)), author_association: association(issue.authorId, repo), milestone: null },
    ...{
      labels: site.store.labels(repo, issue).map((label) => renderLabel(site, repo, label)),
      assignee: people[0] ?? null,
      assignees: people,
    },
    ...{
      created_at: issue.createdAt,
      updated_at: issue.updatedAt,
      closed_at: issue.closedAt ?? null,
      html_url: issuePage(site, repo, issue),
    },
  };
}

export function renderIssue(site: Site, repo: Repository, issue: Issue): Record<string, unknown> {
  const url = `${repoUrl(site, repo)}/issues/${issue.number}`;
  const { pull } = issue;
  const page = issuePage(site, repo, issue);
  const done = issue.subIssueIds.filter((id) => site.store.issueById(id)?.state === 'closed').length;
  const total = issue.subIssueIds.length;
  const blockers = issue.blockedByIds.map((id) => site.store.issueById(id));
  const openBlockers = blockers.filter((one) => one?.state === 'open').length;
  return {
    ...renderCommon(site, repo, issue),
    ...{ id: issue.id, node_id: issue.nodeId, url, repository_url: repoUrl(site, repo), labels_url: `${url}/labels{/name}` },
    ...{ comments_url: `${url}/comments`, events_url: `${url}/events`, timeline_url: `${url}/timeline`, comments: issue.comments.length },
    ...{ state_reason: issue.stateReason, performed_via_github_app: renderAppId(site, issue.appId) },
    closed_by: issue.closedById === undefined ? null : renderUser(site, site.store.user(issue.closedById)),
    ...(pull && {
      pull_request: {
        ...{ url: `${repoUrl(site, repo)}/pulls/${issue.number}`, html_url: page, diff_url: `${page}.diff`, patch_url: `${page}.patch` },
        merged_at: pull.mergedAt ?? null,
      },
      draft: pull.draft,
    }),
    ...(!pull && {
      sub_issues_summary: { total, completed: done, percent_completed: total === 0 ? 0 : Math.floor((100 * done) / total) },
      issue_dependencies_summary: { blocked_by: openBlockers, total_blocked_by: blockers.length, blocking: 0, total_blocking: 0 },
    }),
  };
}

export function renderComment(site: Site, repo: Repository, issue: Issue, comment: Comment): Record<string, unknown> {
  return {
    ...{ id: comment.id, node_id: comment.nodeId, url: `${repoUrl(site, repo)}/issues/comments/${comment.id}`, body: comment.body },
    ...{
      html_url: `${issuePage(site, repo, issue)}#issuecomment-${comment.id}`,
      issue_url: `${repoUrl(site, repo)}/issues/${issue.number}`,
    },
    ...{ user: renderUser(site, site.store.user(comment.authorId)), author_association: association(comment.authorId, repo) },
    ...{ created_at: comment.createdAt, updated_at: comment.updatedAt, performed_via_github_app: renderAppId(site, comment.appId) },
  };
}

/** Events, comments and reviews, oldest first. */
export function renderTimeline(site: Site, repo: Repository, issue: Issue): Record<string, unknown>[] {
  const entries = [
    ...issue.events.map((event) => ({ id: event.id, entry: renderEvent(site, repo, event) })),
    ...issue.comments.map((comment) => {
      const actor = renderUser(site, site.store.user(comment.authorId));
      return { id: comment.id, entry: { ...renderComment(site, repo, issue, comment), event: 'commented', actor } };
    }),
  ];
  return entries.sort((a, b) => a.id - b.id).map(({ entry }) => entry);
}

function renderEvent(site: Site, repo: Repository, event: TimelineEvent): Record<string, unknown> {
  const who = (id: number) => renderUser(site, site.store.user(id));
  const sha = event.commitSha ?? null;
  return {
    ...{ id: event.id, node_id: event.nodeId, url: `${repoUrl(site, repo)}/issues/events/${event.id}`, actor: who(event.actorId) },
    ...{ event: event.event, commit_id: sha, commit_url: sha && `${repoUrl(site, repo)}/commits/${sha}`, created_at: event.createdAt },
    performed_via_github_app: null,
    ...(event.label && { label: event.label }),
    ...(event.rename && { rename: event.rename }),
    ...(event.event === 'closed' && { state_reason: event.stateReason ?? null }),
    ...(event.assigneeId !== undefined && { assignee: who(event.assigneeId) }),
    ...(event.reviewerId !== undefined && { review_requester: who(event.actorId), requested_reviewer: who(event.reviewerId) }),
  };
}
