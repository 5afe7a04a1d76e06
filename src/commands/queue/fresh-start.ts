/** A task that a person moved back to the inbox by hand is retried as if by `agentos retry`. */
import { endOpenAttempt } from '../../core/end-attempt.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { afresh, isHandedBack } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';

/** The claimed letter, with a fresh allowance of attempts on disk when it was handed back. */
export async function giveFreshStart(ports: Ports, claimed: Letter): Promise<Letter> {
  const { task } = claimed;
  if (!isHandedBack(task)) return claimed;
  const now = ports.clock.now();
  const ended = endOpenAttempt(ports.paths, task, now);
  const letter = await (await ports.mailbox()).update(claimed, afresh(ended, now, `Moved back from \`${task.rests_in}\` by hand.`));
  await ports.log.write({
    event: 'operator.task.retried',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    outcome: 'inbox',
    reason: `moved back from ${task.rests_in} by hand`,
  });
  return letter;
}
