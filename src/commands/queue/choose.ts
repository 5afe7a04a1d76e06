/** Asks the agents of a task's chain who can run now, and keeps their breakers after a run. */
import type { Agent } from '../../core/agents/agent.ts';
import { decideGrant, type Grant, type RunRequest } from '../../core/budget/ledger.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { afterRun, type RunEnding } from '../../core/routing/breaker.ts';
import { changeBreaker, isTried, readBreaker } from '../../core/routing/breakers.ts';
import { turnOrder } from '../../core/routing/chain.ts';
import { type Candidate, type Choice, decideAgent } from '../../core/routing/choose.ts';

/** What one look at many tasks asks of each agent once. */
export interface AgentLook {
  probes: Map<string, Awaited<ReturnType<Agent['probe']>>>;
  /** By the day or the month, so for every task. */
  refused: Map<string, Grant>;
  /** Agents that a task of this look is to try after their rest. */
  tried: Set<string>;
}

export function openLook(): AgentLook {
  return { probes: new Map(), refused: new Map(), tried: new Set() };
}

/** Who takes the next attempt of a task; writes nothing. */
export async function chooseAgent(
  ports: Ports,
  task: Task,
  look: AgentLook = openLook(),
): Promise<Exclude<Choice, { kind: 'run' }> | (Choice & { agent: Agent })> {
  const agents = await ports.agents();
  const books = await ports.books();
  const candidates: Candidate[] = [];
  for (const name of turnOrder(task)) {
    const agent = agents.get(name);
    const probe = look.probes.get(name) ?? (agent ? await agent.probe() : { ready: false as const, reason: 'not configured any more' });
    look.probes.set(name, probe);
    const request = toRunRequest(ports, task, name);
    const grant = look.refused.get(name) ?? books.quote(request);
    if (!grant.granted && grant.until) look.refused.set(name, grant);
    const breaker = readBreaker(ports.paths.breakers, name);
    candidates.push({
      name,
      ...(!probe.ready && { missing: probe.reason }),
      ...(!grant.granted && { refused: grant }),
      breaker,
      tried: breaker !== undefined && (look.tried.has(name) || isTried(breaker, request.id)),
    });
  }
  const choice = decideAgent(candidates, ports.clock.now());
  if (choice.kind !== 'run') return choice;
  const agent = agents.get(choice.name);
  return agent ? { ...choice, agent } : { kind: 'none', reason: `agent \`${choice.name}\` is gone` };
}

/** The next attempt of a task, as the books know it: begun again after a crash it is the same run. */
export function toRunRequest(ports: Ports, task: Task, agent: string): RunRequest {
  const config = ports.config.agents[agent];
  return { id: runIdOf(task, nextAttempt(task)), task: task.id, agent, paid: config !== undefined && 'model' in config };
}

/** Whether a run that was granted `usd` were granted more but for the limits of the day and of the agent's month. */
export async function isCutShort(ports: Ports, request: RunRequest, usd: number): Promise<boolean> {
  const { budgets } = ports.config;
  // A limit of the task that never binds has the usual sum of a run said, where no other limit is left.
  const limits = {
    ...budgets,
    per_day_usd: undefined,
    per_agent_month_usd: {},
    per_task_usd: budgets.per_task_usd ?? Number.POSITIVE_INFINITY,
  };
  const otherwise = decideGrant((await ports.books()).list(), limits, request, ports.clock.now());
  return otherwise.granted && otherwise.usd !== undefined && otherwise.usd > usd;
}

export function nextAttempt(task: Task): number {
  return (task.attempts.at(-1)?.n ?? 0) + 1;
}

export function runIdOf(task: Task, attempt: number): string {
  return `${task.id}.${attempt}`;
}

/** Opens, prolongs or closes the agent's breaker after the last attempt of the task; an event tells each change of state, once. */
export async function noteRun(ports: Ports, agent: string, task: Task, ended: Omit<RunEnding, 'run' | 'startedAt'>): Promise<void> {
  const now = ports.clock.now();
  const last = task.attempts.at(-1);
  if (!last) return;
  const ending = { ...ended, run: runIdOf(task, last.n), startedAt: new Date(last.started_at) };
  const known = readBreaker(ports.paths.breakers, agent);
  if (afterRun(known, ending, now) === known) return;
  const { before, after } = changeBreaker(ports.paths, agent, (breaker) => afterRun(breaker, ending, now));
  if ((after === undefined) === (before === undefined) && after?.code === before?.code) return;
  await ports.log.write({
    event: after ? 'queue.agent.resting' : 'queue.agent.recovered',
    level: after ? 'warn' : 'info',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    agent,
    outcome: after ? 'resting' : 'ready',
    reason: after ? `until ${after.until}: ${after.reason}` : 'its provider answers again',
    ...(after && { code: after.code }),
  });
}
