/**
 * An installation of the built command against the test GitHub, which runs in
 * a process of its own so that its work is not counted as the command's.
 */
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlledServer } from '../../test/github-server/control.ts';
import type { ControlCall } from '../../test/github-server/control-calls.ts';
import type { CheckPlan } from '../../test/github-server/records.ts';
import { addsFile, ROOT, World } from '../../test/support/world.ts';
import { alsoRemove } from './temporary.ts';

const BOT = 'agentos-bot';
const PERSON = 'octocat';
const OWNER = 'demo';

export interface Installation {
  /** `owner/name` of each configured repository. */
  repos: number;
  /** Open issues of the first repository. */
  issues: number;
  ready: boolean;
  tls?: boolean;
  /** They stay queued: nobody runs them. */
  checks?: CheckPlan[];
}

export class GitHubInstallation extends World {
  readonly server: ControlledServer;
  readonly token: string;

  private constructor(dir: string, server: ControlledServer, token: string) {
    super(dir);
    this.server = server;
    this.token = token;
  }

  static begin({ repos, issues, ready, tls = false, checks = [] }: Installation): GitHubInstallation {
    const names = Array.from({ length: repos }, (_, k) => nameOf(k));
    const server = ControlledServer.start({ tls }, [
      ...accounts(),
      ...names.map((name) => createRepository(name, checks)),
      ...openIssues(issues, ready),
    ]);
    const token = server.world.createToken(BOT, { scopes: ['repo'] });
    const installation = new GitHubInstallation(mkdtempSync(join(tmpdir(), 'agentos-bench-github-')), server, token);
    alsoRemove(installation.dir);
    mkdirSync(installation.path('home'));
    // The pace of a server of one's own: how many writes there are is counted, not how they are spread.
    const forge = `kind: github, api_url: "${server.apiUrl}", machine_account: true, writes: { per_minute: 6000, per_hour: 100000 }`;
    const list = names.map((name) => `  - { name: ${name}, automation: full, verify: ["true"], max_open_pull_requests: 100 }`).join('\n');
    const agents = 'agents:\n  patch: { kind: patch }\nrouting: { default: [patch] }\nsandbox: { mode: "off" }';
    installation.write('config.yaml', `state_dir: ./state\nforge: { ${forge} }\nrepos:\n${list}\n${agents}\n`);
    // A copy: a build that happens meanwhile changes nothing.
    for (const part of ['bin', 'dist', 'package.json']) cpSync(join(ROOT, part), installation.path(`program/${part}`), { recursive: true });
    return installation;
  }

  override close(): void {
    this.server.close();
    super.close();
  }

  override env(more: Record<string, string> = {}): Record<string, string> {
    return super.env({ GITHUB_TOKEN: this.token, ...more });
  }
}

/** `owner/name` of the configured repository at this place. */
function nameOf(place: number): string {
  return `${OWNER}/shop-${place}`;
}

function accounts(): ControlCall[] {
  return [
    { method: 'createUser', args: [OWNER, 'Organization'] },
    { method: 'createUser', args: [BOT] },
    { method: 'createUser', args: [PERSON] },
  ];
}

function createRepository(name: string, checks: CheckPlan[]): ControlCall {
  return { method: 'createRepo', args: [name, { checks, collaborators: { [BOT]: 'write', [PERSON]: 'write' } }] };
}

function openIssues(count: number, ready: boolean): ControlCall[] {
  return Array.from({ length: count }, (_, k) => {
    const body = addsFile(`orders/${k + 1}.js`, `export const order = ${k + 1};`);
    const issue = { title: `Add order ${k + 1}`, body, labels: ready ? ['ready'] : ['bug'] };
    return { as: PERSON, method: 'openIssue', args: [nameOf(0), issue] };
  });
}
