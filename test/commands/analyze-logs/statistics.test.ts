import { describe, expect, it } from 'vitest';
import { measure } from '../../../src/commands/analyze-logs/statistics.ts';
import { attempt, escalated, event, merged, minute } from './build-events.ts';

const FROM = new Date(minute(0));
const rates = (list: { name: string; successes: number; n: number }[]) => list.map(({ name, successes, n }) => `${name} ${successes}/${n}`);

describe('success by agent', () => {
  it('counts issues, not attempts: who made the merged change, and who gave it up', () => {
    const metrics = measure(
      [
        attempt(1, 1, 'claude', 'failed', { code: 'no_diff' }),
        attempt(1, 2, 'claude', 'failed', { code: 'no_diff' }),
        attempt(1, 3, 'codex', 'complete'),
        merged(1, { agent: 'codex' }),
        attempt(2, 1, 'claude', 'complete'),
        merged(2), // an event without the agent: the last complete attempt has it
      ],
      FROM,
    );
    expect(rates(metrics.byAgent)).toEqual(['claude 1/2', 'codex 1/1']);
    expect(rates(metrics.byType)).toEqual(['implementation 2/2']);
  });

  it('leaves out provider, infrastructure and budget outcomes and stops, and counts such ends apart', () => {
    const metrics = measure(
      [
        attempt(1, 1, 'claude', 'infrastructure', { code: 'provider_rate_limit' }),
        attempt(1, 2, 'gemini', 'stopped', { code: 'cancelled' }),
        attempt(1, 3, 'codex', 'complete'),
        merged(1, { agent: 'codex' }),
        attempt(2, 1, 'claude', 'infrastructure', { code: 'infrastructure' }),
        escalated(2),
      ],
      FROM,
    );
    expect(rates(metrics.byAgent)).toEqual(['codex 1/1']);
    expect(rates(metrics.byType)).toEqual(['implementation 1/1']);
    expect(metrics).toMatchObject({ merged: 1, escalated: 1, endedOnInfrastructure: 1 });
  });

  it('believes no agent that blames its credentials: only the host’s codes excuse', () => {
    const metrics = measure([attempt(1, 1, 'claude', 'failed', { code: 'quota_limited' }), escalated(1)], FROM);
    expect(rates(metrics.byAgent)).toEqual(['claude 0/1']);
  });

  it('counts nothing for work that has not ended, was withdrawn, or was opened again', () => {
    const metrics = measure(
      [
        attempt(1, 1, 'claude', 'complete'),
        attempt(2, 1, 'claude', 'failed'),
        event('dispatch.task.withdrawn', { time: minute(290), repo: 'acme/shop', issue: 2 }),
        attempt(3, 1, 'claude', 'failed'),
        escalated(3),
        event('operator.task.retried', { time: minute(395), repo: 'acme/shop', issue: 3 }),
      ],
      FROM,
    );
    expect(metrics).toMatchObject({ byAgent: [], merged: 0, escalated: 0, withdrawn: 1, unfinished: 2 });
  });

  it('takes attempts from before the window for issues that ended in it, and no issue that ended before', () => {
    const events = [attempt(1, 1, 'claude', 'failed'), escalated(1), attempt(2, 1, 'codex', 'complete'), merged(2, { agent: 'codex' })];
    expect(rates(measure(events, new Date(minute(285))).byAgent)).toEqual(['codex 1/1']);
  });
});

it('measures time and attempts of merged issues', () => {
  const events = [1, 2, 3].flatMap((issue) => [
    attempt(issue, 1, 'claude', 'complete'),
    merged(issue, { agent: 'claude', lead_ms: issue * 1000, ...(issue === 3 && { attempts: 4 }) }),
  ]);
  expect(measure(events, FROM)).toMatchObject({
    leadMs: { n: 3, p50: 2000, p85: 3000, mean: 2000 },
    attemptsPerMerge: { n: 3, p50: 1, p85: 4, mean: 2 },
  });
});

it('says nothing about nothing', () => {
  expect(measure([], FROM)).toEqual({
    byAgent: [],
    byType: [],
    leadMs: { n: 0, p50: null, p85: null, mean: null },
    attemptsPerMerge: { n: 0, p50: null, p85: null, mean: null },
    merged: 0,
    escalated: 0,
    withdrawn: 0,
    endedOnInfrastructure: 0,
    unfinished: 0,
  });
});
