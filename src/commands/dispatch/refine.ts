/**
 * Has a model prepare waiting tasks that were submitted with the text of their
 * issue: oldest first, a few in a pass, one process at a time, without the lock
 * of the pass. What a model answered is durable on the letter before anything
 * follows from it, so that nobody is asked twice; a letter that left the inbox
 * meanwhile stays as it is. Where no model answers, the task goes on as it was.
 */
import { randomBytes } from 'node:crypto';
import type { Books } from '../../core/budget/books.ts';
import { questionId } from '../../core/budget/judge-books.ts';
import type { RepoConfig } from '../../core/config/schema.ts';
import { crashPoint } from '../../core/crash-point.ts';
import { AgentOsError } from '../../core/errors.ts';
import { askReadiness, snapshotSha } from '../../core/github/ask-readiness.ts';
import { showLetter } from '../../core/github/projection.ts';
import type { Readiness } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import { tryLock } from '../../core/lock.ts';
import type { Letter, Waiting } from '../../core/mailbox/mailbox.ts';
import type { Task } from '../../core/mailbox/task.ts';
import { bookQuestion } from '../../core/models/book-question.ts';
import type { Answer, Models } from '../../core/models/models.ts';
import { isPaused, isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { cleanLine, plural } from '../../core/text.ts';
import type { Action, Applied } from '../run-command.ts';
import { decideRefinement, RefineAnswer, type Refinement } from './refine-answer.ts';
import { renderRefinePrompt, renderRefineRole } from './refine-prompt.ts';
import { renderRefined } from './refine-text.ts';
import { mayBeSplit, splitEpic } from './split-epic.ts';

/** Tasks in a pass, and seconds for all models together on one of them. */
const MOST_TASKS = 10;
const DEADLINE_MS = 90_000;
const MAX_OUTPUT_TOKENS = 6000;

export async function refineTasks(ports: Ports, repos: readonly RepoConfig[]): Promise<Applied> {
  const lock = tryLock(`${ports.paths.locks}/dispatch-refine.lock`);
  if (!lock) return { outcome: 'skipped', reason: 'an earlier pass is at it' };
  try {
    return await refineAll(ports, repos);
  } finally {
    lock.release();
  }
}

async function refineAll(ports: Ports, repos: readonly RepoConfig[]): Promise<Applied> {
  const preparing = (await (await ports.mailbox()).listWaiting()).filter((one) => one.preparing !== undefined);
  settleLost(await ports.books(), preparing);
  const waiting = preparing
    .filter((one) => repos.some((repo) => repo.name === one.repo))
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  const ledTo: Action[] = [];
  for (const { id, repo: name } of waiting) {
    const repo = repos.find((entry) => entry.name === name);
    if (ports.signal.aborted || isPaused(ports.paths) || ledTo.length === MOST_TASKS) break;
    if (!repo || isRepoPaused(ports.paths, name)) continue;
    const done = await attemptOne(ports, repo, id);
    if (done === 'wait') break;
    ledTo.push(...done);
  }
  return ledTo.length === 0
    ? { outcome: 'skipped', reason: 'nothing could be prepared now' }
    : { outcome: 'applied', reason: plural(ledTo.length, 'task'), ledTo };
}

/** A question of a pass that was killed, about a task that has gone on without an answer, counts with what it had reserved: nobody else asks now. */
function settleLost(books: Books, preparing: readonly Waiting[]): void {
  const asked = new Set(preparing.map(({ id }) => questionId(id)));
  for (const { id, task, settledUsd } of books.inspect().entries)
    if (settledUsd === undefined && id === questionId(task) && !asked.has(id)) books.settle(id, undefined);
}

/** What is wrong with one task or its repository costs no other its turn; what is temporary has its turn in a later pass. */
async function attemptOne(ports: Ports, repo: RepoConfig, id: string): Promise<Action[] | 'wait'> {
  try {
    const letter = await (await ports.mailbox()).find(id);
    if (letter?.tray !== 'inbox') return [];
    const reason = letter.task.refine === 'split' ? await splitEpic(ports, repo, letter) : await refineOne(ports, repo, letter);
    return reason === undefined ? [] : [{ kind: 'refine-task', subject: `${letter.task.repo}#${letter.task.issue}`, reason }];
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'io') throw error;
    if (error.code !== 'conflict' && error.code !== 'cancelled') await logFailed(ports, repo, id, error);
    return error.code === 'rate_limit' ? 'wait' : [];
  }
}

/** @returns what came of it; `undefined` when it is not this task's turn. */
async function refineOne(ports: Ports, repo: RepoConfig, letter: Letter): Promise<string | undefined> {
  const { task } = letter;
  if (task.refine !== 'pending') return undefined;
  if (task.attempts.length > 0) return skip(ports, letter, 'it was started already');
  const models = await ports.models();
  if (!models) return skip(ports, letter, 'no model is configured any more');
  const hints = await readHints(ports, repo, task);
  if (!hints) return undefined;
  const maySplit = ports.config.dispatch.split_epics && (await mayBeSplit(await ports.effects(), task));
  const started = ports.clock.now().getTime();
  const answer = await askModel(ports, models, letter, maySplit);
  if ('refused' in answer) return skip(ports, letter, answer.refused);
  const facts = { title: task.title, hints, config: ports.config, maySplit, readyLabel: repo.ready.label };
  const refinement = decideRefinement(answer.value, facts);
  try {
    return await record(ports, repo, letter, answer, refinement, ports.clock.now().getTime() - started);
  } catch (error) {
    // What no task file takes: the model is not asked for the same thing again.
    const isOurs = error instanceof AgentOsError && error.code === 'refused';
    const still = isOurs ? await (await ports.mailbox()).find(task.id) : undefined;
    if (!isOurs || still?.tray !== 'inbox' || still.task.refine !== 'pending') throw error;
    return skip(ports, still, error.message);
  }
}

/** @returns the answer, or why there is none. What the models cost is booked, however it ends. @throws AgentOsError `cancelled`, `io`, `locked` */
async function askModel(
  ports: Ports,
  models: Models,
  { task, body }: Letter,
  maySplit: boolean,
): Promise<Answer<RefineAnswer> | { refused: string }> {
  const { repo, title, agents } = task;
  const question = {
    purpose: `task ${task.id}`,
    system: renderRefineRole(),
    prompt: renderRefinePrompt({ nonce: randomBytes(8).toString('hex'), repo, title, body, agents, maySplit }),
    schema: RefineAnswer,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    deadlineMs: DEADLINE_MS,
    signal: ports.signal,
  };
  const { models: configured, prices } = ports.config;
  const booked = bookQuestion({ books: await ports.books(), models: configured, prices, task: task.id, question });
  if ('refused' in booked) return booked;
  try {
    const answer = await models.ask({ ...question, onCall: booked.onCall });
    crashPoint('dispatch:answered');
    return answer;
  } catch (error) {
    if (!(error instanceof AgentOsError) || error.code === 'cancelled') throw error;
    return { refused: error.message };
  } finally {
    booked.close();
  }
}

/** What trusted labels say now; `undefined` when the task is not that of the issue any more: dispatch and queue see to it. */
async function readHints(ports: Ports, repo: RepoConfig, task: Task): Promise<(Readiness & { ready: true })['hints'] | undefined> {
  const forge = await ports.forge();
  const view = await forge.viewIssue(task.repo, task.issue);
  const readiness = await askReadiness({ forge, effects: await ports.effects(), pins: ports.paths.pins }, repo, view);
  if (!readiness.ready || taskId(task.repo, task.issue, readiness.n) !== task.id) return undefined;
  return snapshotSha(view.issue) === task.snapshot.sha256 ? readiness.hints : undefined;
}

async function record(
  ports: Ports,
  repo: RepoConfig,
  letter: Letter,
  answer: Answer<RefineAnswer>,
  refinement: Refinement,
  duration: number,
): Promise<string> {
  const mailbox = await ports.mailbox();
  const { task } = letter;
  const log = (outcome: string) => logRefined(ports, task, outcome, cleanLine(answer.value.reason, 500), { answer, duration });
  if (refinement.kind === 'split') {
    const split = await mailbox.update(letter, { ...task, refine: 'split', parts: refinement.parts });
    await log('split');
    return splitEpic(ports, repo, split);
  }
  if (refinement.kind === 'ask') {
    const now = ports.clock.now().toISOString();
    const moved = await mailbox.move(letter, 'escalated', { ...task, refine: 'done', note: refinement.note, settled_at: now });
    await log('needs_person');
    await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, moved);
    return `needs a person: ${cleanLine(answer.value.reason)}`;
  }
  const body = renderRefined(answer.value, task.title, letter.body);
  const { type, priority, agents } = refinement.classification;
  const refined = await mailbox.update(letter, { ...task, type, priority, agents, refine: 'done' }, body);
  await log('refined');
  await showLetter({ forge: await ports.forge(), effects: await ports.effects() }, refined);
  return `prepared by ${answer.by.provider} ${answer.by.model}; ${task.id} for ${agents.join(' → ')}`;
}

async function skip(ports: Ports, letter: Letter, why: string): Promise<string> {
  // A question of a pass that was killed is not asked again: it counts with what it had reserved.
  (await ports.books()).settle(questionId(letter.task.id), undefined);
  await (await ports.mailbox()).update(letter, { ...letter.task, refine: 'skipped' });
  await logRefined(ports, letter.task, 'skipped', why);
  return `goes on with the text of the issue: ${why}`;
}

async function logRefined(
  ports: Ports,
  task: Task,
  outcome: string,
  reason: string,
  given?: { answer: Answer<RefineAnswer>; duration: number },
): Promise<void> {
  await ports.log.write({
    event: 'dispatch.task.refined',
    level: outcome === 'skipped' ? 'warn' : 'info',
    repo: task.repo,
    issue: task.issue,
    task: task.id,
    outcome,
    reason,
    ...(given && { ...given.answer.by, usage: given.answer.usage, duration_ms: given.duration }),
  });
}

async function logFailed(ports: Ports, repo: RepoConfig, id: string, error: AgentOsError): Promise<void> {
  await ports.log.write({
    event: 'run.action.failed',
    level: 'warn',
    kind: 'refine-task',
    repo: repo.name,
    task: id,
    outcome: error.temporary ? 'deferred' : 'failed',
    code: error.code,
    reason: `${id}: ${error.message}`,
  });
}
