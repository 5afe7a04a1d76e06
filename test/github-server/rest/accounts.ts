/** Accounts, Apps, tokens and repositories. */
import { randomBytes } from 'node:crypto';
import { canSee, roleOf } from '../access.ts';
import type { Installation, Permissions } from '../accounts.ts';
import { type Call, invalid, notFound, paged, Refusal, type Reply, type Route, repoOf, viewerOf } from '../call.ts';
import { objectType, resolveCommit, tryGit } from '../git-store.ts';
import type { Repository } from '../records.ts';
import { renderApp, renderInstallation, renderUser, renderWholeUser } from '../render/accounts.ts';
import { renderRepo, repoPage, repoUrl } from '../render/repositories.ts';
import { same } from '../store.ts';

function getUser(call: Call): Reply {
  const viewer = viewerOf(call);
  if (viewer.token.kind === 'installation') throw new Refusal(403, 'Resource not accessible by integration');
  return { status: 200, body: renderWholeUser(call, call.store.user(viewer.userId)) };
}

/** What the account owns or works on, as far as the token reaches. */
function listOwnRepositories(call: Call): Reply {
  const { userId, token } = viewerOf(call);
  if (token.kind === 'installation') throw new Refusal(403, 'Resource not accessible by integration');
  const all = [...call.store.state.repositories.values()].filter(
    (repo) => (repo.ownerId === userId || repo.collaborators.has(userId)) && (!repo.private || canSee(call.viewer, repo)),
  );
  return paged(call, all, (repo) => renderRepo(call, repo, call.viewer));
}

function findUser(call: Call): Reply {
  const { username, account_id: id } = call.params;
  const user = username === undefined ? call.store.state.users.get(Number(id)) : call.store.findUser(username);
  if (!user) throw notFound();
  return { status: 200, body: renderWholeUser(call, user) };
}

function appOf(call: Call) {
  const app = call.appId === undefined ? undefined : call.store.state.apps.get(call.appId);
  if (!app) throw new Refusal(401, 'A JSON web token could not be decoded');
  return app;
}

function listInstallations(call: Call): Reply {
  const app = appOf(call);
  const all = [...call.store.state.installations.values()].filter((one) => one.appId === app.id);
  return paged(call, all, (one) => renderInstallation(call, one));
}

function repositoriesOf(call: Call, { accountId, repositoryIds }: Pick<Installation, 'accountId' | 'repositoryIds'>): Repository[] {
  const all = [...call.store.state.repositories.values()].filter((repo) => repo.ownerId === accountId);
  return repositoryIds === 'all' ? all : all.filter((repo) => repositoryIds.includes(repo.id));
}

function createInstallationToken(call: Call): Reply {
  const app = appOf(call);
  const installation = call.store.state.installations.get(Number(call.params['installation_id']));
  if (!installation || installation.appId !== app.id) throw notFound();
  const wanted = (call.body['permissions'] ?? installation.permissions) as Permissions;
  for (const [name, level] of Object.entries(wanted)) {
    const has = name === 'metadata' ? 'read' : installation.permissions[name];
    if (has !== 'write' && has !== level) throw new Refusal(422, 'The permissions requested are not granted to this installation.');
  }
  const names = call.body['repositories'] as string[] | undefined;
  const ids = call.body['repository_ids'] as number[] | undefined;
  const reachable = repositoriesOf(call, installation);
  const chosen = reachable.filter((repo) => names?.some((name) => same(name, repo.name)) || ids?.includes(repo.id));
  if (chosen.length !== (names?.length ?? 0) + (ids?.length ?? 0))
    throw new Refusal(422, 'There is at least one repository that does not exist or is not accessible to the parent installation.');
  const narrowed = names !== undefined || ids !== undefined;
  const repositoryIds = narrowed ? chosen.map((repo) => repo.id) : reachable.map((repo) => repo.id);
  const token = `ghs_${randomBytes(388).toString('base64url').slice(0, 516)}`;
  const expiresAt = `${new Date(call.store.millis() + 3_600_000).toISOString().slice(0, 19)}Z`;
  const made = { kind: 'installation' as const, userId: app.botId, scopes: [], installationId: installation.id, appId: app.id };
  call.store.state.tokens.set(token, { ...made, token, permissions: { ...wanted }, repositoryIds, expiresAt });
  return {
    status: 201,
    body: {
      ...{ token, expires_at: expiresAt, permissions: { metadata: 'read', ...wanted } },
      repository_selection: narrowed || installation.repositoryIds !== 'all' ? 'selected' : 'all',
      ...(narrowed && { repositories: chosen.map((repo) => renderRepo(call, repo, undefined)) }),
    },
  };
}

function listInstallationRepositories(call: Call): Reply {
  const { token } = viewerOf(call);
  const installation = call.store.state.installations.get(token.installationId ?? 0);
  if (!installation)
    throw new Refusal(403, 'You must authenticate with an installation access token in order to list repositories for an installation.');
  const all = repositoriesOf(call, { accountId: installation.accountId, repositoryIds: token.repositoryIds });
  const wrap = (repositories: unknown[], total_count: number) => ({ total_count, repository_selection: 'selected', repositories });
  return paged(call, all, (repo) => renderRepo(call, repo, call.viewer), wrap);
}

function findInstallation(call: Call): Reply {
  const app = appOf(call);
  const found = call.store.findRepo(`${call.params['owner']}/${call.params['repo']}`);
  const all = [...call.store.state.installations.values()];
  const one = found && all.find((each) => each.appId === app.id && repositoriesOf(call, each).includes(found.repo));
  if (!one) throw notFound();
  return { status: 200, body: renderInstallation(call, one) };
}

function getPermission(call: Call): Reply {
  const repo = repoOf(call, { role: 'read', resource: 'metadata', level: 'read' });
  const viewer = viewerOf(call);
  if (viewer.token.kind !== 'installation' && !['write', 'maintain', 'admin'].includes(roleOf(viewer.userId, repo) ?? ''))
    throw new Refusal(403, 'Must have push access to view collaborator permission.');
  const user = call.store.findUser(call.params['username'] ?? '');
  if (!user) throw notFound();
  const role = roleOf(user.id, repo);
  const legacy = { read: 'read', triage: 'read', write: 'write', maintain: 'write', admin: 'admin', none: 'none' }[role ?? 'none'];
  const has = (...roles: string[]) => roles.includes(role ?? '');
  const permissions = {
    ...{ admin: has('admin'), maintain: has('admin', 'maintain'), push: has('admin', 'maintain', 'write') },
    ...{ triage: has('admin', 'maintain', 'write', 'triage'), pull: role !== undefined },
  };
  const body = {
    permission: legacy,
    role_name: role ?? 'none',
    user: { ...renderUser(call, user), permissions, role_name: role ?? 'none' },
  };
  return { status: 200, body };
}

function getContents(call: Call): Reply {
  const repo = repoOf(call, { role: 'read', resource: 'contents', level: 'read' });
  const path = call.params['path'] ?? '';
  const ref = call.query.get('ref') ?? repo.defaultBranch;
  const commit = resolveCommit(call.store, repo, ref.replace(/^refs\/heads\//, ''));
  const line = commit && tryGit(repo.gitDir, ['ls-tree', commit, '--', path]);
  const [, type, sha] = /^\d+ (\w+) ([0-9a-f]+)\t/.exec(line ?? '') ?? [];
  if (!sha || (type === 'blob' && objectType(repo, sha) !== 'blob')) throw notFound();
  if (type !== 'blob') throw invalid({ code: 'invalid', field: 'path', message: 'the test GitHub serves files only' });
  const content = Buffer.from(tryGit(repo.gitDir, ['cat-file', 'blob', sha]) ?? '', 'utf8');
  const url = `${repoUrl(call, repo)}/contents/${path}?ref=${ref}`;
  const gitUrl = `${repoUrl(call, repo)}/git/blobs/${sha}`;
  const html = `${repoPage(call, repo)}/blob/${ref}/${path}`;
  return {
    status: 200,
    body: {
      ...{ type: 'file', encoding: 'base64', size: content.length, name: path.split('/').at(-1), path, sha, url, git_url: gitUrl },
      ...{
        content: `${content.toString('base64').replace(/(.{60})/g, '$1\n')}\n`,
        html_url: html,
        download_url: html.replace('/blob/', '/raw/'),
      },
      _links: { self: url, git: gitUrl, html },
    },
  };
}

function getRepo(call: Call): Reply {
  const repo = repoOf(call);
  if (!canSee(call.viewer, repo)) throw notFound();
  return { status: 200, body: renderRepo(call, repo, call.viewer) };
}

const REPO = '/repos/{owner}/{repo}';
export const accountRoutes: Route[] = [
  { method: 'GET', path: '/user', run: getUser },
  { method: 'GET', path: '/users/{username}', run: findUser },
  { method: 'GET', path: '/user/repos', run: listOwnRepositories },
  { method: 'GET', path: '/user/{account_id}', run: findUser },
  { method: 'GET', path: '/app', run: (call) => ({ status: 200, body: renderApp(call, appOf(call)) }) },
  { method: 'GET', path: '/app/installations', run: listInstallations },
  { method: 'POST', path: '/app/installations/{installation_id}/access_tokens', run: createInstallationToken },
  { method: 'GET', path: '/installation/repositories', run: listInstallationRepositories },
  { method: 'GET', path: REPO, run: getRepo },
  { method: 'GET', path: `${REPO}/installation`, run: findInstallation },
  { method: 'GET', path: `${REPO}/collaborators/{username}/permission`, run: getPermission },
  { method: 'GET', path: `${REPO}/contents/{path}`, run: getContents },
];
