/** `agentos pause` and `agentos resume`: the kill switch, for everything or for one repository. Both may be repeated. */
import type { Command } from 'commander';
import { ensureDirectory, unlinkIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import { repoKey } from '../../core/ids.ts';
import { isAlive } from '../../core/liveness.ts';
import { isPaused, isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { sendSignal } from '../../core/process-tree.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

interface PauseOptions {
  repo?: string[];
  now?: true;
}

export function registerPause(program: Command, tools: OperatorTools, collect: (value: string, all?: string[]) => string[]): void {
  program
    .command('pause')
    .summary('stop everything, or one repository')
    .description(
      'No loop starts anything new until `agentos resume`. Running agents finish; with --now they are stopped, their work is kept and their tasks wait.',
    )
    .option('--repo <OWNER/NAME>', 'only this repository (repeatable)', collect)
    .option('--now', 'stop running agents too')
    .addHelpText('after', '\nExit status: 0.\n\nExamples:\n  agentos pause --now\n  agentos pause --repo acme/shop')
    .action(tools.action(pause));
  program
    .command('resume')
    .summary('go on after `agentos pause`')
    .description(
      'Takes the switch back. Without --repo it is the one for everything; repositories that were paused one by one stay paused.',
    )
    .option('--repo <OWNER/NAME>', 'only this repository (repeatable)', collect)
    .addHelpText('after', '\nExit status: 0.')
    .action(tools.action(resume));
}

async function pause(call: Call<PauseOptions>): Promise<number> {
  const ports = await call.ports();
  const { repo = [], now } = call.options;
  const text = `${now ? 'now ' : ''}${ports.clock.now().toISOString()} by the operator\n`;
  for (const path of switches(ports, repo)) writeFileAtomic(path, text);
  if (now && repo.length > 0) await stopQueues(ports, repo);
  const what = repo.length === 0 ? 'everything' : repo.join(', ');
  const agents = now ? 'running agents are stopped within seconds, their tasks wait' : 'running agents finish';
  tell(call, ports, `paused ${what}; ${agents}; \`agentos resume\` goes on`);
  return 0;
}

async function resume(call: Call<PauseOptions>): Promise<number> {
  const ports = await call.ports();
  const { repo = [] } = call.options;
  for (const path of switches(ports, repo)) unlinkIfThere(path);
  const left = [
    ...(isPaused(ports.paths) ? ['everything'] : []),
    ...ports.config.repos.map((entry) => entry.name).filter((name) => isRepoPaused(ports.paths, name)),
  ];
  const what = repo.length === 0 ? 'everything' : repo.join(', ');
  tell(call, ports, `resumed ${what}${left.length === 0 ? '' : `; still paused: ${left.join(', ')}`}`);
  return 0;
}

/**
 * The switch for everything is watched by running attempts; the one of a
 * repository is not, so the queue processes that work on it get SIGTERM: their
 * tasks, those of other repositories too, go back to the inbox at no cost.
 */
async function stopQueues(ports: Ports, repos: readonly string[]): Promise<void> {
  const owners = (await (await ports.mailbox()).list('processing')).flatMap(({ task, owner }) =>
    owner && repos.includes(task.repo) ? [owner] : [],
  );
  const pids = new Set(owners.filter(isAlive).map((owner) => owner.pid));
  for (const pid of pids) sendSignal(pid, 'SIGTERM');
}

/** The files of the switches that are meant. @throws AgentOsError `usage` for an unknown repository. */
function switches(ports: Ports, names: readonly string[]): string[] {
  if (names.length === 0) return [ports.paths.paused];
  ensureDirectory(ports.paths.pausedRepos);
  return selectRepos(ports.config, names).map((repo) => `${ports.paths.pausedRepos}/${repoKey(repo.name)}`);
}

function tell(call: Call<PauseOptions>, ports: Ports, text: string): void {
  const repos = ports.config.repos.map((repo) => ({ name: repo.name, paused: isRepoPaused(ports.paths, repo.name) }));
  print(call, { paused: isPaused(ports.paths), repos }, call.globals.quiet ? '' : `${text}\n`);
}
