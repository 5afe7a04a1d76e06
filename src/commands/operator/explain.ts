/** `agentos explain`: why an issue is, or is not, worked on, in the words of the loops. Changes nothing. */
import type { Command } from 'commander';
import { selectRepos } from '../../core/config/select-repos.ts';
import { AgentOsError, exitStatus } from '../../core/errors.ts';
import type { Issue } from '../../core/github/github.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { isPaused } from '../../core/pause.ts';
import type { Ports } from '../../core/ports.ts';
import { cleanLine } from '../../core/text.ts';
import type { Action } from '../run-command.ts';
import { findByPullRequest, findOfIssue, parseReference, type Reference } from './find-task.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

interface Verdict {
  loop: string;
  kind: string;
  subject: string;
  reason: string;
}

export function registerExplain(program: Command, tools: OperatorTools): void {
  program
    .command('explain')
    .summary('why an issue is, or is not, worked on')
    .description('Asks each loop what it would do about an issue now, and says where its task stands. Changes nothing.')
    .argument('<issue>', '`owner/name#N`, the issue or its pull request')
    .addHelpText(
      'after',
      '\nExit status: 0; 1 when there is no such issue; 75 when the forge does not answer.\n\nExample:\n  agentos explain acme/shop#12',
    )
    .action(tools.action((call) => explain(call, tools)));
}

async function explain(call: Call, tools: OperatorTools): Promise<number> {
  const ports = await call.ports();
  const reference = parseReference(ports, call.args[0] ?? '');
  const [repo] = selectRepos(ports.config, [reference.repo]);
  if (!repo) throw new AgentOsError('usage', `\`${reference.repo}\` is not configured`);
  const letter = (await findOfIssue(ports, reference)) ?? (await findByPullRequest(ports, reference));
  const view = await (await ports.forge()).viewIssue(repo.name, letter?.task.issue ?? reference.number);
  const { issue } = view;
  const { explainers } = tools;
  const asked = await Promise.all([
    ask('dispatch', () => explainers.dispatch(ports, repo, view)),
    ask('queue', () => explainers.queue(ports, repo, issue.number)),
    ask('pr-monitor', () => explainers['pr-monitor'](ports, repo, issue.number)),
  ]);
  const verdicts = asked.flatMap((one) => one.verdicts);
  const facts = describe(ports, reference, issue, letter);
  const document = { issue: `${repo.name}#${issue.number}`, ...facts, verdicts };
  print(call, document, render(`${repo.name}#${issue.number}`, facts, verdicts, call));
  return Math.max(...asked.map((one) => one.status));
}

async function ask(loop: string, question: () => Promise<Action[]>): Promise<{ verdicts: Verdict[]; status: number }> {
  try {
    const actions = await question();
    return { verdicts: actions.map(({ kind, subject, reason }) => ({ loop, kind, subject, reason })), status: 0 };
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    return { verdicts: [{ loop, kind: 'unknown', subject: loop, reason: error.message }], status: exitStatus(error) };
  }
}

function describe(ports: Ports, reference: Reference, issue: Issue, letter: Letter | undefined) {
  return {
    title: issue.title,
    state: issue.state,
    labels: issue.labels,
    paused: isPaused(ports.paths),
    task: letter?.task.id ?? null,
    tray: letter?.tray ?? null,
    note: letter?.task.note ?? null,
    pullRequest: letter?.task.pull_request ?? (reference.number === issue.number ? null : reference.number),
  };
}

function render(subject: string, facts: ReturnType<typeof describe>, verdicts: readonly Verdict[], { paint }: Call): string {
  const labels = facts.labels.length === 0 ? 'no labels' : facts.labels.map((label) => `\`${cleanLine(label, 60)}\``).join(' ');
  const lines = [`${paint('bold', subject)}  ${cleanLine(facts.title)}`, `  ${facts.state}, ${labels}`];
  if (facts.paused) lines.push(`  ${paint('warn', 'everything is paused')}; \`agentos resume\` goes on`);
  if (facts.task !== null)
    lines.push(`  task ${facts.task} is in ${facts.tray}${facts.pullRequest === null ? '' : `, pull request #${facts.pullRequest}`}`);
  else lines.push('  no task');
  if (facts.note !== null) lines.push(`  note: ${cleanLine(facts.note, 2000)}`);
  for (const { loop, kind, subject: about, reason } of verdicts) {
    lines.push(
      `${loop}: ${paint(kind === 'unknown' ? 'bad' : 'bold', kind)}${about === subject ? '' : ` ${about}`}: ${cleanLine(reason, 1000)}`,
    );
  }
  for (const loop of ['queue', 'pr-monitor']) {
    if (!verdicts.some((verdict) => verdict.loop === loop)) lines.push(`${loop}: ${paint('dim', 'nothing to do with it now')}`);
  }
  return `${lines.join('\n')}\n`;
}
