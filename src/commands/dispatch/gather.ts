/** Looks once: issues that carry `ready` or a label of ours, their tasks, and what readiness and dependencies ask for. */
import type { RepoConfig } from '../../core/config/schema.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Asker } from '../../core/github/ask-readiness.ts';
import type { IssueQuery, IssueView } from '../../core/github/github.ts';
import { STATUS_LABELS } from '../../core/github/labels.ts';
import { countReady, hasLabel, isEditedSinceReady } from '../../core/github/readiness.ts';
import { taskId } from '../../core/ids.ts';
import type { Letter, Mailbox } from '../../core/mailbox/mailbox.ts';
import { isRepoPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { tryRead } from '../../core/try-read.ts';
import { readTurn, startAt } from '../../core/turn.ts';
import type { DispatchSnapshot, IssueFacts, TaskFacts } from './policy.ts';

/** Active tasks by `owner/name#N`. */
export type ActiveTasks = ReadonlyMap<string, TaskFacts>;

type Unreadable = NonNullable<DispatchSnapshot['repos'][number]['unreadable']>;

export async function gatherDispatch(ports: Ports, repos: readonly RepoConfig[]): Promise<DispatchSnapshot> {
  const active = await listActive(await ports.mailbox());
  const found = await (await ports.forge()).findIssues(repos.map((repo) => toQuery(repo, active)));
  const looks: Look[] = [];
  for (const repo of startAt(repos, (entry) => entry.name, readTurn(ports.paths, 'dispatch'))) {
    const views = found.get(repo.name) ?? [];
    const paused = isRepoPaused(ports.paths, repo.name);
    const unreadable = views instanceof AgentOsError ? [{ subject: repo.name, issue: 0, error: views }] : [];
    looks.push({ repo, paused, views: views instanceof AgentOsError ? [] : views, issues: [], unreadable });
  }
  await lookAtEach(ports, looks, active);
  const waiting = [...active].filter(([subject, { preparing }]) => preparing && looks.some((look) => isPreparable(look, subject)));
  return {
    repos: looks.map(({ repo, paused, issues, unreadable }) => ({ repo: repo.name, paused, issues, unreadable })),
    refine: { models: ports.config.models.length > 0, waiting: waiting.length },
  };
}

function isPreparable({ repo, paused }: Look, subject: string): boolean {
  return !paused && subject.startsWith(`${repo.name}#`);
}

interface Look {
  repo: RepoConfig;
  paused: boolean;
  views: IssueView[];
  issues: IssueFacts[];
  unreadable: Unreadable;
}

/** An issue that cannot be read costs no other its turn; where the forge asks us to wait, the rest has its turn in a later pass. */
async function lookAtEach(ports: Ports, looks: readonly Look[], active: ActiveTasks): Promise<void> {
  const asked: NonNullable<Asker['asked']> = new Map();
  let waiting: AgentOsError | undefined;
  const turn = readTurn(ports.paths, 'dispatch');
  for (const { repo, views, issues, unreadable } of looks) {
    const leave = (issue: number, error: AgentOsError) => unreadable.push({ subject: `${repo.name}#${issue}`, issue, error });
    for (const view of startAt(views, ({ issue }) => `${repo.name}#${issue.number}`, turn)) {
      const { number } = view.issue;
      const facts = waiting ?? (await tryRead(() => gatherIssue(ports, repo, view, active, asked), ['rate_limit']));
      if (!(facts instanceof AgentOsError)) issues.push(facts);
      else leave(number, facts);
      if (facts instanceof AgentOsError && facts.code === 'rate_limit') waiting = facts;
    }
    if (waiting || !issues.some(isAboutToStart)) continue;
    const { addDependencies } = await import('./gather-dependencies.ts');
    const failed = await tryRead(
      async () => addDependencies(await ports.forge(), repo.name, issues.filter(isAboutToStart)),
      ['rate_limit'],
    );
    if (!(failed instanceof AgentOsError)) continue;
    // Whether these wait for others is not known: none of them starts now.
    for (const { issue } of issues.filter(isAboutToStart)) leave(issue.number, failed);
    issues.splice(0, issues.length, ...issues.filter((facts) => !isAboutToStart(facts)));
    if (failed.code === 'rate_limit') waiting = failed;
  }
}

/** What concerns dispatch in a repository: labels that mean something, and the issues of tasks, whose labels a person may have taken off. */
function toQuery(repo: RepoConfig, active: ActiveTasks): IssueQuery {
  const also = [...active.keys()].flatMap((subject) => {
    const [name, number] = subject.split('#');
    return name === repo.name ? [Number(number)] : [];
  });
  return { repo: repo.name, labels: [repo.ready.label, ...STATUS_LABELS], also };
}

/** The facts of one issue, without its dependencies. */
async function gatherIssue(
  ports: Ports,
  repo: RepoConfig,
  view: IssueView,
  active: ActiveTasks,
  asked?: Asker['asked'],
): Promise<IssueFacts> {
  const { issue, events } = view;
  const { label } = repo.ready;
  const facts: IssueFacts = { repo: repo.name, issue, readyLabel: label, waitsFor: [] };
  const task = active.get(`${repo.name}#${issue.number}`);
  if (task) facts.active = task;
  // A label of ours without `ready`: the last step of its task may have been cut off.
  if (!hasLabel(issue.labels, label) || issue.state === 'closed')
    return task ? facts : { ...facts, ...(await findEnded(ports, repo, view)) };
  // Nothing happened to what the task was made of: whose label it was is asked again before anything is done with it.
  if (task?.id === taskId(repo.name, issue.number, countReady(events, label)) && !isEditedSinceReady(events, label)) return facts;
  const { askReadiness } = await import('../../core/github/ask-readiness.ts');
  const asker: Asker = { forge: await ports.forge(), effects: await ports.effects(), pins: ports.paths.pins, ...(asked && { asked }) };
  facts.readiness = await askReadiness(asker, repo, view);
  if (!facts.readiness.ready || facts.active) return facts;
  const ended = await (await ports.mailbox()).find(taskId(repo.name, issue.number, facts.readiness.n));
  return ended ? { ...facts, ended: toFacts(ended) } : facts;
}

/** The facts of one issue; what `explain` asks for. */
export async function gatherOne(ports: Ports, repo: RepoConfig, view: IssueView): Promise<IssueFacts> {
  const facts = await gatherIssue(ports, repo, view, await listActive(await ports.mailbox()));
  if (!isAboutToStart(facts)) return facts;
  const { addDependencies } = await import('./gather-dependencies.ts');
  await addDependencies(await ports.forge(), repo.name, [facts]);
  return facts;
}

function isAboutToStart({ readiness, active, ended }: IssueFacts): boolean {
  return readiness?.ready === true && !active && !ended;
}

/** The task of the newest `ready` of an issue that still carries a label: the last step of its task may have been cut off. */
async function findEnded(ports: Ports, repo: RepoConfig, { issue, events }: IssueView): Promise<Pick<IssueFacts, 'ended'>> {
  const n = countReady(events, repo.ready.label);
  const ended = n === 0 ? undefined : await (await ports.mailbox()).find(taskId(repo.name, issue.number, n));
  return ended ? { ended: toFacts(ended) } : {};
}

/** Tasks outside `done` and `failed`, without reading waiting letters that are indexed. */
export async function listActive(mailbox: Mailbox): Promise<ActiveTasks> {
  const active = new Map<string, TaskFacts>();
  for (const waiting of await mailbox.listWaiting()) {
    active.set(`${waiting.repo}#${waiting.issue}`, {
      id: waiting.id,
      tray: 'inbox',
      ...(waiting.preparing !== undefined && { preparing: true }),
      ...(waiting.pullRequest !== undefined && { pullRequest: waiting.pullRequest }),
    });
  }
  for (const tray of ['processing', 'review', 'escalated'] as const) {
    for (const letter of await mailbox.list(tray)) active.set(`${letter.task.repo}#${letter.task.issue}`, toFacts(letter));
  }
  return active;
}

function toFacts(letter: Letter): TaskFacts {
  const pull = letter.task.pull_request;
  return { id: letter.task.id, tray: letter.tray, ...(pull !== undefined && { pullRequest: pull }) };
}
