/**
 * The GitHub port on a directory of this machine (docs/adr/0007-local-forge.md): repositories
 * are bare git repositories, issues and pull requests are Markdown files, and a
 * user would notice the same rules as on GitHub. Reading takes no lock and
 * loads nothing but `node:fs`; what writes is imported at the first write.
 */
import type { Clock } from '../clock.ts';
import { AgentOsError } from '../errors.ts';
import type {
  Actor,
  CheckRun,
  Comment,
  GitHub,
  GitRemote,
  Issue,
  IssueEvent,
  IssueFilter,
  Permission,
  PullRequest,
  Repository,
  Review,
} from './github.ts';
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
} from './local-files.ts';
import type { ThreadEdit } from './local-issues.ts';
import type { MergeRequest } from './local-merge.ts';
import type { IssueRecord, PullRecord } from './local-records.ts';
import { readBranch, readDefaultBranch } from './local-refs.ts';
import type { LocalContext, Transaction } from './local-transaction.ts';
import { currentPull, listChecks, listPulls, toIssue, toPullRequest } from './local-view.ts';

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
  readonly #context: LocalContext;
  readonly #localCi: LocalForgeOptions['localCi'];
  /** Merges on paper, by repository, base and head: they never change. */
  readonly #paper = new Map<string, Pick<PullRequest, 'mergeable' | 'conflicts'>>();

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
    return pull.state === 'open' ? { ...pull, ...(await this.#mergeOnPaper(files, record)) } : pull;
  }

  async listReviews(repo: string, number: number): Promise<Review[]> {
    return (await this.#pull(await this.#files(repo), number)).reviews;
  }

  async listCheckRuns(repo: string, sha: string): Promise<CheckRun[]> {
    return listChecks(await this.#files(repo), sha, this.#localCi[repo] ?? []);
  }

  async createIssue(repo: string, issue: { title: string; body: string; labels: string[] }): Promise<{ number: number }> {
    const { createIssue } = await import('./local-issues.ts');
    return this.#write(repo, async (tx) => createIssue(tx, issue));
  }

  /** Title and body first, then labels. */
  async editIssue(repo: string, number: number, edit: ThreadEdit): Promise<void> {
    const { editThread } = await import('./local-issues.ts');
    return this.#write(repo, async (tx) => editThread(tx, await tx.issue(number), edit));
  }

  async addLabel(repo: string, number: number, label: string): Promise<{ eventId: number } | undefined> {
    const { addLabel } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => addLabel(tx, number, label));
  }

  async removeLabel(repo: string, number: number, label: string): Promise<void> {
    const { removeLabel } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => removeLabel(tx, number, label));
  }

  async createComment(repo: string, number: number, body: string): Promise<{ id: number }> {
    const { createComment } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => createComment(tx, number, body));
  }

  async updateComment(repo: string, number: number, comment: number, body: string): Promise<void> {
    const { updateComment } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => updateComment(tx, number, comment, body));
  }

  async closeIssue(repo: string, issue: number, reason: 'completed' | 'not_planned'): Promise<void> {
    const { closeIssue } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => closeIssue(tx, issue, reason));
  }

  async reopenIssue(repo: string, issue: number): Promise<void> {
    const { reopenIssue } = await import('./local-issues.ts');
    return this.#write(repo, (tx) => reopenIssue(tx, issue));
  }

  async createPullRequest(repo: string, pull: { title: string; body: string; head: string; base: string }): Promise<{ number: number }> {
    const { createPullRequest } = await import('./local-pulls.ts');
    return this.#write(repo, (tx) => createPullRequest(tx, pull));
  }

  async editPullRequest(repo: string, number: number, edit: ThreadEdit): Promise<void> {
    const { editPull } = await import('./local-pulls.ts');
    return this.#write(repo, (tx) => editPull(tx, number, edit));
  }

  async reviewPullRequest(repo: string, number: number, review: Pick<Review, 'state' | 'body'>): Promise<void> {
    const { reviewPull } = await import('./local-pulls.ts');
    return this.#write(repo, (tx) => reviewPull(tx, number, review));
  }

  async closePullRequest(repo: string, number: number): Promise<void> {
    const { closePullRequest } = await import('./local-pulls.ts');
    return this.#write(repo, (tx) => closePullRequest(tx, number));
  }

  async updateBranch(repo: string, number: number, expectedHeadSha: string): Promise<{ sha: string }> {
    const { settledPull } = await import('./local-pulls.ts');
    const { updateBranch } = await import('./local-merge.ts');
    return this.#write(repo, async (tx) => updateBranch(tx, await settledPull(tx, number), expectedHeadSha));
  }

  async mergePullRequest(repo: string, number: number, merge: MergeRequest): Promise<{ sha: string }> {
    const { settledPull } = await import('./local-pulls.ts');
    const { mergePullRequest } = await import('./local-merge.ts');
    return this.#write(repo, async (tx) => mergePullRequest(tx, await settledPull(tx, number), merge));
  }

  async deleteBranch(repo: string, branch: string, expectedSha: string): Promise<void> {
    const { deleteBranch } = await import('./local-pulls.ts');
    return this.#write(repo, (tx) => deleteBranch(tx, branch, expectedSha));
  }

  /** Makes a git repository on disk a repository of this forge: its branches, and its current one as the default. */
  async createRepository(repo: string, source: string): Promise<void> {
    const { createRepository } = await import('./local-init.ts');
    return createRepository(this.#context, repo, source);
  }

  /** Adds a user, or gives a known one another permission; ids are never used again. */
  async addUser(login: string, permission: User['permission']): Promise<User> {
    const { addUser } = await import('./local-init.ts');
    return addUser(this.#context, login, permission);
  }

  async #write<T>(repo: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const { transact } = await import('./local-transaction.ts');
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

  async #mergeOnPaper(files: RepositoryFiles, pull: PullRecord): Promise<Pick<PullRequest, 'mergeable' | 'conflicts'>> {
    const base = readBranch(files.gitDir, pull.base);
    if (base === undefined) return { mergeable: false };
    const key = `${files.gitDir} ${base} ${pull.headSha}`;
    const known = this.#paper.get(key);
    if (known) return known;
    const { mergeTree } = await import('./local-git.ts');
    const { tree, conflicts } = mergeTree(files.gitDir, base, pull.headSha);
    const found = tree === undefined ? { mergeable: false, conflicts } : { mergeable: true };
    this.#paper.set(key, found);
    return found;
  }
}

function missing(repo: string, what: string, number: number): never {
  throw new AgentOsError('not_found', `${repo} has no ${what} #${number}`);
}
