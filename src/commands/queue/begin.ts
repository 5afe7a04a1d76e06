/** Begins an attempt: the agent is chosen, its money reserved, and both are on the task file before anything runs. */
import type { Agent } from '../../core/agents/agent.ts';
import { crashPoint } from '../../core/crash-point.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { type Attempt, withoutWait } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { admitRun, endProbe } from '../../core/routing/breakers.ts';
import { cleanLine } from '../../core/text.ts';
import { chooseAgent, nextAttempt, toRunRequest } from './choose.ts';
import { settleEscalated, settleWait } from './settle.ts';

/** The task file names so many agents that were passed over. */
const LISTED_AGENTS = 8;

export interface Begun {
  /** With the new attempt as its last one. */
  letter: Letter;
  attempt: number;
  agent: Agent;
  /** All that the run may spend, in US dollars, where there is a limit. */
  maxCostUsd?: number;
  /** That is less than a run may spend, for the day or the agent's month has no more. */
  cutShort?: boolean;
}

/** @returns the letter itself where it waits, or a person must decide, instead. */
export async function begin(ports: Ports, claimed: Letter): Promise<Begun | Letter> {
  const { task } = claimed;
  const choice = await chooseAgent(ports, task);
  switch (choice.kind) {
    case 'wait':
      return settleWait(ports, claimed, 'agent', choice.reason, choice.until);
    case 'spent':
      return settleEscalated(ports, claimed, {
        reason: choice.reason,
        advice: `Raise the limit in \`budgets\` and run \`agentos retry ${task.id}\`, or close the issue.`,
      });
    case 'none':
      return settleWait(ports, claimed, 'program', choice.reason);
    case 'run':
      return beginRun(ports, claimed, choice);
  }
}

async function beginRun(ports: Ports, claimed: Letter, choice: Chosen & { name: string }): Promise<Begun | Letter> {
  const request = toRunRequest(ports, claimed.task, choice.name);
  const now = ports.clock.now();
  let begun: Begun | undefined;
  // Where another process was quicker, the next pass looks again.
  if (!admitRun(ports.paths, choice.name, request.id, now))
    return settleWait(ports, claimed, 'agent', `${choice.name} is tried by another run`, now);
  try {
    const grant = (await ports.books()).reserve(request);
    if (!grant.granted) return settleWait(ports, claimed, 'agent', grant.reason, now);
    begun = await record(ports, claimed, choice);
    return grant.usd === undefined ? begun : { ...begun, maxCostUsd: grant.usd, cutShort: grant.cutShort === true };
  } finally {
    if (!begun) endProbe(ports.paths, choice.name, request.id);
  }
}

interface Chosen {
  agent: Agent;
  passedOver: readonly string[];
  /** It is the run that tries the agent after its rest. */
  afterRest: boolean;
}

async function record(ports: Ports, claimed: Letter, { agent, passedOver, afterRest }: Chosen): Promise<Begun> {
  const task = withoutWait(claimed.task);
  const attempt = nextAttempt(task);
  const kind = task.fix ? ('fix' as const) : ('work' as const);
  const record: Attempt = { n: attempt, agent: agent.name, kind, started_at: ports.clock.now().toISOString() };
  if (afterRest) record.after_rest = true;
  if (passedOver.length > 0) record.passed_over = passedOver.slice(0, LISTED_AGENTS).map((why) => cleanLine(why, 300));
  const letter = await (await ports.mailbox()).update(claimed, { ...task, attempts: [...task.attempts, record] });
  crashPoint('queue:attempt-recorded');
  await ports.log.write({
    event: 'queue.attempt.started',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    attempt,
    agent: agent.name,
    type: task.type,
    outcome: 'started',
    reason: [kind, ...passedOver].join('; '),
  });
  return { letter, attempt, agent };
}
