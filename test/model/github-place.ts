/** The Octokit adapter over the test GitHub as the place of the model test: real HTTP, real pushes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient } from '../../src/core/github/octokit/client/open-client.ts';
import { openOctokitForge } from '../../src/core/github/octokit/forge.ts';
import { ensureLabel } from '../github-server/issue-changes.ts';
import { GitHubServer } from '../github-server/server.ts';
import { PERSON, type Place, REPO, TestClock } from './place.ts';
import { type Act, ISSUES } from './script.ts';

const BOT = 'agentos-bot';

export async function openGitHubPlace(): Promise<Place> {
  const server = await GitHubServer.start({ mergeableAfterReads: 0 });
  const dir = mkdtempSync(join(tmpdir(), 'agentos-people-'));
  const clock = new TestClock();
  clock.follow((instant) => server.setNow(instant));
  server.createUser('demo', 'Organization');
  for (const login of [BOT, PERSON]) server.createUser(login);
  server.createRepo(REPO, { files: { 'README.md': '# Shop\n' }, collaborators: { [BOT]: 'write', [PERSON]: 'write' } });
  // With a description, as the one GitHub publishes of a list of pull requests has no null there.
  ensureLabel(server.store, server.repo(REPO), 'hold', 'd73a4a', 'Stops everything');
  for (const number of ISSUES) server.as(PERSON).openIssue(REPO, { title: `Issue ${number}`, body: 'Do it.' });
  let count = 0;
  return {
    dir,
    clock,
    forge: openForge(server, clock, dir),
    config: { kind: 'github', api_url: server.apiUrl, machine_account: true },
    act: async (act, pull) => {
      actOnGitHub(server, act, { pull, count: ++count });
    },
    tip: async (branch) => server.tip(REPO, branch) ?? undefined,
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

/** Waiting moves the clock, and takes no time. */
function openForge(server: GitHubServer, clock: TestClock, dir: string) {
  const pass = async (ms: number) => clock.advance(ms / 1000);
  const { signal } = new AbortController();
  const credentials = { token: { variable: 'TOKEN', shared: false }, repos: [REPO], env: { TOKEN: server.createToken(BOT) } };
  const writes = { per_minute: 6000, per_hour: 100_000 };
  const client = openClient({ apiUrl: server.apiUrl, credentials, stateDir: join(dir, 'state'), clock, signal, writes }, { sleep: pass });
  return openOctokitForge({ client, memoryDir: join(dir, 'state/forge/issues'), clock, signal, wait: pass });
}

function actOnGitHub(server: GitHubServer, { deed, issue }: Act, on: { pull: number | undefined; count: number }): unknown {
  const person = server.as(PERSON);
  const pull = on.pull ?? 0;
  switch (deed) {
    case 'ready anew':
      person.unlabel(REPO, issue, 'ready');
      return person.label(REPO, issue, 'ready');
    case 'ready':
    case 'hold':
      return person.label(REPO, issue, deed);
    case 'unready':
      return person.unlabel(REPO, issue, 'ready');
    case 'unhold':
      return person.unlabel(REPO, issue, 'hold');
    case 'close':
      return person.close(REPO, issue, 'not_planned');
    case 'reopen':
      return person.reopen(REPO, issue);
    case 'edit':
      return person.edit(REPO, issue, `Do it, ${on.count}.`);
    case 'rename':
      return person.rename(REPO, issue, `Issue ${issue}, ${on.count}`);
    case 'label':
      return person.label(REPO, issue, 'team:blue');
    case 'assign':
      return person.assign(REPO, issue, [PERSON]);
    case 'comment':
      return person.comment(REPO, issue, `Thought ${on.count}`);
    case 'close pull':
      return person.close(REPO, pull);
    case 'hold pull':
      return person.label(REPO, pull, 'hold');
    case 'unhold pull':
      return person.unlabel(REPO, pull, 'hold');
    case 'approve':
      return person.review(REPO, pull, 'APPROVED');
    case 'request changes':
      return person.review(REPO, pull, 'CHANGES_REQUESTED', 'Not so.');
    case 'push':
      return person.push(REPO, server.issue(REPO, pull).pull?.headRef ?? '', { [`by-hand-${on.count}.txt`]: 'me\n' });
    case 'push to base':
      return person.push(REPO, 'main', { [`base-${on.count}.txt`]: 'me\n' });
    case 'merge by hand':
      return person.merge(REPO, pull);
  }
}
