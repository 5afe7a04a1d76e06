/**
 * The GitHub port on GitHub: github.com, or an Enterprise Server. Thin: each
 * subject has a file of its own, and what a pass without news does not need is
 * loaded when it is asked for. Reads may be behind a write for a while
 * (`consistentReads`), and nothing that decides is read from memory but the
 * issues whose update time says that they are as they were.
 */

import type { Clock } from '../../clock.ts';
import type { AgentOsError } from '../../errors.ts';
import type {
  Actor,
  Board,
  BoardField,
  BoardStatus,
  CheckRun,
  Comment,
  Dependency,
  GitHub,
  GitRemote,
  Issue,
  IssueEvent,
  IssueFilter,
  IssueQuery,
  IssueView,
  Permission,
  PullRequest,
  Repository,
  Review,
  Spent,
} from '../github.ts';
import type { Wait } from './after-write.ts';
import type { GitHubClient } from './client/client.ts';
import { findIssues, type MoreIssues } from './find-issues.ts';
import { type IssueMemory, openIssueMemory } from './issue-memory.ts';
import type { Merged, MergeRequest, Server } from './merge.ts';
import type { Passenger } from './read-lists.ts';
import { stampPullRequests } from './stamp-pulls.ts';

export interface OctokitForgeOptions {
  client: GitHubClient;
  /** A private directory for what was read of issues before; what is lost there costs requests. */
  memoryDir: string;
  clock: Clock;
  /** Where tasks are shown, by repository as it is configured. */
  boards?: ReadonlyMap<string, Board>;
  /** Ends waiting. */
  signal: AbortSignal;
  /** For tests. */
  wait?: Wait;
}

export function openOctokitForge(options: OctokitForgeOptions): GitHub {
  return new OctokitForge(options);
}

export class OctokitForge implements GitHub {
  readonly consistentReads = false;
  readonly #client: GitHubClient;
  readonly #memory: IssueMemory;
  readonly #options: OctokitForgeOptions;
  readonly #server: Server = { withoutAsync: false };
  /** Permissions that are being asked for. */
  readonly #asking = new Map<string, Promise<Permission>>();
  #identity: Promise<Actor> | undefined;

  constructor(options: OctokitForgeOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#memory = openIssueMemory({ root: options.memoryDir, host: new URL(options.client.host.apiUrl).host, clock: options.clock });
  }

  get spent(): Readonly<Spent> {
    return this.#client.spent;
  }

  async getIdentity(): Promise<Actor & { shared: boolean }> {
    return { ...(await this.#own()), shared: this.#client.credentials.shared };
  }

  async getPermission(repo: string, actor: Actor): Promise<Permission> {
    const { readPermission } = await import('./people.ts');
    const key = `${repo} ${actor.id} ${actor.login}`;
    const asking = this.#asking.get(key) ?? readPermission(this.#client, repo, actor).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async getRepository(repo: string): Promise<Repository> {
    return (await import('./repository.ts')).readRepository(this.#client, repo);
  }

  async getRemote(repo: string, access: 'read' | 'write'): Promise<GitRemote> {
    return (await import('./repository.ts')).remoteOf(this.#client, repo, access);
  }

  async findBranch(repo: string, branch: string): Promise<string | undefined> {
    return (await import('./repository.ts')).findBranch(this.#client, repo, branch);
  }

  async findIssues(queries: readonly IssueQuery[]): Promise<Map<string, IssueView[] | AgentOsError>> {
    return this.find(queries);
  }

  /** @param others further issues that are to be found, and what is asked along for them */
  protected async find(
    queries: readonly IssueQuery[],
    others?: { passenger: Passenger; more: MoreIssues },
  ): Promise<Map<string, IssueView[] | AgentOsError>> {
    const noteViewer = (viewer: Actor) => {
      // The bot of an app has another login in REST, and so on its comments.
      if (this.#client.credentials.kind !== 'app') this.#identity ??= Promise.resolve(viewer);
    };
    const reader = { client: this.#client, memory: this.#memory, noteViewer, ...(others && { passenger: others.passenger }) };
    return findIssues(reader, queries, others?.more);
  }

  async viewIssue(repo: string, issue: number): Promise<IssueView> {
    return (await import('./issues.ts')).viewIssue(this.#client, repo, issue);
  }

  async listDependencies(repo: string, issues: readonly number[]): Promise<Map<number, Dependency[]>> {
    return (await import('./issues.ts')).listDependencies(this.#client, repo, issues);
  }

  async listIssues(repo: string, filter: IssueFilter): Promise<Issue[]> {
    return (await import('./issues.ts')).listIssues(this.#client, repo, filter);
  }

  async getIssue(repo: string, issue: number): Promise<Issue> {
    return (await this.viewIssue(repo, issue)).issue;
  }

  async listIssueEvents(repo: string, issue: number): Promise<IssueEvent[]> {
    return (await this.viewIssue(repo, issue)).events;
  }

  async listComments(repo: string, number: number): Promise<Comment[]> {
    return (await import('./issues.ts')).listComments(this.#client, repo, number);
  }

  async listPullRequests(repo: string, filter: Parameters<GitHub['listPullRequests']>[1]): Promise<PullRequest[]> {
    return (await import('./pulls.ts')).listPullRequests(this.#client, repo, filter);
  }

  async getPullRequest(repo: string, number: number): Promise<PullRequest> {
    return (await import('./pulls.ts')).getPullRequest(this.#client, repo, number);
  }

  async stampPullRequests(asked: readonly { repo: string; pull: number; issue: number }[]): Promise<Map<string, string>> {
    return stampPullRequests(this.#client, asked);
  }

  async listReviews(repo: string, number: number): Promise<Review[]> {
    return (await import('./pulls.ts')).listReviews(this.#client, repo, number);
  }

  async listCheckRuns(repo: string, sha: string, base: string): Promise<CheckRun[]> {
    return (await import('./checks.ts')).listCheckRuns(this.#client, repo, sha, base);
  }

  boardOf(repo: string): Board | undefined {
    return this.#options.boards?.get(repo);
  }

  async findBoardStatus(repo: string, issue: number, at: BoardField): Promise<BoardStatus> {
    return (await import('./projects/board.ts')).findBoardStatus(this.#client, repo, issue, at);
  }

  async setBoardStatus(repo: string, issue: number, to: BoardField & { value: string; add: boolean }): Promise<boolean> {
    return (await import('./projects/board.ts')).setBoardStatus(this.#client, repo, issue, to);
  }

  async createIssue(repo: string, issue: { title: string; body: string; labels: string[] }): Promise<{ number: number }> {
    return (await import('./issues.ts')).createIssue(this.#client, repo, issue);
  }

  async addLabel(repo: string, number: number, label: string): Promise<{ eventId: string } | undefined> {
    const { addLabel } = await import('./labels.ts');
    return addLabel(this.#client, { own: await this.#own(), wait: await this.#waiter() }, { repo, number, label });
  }

  async removeLabel(repo: string, number: number, label: string): Promise<void> {
    return (await import('./labels.ts')).removeLabel(this.#client, repo, number, label);
  }

  async addDependency(repo: string, issue: number, blockedBy: number): Promise<void> {
    return (await import('./issues.ts')).addDependency(this.#client, repo, issue, blockedBy);
  }

  async addSubIssue(repo: string, parent: number, child: number): Promise<void> {
    return (await import('./issues.ts')).addSubIssue(this.#client, repo, parent, child);
  }

  async createComment(repo: string, number: number, body: string): Promise<{ id: number }> {
    return (await import('./issues.ts')).createComment(this.#client, repo, number, body);
  }

  /** Comments have numbers of their own in a repository; which issue they are on does not matter. */
  async updateComment(repo: string, _number: number, comment: number, body: string): Promise<void> {
    return (await import('./issues.ts')).updateComment(this.#client, repo, comment, body);
  }

  async closeIssue(repo: string, issue: number, reason: 'completed' | 'not_planned'): Promise<void> {
    return (await import('./issues.ts')).closeIssue(this.#client, repo, issue, reason);
  }

  async reopenIssue(repo: string, issue: number): Promise<void> {
    return (await import('./issues.ts')).reopenIssue(this.#client, repo, issue);
  }

  async createPullRequest(repo: string, pull: { title: string; body: string; head: string; base: string }): Promise<{ number: number }> {
    return (await import('./pulls.ts')).createPullRequest(this.#client, repo, pull);
  }

  async closePullRequest(repo: string, number: number): Promise<void> {
    return (await import('./pulls.ts')).closePullRequest(this.#client, repo, number);
  }

  async updateBranch(repo: string, number: number, expectedHeadSha: string): Promise<{ sha: string }> {
    const { updateBranch } = await import('./update-branch.ts');
    return updateBranch({ client: this.#client, wait: await this.#waiter() }, repo, number, expectedHeadSha);
  }

  async mergePullRequest(repo: string, number: number, merge: MergeRequest): Promise<Merged> {
    const { mergePullRequest } = await import('./merge.ts');
    return mergePullRequest({ client: this.#client, wait: await this.#waiter(), server: this.#server }, repo, number, merge);
  }

  async isEnqueued(repo: string, number: number): Promise<boolean> {
    return (await import('./pulls.ts')).isEnqueued(this.#client, repo, number);
  }

  async deleteBranch(repo: string, branch: string, expectedSha: string): Promise<void> {
    return (await import('./repository.ts')).deleteBranch(this.#client, repo, branch, expectedSha);
  }

  /** Asked once; a failure is not kept. */
  #own(): Promise<Actor> {
    this.#identity ??= this.#readOwn().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  async #readOwn(): Promise<Actor> {
    return (await import('./people.ts')).readIdentity(this.#client);
  }

  async #waiter(): Promise<Wait> {
    return this.#options.wait ?? (await import('./after-write.ts')).waitUnless(this.#options.signal);
  }
}
