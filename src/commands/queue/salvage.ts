/**
 * Keeps what an attempt left that never came to judgement: its process died, or
 * it was stopped. No directory goes away before its work is preserved.
 */
import { chmodSync, existsSync, lstatSync, renameSync } from 'node:fs';
import * as z from 'zod';
import { ensureDirectory, readIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import { runPath, workspacePath } from '../../core/config/paths.ts';
import { AgentOsError, toIoError } from '../../core/errors.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { renderCommitMessage } from './report.ts';

z.config({ jitless: true });

/** Largest patch that is kept beside a run, for the next agent. */
export const PATCH_LIMIT_BYTES = 4_000_000;

/** What reading the directory needs, written when it was made ready. */
const Start = z.strictObject({
  base: z.string(),
  exclude: z.array(z.string()),
  untracked: z.record(z.string(), z.string()),
});
type Start = z.infer<typeof Start>;

export function noteStart(runDir: string, start: Start): void {
  writeFileAtomic(`${runDir}/start.json`, `${JSON.stringify(start)}\n`, { durable: false });
}

/** Preserves the workspace of an attempt as a commit, and as a patch for the next agent; one that git must not read is moved beside the run as it is. */
export async function salvage(ports: Ports, task: Task, attempt: number): Promise<void> {
  const runDir = runPath(ports.paths, task.id, attempt);
  const tree = `${workspacePath(ports.paths, task.id, attempt)}/tree`;
  const start = readStart(runDir);
  if (!existsSync(tree) || !start) return;
  try {
    await preserve(ports, task, attempt, tree, start);
  } catch (error) {
    if (!(error instanceof AgentOsError) || (error.code !== 'refused' && error.code !== 'corrupt')) throw error;
    setAside(tree, runDir);
  }
}

/**
 * Moves a directory that git must not read beside the run as it is, for a person to look at; one that its agent took away is gone.
 * @throws AgentOsError `io`
 */
export function setAside(tree: string, runDir: string): void {
  if (!lstatSync(tree, { throwIfNoEntry: false })?.isDirectory() || existsSync(`${runDir}/refused-tree`)) return;
  ensureDirectory(runDir);
  try {
    chmodSync(tree, 0o700); // to move a directory is to write its `..`
    renameSync(tree, `${runDir}/refused-tree`);
  } catch (error) {
    throw toIoError(error, `keep \`${tree}\``);
  }
}

async function preserve(ports: Ports, task: Task, attempt: number, tree: string, start: Start): Promise<void> {
  const git = await ports.git();
  const host = await git.openHost(task.repo);
  const imported = await git.importTree(host, { path: tree, base: start.base, exclude: start.exclude, untracked: start.untracked });
  if (imported.changes.length === 0) return;
  const agent = task.attempts.find((one) => one.n === attempt)?.agent ?? 'unknown';
  const { name, email } = ports.config.identity;
  const commit = await git.commitTree(host, {
    tree: imported.tree,
    parents: [start.base],
    message: renderCommitMessage({ task, agent }, `Work of attempt ${attempt}, cut off before it ended.`),
    author: { name, email },
    at: ports.clock.now(),
  });
  await git.preserve(host, task.id, attempt, commit);
  const patch = await git.renderPatch(host, start.base, imported.tree, PATCH_LIMIT_BYTES);
  writeFileAtomic(`${runPath(ports.paths, task.id, attempt)}/diff.patch`, patch, { durable: false });
}

function readStart(runDir: string): Start | undefined {
  try {
    return Start.safeParse(JSON.parse(readIfThere(`${runDir}/start.json`) ?? 'null')).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
