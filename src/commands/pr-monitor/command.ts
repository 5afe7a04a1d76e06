/** `agentos pr-monitor`: one pass from open pull requests to merged, updated, fixed or escalated ones. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { type Action, type LoopOptions, runCommand } from '../run-command.ts';
import { gatherPrMonitor } from './gather.ts';
import { keep } from './memory.ts';
import { decidePrMonitor, decidePull, type PrMonitorAction, type PrMonitorSnapshot } from './policy.ts';

export async function runPrMonitor(options: LoopOptions, ports: Ports, out: Output): Promise<number> {
  const repos = selectRepos(ports.config, options.repos);
  let looked: PrMonitorSnapshot = { pulls: [] };
  return runCommand<PrMonitorSnapshot, PrMonitorAction>(
    {
      command: 'pr-monitor',
      lock: 'pass',
      gather: async () => {
        looked = await gatherPrMonitor(ports, repos);
        return looked;
      },
      decide: decidePrMonitor,
      apply: async (action) => (await import('./apply.ts')).applyPrMonitor(ports, action),
      finish: async () => {
        for (const facts of looked.pulls) {
          if (facts.key !== undefined) keep(ports.paths, facts.task.id, facts.key, decidePull(facts), ports.clock.now());
        }
      },
    },
    options,
    ports,
    out,
  );
}

/** What the PR monitor would say of this issue's pull request now. */
export async function explainPrMonitor(ports: Ports, repo: RepoConfig, issue: number): Promise<Action[]> {
  const { pulls, left = [] } = await gatherPrMonitor(ports, [repo], true);
  const ids = new Set([
    ...pulls.filter((pull) => pull.task.issue === issue).map((pull) => pull.task.id),
    ...left.filter((one) => one.issue === issue && one.subject.startsWith(`${repo.name}#`)).map((one) => one.id),
  ]);
  return decidePrMonitor({ pulls, left }).filter((action) => ids.has(action.id));
}
