/** One process that writes to a local forge: `worker ROOT LOGIN JOB ARGUMENT…`; tests bundle it and run many, or kill it. */
import { systemClock } from '../../../../src/core/clock.ts';
import { openLocalForge } from '../../../../src/core/github/local/forge.ts';

const [root = '', login = '', job = '', ...rest] = process.argv.slice(2);
const forge = openLocalForge({ root, clock: systemClock, as: login, localCi: {} });
const repo = 'acme/shop';
const number = Number(rest[0]);

const JOBS: Record<string, () => Promise<void>> = {
  mixed: async () => {
    for (let round = 0; round < 5; round++) {
      await forge.createComment(repo, number, `${rest[1]}-${round}`);
      await forge.addLabel(repo, number, `${rest[1]}-${round}`);
      await forge.createIssue(repo, { title: `${rest[1]}-${round}`, body: '', labels: [] });
    }
  },
  merge: async () => {
    const pull = await forge.getPullRequest(repo, number);
    if (pull.state !== 'open') return;
    await forge.mergePullRequest(repo, number, { method: 'squash', expectedHeadSha: pull.headSha, title: 'Merge', message: 'Fixes #2' });
  },
  label: async () => {
    await forge.addLabel(repo, number, 'ready');
  },
  issue: async () => {
    await forge.createIssue(repo, { title: 'New', body: 'text', labels: ['a', 'b'] });
  },
};

// A rejection that nobody takes ends the process with status 1, which is what the tests look at.
void JOBS[job]?.();
