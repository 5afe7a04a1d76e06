/** The groomer on the forge and the journal that ship. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runGroom } from '../../../src/commands/groom/command.ts';
import { openEffects } from '../../../src/core/effects/journal.ts';
import { type LocalHarness, openHarness, REPO } from '../../core/github/local/harness.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../../support/loop-ports.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-05-01T00:00:00Z');

let now: Date;
let harness: LocalHarness;

beforeEach(async () => {
  now = new Date(START);
  harness = await openHarness({ clock: { now: () => now } });
});
afterEach(() => harness.close());

async function groom(): Promise<void> {
  const root = `${harness.dir}/state`;
  const effects = openEffects({ root: `${root}/effects`, clock: { now: () => now }, consistentReads: true });
  const config = { groom: { apply: true } };
  const ports = openLoopPorts({ root, command: 'groom', now: () => now, repos: [REPO], forge: harness.forge, effects, config });
  expect(await runGroom({ ...LOOP_OPTIONS, quiet: true }, ports, openOutput())).toBe(0);
}

const view = async (number: number) => {
  const { state, labels, body } = await harness.forge.getIssue(REPO, number);
  return { state, labels, body, comments: (await harness.forge.listComments(REPO, number)).length };
};

it('labels, comments once, and takes back when a person is there again', async () => {
  const person = await harness.person('write');
  const create = (title: string, body: string) => person.createIssue(REPO, { title, body, labels: ['bug'] });
  await create('An old idea', 'Perhaps one day.');
  await create('Cart total ignores tax', 'The cart total does not include the tax.');
  await create('Cart total is ignoring tax', 'The total of the cart does not include tax.');
  await create('Needs the cart', 'depends on #2');

  now = new Date(START + 100 * DAY_MS);
  for (const number of [2, 3, 4]) await person.createComment(REPO, number, 'still there');
  now = new Date(START + 102 * DAY_MS);
  await groom();
  const first = await Promise.all([1, 2, 3, 4].map(view));
  expect(first).toMatchObject([
    { state: 'open', labels: ['bug', 'groom:stale'], comments: 1 },
    { state: 'open', labels: ['bug'], comments: 1 },
    { state: 'open', labels: ['bug', 'groom:duplicate'], comments: 2 },
    { state: 'open', labels: ['bug', 'groom:blocked'], comments: 1 },
  ]);

  now = new Date(START + 109 * DAY_MS);
  await groom();
  expect(await Promise.all([1, 2, 3, 4].map(view))).toEqual(first);

  await person.createComment(REPO, 1, 'I want this');
  await person.removeLabel(REPO, 3, 'groom:duplicate');
  await person.closeIssue(REPO, 2, 'completed');
  now = new Date(START + 116 * DAY_MS);
  await groom();
  expect(await Promise.all([1, 3, 4].map(view))).toMatchObject([
    { state: 'open', labels: ['bug'], comments: 2 },
    { state: 'open', labels: ['bug'], comments: 2 },
    { state: 'open', labels: ['bug'], comments: 1 },
  ]);
  expect((await harness.forge.listComments(REPO, 1))[0]?.body).toContain('is so no more');
});
