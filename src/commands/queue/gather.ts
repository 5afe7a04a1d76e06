/** Looks once: claims and whether their owners live, and as many waiting tasks, in order, as there are free slots for. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import { isAlive } from '../../core/liveness.ts';
import type { Letter, Mailbox, Waiting } from '../../core/mailbox/mailbox.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { listRequests, readRequest } from '../../core/requests.ts';
import { tryRead } from '../../core/try-read.ts';
import type { AgentLook } from './choose.ts';
import { freeSlots, orderWaiting, type QueueSnapshot, type QueueVerdict, whyPreparing, whyStillWaiting } from './policy.ts';
import { decideStart, type StartFacts } from './start.ts';

/** Tasks that the forge is asked about, and tasks that are told about, before a pass stops. */
const LOOK_LIMIT = 200;

export async function gatherQueue(ports: Ports, repos: readonly RepoConfig[]): Promise<QueueSnapshot> {
  const mailbox = await ports.mailbox();
  const now = ports.clock.now();
  const running = (await mailbox.list('processing')).map((letter) => ({
    id: letter.task.id,
    subject: `${letter.task.repo}#${letter.task.issue}`,
    alive: letter.owner !== undefined && isAlive(letter.owner),
  }));
  const snapshot: QueueSnapshot = { now, maxParallel: ports.config.queue.max_parallel, running, candidates: [], unseen: 0 };
  const waiting = orderWaiting(await mailbox.listWaiting());
  if (waiting.length === 0) return snapshot;
  const requests = new Set(listRequests(ports.paths.requests));
  const open = await countOpenPullRequests(mailbox, waiting);
  const looking = { repos, now, open, requests };
  let slots = freeSlots(snapshot);
  let asked = 0;
  const lookAtAgents = openAgentLook(ports, now);
  for (const one of waiting) {
    // A request is heard without a slot; beyond the limits only what needs no question to the forge is passed over.
    if ((slots === 0 || asked >= LOOK_LIMIT) && !requests.has(one.id)) {
      snapshot.unseen++;
      continue;
    }
    const cheap = lookCheaply(ports, looking, one);
    if (cheap === 'not ours') continue;
    const known = cheap ?? (one.waitsFor && (await lookAtAgents(one)));
    if (!known) asked++;
    const verdict = known ?? (await lookAtForge(ports, looking, one));
    if (verdict.kind === 'start') {
      slots--;
      if (one.pullRequest === undefined) open.set(one.repo, (open.get(one.repo) ?? 0) + 1);
    }
    if (snapshot.candidates.length < LOOK_LIMIT || (verdict.kind !== 'wait' && verdict.kind !== 'hold')) {
      snapshot.candidates.push({ waiting: one, verdict });
    }
  }
  return snapshot;
}

interface Looking {
  repos: readonly RepoConfig[];
  now: Date;
  open: ReadonlyMap<string, number>;
  requests: ReadonlySet<string>;
}

/** Open pull requests of ours, by repository, and those that running attempts may open. */
async function countOpenPullRequests(mailbox: Mailbox, waiting: readonly Waiting[]): Promise<Map<string, number>> {
  const letters: Letter[] = [
    ...(await mailbox.list('review')),
    ...(await mailbox.list('escalated')),
    ...(await mailbox.list('processing')),
  ];
  const open = new Map<string, number>();
  const add = (repo: string) => open.set(repo, (open.get(repo) ?? 0) + 1);
  for (const { task, tray } of letters) if (tray !== 'escalated' || task.pull_request !== undefined) add(task.repo);
  for (const one of waiting) if (one.pullRequest !== undefined) add(one.repo);
  return open;
}

/** The verdict that needs no question to the forge, when there is one. */
function lookCheaply(ports: Ports, { repos, now, open, requests }: Looking, waiting: Waiting): QueueVerdict | 'not ours' | undefined {
  const request = requests.has(waiting.id) ? readRequest(ports.paths.requests, waiting.id) : undefined;
  if (request) return { kind: 'withdraw', reason: request.reason };
  const repo = repos.find((entry) => entry.name === waiting.repo);
  if (!repo) {
    const configured = ports.config.repos.some((entry) => entry.name === waiting.repo);
    return configured ? 'not ours' : { kind: 'hold', reason: `${waiting.repo} is not in \`repos\` any more` };
  }
  if (isRepoPaused(ports.paths, waiting.repo)) return { kind: 'hold', reason: `${waiting.repo} is paused` };
  if (waiting.notBefore !== undefined && waiting.waitsFor === undefined && Date.parse(waiting.notBefore) > now.getTime()) {
    return { kind: 'wait', reason: `not before ${waiting.notBefore}` };
  }
  const preparing = whyPreparing(waiting, now);
  if (preparing !== undefined) return { kind: 'wait', reason: preparing };
  const count = open.get(waiting.repo) ?? 0;
  if (waiting.pullRequest !== undefined || count < repo.max_open_pull_requests) return undefined;
  return { kind: 'wait', reason: `${count} of ${repo.max_open_pull_requests} pull requests of ${waiting.repo} are open or being made` };
}

/** So many task files are read in one pass to see whether somebody who is free can run them. */
const AGENT_LOOKS = 1000;

/**
 * Asks anew whether somebody of a task's chain can run: first who is free at all, which costs the same for one task
 * and for thousands. Loaded, and its agents opened, only where a task waits for that.
 */
function openAgentLook(ports: Ports, now: Date): (waiting: Waiting) => Promise<QueueVerdict | undefined> {
  let look: AgentLook | undefined;
  let looks = 0;
  const told = new Set<AgentOsError>();
  return async (waiting) => {
    const { chooseForAny, openLook } = await import('./choose.ts');
    look ??= openLook();
    const known = look;
    const any = await tryRead(() => chooseForAny(ports, waiting.agents ?? [], known));
    if (any instanceof AgentOsError) {
      // What is wrong with an agent, or with the books, is said once, not for each of thousands.
      if (told.has(any)) return { kind: 'wait', reason: any.message };
      told.add(any);
      return { kind: 'unreadable', reason: any.message, error: any };
    }
    const still = whyStillWaiting(waiting, any, now);
    if (still) return still;
    if (looks++ >= AGENT_LOOKS) return { kind: 'wait', reason: 'waits for an agent' };
    const verdict = await tryRead(() => lookAtTask(ports, waiting, known, now));
    return verdict instanceof AgentOsError ? { kind: 'unreadable', reason: verdict.message, error: verdict } : verdict;
  };
}

async function lookAtTask(ports: Ports, waiting: Waiting, look: AgentLook, now: Date): Promise<QueueVerdict | undefined> {
  const { chooseAgent } = await import('./choose.ts');
  const letter = await (await ports.mailbox()).find(waiting.id);
  if (letter?.tray !== 'inbox') return { kind: 'wait', reason: `task ${waiting.id} has left the inbox` };
  const choice = await chooseAgent(ports, letter.task, look);
  if (choice.kind === 'run' && choice.afterRest) look.tried.add(choice.name);
  return whyStillWaiting(waiting, choice, now);
}

async function lookAtForge(ports: Ports, { repos }: Looking, waiting: Waiting): Promise<QueueVerdict> {
  const repo = repos.find((entry) => entry.name === waiting.repo);
  const letter = await (await ports.mailbox()).find(waiting.id);
  if (!repo || letter?.tray !== 'inbox') return { kind: 'wait', reason: `task ${waiting.id} has left the inbox` };
  const facts = await tryRead(() => gatherStart(ports, repo, letter));
  return facts instanceof AgentOsError ? { kind: 'unreadable', reason: facts.message, error: facts } : decideStart(facts);
}

/** What the forge says about a task's issue and pull request right now. */
export async function gatherStart(ports: Ports, repo: RepoConfig, letter: Letter): Promise<StartFacts> {
  const { askReadiness, snapshotSha } = await import('../../core/github/ask-readiness.ts');
  const forge = await ports.forge();
  const { task } = letter;
  const view = await forge.viewIssue(task.repo, task.issue);
  const { issue } = view;
  const readiness = await askReadiness({ forge, effects: await ports.effects(), pins: ports.paths.pins }, repo, view);
  const facts: StartFacts = { task, issue, readiness, snapshotSha: snapshotSha(issue) };
  return task.pull_request === undefined ? facts : { ...facts, pullRequest: await forge.getPullRequest(task.repo, task.pull_request) };
}
