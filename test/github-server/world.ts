/**
 * Everything a test arranges before and between requests: accounts, tokens,
 * Apps, repositories, rules, the clock. Arguments and results are plain JSON.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Permissions, Role, Token, User } from './accounts.ts';
import { runChecks } from './checks.ts';
import { branchTip, commitFiles, createBare } from './git-store.ts';
import { Person } from './person.ts';
import type { MergeMethod } from './pulls.ts';
import type { CheckPlan, CheckRun, Issue, Protection, Repository, Rule } from './records.ts';
import { personOf, runMergeQueue } from './rest/merging.ts';
import { Store } from './store.ts';

export interface RepoSeed {
  private?: boolean;
  defaultBranch?: string;
  /** Texts by path, or a directory to copy; a README when absent. */
  files?: Record<string, string> | string;
  collaborators?: Record<string, Role>;
  checks?: CheckPlan[];
  mergeMethods?: Repository['mergeMethods'];
  deleteBranchOnMerge?: boolean;
}
export interface TokenSeed {
  scopes?: string[];
  /** Makes it fine-grained. */
  permissions?: Permissions;
  /** `owner/name`s; all of them unless told. */
  repos?: string[];
}
export interface AppSeed {
  name: string;
  /** Where it is installed. */
  account: string;
  permissions: Permissions;
  repos?: string[];
}
export interface CreatedApp {
  appId: number;
  installationId: number;
  /** PEM. */
  privateKey: string;
  /** `slug[bot]`. */
  login: string;
}

export class World {
  readonly store = new Store();
  /** Where the bare repositories are. */
  readonly dir = mkdtempSync(join(tmpdir(), 'test-github-'));

  repo(name: string): Repository {
    const found = this.store.findRepo(name);
    if (!found) throw new Error(`the test GitHub has no repository \`${name}\``);
    return found.repo;
  }
  issue(name: string, number: number): Issue {
    const issue = this.repo(name).issues.get(number);
    if (!issue) throw new Error(`\`${name}\` has no issue ${number}`);
    return issue;
  }
  private userOf(login: string): User {
    const user = this.store.findUser(login);
    if (!user) throw new Error(`the test GitHub has no user \`${login}\``);
    return user;
  }
  as(login: string): Person {
    return new Person(this.store, this.userOf(login).id);
  }
  tip(name: string, branch: string): string | null {
    return branchTip(this.store, this.repo(name), branch) ?? null;
  }

  createUser(login: string, type: User['type'] = 'User'): User {
    return this.store.addUser(login, type);
  }
  renameUser(login: string, to: string): void {
    this.userOf(login).login = to;
  }
  deleteUser(login: string): void {
    this.store.state.users.delete(this.userOf(login).id);
  }

  createRepo(fullName: string, seed: RepoSeed = {}): Repository {
    const [owner = '', name = ''] = fullName.split('/');
    const at = this.store.stamp();
    const ids = this.store.newIds('R');
    const defaultBranch = seed.defaultBranch ?? 'main';
    const repo: Repository = {
      ...{ ...ids, ownerId: this.userOf(owner).id, name, formerNames: [], private: seed.private ?? false, archived: false, defaultBranch },
      ...{ gitDir: join(this.dir, `${ids.id}.git`), mergeMethods: seed.mergeMethods ?? { merge: true, squash: true, rebase: true } },
      ...{ deleteBranchOnMerge: seed.deleteBranchOnMerge ?? false, collaborators: new Map(), labels: [], nextNumber: 1, issues: new Map() },
      ...{
        checkSuites: [],
        checkRuns: [],
        statuses: [],
        rulesets: [],
        protections: new Map(),
        checks: seed.checks ?? [],
        mergeRequests: [],
      },
      ...{ createdAt: at, pushedAt: at },
    };
    createBare(repo.gitDir, defaultBranch);
    const { person: author } = personOf(this.store, repo.ownerId);
    commitFiles(repo.gitDir, defaultBranch, seed.files ?? { 'README.md': `# ${name}\n` }, { message: 'Initial commit', author, at });
    this.store.state.repositories.set(repo.id, repo);
    for (const [login, role] of Object.entries(seed.collaborators ?? {})) this.addCollaborator(fullName, login, role);
    return repo;
  }
  addCollaborator(repo: string, login: string, role: Role): void {
    this.repo(repo).collaborators.set(this.userOf(login).id, role);
  }
  removeCollaborator(repo: string, login: string): void {
    this.repo(repo).collaborators.delete(this.userOf(login).id);
  }
  renameRepo(fullName: string, name: string): void {
    const repo = this.repo(fullName);
    repo.formerNames.push(this.store.fullName(repo));
    repo.name = name;
  }
  transferRepo(fullName: string, owner: string): void {
    const repo = this.repo(fullName);
    repo.formerNames.push(this.store.fullName(repo));
    repo.ownerId = this.userOf(owner).id;
  }
  archiveRepo(fullName: string, archived = true): void {
    this.repo(fullName).archived = archived;
  }
  deleteRepo(fullName: string): void {
    const repo = this.repo(fullName);
    this.store.state.repositories.delete(repo.id);
    rmSync(repo.gitDir, { recursive: true, force: true });
  }
  setChecks(fullName: string, checks: CheckPlan[]): void {
    this.repo(fullName).checks = checks;
  }

  protect(fullName: string, branch: string, rules: Partial<Protection>): void {
    const none: Protection = { requiredChecks: [], strict: false, requiredReviews: 0, enforceAdmins: true };
    this.repo(fullName).protections.set(branch, { ...none, ...rules });
  }
  addRuleset(fullName: string, rules: Rule[], include = ['~DEFAULT_BRANCH']): number {
    const at = this.store.stamp();
    const ruleset = {
      ...this.store.newIds('RRS'),
      name: 'rules',
      enforcement: 'active' as const,
      include,
      exclude: [],
      rules,
      createdAt: at,
      updatedAt: at,
    };
    this.repo(fullName).rulesets.push(ruleset);
    return ruleset.id;
  }

  /** A classic token with `repo` unless told otherwise. @returns the secret. */
  createToken(login: string, seed: TokenSeed = {}): string {
    const kind = seed.permissions ? 'fine-grained' : 'classic';
    const token: Token = {
      token: kind === 'classic' ? `ghp_${letters(36)}` : `github_pat_${letters(82)}`,
      ...{ kind, userId: this.userOf(login).id, scopes: seed.scopes ?? (kind === 'classic' ? ['repo'] : []) },
      ...{ permissions: seed.permissions ?? {}, repositoryIds: seed.repos?.map((name) => this.repo(name).id) ?? 'all' },
    };
    this.store.state.tokens.set(token.token, token);
    return token.token;
  }
  revokeToken(token: string): void {
    this.store.state.tokens.delete(token);
  }
  /** An App with one installation. */
  createApp(seed: AppSeed): CreatedApp {
    const slug = seed.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const bot = this.store.addUser(`${slug}[bot]`, 'Bot');
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const account = this.userOf(seed.account);
    const { permissions } = seed;
    const createdAt = this.store.stamp();
    const app = { ...this.store.newIds('A'), slug, name: seed.name, ownerId: account.id, botId: bot.id, publicKey, permissions, createdAt };
    this.store.state.apps.set(app.id, app);
    const repositoryIds = seed.repos?.map((name) => this.repo(name).id) ?? ('all' as const);
    const installation = { id: this.store.newIds('').id, appId: app.id, accountId: account.id, repositoryIds, permissions, createdAt };
    this.store.state.installations.set(installation.id, installation);
    return { appId: app.id, installationId: installation.id, privateKey, login: bot.login };
  }

  addProject(owner: string, title: string, fields: { name: string; options: string[] }[]): { number: number; nodeId: string } {
    const { number, nodeId } = this.store.addProject(this.userOf(owner).id, title, fields);
    return { number, nodeId };
  }
  /** Runs everything of Actions that is queued. @returns the runs that ended. */
  runChecks(fullName?: string): CheckRun[] {
    const all = fullName === undefined ? [...this.store.state.repositories.values()] : [this.repo(fullName)];
    return all.flatMap((repo) => runChecks(this.store, repo));
  }
  runMergeQueue(fullName: string, method: MergeMethod = 'merge'): number[] {
    return runMergeQueue(this.store, this.repo(fullName), method);
  }
  /** Stops the clock there. */
  setNow(instant: string): void {
    this.store.now = instant;
  }
  advance(seconds: number): void {
    this.store.advance(seconds);
  }
}

function letters(count: number): string {
  return randomBytes(count * 2)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, count);
}
