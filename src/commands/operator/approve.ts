/** `agentos approve`: one head SHA of one of our pull requests is approved by the operator; any other head is refused. */
import type { Command } from 'commander';
import { writeApproval } from '../../core/approvals.ts';
import { AgentOsError } from '../../core/errors.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import type { Ports } from '../../core/ports.ts';
import { findByPullRequest, findOfIssue, parseReference } from './find-task.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerApprove(program: Command, tools: OperatorTools): void {
  program
    .command('approve')
    .summary('let a pull request merge, at exactly this commit')
    .description(
      'Approves one head of one of our pull requests, as a review by a trusted person does. Look at the change first; another head needs another approval.',
    )
    .argument('<pull-request>', '`owner/name#N`, the pull request or its issue')
    .requiredOption('--sha <SHA>', 'the head that you looked at; at least 7 digits')
    .addHelpText(
      'after',
      '\nExit status: 0; 1 when it is not the head, or not our pull request.\n\nExample:\n  agentos approve acme/shop#17 --sha 3f2a9c1d4e5b',
    )
    .action(tools.action(approve));
}

async function approve(call: Call<{ sha: string }>): Promise<number> {
  const ports = await call.ports();
  const written = call.options.sha.toLowerCase();
  if (!/^[0-9a-f]{7,64}$/.test(written)) {
    throw new AgentOsError('usage', `--sha \`${call.options.sha}\` is not a commit`, { hint: 'Give at least 7 hexadecimal digits of it.' });
  }
  const letter = await findOurs(ports, call.args[0] ?? '');
  const { task } = letter;
  const number = task.pull_request ?? 0;
  const pull = await (await ports.forge()).getPullRequest(task.repo, number);
  if (pull.state !== 'open') throw new AgentOsError('refused', `pull request ${task.repo}#${number} is ${pull.state}`);
  if (!pull.headSha.startsWith(written)) {
    throw new AgentOsError('refused', `\`${written}\` is not the head of ${task.repo}#${number}, which is ${pull.headSha}`, {
      hint: 'Look at the change that is there now, then approve that head.',
    });
  }
  const at = ports.clock.now().toISOString();
  writeApproval(ports.paths.approvals, task.repo, number, { sha: pull.headSha, at });
  await ports.log.write({
    event: 'operator.head.approved',
    repo: task.repo,
    issue: task.issue,
    pr: number,
    task: task.id,
    outcome: 'approved',
    reason: pull.headSha,
  });
  const next = 'the next pass of `pr-monitor` merges it when everything else is in order';
  const text = call.globals.quiet ? '' : `approved ${task.repo}#${number} at ${pull.headSha}; ${next}\n`;
  print(call, { repo: task.repo, pullRequest: number, sha: pull.headSha, task: task.id, at }, text);
  return 0;
}

async function findOurs(ports: Ports, text: string): Promise<Letter> {
  const reference = parseReference(ports, text);
  const subject = `${reference.repo}#${reference.number}`;
  const letter = (await findOfIssue(ports, reference)) ?? (await findByPullRequest(ports, reference));
  if (!letter) {
    throw new AgentOsError('not_found', `\`${subject}\` is no pull request of ours, and no issue of one`, {
      hint: 'Run `agentos status` to see the open pull requests.',
    });
  }
  if (letter.task.pull_request === undefined) {
    throw new AgentOsError('refused', `task \`${letter.task.id}\` of \`${subject}\` has no pull request yet; it is in ${letter.tray}`);
  }
  return letter;
}
