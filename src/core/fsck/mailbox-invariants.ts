/** I1, I2, I9 and I10: what must hold of the state directory alone (docs/reliability.md, "Invariants"). Pure. */
import { TRAYS } from '../mailbox/mailbox.ts';
import { type Attempt, countedAttempts, type Task } from '../mailbox/task.ts';
import type { Finding, FsckLetter, FsckSnapshot } from './snapshot.ts';

const ENDED: ReadonlySet<string> = new Set(['done', 'failed']);

export function checkMailbox(snapshot: FsckSnapshot): Finding[] {
  return [
    ...checkTrays(snapshot.letters),
    ...checkIssues(snapshot.letters),
    ...checkFiles(snapshot),
    ...snapshot.letters.flatMap(checkHistory),
    ...checkLeftovers(snapshot),
    ...snapshot.letters.flatMap(({ letter }) => checkAttemptCount(letter.task, snapshot.maxAttempts)),
  ];
}

/** I1, first half: a task is in one tray. */
function checkTrays(letters: readonly FsckLetter[]): Finding[] {
  const findings: Finding[] = [];
  for (const [id, group] of groupBy(letters, ({ letter }) => letter.task.id)) {
    if (group.length < 2) continue;
    const trays = group.map(({ letter }) => letter.tray).sort((a, b) => TRAYS.indexOf(a) - TRAYS.indexOf(b));
    findings.push({
      invariant: 'I1',
      severity: 'error',
      subject: id,
      what: `the task lies in ${trays.map((tray) => `\`${tray}\``).join(' and ')}`,
      remedy: 'Run `agentos queue`: it keeps the later state and quarantines the other copy.',
    });
  }
  return findings;
}

/** I1, second half: an issue has one task outside `done` and `failed`. */
function checkIssues(letters: readonly FsckLetter[]): Finding[] {
  const active = letters.filter(({ letter }) => !ENDED.has(letter.tray));
  const findings: Finding[] = [];
  for (const [subject, group] of groupBy(active, ({ letter }) => `${letter.task.repo}#${letter.task.issue}`)) {
    const ids = [...new Set(group.map(({ letter }) => letter.task.id))].sort();
    if (ids.length < 2) continue;
    findings.push({
      invariant: 'I1',
      severity: 'error',
      subject,
      what: `the issue has ${ids.length} tasks that have not ended: ${ids.join(', ')}`,
      remedy: 'Run `agentos cancel` for all but the newest.',
    });
  }
  return findings;
}

/** I2: what lies in a tray can be read. */
function checkFiles(snapshot: FsckSnapshot): Finding[] {
  const unreadable = snapshot.unreadable.map(
    ({ tray, file, reason }): Finding => ({
      invariant: 'I2',
      severity: 'error',
      subject: `${tray}/${file}`,
      what: `the file is no task: ${reason}`,
      remedy: 'Mend the file, or run `agentos queue`, which quarantines it.',
    }),
  );
  const parked = snapshot.quarantine.map(
    (file): Finding => ({
      invariant: 'I2',
      severity: 'warning',
      subject: `quarantine/${file}`,
      what: 'the file waits for a person',
      remedy: 'Read the reason beside it; mend it and move it to its tray, or remove it.',
    }),
  );
  return [...unreadable, ...parked];
}

/** I2: the history on the file agrees with its tray. */
function checkHistory({ letter }: FsckLetter): Finding[] {
  const { task, tray } = letter;
  const wrong: string[] = [];
  if (tray === 'review' && task.pull_request === undefined) wrong.push('it is in `review` without a pull request');
  if (tray === 'review' && task.pushed === undefined) wrong.push('it is in `review` and nothing was pushed');
  if (tray === 'done' && task.merged === undefined) wrong.push('it is in `done` and nothing was merged');
  if (tray === 'processing' && !letter.owner) wrong.push('it is in `processing` without an owner');
  // In `inbox` the last one may be open: cut off after its work was judged, it is published by the next claim.
  if (tray !== 'processing' && tray !== 'inbox' && task.attempts.some(isOpen)) wrong.push(`an attempt is open, and it is in \`${tray}\``);
  wrong.push(...checkAttempts(task.attempts));
  return wrong.map((what) => ({
    invariant: 'I2',
    severity: 'error',
    subject: task.id,
    what,
    remedy: `Read \`agentos show ${task.id}\`, and mend the file or run \`agentos retry ${task.id}\`.`,
  }));
}

function checkAttempts(attempts: readonly Attempt[]): string[] {
  const wrong: string[] = [];
  attempts.forEach((attempt, index) => {
    const next = attempts[index + 1];
    if (attempt.n !== index + 1) wrong.push(`attempt ${index + 1} has the number ${attempt.n}`);
    if (isOpen(attempt)) {
      if (next) wrong.push(`attempt ${attempt.n} has not ended, and ${next.n} has begun`);
      return;
    }
    if (attempt.outcome === undefined) wrong.push(`attempt ${attempt.n} has ended without an outcome`);
    if (Date.parse(attempt.ended_at ?? '') < Date.parse(attempt.started_at)) wrong.push(`attempt ${attempt.n} ends before it begins`);
    if (next && Date.parse(next.started_at) < Date.parse(attempt.ended_at ?? '')) {
      wrong.push(`attempt ${next.n} begins before ${attempt.n} has ended`);
    }
  });
  return wrong;
}

function isOpen(attempt: Attempt): boolean {
  return attempt.ended_at === undefined;
}

/** I9: nothing is left of a process that is gone. */
function checkLeftovers({ letters, workspaces, strayLocks, strayProcesses }: FsckSnapshot): Finding[] {
  const rows: [string, string][] = [
    ...letters
      .filter(({ letter, alive }) => letter.tray === 'processing' && !alive)
      .map(({ letter }): [string, string] => [letter.task.id, 'the task is claimed by a process that is gone']),
    ...workspaces
      .filter(({ alive }) => !alive)
      .map(({ task, attempt }): [string, string] => [`workspaces/${task}/${attempt}`, 'nobody works in this directory any more']),
    ...strayLocks.map((name): [string, string] => [`locks/${name}`, 'a process that should be gone holds this lock']),
    ...strayProcesses.map(({ pid, task, attempt }): [string, string] => [
      `${task}/${attempt}`,
      `process ${pid} of this attempt runs, and the attempt has ended`,
    ]),
  ];
  return rows.map(([subject, what]) => ({
    invariant: 'I9',
    severity: 'error',
    subject,
    what,
    remedy: 'Run `agentos queue`: it stops what is left, keeps the work and puts the task back.',
  }));
}

/** I10: attempts end somewhere. */
function checkAttemptCount(task: Task, max: number): Finding[] {
  const counted = countedAttempts(task).length;
  if (counted <= max) return [];
  return [
    {
      invariant: 'I10',
      severity: 'error',
      subject: task.id,
      what: `${counted} attempts count, and ${max} are allowed`,
      remedy: `Run \`agentos cancel ${task.id}\`, and report it: this is a bug of Agent OS, unless \`queue.max_attempts\` was lowered.`,
    },
  ];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
