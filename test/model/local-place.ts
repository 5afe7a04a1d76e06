/** The local forge as the place of the model test. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalForge, openLocalForge } from '../../src/core/github/local/forge.ts';
import { PERSON, type Place, REPO, TestClock } from './place.ts';
import { type Act, ISSUES } from './script.ts';

const GIT_ENV = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'P',
  GIT_AUTHOR_EMAIL: 'p@example.com',
  GIT_COMMITTER_NAME: 'P',
  GIT_COMMITTER_EMAIL: 'p@example.com',
};

export async function openLocalPlace(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), 'agentos-people-'));
  const clock = new TestClock();
  const root = join(dir, 'forge');
  const as = (login: string) => openLocalForge({ root, clock, as: login, localCi: {} });
  const forge = as('agentos');
  await forge.createRepository(REPO, makeProject(dir));
  await forge.addUser(PERSON, 'write');
  const person = as(PERSON);
  for (const number of ISSUES) await person.createIssue(REPO, { title: `Issue ${number}`, body: 'Do it.', labels: [] });
  const { url: gitDir } = await forge.getRemote(REPO);
  let count = 0;
  return {
    dir,
    clock,
    forge,
    config: { kind: 'local', root },
    act: (act, pull) => actLocally(person, gitDir, act, { pull, count: ++count }),
    tip: (branch) => forge.findBranch(REPO, branch),
    close: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

function makeProject(dir: string): string {
  const source = join(dir, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'README.md'), '# Shop\n');
  git(source, 'init', '-q', '-b', 'main');
  git(source, 'add', '-A');
  git(source, 'commit', '-q', '-m', 'A project');
  return source;
}

async function actLocally(
  person: LocalForge,
  gitDir: string,
  { deed, issue }: Act,
  on: { pull: number | undefined; count: number },
): Promise<void> {
  const edit = (changes: Parameters<LocalForge['editIssue']>[2]) => person.editIssue(REPO, issue, changes);
  const pull = on.pull ?? 0;
  switch (deed) {
    case 'ready anew':
      return edit({ removeLabels: ['ready'], addLabels: ['ready'] });
    case 'ready':
    case 'hold':
      return edit({ addLabels: [deed] });
    case 'unready':
      return edit({ removeLabels: ['ready'] });
    case 'unhold':
      return edit({ removeLabels: ['hold'] });
    case 'close':
      return person.closeIssue(REPO, issue, 'not_planned');
    case 'reopen':
      return person.reopenIssue(REPO, issue);
    case 'edit':
      return edit({ body: `Do it, ${on.count}.` });
    case 'rename':
      return edit({ title: `Issue ${issue}, ${on.count}` });
    case 'label':
      return edit({ addLabels: ['team:blue'] });
    case 'assign':
      return edit({ assignees: [PERSON] });
    case 'comment':
      await person.createComment(REPO, issue, `Thought ${on.count}`);
      return;
    case 'close pull':
      return person.closePullRequest(REPO, pull);
    case 'hold pull':
      return person.editPullRequest(REPO, pull, { addLabels: ['hold'] });
    case 'unhold pull':
      return person.editPullRequest(REPO, pull, { removeLabels: ['hold'] });
    case 'approve':
      return person.reviewPullRequest(REPO, pull, { state: 'approved', body: '' });
    case 'request changes':
      return person.reviewPullRequest(REPO, pull, { state: 'changes_requested', body: 'Not so.' });
    case 'push':
      return commit(gitDir, (await person.getPullRequest(REPO, pull)).head, `by-hand-${on.count}.txt`);
    case 'push to base':
      return commit(gitDir, 'main', `base-${on.count}.txt`);
    case 'merge by hand': {
      const { headSha: expectedHeadSha } = await person.getPullRequest(REPO, pull);
      await person.mergePullRequest(REPO, pull, { method: 'merge', expectedHeadSha, title: `Merge #${pull}`, message: '' });
      return;
    }
  }
}

/** A commit onto a branch of the bare repository, that adds one file. */
function commit(gitDir: string, branch: string, path: string): void {
  const tip = git(gitDir, 'rev-parse', `refs/heads/${branch}`);
  const stream = `commit refs/heads/${branch}\ncommitter P <p@example.com> 1767261600 +0000\ndata 7\nBy hand\nfrom ${tip}\nM 100644 inline ${path}\ndata 3\nme\n\n`;
  execFileSync('git', ['fast-import', '--quiet'], { cwd: gitDir, env: GIT_ENV, input: stream });
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, env: GIT_ENV, encoding: 'utf8' }).trim();
}
