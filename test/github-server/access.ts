/**
 * Who may do what: a person's role in a repository, cut by what the token
 * allows; an installation has no role, only its permissions.
 */
import type { Level, Role, Viewer } from './accounts.ts';
import type { Repository } from './records.ts';

const RANKS: Record<Role, number> = { read: 1, triage: 2, write: 3, maintain: 4, admin: 5 };

/** What an endpoint asks for. */
export interface Need {
  /** Of a person. */
  role: Role;
  /** Of a fine-grained or installation token; `metadata` is always there. */
  resource: string;
  level: Level;
}

/** A person's role in a repository, whatever token is used; `undefined` without any. */
export function roleOf(userId: number, repo: Repository): Role | undefined {
  if (repo.ownerId === userId) return 'admin';
  return repo.collaborators.get(userId) ?? (repo.private ? undefined : 'read');
}

export function isAtLeast(role: Role | undefined, wanted: Role): boolean {
  return role !== undefined && RANKS[role] >= RANKS[wanted];
}

/** Whether this repository exists at all for the viewer. */
export function canSee(viewer: Viewer | undefined, repo: Repository): boolean {
  if (!repo.private) return true;
  if (!viewer) return false;
  const { token } = viewer;
  if (token.kind === 'installation') return covers(token.repositoryIds, repo.id);
  if (roleOf(viewer.userId, repo) === undefined) return false;
  return token.kind === 'classic' ? token.scopes.includes('repo') : covers(token.repositoryIds, repo.id);
}

export function isAllowed(viewer: Viewer | undefined, repo: Repository, need: Need): boolean {
  if (!canSee(viewer, repo)) return false;
  if (!viewer) return need.level === 'read' && need.role === 'read';
  const { token } = viewer;
  const publicRead = !repo.private && need.level === 'read' && need.role === 'read';
  if (token.kind !== 'installation' && !isAtLeast(roleOf(viewer.userId, repo), need.role)) return false;
  if (publicRead) return true;
  if (token.kind === 'classic') return token.scopes.includes('repo') || (!repo.private && token.scopes.includes('public_repo'));
  if (!covers(token.repositoryIds, repo.id)) return false;
  if (need.resource === 'metadata') return true;
  const has = token.permissions[need.resource];
  return has === 'write' || (has === 'read' && need.level === 'read');
}

/** Whether the labels, assignees and the like that the viewer sends with a new issue are kept. */
export function mayTriage(viewer: Viewer, repo: Repository): boolean {
  return isAllowed(viewer, repo, { role: 'triage', resource: 'issues', level: 'write' });
}

/** What GitHub answers when a token may not. */
export function refusal(viewer: Viewer): string {
  if (viewer.token.kind === 'installation') return 'Resource not accessible by integration';
  if (viewer.token.kind === 'fine-grained') return 'Resource not accessible by personal access token';
  return 'Must have admin rights to Repository.';
}

function covers(ids: number[] | 'all', id: number): boolean {
  return ids === 'all' || ids.includes(id);
}
