/** `agentos fsck`: holds the state, the journal and the forge against the invariants. Mends nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Finding, FsckSnapshot } from '../../core/fsck/snapshot.ts';
import type { Ports } from '../../core/ports.ts';
import { cleanLine, plural } from '../../core/text.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

/** What is on its way when it is looked at has arrived by then. */
const AGAIN_MS = 1000;

export function registerFsck(program: Command, tools: OperatorTools): void {
  program
    .command('fsck')
    .summary('check state, journal and forge for contradictions')
    .description(
      'Checks what must always hold: one tray a task, one task an issue, one pull request and one status comment, every effect recorded, nothing left of what has ended, books that can be read. Mends nothing. May run beside the loops: counts move then, and a finding counts only when it is still there a second later.',
    )
    .addHelpText('after', '\nExit status: 0, also with warnings; 1 when something is broken; 75 when the forge does not answer.')
    .action(tools.action(fsck));
}

async function fsck(call: Call): Promise<number> {
  const ports = await call.ports();
  const { findings, snapshot } = await check(ports);
  const errors = findings.filter((finding) => finding.severity === 'error').length;
  const looked = {
    tasks: snapshot.letters.length,
    effects: snapshot.effects.length,
    pullRequests: snapshot.repos.reduce((sum, repo) => sum + repo.pulls.length, 0),
  };
  const warnings = findings.length - errors;
  const lines = findings.map((one) => render(one, call));
  const seen = `looked at ${plural(looked.tasks, 'task')}, ${plural(looked.effects, 'effect')}, ${plural(looked.pullRequests, 'pull request')}`;
  const sum = findings.length === 0 ? call.paint('good', 'clean') : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  print(call, { clean: errors === 0, errors, warnings, looked, findings }, `${[...lines, `${sum}; ${seen}`].join('\n')}\n`);
  return errors > 0 ? 1 : 0;
}

/** Looks once; where something is found, once more: what only the first look saw was on its way. */
async function check(ports: Ports): Promise<{ findings: Finding[]; snapshot: FsckSnapshot }> {
  const { gatherFsck } = await import('./gather-fsck.ts');
  const { checkInvariants } = await import('../../core/fsck/invariants.ts');
  const first = await gatherFsck(ports);
  const suspects = new Set(checkInvariants(first).map(keyOf));
  if (suspects.size === 0) return { findings: [], snapshot: first };
  await sleep(AGAIN_MS);
  const snapshot = await gatherFsck(ports);
  return { findings: checkInvariants(snapshot).filter((finding) => suspects.has(keyOf(finding))), snapshot };
}

function keyOf({ invariant, subject, what }: Finding): string {
  return JSON.stringify([invariant, subject, what]);
}

function render({ invariant, severity, subject, what, remedy }: Finding, { paint }: Call): string {
  const mark = severity === 'error' ? paint('bad', 'error') : paint('warn', 'warning');
  return `${mark} ${invariant} ${cleanLine(subject)}: ${cleanLine(what, 1000)}\n  ${remedy}`;
}
