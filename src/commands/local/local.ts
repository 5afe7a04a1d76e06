/**
 * `agentos local …`: the local forge for people. Does what GitHub's web pages
 * and its Actions would: repositories, users, issues, pull requests, checks.
 */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { selectRepos } from '../../core/config/select-repos.ts';
import type { User } from '../../core/github/local/files.ts';
import { PERMISSIONS } from '../../core/github/local/files.ts';
import { registerIssues } from './issue.ts';
import { registerPulls } from './pr.ts';
import { type AsOption, collect, type LocalCall, type LocalTools, localRoot, openForge, print, repoOf } from './tools.ts';

export function registerLocal(program: Command, tools: LocalTools): void {
  const local = program
    .command('local')
    .summary('the local forge: repositories, issues, pull requests and checks on this machine')
    .description('The local forge: repositories, issues, pull requests and checks in a directory of this machine.');
  local
    .command('init <repo>')
    .summary('make a git repository a repository of the local forge')
    .description('Copies the branches of a git repository; its current branch becomes the default one.')
    .requiredOption('--from <PATH>', 'the git repository')
    .action(tools.action(init));
  const user = local.command('user').summary('people').description('The people of the local forge.');
  user
    .command('add <login>')
    .summary('add a person, or change what they may')
    .addOption(new Option('--permission <P>', 'what they may').choices(PERMISSIONS).makeOptionMandatory())
    .action(tools.action(addUser));
  registerIssues(local, tools);
  registerPulls(local, tools);
  local
    .command('ci')
    .summary('run the checks that are pending')
    .description('Runs the pending checks of open pull requests on the merge of head and base, in the sandbox: the stand-in for Actions.')
    .option('--repo <OWNER/NAME>', 'only this repository (repeatable)', collect)
    .action(tools.action(ci));
}

async function init(call: LocalCall<AsOption & { from: string }>): Promise<number> {
  const repo = repoOf(call);
  const forge = await openForge(call);
  await forge.createRepository(repo, resolve(call.options.from));
  const { defaultBranch } = await forge.getRepository(repo);
  const { url } = await forge.getRemote(repo);
  print(call, { repo, defaultBranch, url }, `${repo} is on the local forge; default branch ${defaultBranch}; git clone ${url}\n`);
  return 0;
}

async function addUser(call: LocalCall<AsOption & { permission: User['permission'] }>): Promise<number> {
  const user = await (await openForge(call)).addUser(call.args[0] ?? '', call.options.permission);
  print(call, user, `${user.login} (id ${user.id}): ${user.permission}\n`);
  return 0;
}

/** A check that fails is an answer, not a failure of this command. */
async function ci(call: LocalCall<{ repo?: string[] }>): Promise<number> {
  const ports = await call.ports();
  const { runLocalCi } = await import('../../core/github/local/ci.ts');
  const git = await ports.git();
  const outcomes = await runLocalCi(
    {
      root: localRoot(ports.config),
      clock: ports.clock,
      sandbox: ports.sandbox,
      setupNetwork: ports.config.sandbox.network,
      work: `${ports.paths.root}/ci`,
      remove: (path) => git.removeWorkspace(path),
    },
    selectRepos(ports.config, call.options.repo ?? []),
    call.signal,
  );
  const lines = outcomes.map(({ repo, number, name, state }) => `${repo}#${number} ${state.padEnd(7)} ${name}\n`);
  print(call, outcomes, lines.length === 0 ? 'no check is pending\n' : lines.join(''));
  return 0;
}
