/** Merges on paper: whether a pull request would merge now. Each pair of base and head is tried once; the answer never changes. */
import type { PullRequest } from '../github.ts';
import type { RepositoryFiles } from './files.ts';
import type { PullRecord } from './records.ts';
import { readBranch } from './refs.ts';

type Mergeability = Pick<PullRequest, 'mergeable' | 'conflicts'>;

export class PaperMerges {
  /** By repository, base and head. */
  readonly #known = new Map<string, Mergeability>();

  async of(files: RepositoryFiles, pull: PullRecord): Promise<Mergeability> {
    const base = readBranch(files.gitDir, pull.base);
    if (base === undefined) return { mergeable: false };
    const key = `${files.gitDir} ${base} ${pull.headSha}`;
    const known = this.#known.get(key);
    if (known) return known;
    const { mergeTree } = await import('./git.ts');
    const { tree, conflicts } = mergeTree(files.gitDir, base, pull.headSha);
    const found = tree === undefined ? { mergeable: false, conflicts } : { mergeable: true };
    this.#known.set(key, found);
    return found;
  }
}
