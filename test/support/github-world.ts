/**
 * A whole installation over HTTP: the built command, as cron runs it, against
 * the test GitHub of this process, with real pushes and fetches. Calls are
 * asynchronous, since the server that they ask lives here.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Permissions } from '../github-server/accounts.ts';
import { GitHubServer, type Options } from '../github-server/server.ts';
import type { CreatedApp, RepoSeed } from '../github-server/world.ts';
import { type Ended, REPO, ROOT, World } from './world.ts';

/** Who the token belongs to. */
export const BOT = 'agentos-bot';
/** A person with write permission. */
export const PERSON = 'octocat';

export interface GitHubWorldOptions {
  /** Replaces everything below `forge` in the configuration. */
  config?: string;
  /** More keys of `forge`. */
  forge?: string;
  repo?: RepoSeed;
  server?: Options;
  /** Whose token it is; BOT unless told. */
  account?: string;
  /** Acts as a GitHub App with these permissions, installed on the repository alone; its key is `app.pem`. */
  app?: Permissions;
}

/** What docs/security.md asks of an App. */
export const APP_PERMISSIONS: Permissions = {
  ...{ contents: 'write', pull_requests: 'write', issues: 'write' },
  ...{ checks: 'read', statuses: 'read', actions: 'read', metadata: 'read' },
};

export const GITHUB_CONFIG = `
repos:
  - name: ${REPO}
    automation: full
    verify: ["node --test"]
agents:
  patch: { kind: patch }
  scribe: { kind: command, command: ["${ROOT}examples/agents/scribe.mjs"] }
routing: { default: [patch, scribe] }
sandbox: { mode: "off" }
`;

export class GitHubWorld extends World {
  readonly server: GitHubServer;
  readonly token: string;
  readonly #app: CreatedApp | undefined;

  private constructor(dir: string, server: GitHubServer, token: string, app: CreatedApp | undefined) {
    super(dir);
    this.server = server;
    this.token = token;
    this.#app = app;
  }

  get app(): CreatedApp {
    if (!this.#app) throw new Error('this world has no App');
    return this.#app;
  }

  static async begin(options: GitHubWorldOptions = {}): Promise<GitHubWorld> {
    const server = await GitHubServer.start(options.server);
    const [owner = ''] = REPO.split('/');
    server.createUser(owner, 'Organization');
    server.createUser(BOT);
    server.createUser(PERSON);
    server.createRepo(REPO, {
      files: join(ROOT, 'examples/shop'),
      collaborators: { [BOT]: 'write', [PERSON]: 'write' },
      checks: [
        { name: 'test', run: 'node --test' },
        { name: 'lint', run: 'node scripts/lint.js' },
      ],
      ...options.repo,
    });
    const token = server.createToken(options.account ?? BOT, { scopes: ['repo'] });
    const app = options.app && server.createApp({ name: 'Agent OS', account: owner, permissions: options.app, repos: [REPO] });
    const world = new GitHubWorld(mkdtempSync(join(tmpdir(), 'agentos-github-')), server, token, app);
    if (app) world.write('app.pem', app.privateKey);
    const account = app
      ? `app: { id: ${app.appId}, installation_id: ${app.installationId}, private_key_file: app.pem }`
      : 'machine_account: true';
    // A pace for a server of one's own: what GitHub asks for would take minutes.
    const forge = `kind: github, api_url: "${server.apiUrl}", writes: { per_minute: 6000, per_hour: 100000 }, ${options.forge ?? account}`;
    world.write('config.yaml', `state_dir: ./state\nforge: { ${forge} }\n${options.config ?? GITHUB_CONFIG}`);
    world.write('home/.keep', '');
    return world;
  }

  async end(): Promise<void> {
    await this.server.close();
    this.close();
  }

  override env(more: Record<string, string> = {}): Record<string, string> {
    return super.env({ GITHUB_TOKEN: this.token, ...more });
  }

  /** Runs the command and waits. */
  async call(args: string[], env: Record<string, string> = {}): Promise<Ended> {
    return this.start(args, env).ended;
  }

  /** Runs the command, which must succeed, and gives its stdout. */
  async done(...args: string[]): Promise<string> {
    const ended = await this.call(args);
    if (ended.status !== 0) throw new Error(`agentos ${args.join(' ')} ended with ${ended.status}\n${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  }

  /** The document of a command, however it ended. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every command
  async document(...args: string[]): Promise<any> {
    const ended = await this.call([...args, '--json']);
    if (ended.stdout === '') throw new Error(`agentos ${args.join(' ')} ended with ${ended.status} and said\n${ended.stderr}`);
    return JSON.parse(ended.stdout);
  }

  /** A person opens an issue and makes it Ready. @returns its number. */
  open(title: string, body: string, labels: string[] = ['ready']): number {
    const person = this.server.as(PERSON);
    const number = person.openIssue(REPO, { title, body });
    for (const label of labels) person.label(REPO, number, label);
    return number;
  }

  /** The passes that cron would run, in its order, with the checks in between. @returns how each ended. */
  async round(): Promise<Record<string, Ended>> {
    const ended: Record<string, Ended> = {};
    for (const loop of ['dispatch', 'queue', 'pr-monitor']) {
      ended[loop] = await this.call([loop]);
      if (loop === 'queue') this.server.runChecks(REPO);
    }
    return ended;
  }

  /** Rounds until the issue's task is in that tray. */
  async roundsUntil(issue: number, tray: string, most = 8): Promise<void> {
    let last: Record<string, Ended> = {};
    for (let k = 0; k < most && this.task(issue)?.tray !== tray; k++) last = await this.round();
    const now = this.task(issue);
    if (now?.tray === tray) return;
    const said = Object.entries(last).map(([loop, { status, stdout, stderr }]) => `${loop} (${status}): ${stdout}${stderr}`);
    throw new Error(`task of #${issue} is in ${now?.tray}, not ${tray}, after ${most} rounds\n${now?.text}\n${said.join('\n')}`);
  }
}
