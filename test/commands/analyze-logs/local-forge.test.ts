/** The analysis on the forge, the journal and the event log that ship. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runAnalyzeLogs } from '../../../src/commands/analyze-logs/command.ts';
import { openEffects } from '../../../src/core/effects/journal.ts';
import { openEventLog } from '../../../src/core/events/log.ts';
import { type LocalHarness, openHarness, REPO } from '../../core/github/local/harness.ts';
import { LOOP_OPTIONS, openLoopPorts, openOutput } from '../../support/loop-ports.ts';

const now = () => new Date('2026-11-22T10:00:00Z');

let harness: LocalHarness;

beforeEach(async () => {
  harness = await openHarness({ clock: { now } });
});
afterEach(() => harness.close());

async function analyse(journal: string): Promise<string> {
  const root = `${harness.dir}/state`;
  const effects = openEffects({ root: `${root}/${journal}`, clock: { now }, consistentReads: true });
  const ports = openLoopPorts({ root, command: 'analyze-logs', now, repos: [REPO], forge: harness.forge, effects });
  const out = openOutput();
  expect(await runAnalyzeLogs({ ...LOOP_OPTIONS }, ports, out)).toBe(0);
  return out.results.join('');
}

it('files one issue for what the queue logged, once, also without its journal', async () => {
  const clock = { now: () => new Date('2026-11-20T10:00:00Z') };
  const log = openEventLog({ dir: `${harness.dir}/state/events`, clock, run: 'r1', command: 'queue' });
  for (const issue of [11, 12, 13]) {
    await log.write({
      event: 'queue.attempt.finished',
      repo: REPO,
      issue,
      task: `acme__shop-${issue}-1`,
      attempt: 1,
      agent: 'patch',
      type: 'implementation',
      outcome: 'failed',
      code: 'verify_failed',
      reason: `npm test: Error: cannot find module /tmp/w${issue}/a.js:${issue}:1`,
    });
  }
  expect(await analyse('effects')).toContain(`filed as ${REPO}#1`);
  expect(await analyse('effects')).not.toContain('filed as');
  expect(await analyse('another-journal')).toContain(`filed as ${REPO}#1`);
  const issues = await harness.forge.listIssues(REPO, { state: 'all' });
  expect(issues).toMatchObject([{ number: 1, labels: [], author: { login: 'agentos' }, state: 'open' }]);
  expect(issues[0]?.title).toBe('Recurring failure: verify_failed: npm test: Error: cannot find module tmp');
  expect(issues[0]?.body).toContain('`runs/acme__shop-13-1/1/`');
});
