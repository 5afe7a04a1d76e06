/**
 * Users, bots and organizations. A bot's login is without `[bot]` here, other
 * than in REST; only `viewer`, which is always a `User`, keeps it.
 */

import { connect, type PageArgs } from './paging.ts';
import { findProject, listProjects } from './projects.ts';
import { notFound } from './refusal.ts';
import { type ActorSource, type Context, define, type Resolvers } from './sources.ts';

function loginOf({ user, asViewer }: ActorSource): string {
  return asViewer ? user.login : user.login.replace(/\[bot\]$/, '');
}

const actor = define<ActorSource>({
  id: ({ user }) => user.nodeId,
  databaseId: ({ user }) => user.id,
  login: loginOf,
  name: () => null,
  createdAt: ({ user }) => user.createdAt,
  avatarUrl: ({ user }) => `https://avatars.githubusercontent.com/u/${user.id}?v=4`,
  url: (source, _: never, { url }) => `${url}/${source.user.type === 'Bot' ? 'apps/' : ''}${loginOf(source)}`,
  resourcePath: (source) => `/${source.user.type === 'Bot' ? 'apps/' : ''}${loginOf(source)}`,
  isViewer: ({ user }, _: never, { viewer }) => user.id === viewer.userId,
});

const projects = define<ActorSource>({
  projectV2: ({ user }, { number }: { number: number }, context) => findProject(context, user.id, number),
  projectsV2: ({ user }, args: PageArgs, context, info) => connect(listProjects(context, user.id), args, info),
});

export const actorResolvers: Record<string, Resolvers> = {
  User: { ...actor, ...projects },
  Bot: actor,
  Organization: { ...actor, ...projects },
};

/** For `user(login:)` and `organization(login:)`. */
export function findActor({ store }: Context, type: 'User' | 'Organization', login: string): ActorSource {
  const user = store.findUser(login);
  if (user?.type === type) return { __typename: type, user };
  throw notFound(`${type === 'User' ? 'a User' : 'an Organization'} with the login of '${login}'`);
}
