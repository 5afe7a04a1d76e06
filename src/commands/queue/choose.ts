/** Asks the agents of a task's chain who can run now, and keeps their breakers after a run. */
import type { Agent } from '../../core/agents/agent.ts';
import type { Grant, RunRequest } from '../../core/budget/ledger.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Task } from '../../core/mailbox/task.ts';
import type { Ports } from '../../core/ports.ts';
import { afterRun, type RunEnding } from '../../core/routing/breaker.ts';
import { changeBreaker, isTried, readBreaker } from '../../core/routing/breakers.ts';
import { turnOrder } from '../../core/routing/chain.ts';
import { type Candidate, type Choice, decideAgent } from '../../core/routing/choose.ts';
import { tryRead } from '../../core/try-read.ts';

/** What one look at many tasks asks of each agent once. */
export interface AgentLook {
  /** What holds for every task, or why that cannot be told. */
  known: Map<string, Candidate | AgentOsError>;
  /** Agents that a task of this look is to try after their rest. */
  tried: Set<string>;
}

export function openLook(): AgentLook {
  return { known: new Map(), tried: new Set() };
}

/** Who of a chain could take an attempt, of whatever task; writes nothing. */
export async function chooseForAny(ports: Ports, chain: readonly string[], look: AgentLook): Promise<Choice> {
  const candidates: Candidate[] = [];
  for (const name of chain) candidates.push(await lookAt(ports, name, look));
  return decideAgent(candidates, ports.clock.now());
}

/** Who takes the next attempt of a task; writes nothing. */
export async function chooseAgent(
  ports: Ports,
  task: Task,
  look: AgentLook = openLook(),
): Promise<Exclude<Choice, { kind: 'run' }> | (Choice & { agent: Agent })> {
  const books = await ports.books();
  const candidates: Candidate[] = [];
  for (const name of turnOrder(task)) {
    const any = await lookAt(ports, name, look);
    const request = toRunRequest(ports, task, name);
    candidates.push({
      ...any,
      refused: any.refused ?? whyRefused(books.quote(request)),
      tried: any.breaker !== undefined && (look.tried.has(name) || isTried(any.breaker, request.id)),
    });
  }
  const choice = decideAgent(candidates, ports.clock.now());
  if (choice.kind !== 'run') return choice;
  const agent = (await ports.agents()).get(choice.name);
  return agent ? { ...choice, agent } : { kind: 'none', reason: `agent \`${choice.name}\` is gone` };
}

/** What holds of an agent for every task: asked once a look, whatever comes of it. */
async function lookAt(ports: Ports, name: string, look: AgentLook): Promise<Candidate> {
  const known = look.known.get(name) ?? (await tryRead(() => askAgent(ports, name)));
  look.known.set(name, known);
  if (known instanceof AgentOsError) throw known;
  return look.tried.has(name) ? { ...known, tried: true } : known;
}

async function askAgent(ports: Ports, name: string): Promise<Candidate> {
  const agent = (await ports.agents()).get(name);
  const probe = agent ? await agent.probe() : { ready: false as const, reason: 'not in `agents` any more' };
  const breaker = readBreaker(ports.paths.breakers, name);
  return {
    name,
    ...(!probe.ready && { missing: probe.reason }),
    refused: whyRefused((await ports.books()).quote({ id: '', task: '', agent: name, paid: isPaid(ports, name) })),
    breaker,
    tried: isTried(breaker, ''),
  };
}

function whyRefused(grant: Grant): Candidate['refused'] {
  return grant.granted ? undefined : grant;
}

/** The next attempt of a task, as the books know it: begun again after a crash it is the same run. */
export function toRunRequest(ports: Ports, task: Task, agent: string): RunRequest {
  return { id: runIdOf(task, nextAttempt(task)), task: task.id, agent, paid: isPaid(ports, agent) };
}

function isPaid({ config: { agents } }: Ports, name: string): boolean {
  const config = agents[name];
  return config !== undefined && 'model' in config;
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
