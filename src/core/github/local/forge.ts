/**
 * The GitHub port on a directory of this machine (docs/adr/0007-local-forge.md): repositories
 * are bare git repositories, issues and pull requests are Markdown files, and a
 * user would notice the same rules as on GitHub. Reading takes no lock and
 * loads nothing but `node:fs`; what writes is imported at the first write.
 */
import type { Clock } from '../../clock.ts';
import { AgentOsError } from '../../errors.ts';
import { tryRead } from '../../try-read.ts';
import type {
  Actor,
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
} from '../github.ts';
import {
  findUser,
  listNumbers,
  peekLabels,
  type RepositoryFiles,
  readIssue,
  readPull,
  readSettings,
  readUsers,
  repositoryFiles,
  sameLogin,
  type User,
} from './files.ts';
import { listDependencies, listViews, readView } from './issue-views.ts';
import type { ThreadEdit } from './issues.ts';
import type { MergeRequest } from './merge.ts';
import { PaperMerges } from './paper-merges.ts';
import type { IssueRecord, PullRecord } from './records.ts';
import { readBranch, readDefaultBranch } from './refs.ts';
import type { LocalContext, Transaction } from './transaction.ts';
import { currentPull, listChecks, listPulls, toIssue, toPullRequest } from './view.ts';

export interface LocalForgeOptions {
  /** Absolute path. */
  root: string;
  clock: Clock;
  /** Whose writes these are; default `agentos`, our own login. */
  as?: string;
  /** Shell lines that are the checks of a repository. */
  localCi: Readonly<Record<string, readonly string[]>>;
}

export function openLocalForge(options: LocalForgeOptions): LocalForge {
  return new LocalForge(options);
}

export class LocalForge implements GitHub {
  readonly consistentReads = true;
  readonly spent = { requests: 0, points: 0 };
  readonly #context: LocalContext;
  readonly #localCi: LocalForgeOptions['localCi'];
  readonly #paper = new PaperMerges();

  constructor({ root, clock, as = 'agentos', localCi }: LocalForgeOptions) {
    this.#context = { root, clock, as };
    this.#localCi = localCi;
  }

  async getIdentity(): Promise<Actor & { shared: boolean }> {
    const { id, login } = findUser((await readUsers(this.#context.root)).users, this.#context.as);
    return { id, login, shared: false };
  }

  async getPermission(repo: string, actor: Actor): Promise<Permission> {
    await this.#files(repo);
    const { users } = await readUsers(this.#context.root);
    return users.find((user) => sameLogin(user.login, actor.login) && user.id === actor.id)?.permission ?? 'none';
  }

  async getRepository(repo: string): Promise<Repository> {
    const files = repositoryFiles(this.#context.root, repo);
    const { mergeMethods, archived } = await readSettings(files);
    return { name: repo, defaultBranch: readDefaultBranch(files.gitDir), mergeMethods, archived };
  }

  async getRemote(repo: string): Promise<GitRemote> {
    return { url: (await this.#files(repo)).gitDir };
  }

  async findBranch(repo: string, branch: string): Promise<string | undefined> {
    return readBranch((await this.#files(repo)).gitDir, branch);
  }

  async listIssues(repo: string, { state, anyLabel }: IssueFilter): Promise<Issue[]> {
    const files = await this.#files(repo);
    const issues: Issue[] = [];
    for (const number of listNumbers(`${files.dir}/issues`)) {
      if (anyLabel && peekLabels(files, number)?.some((label) => anyLabel(label)) === false) continue;
      const record = await readIssue(files, number);
      if (!record || (state !== 'all' && record.state !== state)) continue;
      if (!anyLabel || record.labels.some((label) => anyLabel(label))) issues.push(toIssue(record));
    }
    return issues;
  }

  async findIssues(queries: readonly IssueQuery[]): Promise<Map<string, IssueView[] | AgentOsError>> {
    const found = new Map<string, IssueView[] | AgentOsError>();
    for (const query of queries) found.set(query.repo, await tryRead(async () => listViews(await this.#files(query.repo), query)));
    return found;
  }

  async viewIssue(repo: string, issue: number): Promise<IssueView> {
    return readView(await this.#files(repo), issue);
  }

  async listDependencies(repo: string, issues: readonly number[]): Promise<Map<number, Dependency[]>> {
    return listDependencies(await this.#files(repo), issues);
  }

  /** None has a stamp: a look costs nothing here. */
  async stampPullRequests(): Promise<Map<string, string>> {
    return new Map();
  }

  async getIssue(repo: string, issue: number): Promise<Issue> {
    const files = await this.#files(repo);
    return toIssue((await readIssue(files, issue)) ?? missing(repo, 'issue', issue));
  }

  async listIssueEvents(repo: string, issue: number): Promise<IssueEvent[]> {
    return (await this.#thread(repo, issue)).events;
  }

  async listComments(repo: string, number: number): Promise<Comment[]> {
    return (await this.#thread(repo, number)).comments;
  }

  async listPullRequests(repo: string, { state, head }: Parameters<GitHub['listPullRequests']>[1]): Promise<PullRequest[]> {
    const pulls = await listPulls(await this.#files(repo));
    return pulls
      .filter((pull) => (state === 'all' || pull.state === state) && (head === undefined || pull.head === head))
      .map(toPullRequest);
  }

  async getPullRequest(repo: string, number: number): Promise<PullRequest> {
    const files = await this.#files(repo);
    const record = await this.#pull(files, number);
    const pull = toPullRequest(record);
    return pull.state === 'open' ? { ...pull, ...(await this.#paper.of(files, record)) } : pull;
  }

  async listReviews(repo: string, number: number): Promise<Review[]> {
    return (await this.#pull(await this.#files(repo), number)).reviews;
  }

  async listCheckRuns(repo: string, sha: string): Promise<CheckRun[]> {
    return listChecks(await this.#files(repo), sha, this.#localCi[repo] ?? []);
  }

  findBoardStatus(): Promise<BoardStatus> {
    throw new AgentOsError('refused', 'the local forge has no projects');
  }

  setBoardStatus(): Promise<boolean> {
    throw new AgentOsError('refused', 'the local forge has no projects');
  }

  async createIssue(repo: string, issue: { title: string; body: string; labels: string[] }): Promise<{ number: number }> {
    const { createIssue } = await import('./issues.ts');
    return this.#write(repo, async (tx) => createIssue(tx, issue));
  }

  /** Title and body first, then labels. */
  async editIssue(repo: string, number: number, edit: ThreadEdit): Promise<void> {
    const { editThread } = await import('./issues.ts');
    return this.#write(repo, async (tx) => editThread(tx, await tx.issue(number), edit));
  }

  async addLabel(repo: string, number: number, label: string): Promise<{ eventId: string } | undefined> {
    const { addLabel } = await import('./issues.ts');
    return this.#write(repo, (tx) => addLabel(tx, number, label));
  }

  async removeLabel(repo: string, number: number, label: string): Promise<void> {
    const { removeLabel } = await import('./issues.ts');
    return this.#write(repo, (tx) => removeLabel(tx, number, label));
  }

  async addDependency(repo: string, issue: number, blockedBy: number): Promise<void> {
    const { addDependency } = await import('./issues.ts');
    return this.#write(repo, (tx) => addDependency(tx, issue, blockedBy));
  }

  async addSubIssue(repo: string, parent: number, child: number): Promise<void> {
    const { addSubIssue } = await import('./issues.ts');
    return this.#write(repo, (tx) => addSubIssue(tx, parent, child));
  }

  async createComment(repo: string, number: number, body: string): Promise<{ id: number }> {
    const { createComment } = await import('./issues.ts');
    return this.#write(repo, (tx) => createComment(tx, number, body));
  }

  async updateComment(repo: string, number: number, comment: number, body: string): Promise<void> {
    const { updateComment } = await import('./issues.ts');
    return this.#write(repo, (tx) => updateComment(tx, number, comment, body));
  }

  async closeIssue(repo: string, issue: number, reason: 'completed' | 'not_planned'): Promise<void> {
    const { closeIssue } = await import('./issues.ts');
    return this.#write(repo, (tx) => closeIssue(tx, issue, reason));
  }

  async reopenIssue(repo: string, issue: number): Promise<void> {
    const { reopenIssue } = await import('./issues.ts');
    return this.#write(repo, (tx) => reopenIssue(tx, issue));
  }

  async createPullRequest(repo: string, pull: { title: string; body: string; head: string; base: string }): Promise<{ number: number }> {
    const { createPullRequest } = await import('./pulls.ts');
    return this.#write(repo, (tx) => createPullRequest(tx, pull));
  }

  async editPullRequest(repo: string, number: number, edit: ThreadEdit): Promise<void> {
    const { editPull } = await import('./pulls.ts');
    return this.#write(repo, (tx) => editPull(tx, number, edit));
  }

  async reviewPullRequest(repo: string, number: number, review: Pick<Review, 'state' | 'body'>): Promise<void> {
    const { reviewPull } = await import('./pulls.ts');
    return this.#write(repo, (tx) => reviewPull(tx, number, review));
  }

  async closePullRequest(repo: string, number: number): Promise<void> {
    const { closePullRequest } = await import('./pulls.ts');
    return this.#write(repo, (tx) => closePullRequest(tx, number));
  }

  async updateBranch(repo: string, number: number, expectedHeadSha: string): Promise<{ sha: string }> {
    const { settledPull } = await import('./pulls.ts');
    const { updateBranch } = await import('./merge.ts');
    return this.#write(repo, async (tx) => updateBranch(tx, await settledPull(tx, number), expectedHeadSha));
  }

  async mergePullRequest(repo: string, number: number, merge: MergeRequest): Promise<{ sha: string }> {
    const { settledPull } = await import('./pulls.ts');
    const { mergePullRequest } = await import('./merge.ts');
    return this.#write(repo, async (tx) => mergePullRequest(tx, await settledPull(tx, number), merge));
  }

  async deleteBranch(repo: string, branch: string, expectedSha: string): Promise<void> {
    const { deleteBranch } = await import('./pulls.ts');
    return this.#write(repo, (tx) => deleteBranch(tx, branch, expectedSha));
  }

  /** Makes a git repository on disk a repository of this forge: its branches, and its current one as the default. */
  async createRepository(repo: string, source: string): Promise<void> {
    const { createRepository } = await import('./init.ts');
    return createRepository(this.#context, repo, source);
  }

  /** Adds a user, or gives a known one another permission; ids are never used again. */
  async addUser(login: string, permission: User['permission']): Promise<User> {
    const { addUser } = await import('./init.ts');
    return addUser(this.#context, login, permission);
  }

  async #write<T>(repo: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { transact } = await import('./transaction.ts');
    return transact(this.#context, repo, work);
  }

  /** @throws `not_found` when there is no such repository. */
  async #files(repo: string): Promise<RepositoryFiles> {
    const files = repositoryFiles(this.#context.root, repo);
    await readSettings(files);
    return files;
  }

  async #thread(repo: string, number: number): Promise<IssueRecord | PullRecord> {
    const files = await this.#files(repo);
    return (await readIssue(files, number)) ?? (await readPull(files, number)) ?? missing(repo, 'issue or pull request', number);
  }

  async #pull(files: RepositoryFiles, number: number): Promise<PullRecord> {
    return currentPull(files, (await readPull(files, number)) ?? missing(files.repo, 'pull request', number));
  }
}

function missing(repo: string, what: string, number: number): never {
  throw new AgentOsError('not_found', `${repo} has no ${what} #${number}`);
}
