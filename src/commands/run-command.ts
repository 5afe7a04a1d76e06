/**
 * One pass of a loop: lock → gather → decide → dry run, or apply each →
 * summary. `decide` is pure, so a dry run is nothing more than stopping before
 * `apply`. One failed item never costs the others their turn. Long work (an
 * agent's run) goes on side by side after the lock is released.
 */

import { AgentOsError, exitStatus, messageOf } from '../core/errors.ts';
import type { Plain } from '../core/front-matter.ts';
import { tryLock } from '../core/lock.ts';
import { recordFinish, recordStart } from '../core/loop-record.ts';
import { isPaused } from '../core/pause.ts';
import type { Output, Ports } from '../core/ports.ts';
import { writeTurn } from '../core/turn.ts';

export interface Action {
  kind: string;
  /** `owner/name#N`, a task id, or a name. */
  subject: string;
  /** Why, for people. */
  reason: string;
}

export interface Applied {
  outcome: 'applied' | 'skipped' | 'deferred';
  /** Replaces the action's reason in the report. */
  reason?: string;
  detail?: Record<string, Plain>;
  /** What the action led to, reported after it as applied: an attempt opens a pull request, or puts its task back. */
  ledTo?: Action[];
}

/** Work that takes minutes: run side by side with others of its kind, without the lock. */
export interface LongWork {
  long(): Promise<Applied>;
}

export interface LoopSpec<Snapshot, A extends Action> {
  command: string;
  /** `pass`: two passes never overlap. `claims`: passes wait for each other while they gather, decide and claim. */
  lock: 'pass' | 'claims';
  gather(): Promise<Snapshot>;
  decide(snapshot: Snapshot): A[];
  apply(action: A): Promise<Applied | LongWork>;
  /** Puts right what every pass puts right (status labels and comments), after everything else and without the lock. */
  finish?(): Promise<void>;
  /** What the pass found out, beside its actions: text goes to stdout ahead of them, data into the document as `report`. */
  report?(): { text: string; data: Plain } | undefined;
}

export interface LoopOptions {
  dryRun: boolean;
  json: boolean;
  verbose: boolean;
  quiet: boolean;
  /** Empty: every configured repository. */
  repos: string[];
}

interface Report extends Action {
  outcome: 'planned' | 'applied' | 'skipped' | 'deferred' | 'failed';
  detail: Record<string, Plain>;
  error?: { code: string; message: string; hint?: string };
}

/** Kinds that only say what was looked at and left alone. */
const PASSIVE: ReadonlySet<string> = new Set(['skip', 'hold', 'wait']);
/** How long a `claims` pass waits for its turn. */
const TURN_MS = 20_000;

/** Runs one pass and prints it. @returns the exit status. */
export async function runCommand<S, A extends Action>(
  spec: LoopSpec<S, A>,
  options: LoopOptions,
  ports: Ports,
  out: Output,
): Promise<number> {
  const startedAt = ports.clock.now();
  const lock = tryLock(`${ports.paths.locks}/${spec.command}.lock`, spec.lock === 'claims' ? TURN_MS : 0);
  if (!lock) {
    if (options.verbose || options.json) out.note(`${spec.command}: another pass is running`);
    return 75;
  }
  if (!options.dryRun) recordStart(ports.paths.loops, spec.command, ports.run, startedAt);
  let status = 70;
  let reason = '';
  try {
    const reports = await pass(spec, options, ports, () => lock.release());
    status = statusOf(reports);
    reason = reasonOf(reports);
    if (!options.dryRun) writeTurn(ports.paths, spec.command, leftOut(reports));
    const report = spec.report?.();
    if (report && !options.json && !options.quiet) out.result(`${report.text}\n`);
    print(spec.command, reports, options, ports, startedAt, out, report?.data);
    await logPass(spec.command, reports, options, ports, startedAt, status);
  } catch (error) {
    status = exitStatus(error);
    reason = messageOf(error);
    throw error;
  } finally {
    if (!options.dryRun) {
      const record = { command: spec.command, run: ports.run, startedAt: startedAt.toISOString() };
      recordFinish(ports.paths.loops, record, ports.clock.now(), status, reason);
    }
    lock.release();
  }
  return status;
}

async function pass<S, A extends Action>(spec: LoopSpec<S, A>, options: LoopOptions, ports: Ports, release: () => void): Promise<Report[]> {
  if (isPaused(ports.paths)) {
    const reason = 'paused; `agentos resume` starts it again';
    return [{ kind: 'skip', subject: spec.command, reason, outcome: 'skipped', detail: {} }];
  }
  const actions = spec.decide(await spec.gather());
  if (options.dryRun) return actions.map((action) => toReport(action, { outcome: PASSIVE.has(action.kind) ? 'skipped' : 'planned' }));
  const reports: Report[] = [];
  const long: Promise<Report[]>[] = [];
  try {
    for (const action of actions) {
      const step = await attempt(action, ports, () => spec.apply(action));
      if ('long' in step) long.push(attempt(action, ports, () => step.long()).then((end) => ('long' in end ? [stopped(action)] : end)));
      else reports.push(...step);
    }
    if (long.length > 0) release();
    for (const ended of await Promise.all(long)) reports.push(...ended);
  } catch (error) {
    // What runs beside what failed ends in its own time, and before the pass says how it ended.
    release();
    await Promise.allSettled(long);
    throw error;
  }
  if (spec.finish && !isPaused(ports.paths) && !ports.signal.aborted) {
    release();
    await spec.finish();
  }
  return reports;
}

/** Applies one action; what goes wrong becomes its report. Our own bugs are not caught. */
async function attempt<A extends Action>(action: A, ports: Ports, act: () => Promise<Applied | LongWork>): Promise<Report[] | LongWork> {
  if (PASSIVE.has(action.kind)) return [toReport(action, { outcome: 'skipped' })];
  if (ports.signal.aborted) return [stopped(action)];
  if (isPaused(ports.paths)) return [toReport(action, { outcome: 'deferred', reason: 'paused meanwhile' })];
  try {
    const done = await act();
    if ('long' in done) return done;
    return [toReport(action, done), ...(done.ledTo ?? []).map((next) => toReport(next, { outcome: 'applied' }))];
  } catch (error) {
    if (!(error instanceof AgentOsError)) throw error;
    if (error.code === 'io') throw error; // the disk concerns every item: stop before more goes wrong
    const report = toReport(action, { outcome: 'deferred' });
    await ports.log.write({
      event: 'run.action.failed',
      level: error.temporary ? 'warn' : 'error',
      kind: action.kind,
      outcome: error.temporary ? 'deferred' : 'failed',
      code: error.code,
      reason: `${action.subject}: ${error.message}`,
    });
    return [{ ...report, outcome: error.temporary ? 'deferred' : 'failed', error: toReported(error) }];
  }
}

function toReported({ code, message, hint }: AgentOsError): NonNullable<Report['error']> {
  return { code, message, ...(hint !== undefined && { hint }) };
}

function stopped(action: Action): Report {
  return toReport(action, { outcome: 'deferred', reason: 'stopped by a signal' });
}

function toReport(action: Action, applied: Omit<Applied, 'outcome' | 'ledTo'> & { outcome: Report['outcome'] }): Report {
  const { kind, subject, reason } = action;
  return { kind, subject, reason: applied.reason ?? reason, outcome: applied.outcome, detail: applied.detail ?? {} };
}

function statusOf(reports: Report[]): number {
  // A credential that is refused concerns the installation, and not the item that met it first.
  if (reports.some((report) => report.error?.code === 'auth')) return 77;
  if (reports.some((report) => report.outcome === 'failed')) return 1;
  return reports.some((report) => report.error !== undefined) ? 75 : 0;
}

/** What this pass did not come to, because the forge asked it to wait. */
function leftOut(reports: Report[]): string | undefined {
  return reports.find((report) => report.error?.code === 'rate_limit')?.subject;
}

function reasonOf(reports: Report[]): string {
  const bad = reports.find((report) => report.error !== undefined);
  return bad ? `${bad.subject}: ${bad.error?.message}` : '';
}

/** Requests and points, where the forge is a service that counts them. */
function toSpent(ports: Ports): { requests?: number; points?: number } {
  const { requests, points } = ports.spent();
  return requests === 0 ? {} : { requests, points };
}

function summarise(reports: Report[]): Record<'decided' | 'applied' | 'skipped' | 'deferred' | 'failed', number> {
  const count = (outcome: Report['outcome']) => reports.filter((report) => report.outcome === outcome).length;
  return {
    decided: reports.length,
    applied: count('applied'),
    skipped: count('skipped'),
    deferred: count('deferred'),
    failed: count('failed'),
  };
}

function print(command: string, reports: Report[], options: LoopOptions, ports: Ports, startedAt: Date, out: Output, report?: Plain): void {
  if (options.json) {
    const document = {
      command,
      run: ports.run,
      dryRun: options.dryRun,
      startedAt: startedAt.toISOString(),
      finishedAt: ports.clock.now().toISOString(),
      actions: reports,
      summary: { ...summarise(reports), ...ports.spent() },
      ...(report !== undefined && { report }),
    };
    out.result(`${JSON.stringify(document)}\n`);
    return;
  }
  if (reports.length === 0 && options.verbose && !options.quiet) out.result(`${command}: nothing to do\n`);
  for (const report of reports) {
    if (report.subject === command) {
      // Of the whole pass, such as that everything is paused: whoever types the command is told without `-v`.
      if (!options.quiet) out.result(`${command}: ${report.reason}\n`);
    } else if (report.error) {
      const { message, hint } = report.error;
      out.note(`${command}: ${report.kind} ${report.subject} ${report.outcome}: ${message}${hint === undefined ? '' : `\n  ${hint}`}`);
    } else if (!options.quiet && (options.verbose || report.outcome !== 'skipped')) {
      const mark = report.outcome === 'applied' ? '' : ` (${report.outcome})`;
      out.result(`${command}: ${report.kind} ${report.subject}${mark}: ${report.reason}\n`);
    }
  }
}

/** A pass that did nothing leaves no event: an idle box has an empty log. */
async function logPass(
  command: string,
  reports: Report[],
  options: LoopOptions,
  ports: Ports,
  startedAt: Date,
  status: number,
): Promise<void> {
  const { decided, applied, deferred, failed } = summarise(reports);
  if (options.dryRun || applied + failed + (reports.some((report) => report.error) ? 1 : 0) === 0) return;
  await ports.log.write({
    event: 'run.pass.finished',
    level: failed > 0 ? 'warn' : 'info',
    outcome: status === 0 ? 'ok' : 'failed',
    reason: `${command}: ${decided} decided, ${applied} applied, ${deferred} deferred, ${failed} failed`,
    ...toSpent(ports),
    duration_ms: ports.clock.now().getTime() - startedAt.getTime(),
  });
}
