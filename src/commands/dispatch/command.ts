/** `agentos dispatch`: one pass from Ready issues to task files. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { selectRepos } from '../../core/config/select-repos.ts';
import type { IssueView } from '../../core/github/github.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { type Action, type LoopOptions, runCommand } from '../run-command.ts';
import type { Bases } from './apply.ts';
import { gatherDispatch, gatherOne } from './gather.ts';
import { type DispatchAction, type DispatchSnapshot, decideDispatch } from './policy.ts';

export async function runDispatch(options: LoopOptions, ports: Ports, out: Output): Promise<number> {
  const repos = selectRepos(ports.config, options.repos);
  let looked: DispatchSnapshot = { repos: [] };
  const bases: Bases = new Map();
  return runCommand<DispatchSnapshot, DispatchAction>(
    {
      command: 'dispatch',
      lock: 'pass',
      gather: async () => {
        looked = await gatherDispatch(ports, repos);
        return looked;
      },
      decide: decideDispatch,
      // An idle pass acts on nothing and loads nothing for it.
      apply: async (action) => {
        if (action.kind !== 'refine-tasks') return (await import('./apply.ts')).applyDispatch(ports, action, bases);
        return { long: async () => (await import('./refine.ts')).refineTasks(ports, repos) };
      },
      finish: async () => {
        if (looked.repos.some(({ issues }) => issues.length > 0)) await (await import('./project.ts')).projectDispatch(ports, looked, out);
      },
    },
    options,
    ports,
    out,
  );
}

/** What dispatch would say of this one issue now, whatever labels it carries. */
export async function explainDispatch(ports: Ports, repo: RepoConfig, view: IssueView): Promise<Action[]> {
  const facts = await gatherOne(ports, repo, view);
  return decideDispatch({ repos: [{ repo: repo.name, paused: isRepoPaused(ports.paths, repo.name), issues: [facts] }] });
}
