/**
 * The memory of the test GitHub: every record there is and how to find it. It
 * answers and files, and decides nothing: what a write does to an issue is in
 * `issue-changes.ts`, who may do what in `access.ts`. REST, git, people played
 * in-process and GraphQL all work on one `Store`, so each sees at once what the
 * others did.
 *
 * GraphQL side: `graphql/execute.ts` exports
 * `executeGraphql(store, viewer, {query, variables, operationName})` →
 * `{status, body}` (a promise of it is fine). Read records by `byNodeId`, `findRepo`,
 * `issueById`, `project`, …; write issues only through `issue-changes.ts`
 * (events and `updatedAt` are then right) and projects directly, with
 * `store.stamp()` for instants and `store.newIds(prefix)` for ids. Do not keep
 * records between requests: a stale read is served from a clone of `state`.
 */
import type { App, Installation, Token, User, Viewer } from './accounts.ts';
import type { Issue, Label, Project, ProjectField, Repository } from './records.ts';

export interface StoreState {
  nextId: number;
  users: Map<number, User>;
  /** By the secret. */
  tokens: Map<string, Token>;
  apps: Map<number, App>;
  installations: Map<number, Installation>;
  repositories: Map<number, Repository>;
  projects: Map<number, Project>;
}

/** What a node id may name. */
export type Node =
  | { kind: 'user'; user: User }
  | { kind: 'repository'; repo: Repository }
  | { kind: 'issue' | 'pull'; repo: Repository; issue: Issue }
  | { kind: 'label'; repo: Repository; label: Label }
  | { kind: 'project'; project: Project }
  | { kind: 'field'; project: Project; field: ProjectField }
  | { kind: 'item'; project: Project; item: Project['items'][number] };

export class Store {
  state: StoreState = {
    nextId: 1000,
    users: new Map(),
    tokens: new Map(),
    apps: new Map(),
    installations: new Map(),
    repositories: new Map(),
    projects: new Map(),
  };
  /** Milliseconds; undefined: the clock of the machine. */
  private stopped: number | undefined;
  /** Where stale git refs come from, by repository id; set on a snapshot only. */
  refs?: Map<number, Map<string, string>>;

  /** Stops the clock at an instant (ISO 8601). */
  set now(instant: string) {
    this.stopped = Date.parse(instant);
  }
  get now(): string {
    return this.stamp();
  }
  millis(): number {
    return this.stopped ?? Date.now();
  }
  /** Now, as GitHub writes it: `2026-01-02T03:04:05Z`. */
  stamp(): string {
    return `${new Date(this.millis()).toISOString().slice(0, 19)}Z`;
  }
  /** Stops the clock, `seconds` later than it is. */
  advance(seconds: number): void {
    this.stopped = this.millis() + seconds * 1000;
  }

  newIds(prefix: string): { id: number; nodeId: string } {
    const id = this.state.nextId++;
    return { id, nodeId: nodeId(prefix, id) };
  }

  /** The account of a deleted user is `ghost`, as on GitHub. */
  user(id: number): User {
    return (
      this.state.users.get(id) ?? { id: 10137, nodeId: nodeId('U', 10137), login: 'ghost', type: 'User', createdAt: '2008-01-01T00:00:00Z' }
    );
  }
  findUser(login: string): User | undefined {
    return [...this.state.users.values()].find((user) => same(user.login, login));
  }
  addUser(login: string, type: User['type']): User {
    const user: User = {
      ...this.newIds(type === 'Organization' ? 'O' : type === 'Bot' ? 'BOT' : 'U'),
      login,
      type,
      createdAt: this.stamp(),
    };
    this.state.users.set(user.id, user);
    return user;
  }

  /** @returns nothing for an unknown or expired token. */
  viewer(token: string): Viewer | undefined {
    const found = this.state.tokens.get(token);
    if (!found || (found.expiresAt !== undefined && Date.parse(found.expiresAt) <= this.millis())) return undefined;
    return { userId: found.userId, token: found };
  }

  repo(id: number): Repository {
    return found(this.state.repositories.get(id), `repository ${id}`);
  }
  fullName(repo: Repository): string {
    return `${this.user(repo.ownerId).login}/${repo.name}`;
  }
  /** By `owner/name`; a former name finds it as well, with `moved`. */
  findRepo(fullName: string): { repo: Repository; moved: boolean } | undefined {
    const all = [...this.state.repositories.values()];
    const current = all.find((repo) => same(this.fullName(repo), fullName));
    if (current) return { repo: current, moved: false };
    const former = all.find((repo) => repo.formerNames.some((name) => same(name, fullName)));
    return former && { repo: former, moved: true };
  }

  /** An issue or pull request that was not deleted. */
  issue(repo: Repository, number: number): Issue | undefined {
    const issue = repo.issues.get(number);
    return issue?.deleted ? undefined : issue;
  }
  issueById(id: number): Issue | undefined {
    for (const repo of this.state.repositories.values())
      for (const issue of repo.issues.values()) if (issue.id === id && !issue.deleted) return issue;
    return undefined;
  }
  /** Oldest first. */
  pulls(repo: Repository): Issue[] {
    return [...repo.issues.values()].filter((issue) => issue.pull && !issue.deleted);
  }
  labels(repo: Repository, issue: Issue): Label[] {
    return issue.labelIds.flatMap((id) => repo.labels.find((label) => label.id === id) ?? []);
  }
  findLabel(repo: Repository, name: string): Label | undefined {
    return repo.labels.find((label) => same(label.name, name));
  }

  project(ownerId: number, number: number): Project | undefined {
    return [...this.state.projects.values()].find((project) => project.ownerId === ownerId && project.number === number);
  }
  addProject(ownerId: number, title: string, fields: { name: string; options: string[] }[]): Project {
    const at = this.stamp();
    const numbers = [...this.state.projects.values()].filter((project) => project.ownerId === ownerId).map((project) => project.number);
    const project: Project = {
      ...this.newIds('PVT'),
      ...{ ownerId, title, number: Math.max(0, ...numbers) + 1, closed: false, public: false, items: [], createdAt: at, updatedAt: at },
      fields: [
        { ...this.newIds('PVTF'), name: 'Title', dataType: 'TITLE', options: [] },
        ...fields.map((field) => this.selectField(field.name, field.options)),
      ],
    };
    this.state.projects.set(project.id, project);
    return project;
  }
  private selectField(name: string, options: string[]): ProjectField {
    const toOption = (option: string) => ({
      id: this.newIds('').id.toString(16).padStart(8, 'f'),
      name: option,
      color: 'GRAY',
      description: '',
    });
    return { ...this.newIds('PVTSSF'), name, dataType: 'SINGLE_SELECT', options: options.map(toOption) };
  }

  byNodeId(id: string): Node | undefined {
    for (const user of this.state.users.values()) if (user.nodeId === id) return { kind: 'user', user };
    for (const repo of this.state.repositories.values()) {
      if (repo.nodeId === id) return { kind: 'repository', repo };
      for (const label of repo.labels) if (label.nodeId === id) return { kind: 'label', repo, label };
      for (const issue of repo.issues.values()) {
        if (issue.deleted) continue;
        if (issue.pull?.nodeId === id) return { kind: 'pull', repo, issue };
        if (!issue.pull && issue.nodeId === id) return { kind: 'issue', repo, issue };
      }
    }
    return this.projectNode(id);
  }
  private projectNode(id: string): Node | undefined {
    for (const project of this.state.projects.values()) {
      if (project.nodeId === id) return { kind: 'project', project };
      const field = project.fields.find((one) => one.nodeId === id);
      if (field) return { kind: 'field', project, field };
      const item = project.items.find((one) => one.nodeId === id);
      if (item) return { kind: 'item', project, item };
    }
    return undefined;
  }

  /** A store with a copy of everything as it is now, and the same clock. */
  snapshot(): Store {
    const copy = new Store();
    copy.state = structuredClone(this.state);
    copy.millis = () => this.millis();
    return copy;
  }
}

function nodeId(prefix: string, id: number): string {
  return `${prefix}_${Buffer.from(`\u0093\u0000${id}`, 'latin1').toString('base64url')}`;
}

/** Logins, names of repositories and labels are the same whatever the case. */
export function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the test GitHub has no ${what}`);
  return value;
}
