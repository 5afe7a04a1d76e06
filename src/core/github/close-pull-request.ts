/** Writes on pull requests that more than one loop makes, each through the journal. */
import type { Projector } from './projection.ts';

/** Closes our pull request when it is still open. */
export async function closePullRequest(to: Projector, repo: string, number: number): Promise<void> {
  await to.effects.ensure({
    repo,
    subject: `#${number}`,
    kind: 'close-pull-request',
    key: 'close',
    nature: 'state',
    probe: async () => ((await to.forge.getPullRequest(repo, number)).state === 'open' ? undefined : true),
    act: async () => {
      await to.forge.closePullRequest(repo, number);
      return true;
    },
  });
}
