/** Repositories, labels and rules as REST shows them. */

import { isAtLeast, roleOf } from '../access.ts';
import type { Viewer } from '../accounts.ts';
import type { Site } from '../call.ts';
import type { Label, Repository } from '../records.ts';
import { rulesFor } from '../rules.ts';
import { renderUser } from './accounts.ts';

export function repoUrl(site: Site, repo: Repository): string {
  return `${site.apiUrl}/repos/${site.store.fullName(repo)}`;
}
export function repoPage(site: Site, repo: Repository): string {
  return `${site.url}/${site.store.fullName(repo)}`;
}

const LINKS =
  `archive {archive_format}{/ref},assignees {/user},blobs git/blobs{/sha},branches {/branch},collaborators {/collaborator},comments {/number},
commits {/sha},compare {base}...{head},contents {+path},contributors,deployments,downloads,events,forks,git_commits git/commits{/sha},
git_refs git/refs{/sha},git_tags git/tags{/sha},hooks,issue_comment issues/comments{/number},issue_events issues/events{/number},issues {/number},
keys {/key_id},labels {/name},languages,merges,milestones {/number},notifications {?since,all,participating},pulls {/number},releases {/id},
stargazers,statuses {sha},subscribers,subscription,tags,teams,trees git/trees{/sha}`
    .replaceAll('{?since,all,participating}', '{?since}')
    .split(',')
    .map((line) => line.trim().split(' ') as [string, string | undefined]);

function toLink(url: string, [name, rest = '']: [string, string | undefined]): [string, string] {
  if (rest.startsWith('{/') || rest.startsWith('{?')) return [`${name}_url`, `${url}/${name}${rest}`];
  return [`${name}_url`, rest.includes('/') && !rest.startsWith('{') ? `${url}/${rest}` : `${url}/${name}${rest && `/${rest}`}`];
}

export function renderRepo(site: Site, repo: Repository, viewer: Viewer | undefined): Record<string, unknown> {
  const url = repoUrl(site, repo);
  const page = repoPage(site, repo);
  const role = viewer && viewer.token.kind !== 'installation' ? roleOf(viewer.userId, repo) : undefined;
  const open = [...repo.issues.values()].filter((issue) => issue.state === 'open' && !issue.deleted).length;
  return {
    ...{ id: repo.id, node_id: repo.nodeId, name: repo.name, full_name: site.store.fullName(repo), private: repo.private },
    ...{ owner: renderUser(site, site.store.user(repo.ownerId)), html_url: page, description: null, fork: false, url },
    ...Object.fromEntries(LINKS.map((link) => toLink(url, link))),
    ...{
      git_url: `git:${page.replace(/^\w+:/, '')}.git`,
      ssh_url: `git@127.0.0.1:${site.store.fullName(repo)}.git`,
      clone_url: `${page}.git`,
      svn_url: page,
    },
    ...{ mirror_url: null, homepage: null, language: null, license: null, size: 0, default_branch: repo.defaultBranch },
    ...{ forks: 0, forks_count: 0, stargazers_count: 0, watchers: 0, watchers_count: 0, network_count: 0, subscribers_count: 0 },
    ...{ open_issues: open, open_issues_count: open, is_template: false, topics: [], visibility: repo.private ? 'private' : 'public' },
    ...{ has_issues: true, has_projects: true, has_wiki: false, has_pages: false, has_downloads: true, has_discussions: false },
    ...{ archived: repo.archived, disabled: false, pushed_at: repo.pushedAt, created_at: repo.createdAt, updated_at: repo.pushedAt },
    permissions: {
      ...{ admin: isAtLeast(role, 'admin'), maintain: isAtLeast(role, 'maintain'), push: isAtLeast(role, 'write') },
      ...{ triage: isAtLeast(role, 'triage'), pull: viewer?.token.kind === 'installation' || isAtLeast(role, 'read') },
    },
    ...{
      allow_squash_merge: repo.mergeMethods.squash,
      allow_merge_commit: repo.mergeMethods.merge,
      allow_rebase_merge: repo.mergeMethods.rebase,
    },
    ...{ delete_branch_on_merge: repo.deleteBranchOnMerge, allow_auto_merge: false, allow_update_branch: false, allow_forking: true },
  };
}

export function renderLabel(site: Site, repo: Repository, label: Label): Record<string, unknown> {
  const url = `${repoUrl(site, repo)}/labels/${encodeURIComponent(label.name)}`;
  return { id: label.id, node_id: label.nodeId, url, name: label.name, color: label.color, default: false, description: label.description };
}

/** Protection as everyone who reads the branch sees it: the names of the required checks, nothing of reviews. */
export function renderProtectionSummary(site: Site, repo: Repository, branch: string): Record<string, unknown> {
  const found = repo.protections.get(branch);
  const level = !found ? 'off' : found.enforceAdmins ? 'everyone' : 'non_admins';
  const checks = (found?.requiredChecks ?? []).map((check) => ({ context: check.context, app_id: check.appId }));
  const contexts = checks.map((check) => check.context);
  const url = `${repoUrl(site, repo)}/branches/${encodeURIComponent(branch)}/protection`;
  return { enabled: found !== undefined, url, required_status_checks: { enforcement_level: level, contexts, checks } };
}

export function renderProtection(site: Site, repo: Repository, branch: string): Record<string, unknown> | undefined {
  const found = repo.protections.get(branch);
  if (!found) return undefined;
  const url = `${repoUrl(site, repo)}/branches/${encodeURIComponent(branch)}/protection`;
  const checks = found.requiredChecks.map((check) => ({ context: check.context, app_id: check.appId }));
  const off = { enabled: false };
  return {
    url,
    required_status_checks: {
      ...{ url: `${url}/required_status_checks`, strict: found.strict, contexts: checks.map((check) => check.context), checks },
      contexts_url: `${url}/required_status_checks/contexts`,
    },
    enforce_admins: { url: `${url}/enforce_admins`, enabled: found.enforceAdmins },
    ...(found.requiredReviews > 0 && {
      required_pull_request_reviews: {
        ...{ url: `${url}/required_pull_request_reviews`, dismiss_stale_reviews: false, require_code_owner_reviews: false },
        ...{ required_approving_review_count: found.requiredReviews, require_last_push_approval: false },
      },
    }),
    ...{ required_linear_history: off, allow_force_pushes: off, allow_deletions: off, block_creations: off },
    ...{ required_conversation_resolution: off, lock_branch: off, allow_fork_syncing: off },
  };
}

export function renderRules(site: Site, repo: Repository, branch: string): Record<string, unknown>[] {
  const source = { ruleset_source_type: 'Repository', ruleset_source: site.store.fullName(repo) };
  return rulesFor(repo, branch).map(({ ruleset, rule }) => ({ ...rule, ...source, ruleset_id: ruleset.id }));
}
