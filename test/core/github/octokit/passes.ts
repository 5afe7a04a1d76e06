/**
 * Passes over the test GitHub, in process: each has a client, a forge and a
 * journal of its own, as the next process would, over one state directory. No
 * time passes but what the test lets pass: one clock for us and for GitHub.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statePaths } from '../../../../src/core/config/paths.ts';
import { openEffects } from '../../../../src/core/effects/journal.ts';
import type { Git } from '../../../../src/core/git/git.ts';
import { openGit } from '../../../../src/core/git/open-git.ts';
import type { CredentialOptions } from '../../../../src/core/github/octokit/client/credentials.ts';
import { openClient } from '../../../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../../../src/core/github/octokit/forge.ts';
import type { Letter, Tray } from '../../../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../../../src/core/mailbox/maildir.ts';
import type { Task } from '../../../../src/core/mailbox/task.ts';
import type { Ports } from '../../../../src/core/ports.ts';
import { GitHubServer, type LoggedRequest } from '../../../github-server/server.ts';
import { openLoopPorts } from '../../../support/loop-ports.ts';

export const REPO = 'acme/shop';
export const OWN = 'agentos';
export const PERSON = 'operator';

export interface PassOptions {
  /** Longest time of a request, and of silence in a push, in real milliseconds. */
  deadlineMs?: number;
}

export class Passes {
  readonly server: GitHubServer;
  readonly #root = mkdtempSync(join(tmpdir(), 'agentos-passes-'));
  readonly #token: string;
  /** Replaces the token. */
  app: CredentialOptions['app'];
  /** Milliseconds since 1970. */
  now = Date.parse('2026-11-22T10:00:00Z');
  dir = '';
  #begun = 0;

  private constructor(server: GitHubServer, token: string) {
    this.server = server;
    this.#token = token;
  }

  static async open(): Promise<Passes> {
    const server = await GitHubServer.start({ mergeableAfterReads: 0 });
    server.setNow('2026-11-22T10:00:00Z');
    server.createUser('acme', 'Organization');
    server.createUser(OWN);
    server.createUser(PERSON);
    server.createRepo(REPO, { files: { 'README.md': '# Shop\n' }, collaborators: { [OWN]: 'write', [PERSON]: 'admin' } });
    const passes = new Passes(server, server.createToken(OWN));
    passes.begin();
    return passes;
  }

  /** A state directory that knows nothing, and no faults. */
  begin(): void {
    this.dir = join(this.#root, String(++this.#begun));
    this.server.clearFaults();
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  advance(ms: number): void {
    this.now += ms;
    this.server.setNow(new Date(this.now).toISOString());
  }

  /** What the next process has. */
  pass({ deadlineMs = 20_000 }: PassOptions = {}): Ports {
    const now = () => new Date(this.now);
    const clock = { now };
    const { signal } = new AbortController();
    const wait = async (ms: number) => this.advance(ms);
    const token = { variable: 'TOKEN', shared: false };
    const credentials = this.app ? { app: this.app, repos: [REPO], env: {} } : { token, repos: [REPO], env: { TOKEN: this.#token } };
    const writes = { per_minute: 80, per_hour: 500 };
    const options = { apiUrl: this.server.apiUrl, stateDir: this.dir, clock, signal, writes, deadlineMs };
    const client = openClient({ ...options, credentials }, { sleep: wait });
    const forge = openOctokitForge({ client, memoryDir: join(this.dir, 'issues'), clock, signal, wait });
    const effects = openEffects({ root: join(this.dir, 'effects'), clock, consistentReads: forge.consistentReads });
    const config = { dispatch: { auto_ready: true } };
    const ports = openLoopPorts({ root: this.dir, command: 'test', now, repos: [REPO], forge, effects, config });
    const paths = statePaths(this.dir);
    const mailbox = openMailbox({ root: paths.mailbox, locks: paths.locks, clock });
    const git = this.git(deadlineMs);
    return { ...ports, git: async () => git, mailbox: async () => mailbox };
  }

  git(deadlineMs = 20_000): Git {
    const patience = { silenceSeconds: 60, deadlineMs };
    return openGit({ paths: statePaths(this.dir), path: process.env['PATH'] ?? '', patience });
  }

  /** Puts a task into a tray. */
  async post(task: Task, tray: Tray): Promise<void> {
    const mailbox = await this.pass().mailbox();
    await mailbox.submit(task, 'text');
    const letter = await mailbox.claim(task.id);
    if (!letter) throw new Error(`${task.id} is not in the inbox`);
    await mailbox.move(letter, tray, task);
  }

  async letter(ports: Ports, id: string): Promise<Letter> {
    const letter = await (await ports.mailbox()).find(id);
    if (!letter) throw new Error(`there is no letter ${id}`);
    return letter;
  }

  /** GitHub goes on with the merges that it was asked for. */
  async settleMerges(): Promise<void> {
    const headers = { authorization: `Bearer ${this.#token}` };
    for (const { uuid, number, state } of this.server.repo(REPO).mergeRequests) {
      const url = `${this.server.apiUrl}/repos/${REPO}/pulls/${number}/merge-async/${uuid}`;
      for (let polls = 0; state === 'pending' && polls <= this.server.settings.asyncPolls; polls++) await fetch(url, { headers });
    }
  }

  /** Commits of a branch that another commit lacks, along first parents. */
  commits(from: string, to: string): string[] {
    const { gitDir } = this.server.repo(REPO);
    const text = execFileSync('git', ['rev-list', '--first-parent', `${from}..${to}`], { cwd: gitDir, encoding: 'utf8' });
    return text.split('\n').filter(Boolean);
  }

  /** How often this happened to an issue or pull request. */
  events(number: number, event: string, label?: string): number {
    const { events } = this.server.issue(REPO, number);
    return events.filter((one) => one.event === event && (label === undefined || one.label?.name === label)).length;
  }
}

/** A read of GraphQL is a POST, and so is the making of a token. */
export function isWrite({ kind, method, path }: LoggedRequest): boolean {
  if (kind === 'git') return path.endsWith('/git-receive-pack');
  return kind === 'rest' && method !== 'GET' && !path.endsWith('/access_tokens');
}
