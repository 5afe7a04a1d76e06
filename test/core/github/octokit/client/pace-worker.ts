/** One process that reserves slots for writes: `pace-worker STATE_DIR COUNT`; prints the instant of each. Waits take no time. */
import { openLimits } from '../../../../../src/core/github/octokit/client/limits.ts';
import { awaitSlot } from '../../../../../src/core/github/octokit/client/pace.ts';

const [stateDir = '', count = ''] = process.argv.slice(2);
const clock = { now: () => new Date('2026-03-01T12:00:00Z') };
const limits = openLimits({ stateDir, name: 'forge', clock, perHour: 450 });
for (let n = 0; n < Number(count); n++) {
  let waited = 0;
  const sleep = async (ms: number) => {
    waited = ms;
  };
  await awaitSlot(true, {
    limits,
    clock,
    signal: new AbortController().signal,
    writes: { per_minute: 60, per_hour: 450 },
    maxWaitMs: 600_000,
    sleep,
  });
  process.stdout.write(`${waited}\n`);
}
