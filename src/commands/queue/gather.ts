/** Looks once: claims and whether their owners live, and as many waiting tasks, in order, as there are free slots for. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { isAlive } from '../../core/liveness.ts';
import type { Letter, Waiting } from '../../core/mailbox/mailbox.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { readRequest } from '../../core/requests.ts';
import { freeSlots, orderWaiting, type QueueSnapshot } from './policy.ts';
import { decideStart, type StartFacts } from './start.ts';

/** Tasks that are looked at and cannot start, before a pass stops looking further. */
const LOOK_LIMIT = 200;

type Candidate = QueueSnapshot['candidates'][number];

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
  const open = await countOpenPullRequests(ports);
  let slots = freeSlots(snapshot);
  for (const [index, one] of waiting.entries()) {
    if (slots === 0 || index >= LOOK_LIMIT) {
      snapshot.unseen = waiting.length - index;
      break;
    }
    const candidate = await look(ports, repos, one, now, open);
    if (candidate?.verdict.kind === 'start') {
      slots--;
      if (one.pullRequest === undefined) open.set(one.repo, (open.get(one.repo) ?? 0) + 1);
    }
    if (candidate) snapshot.candidates.push(candidate);
  }
  return snapshot;
}

/** Open pull requests of ours, by repository: every letter in `review`, and escalated ones that have one. */
async function countOpenPullRequests(ports: Ports): Promise<Map<string, number>> {
  const mailbox = await ports.mailbox();
  const letters: Letter[] = [
    ...(await mailbox.list('review')),
    ...(await mailbox.list('escalated')),
    ...(await mailbox.list('processing')),
  ];
  const open = new Map<string, number>();
  for (const { task, tray } of letters) {
    if (tray === 'escalated' && task.pull_request === undefined) continue;
    open.set(task.repo, (open.get(task.repo) ?? 0) + 1);
  }
  return open;
}

/** The verdict on one waiting task; `undefined` when it is not this pass's business. */
async function look(
  ports: Ports,
  repos: readonly RepoConfig[],
  waiting: Waiting,
  now: Date,
  open: ReadonlyMap<string, number>,
): Promise<Candidate | undefined> {
  const say = (kind: 'wait' | 'hold' | 'skip', reason: string): Candidate => ({ waiting, verdict: { kind, reason } });
  const repo = repos.find((entry) => entry.name === waiting.repo);
  if (!repo) {
    const configured = ports.config.repos.some((entry) => entry.name === waiting.repo);
    return configured ? undefined : say('hold', `${waiting.repo} is not in \`repos\` any more`);
  }
  if (isRepoPaused(ports.paths, waiting.repo)) return say('skip', `${waiting.repo} is paused`);
  if (waiting.notBefore !== undefined && Date.parse(waiting.notBefore) > now.getTime())
    return say('wait', `not before ${waiting.notBefore}`);
  if (waiting.pullRequest === undefined && (open.get(waiting.repo) ?? 0) >= repo.max_open_pull_requests) {
    return say(
      'wait',
      `${open.get(waiting.repo)} of ${repo.max_open_pull_requests} pull requests of ${waiting.repo} are open or being made`,
    );
  }
  const letter = await (await ports.mailbox()).find(waiting.id);
  if (letter?.tray !== 'inbox') return say('skip', `task ${waiting.id} has left the inbox`);
  const request = readRequest(ports.paths.requests, waiting.id);
  if (request) return say('skip', `${request.reason}; dispatch withdraws the task`);
  return { waiting, verdict: decideStart(await gatherStart(ports, repo, letter)) };
}

/** What the forge says about a task's issue and pull request right now. */
export async function gatherStart(ports: Ports, repo: RepoConfig, letter: Letter): Promise<StartFacts> {
  const { askReadiness, snapshotSha } = await import('../../core/github/ask-readiness.ts');
  const forge = await ports.forge();
  const { task } = letter;
  const issue = await forge.getIssue(task.repo, task.issue);
  const readiness = await askReadiness({ forge, effects: await ports.effects(), pins: ports.paths.pins }, repo, issue);
  const facts: StartFacts = { task, issue, readiness, snapshotSha: snapshotSha(issue) };
  return task.pull_request === undefined ? facts : { ...facts, pullRequest: await forge.getPullRequest(task.repo, task.pull_request) };
}
