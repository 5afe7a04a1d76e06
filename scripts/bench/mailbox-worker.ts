/**
 * One process of the mailbox bench, bundled as the shipped program is. Its
 * arguments: what to measure, then where. Prints one JSON document.
 */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { orderWaiting } from '../../src/commands/queue/policy.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Mailbox } from '../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../src/core/mailbox/maildir.ts';
import { benchBody, benchTaskFile } from './task-file.ts';

const [what = '', ...rest] = process.argv.slice(2);
const MEASURES: Record<string, (...words: string[]) => Promise<unknown>> = { cycle, first, claims, rebuild };
const measured = await MEASURES[what]?.(...rest);
process.stdout.write(`${JSON.stringify(measured)}\n`);

function open(state: string): Mailbox {
  return openMailbox({ root: `${state}/mailbox`, locks: `${state}/locks`, clock: systemClock });
}

/** Submit, claim and settle so many tasks of its own, when the parent says go. */
async function cycle(state: string, rounds: string, name: string): Promise<{ rounds: number }> {
  const mailbox = open(state);
  await oneCycle(mailbox, Number(`${name}0000`));
  process.stdout.write('ready\n');
  await once(process.stdin, 'data');
  for (let round = 1; round <= Number(rounds); round++) await oneCycle(mailbox, Number(`${name}0000`) + round);
  process.stdin.destroy();
  return { rounds: Number(rounds) };
}

async function oneCycle(mailbox: Mailbox, issue: number): Promise<void> {
  const task = benchTaskFile(issue);
  if (!(await mailbox.submit(task, benchBody))) throw new Error(`${task.id} was there already`);
  const letter = await mailbox.claim(task.id);
  if (!letter) throw new Error(`${task.id} was not there to be claimed`);
  await mailbox.move(letter, 'review', { ...letter.task, pull_request: issue });
}

/** List, choose and claim, as the first thing that a new process does. Milliseconds since it was started. */
async function first(state: string): Promise<{ ms: number }> {
  const mailbox = open(state);
  const [next] = orderWaiting(await mailbox.listWaiting());
  if (!next || !(await mailbox.claim(next.id))) throw new Error('nothing was claimed');
  return { ms: performance.now() };
}

/** As many claims among few as among many, in turn. A list of the waiting tasks, from the index, comes before each series. */
async function claims(few: string, many: string, count: string): Promise<{ few: Series; many: Series }> {
  const small = await start(few);
  const large = await start(many);
  for (let k = 0; k < Number(count); k++) {
    await claimNext(small);
    // Among as many as before.
    await small.mailbox.submit(benchTaskFile(900_000 + k), benchBody);
    await claimNext(large);
  }
  return { few: small.series, many: large.series };
}

interface Series {
  listMs: number;
  claimMs: number[];
}

interface Claimant {
  mailbox: Mailbox;
  ids: string[];
  series: Series;
}

async function start(state: string): Promise<Claimant> {
  const mailbox = open(state);
  const begun = performance.now();
  const ids = orderWaiting(await mailbox.listWaiting()).map((one) => one.id);
  const listMs = performance.now() - begun;
  // The first claim loads what every claim needs.
  await mailbox.claim(ids.shift() ?? '');
  return { mailbox, ids, series: { listMs, claimMs: [] } };
}

async function claimNext({ mailbox, ids, series }: Claimant): Promise<void> {
  const begun = performance.now();
  const letter = await mailbox.claim(ids.shift() ?? '');
  series.claimMs.push(performance.now() - begun);
  if (!letter) throw new Error('nothing was claimed');
}

/** Reads every waiting task, because there is no index, and writes one. */
async function rebuild(state: string): Promise<{ ms: number }> {
  const mailbox = open(state);
  await mailbox.counts();
  rmSync(`${state}/mailbox/.index.json`, { force: true });
  const begun = performance.now();
  await mailbox.listWaiting();
  return { ms: performance.now() - begun };
}
