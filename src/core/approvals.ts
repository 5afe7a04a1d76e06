/** What a person approved with `agentos approve`: one head SHA of one pull request. Durable, in `approvals/`. */
import { ensureDirectory, readIfThere, writeFileAtomic } from './atomic-file.ts';
import { repoKey } from './ids.ts';

export interface Approval {
  sha: string;
  at: string;
}

export function writeApproval(dir: string, repo: string, pull: number, approval: Approval): void {
  ensureDirectory(dir);
  writeFileAtomic(path(dir, repo, pull), `${JSON.stringify(approval)}\n`);
}

/** The last approval of this pull request. A file that is none counts as not approved. */
export function readApproval(dir: string, repo: string, pull: number): Approval | undefined {
  try {
    const approval = JSON.parse(readIfThere(path(dir, repo, pull)) ?? 'null') as Approval | null;
    return typeof approval?.sha === 'string' && typeof approval.at === 'string' ? approval : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function path(dir: string, repo: string, pull: number): string {
  return `${dir}/${repoKey(repo)}-${pull}.json`;
}
