/**
 * Files the parts of an issue that is too large for one task. They were decided
 * and are on the letter; every write goes through the journal, so that a pass
 * that is cut off is gone on with, and files nothing twice. A part is never
 * split again, and no issue twice: the journal knows both.
 */
import type { RepoConfig } from '../../core/config/schema.ts';
import { crashPoint } from '../../core/crash-point.ts';
import type { Effects } from '../../core/effects/effects.ts';
import { AgentOsError } from '../../core/errors.ts';
import { snapshotSha } from '../../core/github/ask-readiness.ts';
import { type Projector, showLetter } from '../../core/github/projection.ts';
import { ensureReadyLabel } from '../../core/github/ready-label.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Part, Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { renderPartBody } from './refine-text.ts';

/** How long reads may be behind what was just filed, with room. */
const NEW_MS = 2 * 60_000;

/** True unless the issue is a part of an earlier split, or was split itself. */
export async function mayBeSplit(effects: Effects, { repo, issue }: Task): Promise<boolean> {
  const filed = (await effects.list(repo, 'file-issue')).filter((record) => record.key.startsWith('epic:'));
  return !filed.some(({ result, payload, state }) => {
    const child = (result as { number?: unknown } | undefined)?.number;
    const parent = (payload as { epic?: unknown } | undefined)?.epic;
    return child === issue || (parent === issue && state !== 'failed');
  });
}

/** @returns what came of it. @throws what is temporary, for a later pass to go on. */
export async function splitEpic(ports: Ports, repo: RepoConfig, letter: Letter): Promise<string> {
  const { task } = letter;
  const parts = task.parts ?? [];
  const to: Projector = { forge: await ports.forge(), effects: await ports.effects() };
  const filed: Filed[] = [];
  try {
    for (const [index, part] of parts.entries()) filed.push(await filePart(ports, to, task, part, index, filed));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return giveUp(ports, to, letter, error);
  }
  for (const [index, { number }] of filed.entries()) await linkPart(ports, to, task, number, orderOf(parts[index], filed));
  const auto = ports.config.dispatch.auto_ready;
  if (auto) for (const one of filed) await orLeaveIt(ports, task, one.number, 'make-ready', () => makeReady(to, repo, task, one));
  return finish(ports, to, letter, filed, auto ? '' : ` Put \`${repo.ready.label}\` on those that are right.`);
}

interface Filed {
  number: number;
  title: string;
  body: string;
}

async function filePart(
  ports: Ports,
  { forge, effects }: Projector,
  task: Task,
  part: Part,
  index: number,
  filed: readonly Filed[],
): Promise<Filed> {
  const { repo } = task;
  const key = `epic:${task.id}:${index}`;
  const marker = `<!-- agentos:${key} -->`;
  const { title } = part;
  const body = renderPartBody(part, task.issue, orderOf(part, filed), marker);
  const identity = { repo, subject: 'issues', kind: 'file-issue', key };
  const known = await effects.find(identity);
  const { number } = await effects.ensure({
    ...identity,
    payload: { title, epic: task.issue },
    nature: 'once',
    probe: async () => {
      // Nothing was ever sent for it: the whole list need not be read.
      if (known?.state !== 'intent') return undefined;
      const own = (await forge.getIdentity()).id;
      const issues = await forge.listIssues(repo, { state: 'all' });
      const found = issues.find((issue) => issue.author.id === own && issue.body.trimEnd().endsWith(marker));
      return found && { number: found.number };
    },
    act: () => forge.createIssue(repo, { title, body, labels: [] }),
  });
  if (known?.state !== 'done') {
    const reason = `part ${index + 1} of #${task.issue}: ${title}`;
    await ports.log.write({ event: 'dispatch.issue.filed', repo, issue: number, task: task.id, outcome: 'filed', reason });
  }
  return { number, title, body };
}

/** Numbers of the parts that come first. */
function orderOf(part: Part | undefined, filed: readonly Filed[]): number[] {
  return (part?.after ?? []).flatMap((place) => filed[place]?.number ?? []);
}

/** The forge's own links. The lines in the text say the same, so a forge that has no such links costs nothing. */
async function linkPart(ports: Ports, to: Projector, task: Task, number: number, after: readonly number[]): Promise<void> {
  const { repo, issue } = task;
  await link(ports, to, task, number, `sub-issue:${issue}`, () => to.forge.addSubIssue(repo, issue, number));
  for (const other of after) {
    await link(ports, to, task, number, `dependency:${other}`, () => to.forge.addDependency(repo, number, other));
  }
}

async function link(ports: Ports, to: Projector, task: Task, number: number, key: string, act: () => Promise<void>): Promise<void> {
  const identity = { repo: task.repo, subject: `#${number}`, kind: 'link-issue', key };
  // Asked for once: what a person takes away is not put back.
  if ((await to.effects.find(identity))?.state === 'done') return;
  await orLeaveIt(ports, task, number, key, async () => {
    await to.effects.ensure({
      ...identity,
      nature: 'state',
      probe: async () => undefined, // it may be asked for again: nothing happens when it is so
      act: async () => {
        await act();
        return true;
      },
    });
  });
}

/** What the forge refuses beside the parts themselves costs only that: a person can do it by hand. */
async function orLeaveIt(ports: Ports, task: Task, number: number, kind: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (error.code === 'not_found' && (await isNew(ports, task.repo, number)))
      throw new AgentOsError('unavailable', `the forge does not show ${task.repo}#${number} yet: ${error.message}`, { cause: error });
    const about = { kind, repo: task.repo, issue: number, task: task.id, code: error.code };
    await ports.log.write({
      event: 'run.action.failed',
      level: 'warn',
      ...about,
      outcome: 'failed',
      reason: `#${number}: ${error.message}`,
    });
  }
}

/** Filed so lately that the forge's reads may be behind. */
async function isNew(ports: Ports, repo: string, number: number): Promise<boolean> {
  const filed = (await (await ports.effects()).list(repo, 'file-issue')).find(
    ({ result }) => (result as { number?: unknown } | undefined)?.number === number,
  );
  return ports.clock.now().getTime() - Date.parse(filed?.recordedAt ?? '') < NEW_MS;
}

/** The forge will say the same again. */
function isRefusal(error: unknown): error is AgentOsError {
  return error instanceof AgentOsError && !error.temporary && !['io', 'auth', 'cancelled'].includes(error.code);
}

/** Only what stands there as we filed it: after an edit a person decides. */
async function makeReady(to: Projector, repo: RepoConfig, task: Task, { number, title, body }: Filed): Promise<void> {
  const sha256 = snapshotSha({ title, body });
  const key = `epic:${task.id}`;
  const identity = { repo: task.repo, subject: `#${number}`, kind: 'add-ready-label', key };
  if (!(await to.effects.find(identity))) {
    const issue = await to.forge.getIssue(task.repo, number);
    if (issue.state === 'closed' || snapshotSha(issue) !== sha256) return;
  }
  await ensureReadyLabel(to, { repo: task.repo, number, label: repo.ready.label, key, sha256 });
}

async function finish(ports: Ports, to: Projector, letter: Letter, filed: readonly Filed[], ask: string): Promise<string> {
  const { parts: _, ...task } = letter.task;
  const note = `Split into ${filed.map(({ number }) => `#${number}`).join(', ')}.${ask}`;
  crashPoint('dispatch:split');
  const settled = { ...task, refine: 'done' as const, note, settled_at: ports.clock.now().toISOString() };
  const moved = await (await ports.mailbox()).move(letter, 'failed', settled);
  const about = { repo: task.repo, issue: task.issue, task: task.id };
  await ports.log.write({ event: 'dispatch.issue.split', ...about, outcome: 'split', reason: note });
  await showLetter(to, moved);
  return note;
}

/** The forge refuses a part: what is there stays, and a person decides. */
async function giveUp(ports: Ports, to: Projector, letter: Letter, error: AgentOsError): Promise<string> {
  const { parts: _, ...task } = letter.task;
  const note = `It is too large for one task and could not be split: ${error.message}. Split it by hand, or run \`agentos retry ${task.id}\` to try it as it is.`;
  const settled = { ...task, refine: 'done' as const, note, settled_at: ports.clock.now().toISOString() };
  const moved = await (await ports.mailbox()).move(letter, 'escalated', settled);
  const about = { repo: task.repo, issue: task.issue, task: task.id, code: error.code };
  await ports.log.write({ event: 'dispatch.task.escalated', level: 'error', ...about, outcome: 'escalated', reason: note });
  await showLetter(to, moved);
  return note;
}
