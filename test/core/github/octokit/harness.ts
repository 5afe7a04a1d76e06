/** The adapter, with a client of its own for everybody, over the test GitHub: real HTTP, real git. No time passes between writes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitHub } from '../../../../src/core/github/github.ts';
import { openClient } from '../../../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../../../src/core/github/octokit/forge.ts';
import type { GitHubHarness } from '../../../contract/github.ts';
import { GitHubServer, type Options } from '../../../github-server/server.ts';

export const REPO = 'acme/shop';

export interface OctokitHarness extends GitHubHarness {
  server: GitHubServer;
  /** The forge as this account sees it, which may be new. */
  as(login: string): GitHub;
}

export async function openHarness(options: Options = {}): Promise<OctokitHarness> {
  // One read is enough for `mergeable`, as the suite asks once; that it may be unknown has tests of its own.
  const server = await GitHubServer.start({ mergeableAfterReads: 0, ...options });
  const dir = mkdtempSync(join(tmpdir(), 'agentos-octokit-'));
  server.createUser('acme', 'Organization');
  server.createUser('agentos');
  server.createUser('operator');
  server.createRepo(REPO, { files: { 'README.md': '# Shop\n' }, collaborators: { agentos: 'write', operator: 'admin' } });
  const as = (login: string) => openForge(server, { login, stateDir: join(dir, login) });
  const operator = server.as('operator');
  return {
    repo: REPO,
    server,
    forge: as('agentos'),
    as,
    person: async (permission) => {
      const login = `${permission}er`;
      if (!server.store.findUser(login)) server.createUser(login);
      server.addCollaborator(REPO, login, permission);
      return as(login);
    },
    approve: async (number) => operator.review(REPO, number, 'APPROVED'),
    push: async (branch, files, from) => {
      const changes = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text ?? null]));
      if (Object.keys(changes).length > 0) return operator.push(REPO, branch, changes, { ...(from !== undefined && { from }) });
      const tip = server.tip(REPO, from ?? branch) ?? '';
      operator.forcePush(REPO, branch, tip);
      return tip;
    },
    removeBranch: async (branch) => operator.deleteBranch(REPO, branch),
    read: async (branch, path) => readFile(server.repo(REPO).gitDir, branch, path),
    close: async () => {
      try {
        server.assertQuiet();
      } finally {
        await server.close();
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

function openForge(server: GitHubServer, { login, stateDir }: { login: string; stateDir: string }): GitHub {
  let passed = 0;
  const pass = async (ms: number) => {
    passed += ms;
  };
  const clock = { now: () => new Date(Date.now() + passed) };
  const { signal } = new AbortController();
  const token = { variable: 'TOKEN', shared: false };
  const credentials = { token, repos: [REPO], env: { TOKEN: server.createToken(login) } };
  const writes = { per_minute: 80, per_hour: 500 };
  const client = openClient({ apiUrl: server.apiUrl, credentials, stateDir, clock, signal, writes }, { sleep: pass });
  return openOctokitForge({ client, memoryDir: join(stateDir, 'issues'), clock, signal, wait: pass });
}

function readFile(gitDir: string, branch: string, path: string): string | undefined {
  try {
    return execFileSync('git', ['show', `${branch}:${path}`], { cwd: gitDir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
