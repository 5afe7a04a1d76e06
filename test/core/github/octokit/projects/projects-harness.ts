/** A repository of the test GitHub with a project, and the forge that takes a column of it for the label. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Board, GitHub } from '../../../../../src/core/github/github.ts';
import type { GitHubClient } from '../../../../../src/core/github/octokit/client/client.ts';
import { openClient } from '../../../../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../../../../src/core/github/octokit/forge.ts';
import { openProjectForge } from '../../../../../src/core/github/octokit/projects/project-forge.ts';
import type { ReadyColumn } from '../../../../../src/core/github/octokit/projects/ready-column.ts';
import { GitHubServer } from '../../../../github-server/server.ts';

export const REPO = 'acme/shop';
export const COLUMN: ReadyColumn = { project: 1, field: 'Status', value: 'Ready', label: 'project 1: Status is Ready' };

export interface ProjectsHarness {
  server: GitHubServer;
  dir: string;
  /** A forge of its own; `column` in the place of a label, `board` to write to. */
  open(options?: { column?: ReadyColumn; board?: Board; scopes?: string[] }): GitHub;
  client(scopes?: string[]): GitHubClient;
  /** Opens an issue by the owner and moves it, by another one where told. @returns its number */
  card(value: string | null, by?: string): number;
  move(number: number, value: string | null, by?: string): void;
  close(): Promise<void>;
}

export async function openProjects(): Promise<ProjectsHarness> {
  const server = await GitHubServer.start();
  const dir = mkdtempSync(join(tmpdir(), 'agentos-projects-'));
  server.setNow('2026-11-22T09:00:00Z');
  server.createUser('acme', 'Organization');
  for (const login of ['agentos', 'owner', 'triager', 'stranger']) server.createUser(login);
  server.createUser('github-project-automation[bot]', 'Bot');
  server.createRepo(REPO, { collaborators: { agentos: 'write', owner: 'admin', triager: 'triage' } });
  server.addProject('acme', 'Work', [{ name: 'Status', options: ['Todo', 'Ready', 'In progress', 'In review', 'Blocked', 'Done'] }]);
  const move = (number: number, value: string | null, by = 'owner') =>
    server.as(by).moveCard(REPO, number, { project: 1, field: 'Status', value });
  return {
    server,
    dir,
    open: (options) => openForge(server, dir, options),
    client: (scopes) => openOwnClient(server, dir, scopes),
    card: (value, by) => {
      const number = server.as('owner').openIssue(REPO, { title: 'Show the total', body: 'Please.' });
      server.advance(60);
      if (value !== null) move(number, value, by);
      return number;
    },
    move,
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

type OpenOptions = NonNullable<Parameters<ProjectsHarness['open']>[0]>;

function openOwnClient(server: GitHubServer, dir: string, scopes = ['repo', 'project']): GitHubClient {
  const clock = { now: () => new Date(server.store.now) };
  const credentials = {
    token: { variable: 'TOKEN', shared: false },
    repos: [REPO],
    env: { TOKEN: server.createToken('agentos', { scopes }) },
  };
  const { signal } = new AbortController();
  const writes = { per_minute: 6000, per_hour: 100_000 };
  return openClient({ apiUrl: server.apiUrl, credentials, stateDir: dir, clock, signal, writes }, { sleep: async () => {} });
}

function openForge(server: GitHubServer, dir: string, { column, board, scopes }: OpenOptions = {}): GitHub {
  const client = openOwnClient(server, dir, scopes);
  const clock = { now: () => new Date(server.store.now) };
  const { signal } = new AbortController();
  const boards = new Map(board ? [[REPO, board]] : []);
  const options = { client, memoryDir: join(dir, 'issues'), boards, clock, signal, wait: async () => {} };
  return column ? openProjectForge(options, new Map([[REPO, column]])) : openOctokitForge(options);
}
