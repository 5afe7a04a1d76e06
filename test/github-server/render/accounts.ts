/** Accounts, Apps and installations as REST shows them. */
import type { App, Installation, User } from '../accounts.ts';
import type { Site } from '../call.ts';

export function renderUser(site: Site, user: User): Record<string, unknown> {
  const url = `${site.apiUrl}/users/${encodeURIComponent(user.login)}`;
  const lists = ['followers', 'subscriptions', 'organizations', 'repos', 'received_events'];
  return {
    ...{ login: user.login, id: user.id, node_id: user.nodeId, avatar_url: `${site.url}/avatars/u/${user.id}`, gravatar_id: '', url },
    ...{
      html_url: `${site.url}/${user.login.replace(/^(.*)\[bot\]$/, 'apps/$1')}`,
      type: user.type,
      site_admin: false,
      user_view_type: 'public',
    },
    ...Object.fromEntries(
      lists.map((name) => [`${name === 'organizations' ? name : name}_url`, `${url}/${name === 'organizations' ? 'orgs' : name}`]),
    ),
    ...{ following_url: `${url}/following{/other_user}`, gists_url: `${url}/gists{/gist_id}` },
    ...{ starred_url: `${url}/starred{/owner}{/repo}`, events_url: `${url}/events{/privacy}` },
  };
}

/** With what only the whole account shows. */
export function renderWholeUser(site: Site, user: User): Record<string, unknown> {
  const texts = { name: null, company: null, blog: '', location: null, email: null, hireable: null, bio: null };
  const counts = { public_repos: 0, public_gists: 0, followers: 0, following: 0 };
  return { ...renderUser(site, user), ...texts, ...counts, created_at: user.createdAt, updated_at: user.createdAt };
}

export function renderApp(site: Site, app: App): Record<string, unknown> {
  return {
    ...{ id: app.id, slug: app.slug, node_id: app.nodeId, client_id: `Iv23${String(app.id).padStart(16, '0')}` },
    ...{ owner: renderUser(site, site.store.user(app.ownerId)), name: app.name, description: '', external_url: site.url },
    ...{ html_url: `${site.url}/apps/${app.slug}`, created_at: app.createdAt, updated_at: app.createdAt },
    ...{ permissions: { metadata: 'read', ...app.permissions }, events: [] },
  };
}

/** The App that wrote something; Actions is known without an entry. */
export function renderAppId(site: Site, id: number | undefined): Record<string, unknown> | null {
  if (id === undefined) return null;
  const app = site.store.state.apps.get(id);
  if (app) return renderApp(site, app);
  const ownerId = 9919;
  const at = '2018-07-30T09:30:17Z';
  const actions = {
    id,
    nodeId: 'MDM6QXBwMTUzNjg=',
    slug: 'github-actions',
    name: 'GitHub Actions',
    ownerId,
    botId: 41898282,
    createdAt: at,
  };
  return renderApp(site, { ...actions, publicKey: '', permissions: {} });
}

export function renderInstallation(site: Site, one: Installation): Record<string, unknown> {
  const account = site.store.user(one.accountId);
  const url = `${site.apiUrl}/app/installations/${one.id}`;
  return {
    ...{ id: one.id, account: renderUser(site, account), repository_selection: one.repositoryIds === 'all' ? 'all' : 'selected' },
    ...{ access_tokens_url: `${url}/access_tokens`, repositories_url: `${site.apiUrl}/installation/repositories` },
    ...{ html_url: `${site.url}/settings/installations/${one.id}`, app_id: one.appId, target_id: account.id, target_type: account.type },
    ...{ permissions: { metadata: 'read', ...one.permissions }, events: [], created_at: one.createdAt, updated_at: one.createdAt },
    ...{ single_file_name: null, app_slug: site.store.state.apps.get(one.appId)?.slug ?? '', suspended_by: null, suspended_at: null },
  };
}
