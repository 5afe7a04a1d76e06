/**
 * What the crash tests run as a process of its own, so that it can be killed:
 * `life STATE` takes one task through the mailbox and prints each step when it
 * is done; `race STATE AT COUNT` submits and claims the same tasks as other
 * processes do; `submit STATE BYTES` and `grow STATE BYTES` write a large task;
 * `effect STATE WORLD` makes one effect happen in the directory WORLD.
 */
import { mkdirSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { crashPoint } from '../../src/core/crash-point.ts';
import { openEffects } from '../../src/core/effects/journal.ts';
import { AgentOsError } from '../../src/core/errors.ts';
import type { Letter } from '../../src/core/mailbox/mailbox.ts';
import { openMailbox } from '../../src/core/mailbox/maildir.ts';
import { buildTask } from './mailbox-task.ts';

const [mode, state = '', ...rest] = process.argv.slice(2);
const clock = { now: () => new Date() };
const mailbox = openMailbox({ root: `${state}/mailbox`, locks: `${state}/locks`, clock });

/** At once, past any buffer: the process may be killed at the next instant. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function taken(letter: Letter | undefined): Letter {
  if (!letter) throw new Error('there is no letter');
  return letter;
}

/** Every kind of write that the mailbox knows. */
async function life(): Promise<void> {
  const task = buildTask();
  await mailbox.submit(task, 'Body');
  say('inbox');
  const noted = taken(await mailbox.find(task.id));
  await mailbox.update(noted, { ...task, note: 'noted' });
  say('inbox');
  const claimed = taken(await mailbox.claim(task.id));
  say('processing');
  const running = await mailbox.update(claimed, { ...task, note: 'running' });
  say('processing');
  const review = await mailbox.move(running, 'review', { ...task, note: 'review', pull_request: 1 });
  say('review');
  await mailbox.move(review, 'inbox', { ...task, note: 'fix', pull_request: 1 });
  say('inbox');
  const again = taken(await mailbox.claim(task.id));
  say('processing');
  await mailbox.move(again, 'escalated', { ...task, note: 'escalated' });
  say('escalated');
  const escalated = taken(await mailbox.find(task.id));
  await mailbox.move(escalated, 'failed', { ...task, note: 'failed' });
  say('failed');
}

async function race(at: number, count: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
  for (let issue = 1; issue <= count; issue++) {
    const task = buildTask({ issue });
    if (await mailbox.submit(task, 'Body')) say(`submitted ${task.id}`);
    if (await mailbox.claim(task.id)) say(`claimed ${task.id}`);
    await mailbox.sweep(new Date());
  }
  for (const { id } of await mailbox.listWaiting()) if (await mailbox.claim(id)) say(`claimed ${id}`);
}

async function write(grow: boolean, bytes: number): Promise<void> {
  const task = buildTask();
  if (!grow) await mailbox.submit(task, 'x'.repeat(bytes));
  else await mailbox.move(taken(await mailbox.claim(task.id)), 'review', { ...task, pull_request: 1, note: 'x'.repeat(bytes) });
  say('written');
}

/** The world shows each act as a file of its own: two files are two comments. */
async function effect(world: string): Promise<void> {
  mkdirSync(world, { recursive: true });
  const effects = openEffects({ root: `${state}/effects`, clock, consistentReads: true });
  const result = await effects.ensure({
    repo: 'acme/shop',
    subject: '#12',
    kind: 'create-comment',
    key: 'status',
    nature: 'once',
    probe: async () => readdirSync(world)[0],
    act: async () => {
      crashPoint('world:before');
      await new Promise((resolve) => setTimeout(resolve, 20));
      const name = `${process.pid}-${process.hrtime.bigint()}`;
      writeFileSync(`${world}/${name}`, '');
      crashPoint('world:after');
      return name;
    },
  });
  say(`result ${result}`);
}

async function main(): Promise<void> {
  if (mode === 'life') return life();
  if (mode === 'race') return race(Number(rest[0]), Number(rest[1]));
  if (mode === 'submit' || mode === 'grow') return write(mode === 'grow', Number(rest[0]));
  if (mode === 'effect') return effect(rest[0] ?? '');
  throw new Error(`no such mode: ${mode}`);
}

main().catch((error: unknown) => {
  say(`error ${error instanceof AgentOsError ? error.code : String(error)}`);
  process.exitCode = 1;
});
