/** `agentos queue`: one pass from task files over attempts to pull requests. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { type Action, type LoopOptions, runCommand } from '../run-command.ts';
import { gatherQueue } from './gather.ts';
import { decideQueue, type QueueAction, type QueueSnapshot } from './policy.ts';

export async function runQueue(options: LoopOptions, ports: Ports, out: Output): Promise<number> {
  const repos = selectRepos(ports.config, options.repos);
  return runCommand<QueueSnapshot, QueueAction>(
    {
      command: 'queue',
      lock: 'claims',
      gather: () => gatherQueue(ports, repos),
      decide: decideQueue,
      apply: async (action) => (await import('./apply.ts')).applyQueue(ports, action),
      finish: () => tidy(ports, out),
    },
    options,
    ports,
    out,
  );
}

/** Puts right what a crash or a person left in the trays, and says so: nothing is set aside in silence. */
async function tidy(ports: Ports, out: Output): Promise<void> {
  for (const { file, from, reason } of await (await ports.mailbox()).sweep(ports.clock.now())) {
    out.note(`queue: moved \`${from}/${file}\` to quarantine: ${reason}`);
  }
}

/** What the queue would say of this issue's task now. */
export async function explainQueue(ports: Ports, repo: RepoConfig, issue: number): Promise<Action[]> {
  return decideQueue(await gatherQueue(ports, [repo])).filter((action) => action.subject === `${repo.name}#${issue}`);
}
