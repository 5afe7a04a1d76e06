/** `agentos gc`: says what is kept longer than needed and, with --apply, removes it. Never anything unmerged of a task that is not done. */
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { unlinkIfThere, writeFileAtomic } from '../../core/atomic-file.ts';
import { preservedPath } from '../../core/config/paths.ts';
import { errnoOf, toIoError } from '../../core/errors.ts';
import { repoKey } from '../../core/ids.ts';
import type { Ports } from '../../core/ports.ts';
import { plural } from '../../core/text.ts';
import { preservedRefs } from './gather-gc.ts';
import type { Removal } from './gc-policy.ts';
import { type Call, type OperatorTools, print } from './tools.ts';

interface GcOptions {
  apply?: true;
  days: number;
}

/** cron.log is cut to its end when it grows beyond. */
const LOG_MAX = 4 * 1024 * 1024;
const LOG_KEPT = 1024 * 1024;

export function registerGc(program: Command, tools: OperatorTools): void {
  program
    .command('gc')
    .summary('what can be removed; with --apply, remove it')
    .description(
      'Says what has been kept long enough: runs and preserved work of ended tasks, task files whose place a newer `ready` has taken, old events, passing entries of the journal. Removes it with --apply. Quarantine, unmerged work, memory and the newest task of an issue stay.',
    )
    .option('--apply', 'remove it; without this, nothing is touched')
    .option('--days <N>', 'days that ended things are kept', parseDays, 30)
    .addHelpText('after', '\nExit status: 0.\n\nExample:\n  agentos gc --apply --days 60')
    .action(tools.action(gc));
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^[0-9]+$/.test(text) || days < 1 || days > 3650) throw new InvalidArgumentError('It must be a whole number from 1 to 3650.');
  return days;
}

async function gc(call: Call<GcOptions>): Promise<number> {
  const { apply = false, days } = call.options;
  const ports = await call.ports();
  const { gatherGc } = await import('./gather-gc.ts');
  const { decideGc } = await import('./gc-policy.ts');
  const removals = decideGc(await gatherGc(ports, days));
  if (apply) await removeAll(ports, removals);
  const lines = call.globals.quiet ? [] : removals.map(({ kind, subject, reason }) => `${kind} ${subject}: ${reason}`);
  const end = apply
    ? `removed ${plural(removals.length, 'thing')}`
    : `${plural(removals.length, 'thing')} to remove; \`agentos gc --apply\` removes them`;
  const sum = removals.length === 0 ? 'nothing to remove' : end;
  print(call, { applied: apply, days, removals }, `${[...lines, sum].join('\n')}\n`);
  return 0;
}

async function removeAll(ports: Ports, removals: readonly Removal[]): Promise<void> {
  for (const removal of removals) remove(ports, removal);
  cutLog(`${ports.paths.root}/cron.log`);
  const repos = new Set(removals.flatMap(({ kind, repo }) => (kind === 'preserved-work' && repo !== undefined ? [repo] : [])));
  if (repos.size === 0) return;
  const { openHostGit } = await import('../../core/git/host-git.ts');
  const git = openHostGit(process.env['PATH'] ?? '/usr/bin:/bin');
  // Objects of work that is being preserved right now are younger than this.
  for (const repo of repos)
    await git.output({ gitDir: preservedPath(ports.paths, repo), args: ['prune', '--expire=2.weeks.ago'] }, 'prune preserved work');
}

function remove({ paths }: Ports, { kind, subject, repo = '', tray }: Removal): void {
  const removers: Record<Removal['kind'], () => void> = {
    'task-file': () => unlinkIfThere(`${paths.mailbox}/${tray}/${subject}.md`),
    run: () => removeDirectory(`${paths.runs}/${subject}`),
    'preserved-work': () => removeDirectory(`${preservedRefs({ paths }, repo)}/${subject}`),
    events: () => unlinkIfThere(`${paths.events}/${subject}.ndjson`),
    effect: () => unlinkIfThere(`${paths.effects}/${repoKey(repo)}/${subject}.json`),
  };
  removers[kind]();
}

function removeDirectory(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw toIoError(error, `remove \`${path}\``);
  }
}

/** Keeps the end of the log of cron's passes. */
function cutLog(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw toIoError(error, `open \`${path}\``);
  }
  try {
    const { size } = fstatSync(fd);
    if (size <= LOG_MAX) return;
    const end = Buffer.alloc(LOG_KEPT);
    readSync(fd, end, 0, LOG_KEPT, size - LOG_KEPT);
    writeFileAtomic(path, end.subarray(end.indexOf(0x0a) + 1), { durable: false });
  } finally {
    closeSync(fd);
  }
}
