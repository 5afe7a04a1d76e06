/**
 * Which heads of a pull request are ours: what was pushed, and our own merges
 * of the base on top of it, as the journal knows them. One whose outcome a
 * crash kept from the journal is recognised by what it is.
 */
import type { EffectRecord } from '../../core/effects/effects.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';

/** Merges of the base followed back from a head to the one that was approved. */
const CARRY_LIMIT = 20;

/**
 * The head and, where it is our own merge of the base, the heads before it back
 * to the one we pushed; empty when the chain does not reach it: then somebody
 * else pushed.
 */
export async function listOwnHeads(ports: Ports, task: Task, headSha: string): Promise<string[]> {
  const updates = await (await ports.effects()).list(task.repo, 'update-branch');
  const heads = [headSha];
  for (let step = 0; step < CARRY_LIMIT; step++) {
    const head = heads.at(-1);
    if (head === undefined || head === task.pushed) return heads;
    const made = updates.find(
      // One that found nothing to do names the head it was asked about.
      ({ state, key, result }) => state === 'done' && key !== head && (result as { sha?: string } | undefined)?.sha === head,
    );
    const before = made?.key ?? (await findCutOff(ports, task, head, updates));
    if (before === undefined) return [];
    heads.push(before);
  }
  return [];
}

/** The head before this one, when this is the update that an open intent of ours was about. */
async function findCutOff(ports: Ports, task: Task, head: string, updates: readonly EffectRecord[]): Promise<string | undefined> {
  for (const { state, subject, key } of updates) {
    if (state === 'intent' && subject === `#${task.pull_request}` && (await findOwnUpdate(ports, task, key))?.sha === head) return key;
  }
  return undefined;
}

/** Our merge of the base on top of exactly this head, at the tip of the branch: an earlier try made it and died. */
export async function findOwnUpdate(ports: Ports, { repo, branch, base }: Task, expected: string): Promise<{ sha: string } | undefined> {
  const forge = await ports.forge();
  const git = await ports.git();
  const tip = await forge.findBranch(repo, branch);
  const baseTip = await forge.findBranch(repo, base);
  if (tip === undefined || tip === expected || baseTip === undefined) return undefined;
  const host = await git.openHost(repo);
  await git.fetch(host, await forge.getRemote(repo, 'read'), [
    { branch, sha: tip },
    { branch: base, sha: baseTip },
  ]);
  const [first, second] = [await git.findCommit(host.mirror, `${tip}^1`), await git.findCommit(host.mirror, `${tip}^2`)];
  // A clean merge of anything but the base is somebody's work, however it looks.
  if (first !== expected || second === undefined || !(await git.isAncestor(host, second, baseTip))) return undefined;
  const clean = await git.mergeTree(host, first, second);
  return clean.conflicts.length === 0 && clean.tree === (await git.treeOf(host, tip)) ? { sha: tip } : undefined;
}
