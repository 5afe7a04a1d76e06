/** Preparing the directory of an attempt, without fetch and `setup`, against `git worktree add` of the same commit. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { statePaths, workspacePath } from '../../src/core/config/paths.ts';
import { openGit } from '../../src/core/git/open-git.ts';
import { median, type Report, say } from './figure.ts';
import { git, makeBareRepository } from './git-repository.ts';
import { withTemporary } from './temporary.ts';

const FILES = 20_000;
const RUNS = 9;
const LIMIT = 1.3;

export function benchWorkspace(report: Report): Promise<void> {
  return withTemporary(async (dir) => {
    const forge = join(dir, 'forge.git');
    say(`a repository of ${FILES} files`);
    const commit = makeBareRepository(forge, FILES);
    const paths = statePaths(join(dir, 'state'));
    const port = openGit({ paths, path: process.env['PATH'] ?? '' });
    const host = await port.openHost('bench/large');
    await port.fetch(host, { url: forge }, [{ branch: 'main' }]);
    const ours: number[] = [];
    const theirs: number[] = [];
    // The first pair fills the caches and is not counted.
    for (let run = 0; run <= RUNS; run++) {
      const path = workspacePath(paths, 'bench__large-1-1', run + 1);
      const prepared = await time(() => port.createWorkspace(host, { path, commit, branch: 'agent/bench__large-1-1' }));
      await port.removeWorkspace(path);
      const tree = join(dir, 'worktree');
      const added = await time(async () => git(forge, 'worktree', 'add', '-q', '--detach', tree, commit));
      rmSync(tree, { recursive: true, force: true });
      git(forge, 'worktree', 'prune');
      if (run > 0) {
        ours.push(prepared);
        theirs.push(added);
      }
    }
    report({
      figure: 'workspace-prepare',
      value: median(ours),
      unit: 'ms',
      reference: median(theirs),
      limit: LIMIT,
      n: RUNS,
      note: `${FILES} files; reference: git worktree add`,
    });
  });
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
