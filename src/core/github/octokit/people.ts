/**
 * Who we are, and who may do what. Permission is asked at the moment of the
 * decision and never kept; only callers that ask at the same time share a request.
 */
import * as z from 'zod';
import { AgentOsError } from '../../errors.ts';
import type { Actor, Permission } from '../github.ts';
import { account, number, parseAnswer, toActor } from './answer.ts';
import type { GitHubClient } from './client/client.ts';
import { ownerAndName } from './client/request-names.ts';

const viewer = z.object({ viewer: z.object({ login: z.string().min(1), databaseId: number }) });

/** The account of the token; of an app its bot, which REST tells no installation. */
export async function readIdentity(client: GitHubClient): Promise<Actor> {
  if (client.credentials.kind === 'app') {
    const { viewer: bot } = await client.query('query Viewer { viewer { login databaseId } }', {}, viewer);
    return { id: bot.databaseId, login: bot.login.endsWith('[bot]') ? bot.login : `${bot.login}[bot]` };
  }
  const { data } = await client.read('GET /user', {});
  return toActor(parseAnswer(account.unwrap(), data, 'our own account'));
}

const collaborator = z.object({
  permission: z.enum(['admin', 'maintain', 'write', 'triage', 'read', 'none']),
  role_name: z.string().nullish(),
  user: account,
});

/** `permission` tells maintain as write and triage as read; the role tells them apart, and a role of one's own has its base in `permission`. */
const ROLES: Readonly<Record<string, Permission>> = {
  none: 'none',
  read: 'read',
  triage: 'triage',
  write: 'write',
  maintain: 'write',
  admin: 'admin',
};

/** `none` for an account that is gone, is no collaborator, or is not the one of this id any more. */
export async function readPermission(client: GitHubClient, repo: string, actor: Actor): Promise<Permission> {
  if (actor.id === 0) return 'none';
  const route = 'GET /repos/{owner}/{repo}/collaborators/{username}/permission';
  try {
    const { data } = await client.read(route, { ...ownerAndName(repo), username: actor.login });
    const { permission, role_name, user } = parseAnswer(collaborator, data, `the permission of ${actor.login} on ${repo}`);
    if (user?.id !== actor.id) return 'none';
    const base = ROLES[permission] ?? 'none';
    return role_name === 'triage' && base === 'read' ? 'triage' : base;
  } catch (error) {
    if (error instanceof AgentOsError && error.code === 'not_found') return 'none';
    throw error;
  }
}
