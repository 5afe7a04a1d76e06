/** The model test over one forge: how many scripts, from which seed, and what is said when one breaks. */
import fc from 'fast-check';
import type { Place } from './place.ts';
import { type Hook, type Loop, type Step, scripts } from './script.ts';
import { walk } from './walk.ts';

const FULL = process.env['AGENTOS_SWEEP'] === 'full';
/** Fewer where somebody waits for the tests. */
const CI = process.env['CI'] !== undefined;
/** The same scripts each time; others where AGENTOS_SWEEP=full or AGENTOS_SEED asks for them. */
const SEED = Number(process.env['AGENTOS_SEED'] ?? (FULL ? Date.now() % 1_000_000 : 4));
const LONGEST = 70;
const SCRIPTS = FULL ? 160 : CI ? 16 : 4;

/** Steps that are walked at least: what people did, and passes. */
export const STEPS = FULL ? 10_000 : CI ? 1000 : 200;
export const TIME_MS = FULL ? 7_200_000 : 1_200_000;

/** @returns the steps of all walks. @throws with the shortest script that breaks a rule, and everything that happened in it. */
export async function provePeople(open: () => Promise<Place>): Promise<number> {
  let steps = 0;
  const property = fc.asyncProperty(scripts(LONGEST), async (script) => {
    steps += await walkThere(open, script);
  });
  const examples = FOUND.map((script): [Step[]] => [script]);
  await fc.assert(property, { seed: SEED, numRuns: SCRIPTS + FOUND.length, examples, interruptAfterTimeLimit: TIME_MS - 60_000 });
  return steps;
}

async function walkThere(open: () => Promise<Place>, script: readonly Step[]): Promise<number> {
  const place = await open();
  try {
    const { count } = await walk(place, script);
    return count.deeds + count.passes;
  } finally {
    await place.close();
  }
}

/** Scripts that broke a rule once. Two issues are ready when they begin. */
const FOUND: Step[][] = [
  // Reopened after the merge, and made ready anew: the end of the task must undo neither.
  [pass('dispatch'), pass('queue'), person('merge by hand'), person('reopen'), pass('pr-monitor')],
  [pass('dispatch'), pass('queue'), person('merge by hand'), person('reopen'), person('ready anew'), pass('pr-monitor')],
  // Held while its agent ran, then taken back: the attempt that waits to be published must not stay open.
  ...[3, 6, 9, 12].map((call) => [
    pass('dispatch'),
    pass('queue', { call, edge: 'before', act: { deed: 'hold', issue: 1 } }),
    person('unready'),
    pass('dispatch'),
  ]),
];

function pass(loop: Loop, ...inside: Hook[]): Step {
  return { loop, inside };
}

function person(deed: 'merge by hand' | 'reopen' | 'ready anew' | 'unready'): Step {
  return { act: { deed, issue: 1 } };
}
