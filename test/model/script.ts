/** A script of the model test: what people do and which passes run, with people's actions inside a pass too; how it is generated and printed. */
import fc from 'fast-check';

/** Issues of the world, by number. */
export const ISSUES = [1, 2, 3] as const;

const DEEDS = [
  'ready',
  'unready',
  'ready anew',
  'hold',
  'unhold',
  'close',
  'reopen',
  'edit',
  'rename',
  'label',
  'assign',
  'comment',
  'close pull',
  'hold pull',
  'unhold pull',
  'approve',
  'request changes',
  'push',
  'merge by hand',
  'push to base',
  'clear',
] as const;

type Deed = (typeof DEEDS)[number];

/**
 * What a person does, to an issue or to the newest pull request that is open.
 * One that is done already is done the other way round, and `clear` is the next
 * deed that gives Agent OS the issue back (`Rules.plan`).
 */
export interface Act {
  deed: Deed;
  issue: number;
}

export type Loop = 'dispatch' | 'queue' | 'pr-monitor';

/** An action right before or right after the n-th time that the pass asks the forge or runs an agent; after the pass where it ends sooner. */
export interface Hook {
  call: number;
  edge: 'before' | 'after';
  act: Act;
}

export type Step = { act: Act } | { loop: Loop; inside: Hook[] };

/** What the turn of another deed leads to. */
const TURNED: ReadonlySet<Deed> = new Set(['ready anew', 'unhold', 'reopen', 'unhold pull']);
const WEIGHTS: Partial<Record<Deed, number>> = { clear: 16, unready: 2, hold: 2, 'hold pull': 2, 'push to base': 2 };

const act: fc.Arbitrary<Act> = fc.record({
  deed: fc.oneof(
    ...DEEDS.filter((deed) => !TURNED.has(deed)).map((deed) => ({ weight: WEIGHTS[deed] ?? 1, arbitrary: fc.constant(deed) })),
  ),
  issue: fc.constantFrom(...ISSUES),
});

const hook: fc.Arbitrary<Hook> = fc.record({
  call: fc.oneof(fc.nat(8), fc.nat(30)),
  edge: fc.constantFrom('before', 'after'),
  act,
});

const pass: fc.Arbitrary<Step> = fc.record({
  loop: fc.constantFrom<Loop>('dispatch', 'queue', 'pr-monitor', 'pr-monitor'),
  inside: fc.oneof(fc.constant<Hook[]>([]), fc.array(hook, { minLength: 1, maxLength: 2 })),
});

/** Of up to so many steps. Most are passes: a world in which nothing gets done has nothing to undo. */
export function scripts(most: number): fc.Arbitrary<Step[]> {
  const step: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: pass }, { weight: 1, arbitrary: fc.record({ act }) });
  return fc.noBias(fc.array(step, { maxLength: most, size: 'max' }));
}

export function renderScript(script: readonly Step[]): string {
  return script.map((step) => ('act' in step ? renderAct(step.act) : renderPass(step.loop, step.inside))).join('\n');
}

function renderPass(loop: Loop, inside: readonly Hook[]): string {
  return [loop, ...inside.map(({ call, edge, act }) => `  ${edge} call ${call}: ${renderAct(act)}`)].join('\n');
}

export function renderAct({ deed, issue }: Act): string {
  return `person: ${deed} #${issue}`;
}
