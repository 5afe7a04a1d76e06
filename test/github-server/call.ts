/**
 * What an endpoint gets and gives. Endpoints answer by returning a `Reply` or by
 * throwing a `Refusal`, which is an error response in GitHub's shape.
 */

import { isAllowed, type Need, refusal } from './access.ts';
import type { Viewer } from './accounts.ts';
import type { Issue, Repository } from './records.ts';
import type { Store } from './store.ts';

export interface Settings {
  /** How many reads of a single pull request see `mergeable: null` after its head or base moved. */
  mergeableAfterReads: number;
  /** Whether the server has `merge-async`. */
  mergeAsync: boolean;
  /** How many reads of a merge-async request see `pending`. */
  asyncPolls: number;
}

/** What answers need to know of the server. `store` may be a stale snapshot. */
export interface Site {
  store: Store;
  url: string;
  apiUrl: string;
  settings: Settings;
}

export interface Call extends Site {
  viewer: Viewer | undefined;
  /** The App of a JWT; such a request has no viewer. */
  appId: number | undefined;
  /** Of the path, decoded. */
  params: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
  /** The path as it came, under the API's root, without the query. */
  path: string;
  /** A fault's shift of every page but the first. */
  drift: number;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Route {
  method: string;
  /** As GitHub's OpenAPI writes it. */
  path: string;
  run: (call: Call) => Reply;
}

export interface FieldError {
  resource?: string;
  field?: string;
  code: string;
  message?: string;
}

export class Refusal extends Error {
  readonly status: number;
  readonly errors: FieldError[] | string[] | undefined;
  constructor(status: number, message: string, errors?: FieldError[] | string[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export const notFound = (): Refusal => new Refusal(404, 'Not Found');
export const invalid = (...errors: FieldError[]): Refusal => new Refusal(422, 'Validation Failed', errors);

/** A repository the viewer may see and use so; anything else is a 404 or 403, an old name a 301. */
export function repoOf(call: Call, need: Need = READ): Repository {
  const { store, viewer, params } = call;
  const full = `${params['owner']}/${params['repo']}`;
  const found = params['repository_id']
    ? { repo: store.state.repositories.get(Number(params['repository_id'])), moved: false }
    : store.findRepo(full);
  const repo = found?.repo;
  if (!repo || !isAllowed(viewer, repo, READ)) throw notFound();
  if (found.moved)
    throw new Moved(
      `${call.apiUrl}/repositories/${repo.id}${call.path
        .split('/')
        .slice(4)
        .map((part) => `/${part}`)
        .join('')}`,
    );
  if (!isAllowed(viewer, repo, need)) {
    if (!viewer) throw new Refusal(401, 'Requires authentication');
    throw new Refusal(403, refusal(viewer));
  }
  if (repo.archived && need.level === 'write') throw new Refusal(403, 'Repository was archived so is read-only.');
  return repo;
}

export class Moved extends Error {
  readonly location: string;
  constructor(location: string) {
    super('Moved Permanently');
    this.location = location;
  }
}

const READ: Need = { role: 'read', resource: 'metadata', level: 'read' };
export const READ_ISSUES: Need = { role: 'read', resource: 'issues', level: 'read' };
/** Open, comment: everyone who can read; the token must have the permission. */
export const TALK: Need = { role: 'read', resource: 'issues', level: 'write' };
export const TRIAGE: Need = { role: 'triage', resource: 'issues', level: 'write' };
export const READ_PULLS: Need = { role: 'read', resource: 'pull_requests', level: 'read' };
export const REVIEW: Need = { role: 'read', resource: 'pull_requests', level: 'write' };
export const READ_CODE: Need = { role: 'read', resource: 'contents', level: 'read' };
export const PUSH: Need = { role: 'write', resource: 'contents', level: 'write' };

export function issueOf(call: Call, repo: Repository): Issue {
  const number = Number(call.params['issue_number']);
  const issue = repo.issues.get(number);
  if (!issue) throw notFound();
  if (issue.deleted) throw new Refusal(410, 'This issue was deleted');
  return issue;
}

export function viewerOf(call: Call): Viewer {
  if (!call.viewer) throw new Refusal(401, 'Requires authentication');
  return call.viewer;
}
export function authorOf(call: Call): { userId: number; appId?: number | undefined } {
  const viewer = viewerOf(call);
  return { userId: viewer.userId, appId: viewer.token.appId };
}

/** One page of a list with GitHub's Link header; `wrap` puts it into an object with its total. */
export function paged<T>(call: Call, items: T[], render: (item: T) => unknown, wrap?: (page: unknown[], total: number) => unknown): Reply {
  const perPage = Math.min(100, Math.max(1, Number(call.query.get('per_page') ?? 30) || 30));
  const page = Math.max(1, Number(call.query.get('page') ?? 1) || 1);
  const start = (page - 1) * perPage + (page > 1 ? call.drift : 0);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const to = (number: number, rel: string): string => {
    const query = new URLSearchParams(call.query);
    query.set('page', String(number));
    return `<${call.apiUrl}${call.path}?${query}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, 'prev')] : []),
    ...(page < last ? [to(page + 1, 'next'), to(last, 'last')] : []),
    ...(page > 1 ? [to(1, 'first')] : []),
  ];
  const shown = items.slice(start, start + perPage).map(render);
  const body = wrap ? wrap(shown, items.length) : shown;
  return { status: 200, body, ...(links.length > 0 && { headers: { link: links.join(', ') } }) };
}

export function text(call: Call, name: string): string | undefined {
  const value = call.body[name];
  return typeof value === 'string' ? value : undefined;
}

/** GitHub's limits on what people write. */
export function checkLengths(resource: string, given: { title?: string | undefined; body?: string | undefined; labels?: string[] }): void {
  if (given.title !== undefined && given.title.trim() === '') throw invalid({ resource, field: 'title', code: 'missing_field' });
  if ((given.title ?? '').length > 256)
    throw invalid({ resource, field: 'title', code: 'custom', message: 'title is too long (maximum is 256 characters)' });
  if ((given.body ?? '').length > 65536)
    throw invalid({ resource, field: 'body', code: 'custom', message: 'body is too long (maximum is 65536 characters)' });
  if (given.labels?.some((name) => name.length > 50 || name === ''))
    throw invalid({ resource: 'Label', field: 'name', code: 'custom', message: 'name is too long (maximum is 50 characters)' });
}
