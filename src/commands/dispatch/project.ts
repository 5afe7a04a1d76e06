/**
 * Puts right what the forge shows of every issue that was looked at: after
 * everything durable, without the lock of the pass, one process at a time, in
 * order, and no faster than the forge permits. What there is no time for is
 * left to later passes.
 */
import { AgentOsError } from '../../core/errors.ts';
import { decideLabels } from '../../core/github/labels.ts';
import { type Projector, projectLabels, projectLetter, removeLabel } from '../../core/github/projection.ts';
import { tryLock } from '../../core/lock.ts';
import { isPaused } from '../../core/pause.ts';
import type { Output, Ports } from '../../core/ports.ts';
import { tryRead } from '../../core/try-read.ts';
import { listActive } from './gather.ts';
import type { DispatchSnapshot, IssueFacts, TaskFacts } from './policy.ts';

/** A pass that is started every minute should be over by then. */
const TIME_MS = 45_000;

export async function projectDispatch(ports: Ports, snapshot: DispatchSnapshot, out: Pick<Output, 'note'>): Promise<void> {
  const concerned = snapshot.repos.flatMap(({ paused, issues }) => (paused ? [] : issues));
  if (concerned.length === 0) return;
  const lock = tryLock(`${ports.paths.locks}/dispatch-project.lock`, 0);
  if (!lock) return; // an earlier pass is at it
  try {
    await projectAll(ports, concerned, out);
  } finally {
    lock.release();
  }
}

async function projectAll(ports: Ports, concerned: readonly IssueFacts[], out: Pick<Output, 'note'>): Promise<void> {
  const end = ports.clock.now().getTime() + TIME_MS;
  const to: Projector = { forge: await ports.forge(), effects: await ports.effects() };
  const active = await listActive(await ports.mailbox());
  const said = new Set<string>();
  let noted = false;
  for (const facts of concerned) {
    if (ports.signal.aborted || isPaused(ports.paths) || ports.clock.now().getTime() > end) return;
    const task = active.get(`${facts.repo}#${facts.issue.number}`) ?? facts.ended;
    const failed = await tryRead(() => projectIssue(ports, to, facts, task), ['rate_limit']);
    if (!(failed instanceof AgentOsError)) continue;
    // What is wrong with a project is the same for all of its cards.
    if (said.has(failed.message)) continue;
    said.add(failed.message);
    if (failed.code === 'rate_limit') return;
    if (failed.temporary) continue;
    await logUnshown(ports, facts, failed);
    // A permission that is missing is missing for all of them: one is enough to say so.
    if (!noted) out.note(describeUnshown(facts, failed));
    noted = true;
  }
}

async function projectIssue(
  ports: Ports,
  to: Projector,
  facts: IssueFacts,
  task: TaskFacts | undefined,
): Promise<AgentOsError | undefined> {
  const { number, labels } = facts.issue;
  const { add, remove } = decideLabels(labels, task?.tray);
  // A waiting task's comment was written with its label; there may be thousands of them.
  if (!task || (task.tray === 'inbox' && add.length + remove.length === 0)) {
    await projectLabels(to, facts.repo, number, labels, task?.tray);
    return undefined;
  }
  const letter = await (await ports.mailbox()).find(task.id);
  if (!letter || letter.tray !== task.tray) return undefined; // it moved meanwhile: whoever moved it shows it
  // The label of ours goes last: without one nobody looks at a closed issue again.
  if (letter.tray === 'done') await removeLabel(to, facts.repo, number, facts.readyLabel);
  return projectLetter(to, letter, labels);
}

function describeUnshown({ repo, issue }: IssueFacts, { message, hint }: AgentOsError): string {
  return `dispatch: cannot show where ${repo}#${issue.number} stands: ${message}${hint === undefined ? '' : `\n  ${hint}`}`;
}

/** A label or comment that cannot be written is tried again by the next pass, and costs no other issue its own. */
async function logUnshown(ports: Ports, { repo, issue }: IssueFacts, error: AgentOsError): Promise<void> {
  await ports.log.write({
    event: 'run.action.failed',
    level: 'warn',
    kind: 'project',
    repo,
    issue: issue.number,
    outcome: 'failed',
    code: error.code,
    reason: `${repo}#${issue.number}: ${error.message}`,
  });
}
