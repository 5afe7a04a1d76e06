/** `agentos show`: one task, its attempts, and where everything of it lies. Changes nothing. */
import type { Command } from 'commander';
import { preservedPath, runPath } from '../../core/config/paths.ts';
import { readRef } from '../../core/git/refs.ts';
import type { Letter } from '../../core/mailbox/mailbox.ts';
import { claimName, exists } from '../../core/mailbox/tray-files.ts';
import type { Ports } from '../../core/ports.ts';
import { findTask } from './find-task.ts';
import { renderTask, type ShownAttempt } from './render-task.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

export function registerShow(program: Command, tools: OperatorTools): void {
  program
    .command('show')
    .summary('one task: its file, its attempts, where its work lies')
    .description(
      'Shows a task: where it stands and why, each attempt with its outcome, where transcripts and preserved work lie, then the task file.',
    )
    .argument('<task>', 'task id, or `owner/name#N` with the number of the issue or pull request')
    .addHelpText(
      'after',
      '\nExit status: 0; 1 when there is no such task.\n\nExamples:\n  agentos show acme__shop-12-1\n  agentos show acme/shop#12',
    )
    .action(tools.action(show));
}

async function show(call: Call): Promise<number> {
  const ports = await call.ports();
  const letter = await findTask(ports, call.args[0] ?? '');
  const { task, tray, body } = letter;
  const attempts = task.attempts.map((attempt): ShownAttempt => ({ ...attempt, ...locate(ports, task.repo, task.id, attempt.n) }));
  const file = fileOf(ports, letter);
  const document = { ...task, tray, file, attempts, body };
  print(call, document, renderTask({ task, tray, file, attempts, body, local: ports.config.forge.kind === 'local' }, call.paint));
  return 0;
}

function fileOf(ports: Ports, { task, tray, owner }: Letter): string {
  return `${ports.paths.mailbox}/${tray}/${owner ? claimName(task.id, owner) : `${task.id}.md`}`;
}

/** Directory of the attempt and the command that shows its preserved work, where they are. */
function locate(ports: Ports, repo: string, task: string, n: number): Pick<ShownAttempt, 'run' | 'look'> {
  const run = runPath(ports.paths, task, n);
  const gitDir = preservedPath(ports.paths, repo);
  const ref = `refs/agentos/preserved/${task}/${n}`;
  const kept = exists(gitDir) && readRef(gitDir, ref) !== undefined;
  return {
    ...(exists(run) && { run }),
    ...(kept && { look: `git --git-dir=${gitDir} show ${ref}` }),
  };
}
