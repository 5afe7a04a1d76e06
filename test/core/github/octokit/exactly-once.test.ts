/**
 * Every write happens once, whatever becomes of its answer (rows 36 to 39, 41,
 * 46 and 53 of docs/reliability.md). GitHub's own memory says how often it
 * happened, and its log of requests how often it was asked for.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentOsError } from '../../../../src/core/errors.ts';
import type { Fault, FaultKind } from '../../../github-server/faults.ts';
import type { Case } from './arrange-write.ts';
import { EPIC_WRITES } from './epic-writes.ts';
import { isWrite, Passes, REPO } from './passes.ts';
import { WRITES } from './writes.ts';

let at: Passes;
beforeAll(async () => {
  at = await Passes.open();
});
afterEach(() => {
  expect(at.server.violations).toEqual([]);
});
afterAll(() => at.close());

interface Pass {
  /** Milliseconds since the first one. */
  at: number;
  /** What was written, as method, path and body. */
  writes: string[];
  looks: number;
  code: string;
}

/** Passes every few seconds, each as a process of its own, until nothing is left to do. */
async function runUntilDone(one: Case, { every, deadlineMs }: { every: number; deadlineMs?: number }): Promise<Pass[]> {
  const passes: Pass[] = [];
  const begun = at.now;
  while (passes.length < 30) {
    const from = at.server.requests.length;
    const time = at.now - begun;
    const code = await one.run(at.pass(deadlineMs === undefined || passes.length > 0 ? {} : { deadlineMs })).then(
      () => 'done',
      (error: unknown) => (error instanceof AgentOsError ? error.code : String(error)),
    );
    const sent = at.server.requests.slice(from);
    // A server says by 404 that it cannot merge in the background, to every process anew.
    const writes = sent
      .filter((request) => isWrite(request) && request.status !== 404)
      .map(({ method, path, body }) => `${method} ${path} ${body.length < 2000 ? body : body.length}`);
    passes.push({ at: time, writes, looks: sent.length - writes.length, code });
    if (code === 'done') return passes;
    at.advance(every);
  }
  throw new Error(`it never came to an end:\n${JSON.stringify(passes, undefined, 1)}`);
}

/** The passes that sent each write. */
function senders(passes: readonly Pass[]): Map<string, Pass[]> {
  const found = new Map<string, Pass[]>();
  for (const pass of passes) for (const write of pass.writes) found.set(write, [...(found.get(write) ?? []), pass]);
  return found;
}

async function expectDone(one: Case): Promise<void> {
  expect(one.happened()).toBe(1);
  const effects = await at.pass().effects();
  expect((await effects.list(REPO)).filter(({ state }) => state !== 'done')).toEqual([]);
}

const STALE: Fault = { kind: 'stale', seconds: 30 };
const LOST: readonly FaultKind[] = ['502-after', 'hang-after', 'reset-after'];
/** Further ways to lose an answer, for which one write stands for all. */
const SPOILT: readonly FaultKind[] = ['cut', 'html', 'truncated'];

describe.each(Object.entries({ ...WRITES, ...EPIC_WRITES }))('%s', (name, { request, arrange, asked = true }) => {
  let met = 0;
  const begin = async (kind?: FaultKind, ...others: Fault[]) => {
    at.begin();
    const one = await arrange(at);
    met = 0;
    if (kind) at.server.fault({ kind, ...request, when: () => ++met > 0 });
    for (const fault of others) at.server.fault(fault);
    return one;
  };

  it.each(name === 'a pull request' ? [...LOST, ...SPOILT] : LOST)(
    'is found, and not sent again, after an answer that was lost (%s)',
    async (kind) => {
      const one = await begin(kind);
      const passes = await runUntilDone(one, { every: 20_000, ...(kind === 'hang-after' && { deadlineMs: 300 }) });
      const twice = [...senders(passes)].filter(([, sent]) => sent.length > 1);
      expect([met, twice]).toEqual([1, []]);
      await expectDone(one);
    },
  );

  it('is sent again, after a minute and three looks in vain, when it did not happen', async () => {
    const one = await begin('502-before');
    const passes = await runUntilDone(one, { every: 15_000 });
    const twice = [...senders(passes).values()].filter((sent) => sent.length > 1);
    expect(twice).toHaveLength(1);
    const [[first, second] = []] = twice;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(60_000);
    const between = passes.slice(passes.indexOf(first as Pass) + 1, passes.indexOf(second as Pass) + 1);
    expect(between.length).toBeGreaterThanOrEqual(3);
    // Where the port has no read for it, the adapter looks right before it writes.
    expect((asked ? between : between.slice(-1)).filter(({ looks }) => looks === 0)).toEqual([]);
    await expectDone(one);
  });

  it('is sent once when reads are behind for half a minute', async () => {
    const one = await begin(undefined, STALE);
    const passes = await runUntilDone(one, { every: 8000 });
    expect([...senders(passes)].filter(([, sent]) => sent.length > 1)).toEqual([]);
    await expectDone(one);
  });

  it('is found when the answer was lost and reads are behind for half a minute', async () => {
    const one = await begin('reset-after', STALE);
    const passes = await runUntilDone(one, { every: 8000 });
    // What is made so, and is known to be so, may be asked for again by a pass that does not see it yet: that changes nothing.
    const twice = [...senders(passes)].filter(([write, sent]) => sent.length > 1 && request.path.test(write.split(' ')[1] ?? ''));
    expect([met, twice]).toEqual([1, []]);
    await expectDone(one);
  });
});
