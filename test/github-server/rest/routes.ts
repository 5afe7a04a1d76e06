/** The table of endpoints and which one a request means. */
import type { Route } from '../call.ts';
import { accountRoutes } from './accounts.ts';
import { checkRoutes } from './checks.ts';
import { issueRoutes } from './issues.ts';
import { mergeRoutes } from './merging.ts';
import { pullRoutes } from './pulls.ts';
import { refRoutes } from './refs.ts';
import { relationRoutes } from './relations.ts';

/** `GET /rate_limit` is the server's own: it knows the count. */
export const RATE_LIMIT: Omit<Route, 'run'> = { method: 'GET', path: '/rate_limit' };
export const ROUTES: Route[] = [
  ...accountRoutes,
  ...issueRoutes,
  ...relationRoutes,
  ...pullRoutes,
  ...mergeRoutes,
  ...checkRoutes,
  ...refRoutes,
];

/** Parameters that hold slashes, as they come on the wire. */
const DEEP = /\{(path|ref|basehead|branch|name)\}/g;

function toPattern(path: string): RegExp {
  const source = path.replace(DEEP, '(?<$1>.+)').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return new RegExp(`^${source}$`);
}
const table = [...ROUTES, { ...RATE_LIMIT, run: undefined }]
  .map((route) => ({ route, pattern: toPattern(route.path) }))
  // What has fewer parameters is meant first; then what is longer: `commits/{ref}/status` before `commits/{ref}`.
  .sort((a, b) => a.route.path.split('{').length - b.route.path.split('{').length || b.route.path.length - a.route.path.length);

export interface Match {
  path: string;
  run: Route['run'] | undefined;
  params: Record<string, string>;
}

/** @param path under the API's root, as it came (still encoded). `/repositories/ID/…` is the same as `/repos/OWNER/NAME/…`. */
export function matchRoute(method: string, path: string): Match | undefined {
  const byId = /^\/repositories\/(\d+)(\/.*)?$/.exec(path);
  const plain = byId ? `/repos/-/-${byId[2] ?? ''}` : path;
  for (const { route, pattern } of table) {
    const found = route.method === method ? pattern.exec(plain) : null;
    if (!found) continue;
    const params = Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    return { path: route.path, run: route.run, params: { ...params, ...(byId && { repository_id: byId[1] as string }) } };
  }
  return undefined;
}
