/** Creating repositories and users of the local forge. A repository appears as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureDirectory, syncDirectory, writeFileAtomic } from '../../atomic-file.ts';
import { AgentOsError, errnoOf, toIoError } from '../../errors.ts';
import { type FrontMatter, renderFrontMatter } from '../../front-matter.ts';
import { MERGE_METHODS, readUsers, repositoryFiles, sameLogin, type User } from './files.ts';
import { cloneBare } from './git.ts';
import { readBranch, readDefaultBranch } from './refs.ts';
import { type LocalContext, renderSettings, withLock } from './transaction.ts';

/** @throws `conflict` when the repository exists, `not_found` when `source` is no git repository, `refused` when it has no current branch or no commit. */
export async function createRepository(context: LocalContext, repo: string, source: string): Promise<void> {
  const files = repositoryFiles(context.root, repo);
  if (existsSync(files.dir)) throw existsAlready(repo, files.dir);
  ensureDirectory(context.root);
  const staging = `${context.root}/.init-${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    const settings = {
      mergeMethods: [...MERGE_METHODS],
      archived: false,
      nextNumber: 1,
      nextId: 1,
      lastAt: context.clock.now().toISOString(),
    };
    for (const name of ['issues', 'pulls', 'checks']) ensureDirectory(`${staging}/${name}`);
    cloneBare(source, `${staging}/repo.git`);
    checkSource(`${staging}/repo.git`, source);
    writeFileAtomic(`${staging}/repository.md`, renderSettings(settings));
    ensureDirectory(dirname(files.dir));
    renameSync(staging, files.dir);
    syncDirectory(dirname(files.dir));
    syncDirectory(context.root);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw existsAlready(repo, files.dir);
    throw toIoError(error, `create \`${files.dir}\``);
  }
}

function checkSource(gitDir: string, source: string): void {
  const hint = 'Check out the branch that is to be the default one, with at least one commit on it.';
  let branch: string;
  try {
    branch = readDefaultBranch(gitDir);
  } catch (error) {
    throw new AgentOsError('refused', `\`${source}\` has no current branch`, { hint, cause: error });
  }
  if (readBranch(gitDir, branch) === undefined)
    throw new AgentOsError('refused', `branch \`${branch}\` of \`${source}\` has no commit`, { hint });
}

function existsAlready(repo: string, dir: string): AgentOsError {
  return new AgentOsError('conflict', `the local forge has a repository ${repo} already`, {
    hint: `Choose another name, or remove \`${dir}\` first; its issues and branches are nowhere else.`,
  });
}

/** @throws `usage` for a login that GitHub would not allow. */
export async function addUser(context: LocalContext, login: string, permission: User['permission']): Promise<User> {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}$/.test(login)) {
    throw new AgentOsError('usage', `\`${login}\` is not a login`, {
      hint: 'Use letters, digits and single hyphens, at most 39 characters.',
    });
  }
  ensureDirectory(context.root);
  return withLock(`${context.root}/.lock`, async () => {
    const { users, nextId } = await readUsers(context.root);
    const known = users.find((user) => sameLogin(user.login, login));
    const user: User = known ? { ...known, permission } : { id: nextId, login, permission };
    const all = known ? users.map((other) => (other === known ? user : other)) : [...users, user];
    writeFileAtomic(`${context.root}/users.md`, renderUsers(all, known ? nextId : nextId + 1));
    return user;
  });
}

function renderUsers(users: readonly User[], nextId: number): string {
  const listed = users.map(({ id, login, permission }): FrontMatter => ({ id, login, permission }));
  return renderFrontMatter({ next_id: nextId, users: listed }, 'The people of this local forge. Ids are never used again.');
}
