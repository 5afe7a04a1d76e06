/** Writes on pull requests that more than one loop makes, each through the journal. */
import type { Projector } from './projection.ts';

/** Closes our pull request when it is still open. @returns `merged` when somebody merged it instead: then there is nothing to withdraw. */
export async function closePullRequest(to: Projector, repo: string, number: number): Promise<'closed' | 'merged'> {
  const state = await to.effects.ensure<string>({
    repo,
    subject: `#${number}`,
    kind: 'close-pull-request',
    key: 'close',
    nature: 'state',
    probe: async () => {
      const now = (await to.forge.getPullRequest(repo, number)).state;
      return now === 'open' ? undefined : now;
    },
    act: async () => {
      await to.forge.closePullRequest(repo, number);
      return 'closed';
    },
  });
  return state === 'merged' ? 'merged' : 'closed';
}
