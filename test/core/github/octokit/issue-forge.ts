/**
 * A forge that answers GraphQL about issues and pull requests, on GitHub's own
 * schema, behind the client of the adapter. Its clock stands still unless a
 * test moves it, and its times are whole seconds. Counts requests and points.
 */
import { schema as description } from '@octokit/graphql-schema';
import { buildSchema, execute, GraphQLError, parse, validate } from 'graphql';
import type { GitHubClient, PartError } from '../../../../src/core/github/octokit/client/client.ts';
import { measureQuery } from '../../../github-server/graphql/cost.ts';

const schema = buildSchema(description.idl, { assumeValid: true });

const ALICE = { __typename: 'User', login: 'alice', databaseId: 2 };

export interface ForgeIssue {
  number: number;
  /** Milliseconds. */
  updatedAt: number;
  title: string;
  body: string;
  state: 'OPEN' | 'CLOSED';
  labels: string[];
  edits: number[];
  events: { __typename: string; at: number; [field: string]: unknown }[];
}

interface ForgeRepository {
  name: string;
  issues: Map<number, ForgeIssue>;
  pulls: Map<number, Record<string, unknown>>;
  last: number;
}

interface PageArgs {
  first: number;
  after?: string;
}

export class IssueForge implements Pick<GitHubClient, 'queryPartial' | 'now'> {
  /** What was asked, with its price. */
  readonly asked: { operation: string; points: number; variables: Record<string, unknown> }[] = [];
  readonly #repos = new Map<string, ForgeRepository>();
  /** Milliseconds. */
  clock = Date.UTC(2026, 0, 1);
  /** Called before each request is answered. */
  beforeAnswer: (operation: string) => void = () => {};
  /** Names of fields of an issue whose first request is refused. */
  readonly forbidden = new Set<string>();

  get now(): Date {
    return new Date(this.clock);
  }

  get points(): number {
    return this.asked.reduce((sum, { points }) => sum + points, 0);
  }

  /** Forgets what was asked. @returns requests and points until now */
  take(): { requests: number; points: number } {
    const taken = { requests: this.asked.length, points: this.points };
    this.asked.length = 0;
    return taken;
  }

  repo(name: string): ForgeRepository {
    const found = this.#repos.get(name) ?? { name, issues: new Map(), pulls: new Map(), last: 0 };
    this.#repos.set(name, found);
    return found;
  }

  rename(from: string, to: string): void {
    const repo = this.repo(from);
    repo.name = to;
    this.#repos.set(to, repo); // the old name still leads there
  }

  add(name: string, fields: Partial<ForgeIssue> = {}): ForgeIssue {
    const repo = this.repo(name);
    const number = fields.number ?? ++repo.last;
    const labels = fields.labels ?? ['ready'];
    const events = labels.map((label) => ({ __typename: 'LabeledEvent', at: this.clock, label: { name: label } }));
    const bare = { title: `Issue ${number}`, body: 'text', state: 'OPEN' as const, edits: [], events };
    const issue: ForgeIssue = { ...bare, updatedAt: this.clock, ...fields, number, labels };
    repo.issues.set(number, issue);
    return issue;
  }

  /** A change by a person, now. */
  change(name: string, number: number, fields: Partial<ForgeIssue>): void {
    const issue = this.repo(name).issues.get(number);
    if (!issue) throw new Error(`${name}#${number} is not there`);
    Object.assign(issue, fields, { updatedAt: this.clock });
  }

  async queryPartial(text: string, variables: Record<string, unknown>): Promise<{ data: Record<string, unknown>; errors: PartError[] }> {
    const document = parse(text);
    const [problem] = validate(schema, document);
    const operation = document.definitions.find((one) => one.kind === 'OperationDefinition');
    if (problem || !operation) throw problem ?? new Error('no operation');
    const name = operation.name?.value ?? '';
    this.asked.push({ operation: name, points: measureQuery(schema, document, operation, variables).points, variables });
    this.beforeAnswer(name);
    const result = await execute({ schema, document, variableValues: variables, rootValue: this.#root() });
    const errors = (result.errors ?? []).map(({ path, message, extensions }) => {
      if (typeof extensions['type'] !== 'string') throw new Error(message);
      return { path: [...(path ?? [])], type: extensions['type'], message };
    });
    return { data: JSON.parse(JSON.stringify(result.data)) as Record<string, unknown>, errors };
  }

  #root() {
    return {
      viewer: { login: 'agentos', databaseId: 1 },
      rateLimit: { cost: 1, remaining: 4999, resetAt: this.#stamp(this.clock) },
      repository: ({ owner, name }: { owner: string; name: string }) => {
        const repo = this.#repos.get(`${owner}/${name}`);
        if (!repo) throw refusal('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`);
        return this.#repository(repo);
      },
      node: ({ id }: { id: string }) => {
        const [, repo = '', number = ''] = /^I:(.*):(\d+)$/.exec(id) ?? [];
        const issue = this.#repos.get(repo)?.issues.get(Number(number));
        if (!issue) throw refusal('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'`);
        return this.#issue(this.repo(repo), issue);
      },
    };
  }

  #repository(repo: ForgeRepository) {
    return {
      nameWithOwner: repo.name,
      isArchived: false,
      issues: ({ labels, ...args }: PageArgs & { labels: string[] }) => {
        const wanted = labels.map((label) => label.toLowerCase());
        const all = [...repo.issues.values()]
          .filter((issue) => issue.labels.some((label) => wanted.includes(label.toLowerCase())))
          .sort((a, b) => second(b.updatedAt) - second(a.updatedAt) || b.number - a.number);
        const place = (issue: ForgeIssue) => [-second(issue.updatedAt), -issue.number];
        return connection(all, args, { place, node: (issue) => this.#issue(repo, issue) });
      },
      issue: ({ number }: { number: number }) => {
        const issue = repo.issues.get(number);
        if (!issue) throw refusal('NOT_FOUND', `Could not resolve to an Issue with the number of ${number}.`);
        return this.#issue(repo, issue);
      },
      pullRequest: ({ number }: { number: number }) => {
        const pull = repo.pulls.get(number);
        if (!pull) throw refusal('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`);
        return { number, ...pull };
      },
    };
  }

  #issue(repo: ForgeRepository, issue: ForgeIssue) {
    const created = this.#stamp(Date.UTC(2025, 0, 1));
    const list =
      <T>(nodes: T[]) =>
      (args: PageArgs) =>
        connection(nodes, args, { place: (_, at) => [at], node: (node) => node });
    return {
      __typename: 'Issue',
      id: `I:${repo.name}:${issue.number}`,
      number: issue.number,
      repository: { nameWithOwner: repo.name },
      title: () => {
        if (this.forbidden.has(`${repo.name}#${issue.number}`))
          throw refusal('FORBIDDEN', 'Resource not accessible by personal access token');
        return issue.title;
      },
      body: issue.body,
      state: issue.state,
      stateReason: null,
      createdAt: created,
      updatedAt: this.#stamp(issue.updatedAt),
      closedAt: issue.state === 'CLOSED' ? this.#stamp(issue.updatedAt) : null,
      lastEditedAt: null,
      isPinned: false,
      author: ALICE,
      editor: null,
      assignees: list([{ login: 'alice' }]),
      labels: list(issue.labels.map((name) => ({ name }))),
      userContentEdits: list(issue.edits.map((at, index) => ({ id: `E${index}`, editedAt: this.#stamp(at), editor: ALICE }))),
      timelineItems: list(
        issue.events.map(({ at, ...event }, index) => ({ id: `T${index}`, createdAt: this.#stamp(at), actor: ALICE, ...event })),
      ),
    };
  }

  #stamp(ms: number): string {
    return new Date(second(ms) * 1000).toISOString().replace('.000', '');
  }
}

function second(ms: number): number {
  return Math.floor(ms / 1000);
}

function refusal(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}

/** A page; the cursor is the place of its last entry, so that pages follow each other although entries move. */
function connection<T>(
  all: readonly T[],
  { first, after }: PageArgs,
  { place, node }: { place(one: T, at: number): number[]; node(one: T): unknown },
) {
  const from = after === undefined || after === null ? undefined : (JSON.parse(after) as number[]);
  const placed = all.map((one, at) => ({ one, place: place(one, at) }));
  const rest = from ? placed.filter((entry) => isAfter(entry.place, from)) : placed;
  const page = rest.slice(0, first);
  return {
    totalCount: all.length,
    pageInfo: { hasNextPage: rest.length > first, endCursor: page.length > 0 ? JSON.stringify(page.at(-1)?.place) : null },
    nodes: page.map(({ one }) => node(one)),
  };
}

function isAfter(place: readonly number[], from: readonly number[]): boolean {
  const at = place.findIndex((value, index) => value !== from[index]);
  return at >= 0 && (place[at] ?? 0) > (from[at] ?? 0);
}
